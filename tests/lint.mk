# SPDX-License-Identifier: Apache-2.0
# Rules of docs/style.md and docs/architecture.md that a script can check. Each prints the file and
# line, and what to do about it.
EXTRA_DIST += .clang-tidy tests/.clang-tidy tests/analyzer_allowed tests/cppcheck_suppressions \
	tests/lint_common.sh
long_tests += tests/lint_analyzer.sh tests/lint_tidy.sh tests/lint_itself.sh
sh_tests += \
	tests/lint_banned.sh \
	tests/lint_catalogue.sh \
	tests/lint_cppcheck.sh \
	tests/lint_descriptors.sh \
	tests/lint_dist.sh \
	tests/lint_families.sh \
	tests/lint_format.sh \
	tests/lint_functions.sh \
	tests/lint_headers.sh \
	tests/lint_layers.sh \
	tests/lint_mutable.sh \
	tests/lint_routes.sh \
	tests/lint_shell.sh \
	tests/lint_spelling.sh \
	tests/lint_wrappers.sh
# Those that it runs: ./quickstart check does not build them here for their own sake.
if HAVE_CMOCKA
tests/lint_descriptors.log: contract_store unit_fd $(if $(tests_whole),unit_cert unit_conf unit_vault)
endif
