# SPDX-License-Identifier: Apache-2.0
sh_tests += \
	tests/cli_help.sh \
	tests/cli_replica.sh \
	tests/flow_demo.sh \
	tests/lint_verbs.sh
