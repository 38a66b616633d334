# SPDX-License-Identifier: Apache-2.0
sh_tests += \
	tests/flow_demo.sh \
	tests/lint_verbs.sh
