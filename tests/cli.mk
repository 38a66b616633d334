# SPDX-License-Identifier: Apache-2.0
sh_tests += \
	tests/cli_capacity.sh tests/cli_catalog.sh tests/cli_cost.sh tests/cli_fleet.sh tests/cli_report.sh \
	tests/cli_help.sh \
	tests/cli_plan.sh \
	tests/cli_key.sh tests/cli_replica.sh tests/cli_store.sh \
	tests/cli_replica_follow.sh \
	tests/cli_replica_serve.sh \
	tests/cli_replica_together.sh tests/cli_unreadable.sh \
	tests/cli_verbs.sh \
	tests/lint_verbs.sh
long_tests += tests/flow_demo.sh

if HAVE_CMOCKA
c_tests += unit_cli_safe unit_cli_table unit_demo_ledger
unit_cli_safe_SOURCES = tests/unit_cli_safe.c cli/safe.c
unit_cli_safe_LDADD = $(BASE_TEST_LIBS)
unit_cli_table_SOURCES = tests/unit_cli_table.c cli/table.c
unit_cli_table_CPPFLAGS = $(AM_CPPFLAGS) $(SMARTCOLS_CFLAGS)
unit_cli_table_LDADD = $(BASE_TEST_LIBS) $(SMARTCOLS_LIBS)
unit_demo_ledger_SOURCES = tests/unit_demo_ledger.c cli/demo_ledger.c
unit_demo_ledger_LDADD = $(BASE_TEST_LIBS)
endif
EXTRA_DIST += tests/cli_common.sh tests/nbd_client.py
