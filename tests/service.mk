# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/api_common.sh tests/data/fuzz_workload
sh_tests += \
	tests/api_enrol.sh \
	tests/api_input.sh \
	tests/api_kill.sh \
	tests/api_listed.sh \
	tests/api_ops.sh \
	tests/api_plan.sh \
	tests/api_state.sh \
	tests/api_status.sh
long_tests += tests/api_work.sh

if HAVE_CMOCKA
c_tests += fuzz_workload unit_agent_config unit_db_history unit_db_op unit_gate unit_host_seen unit_service \
	unit_switch_plan unit_workload_state
fuzz_workload_SOURCES = tests/fuzz_workload.c
fuzz_workload_LDADD = $(SERVICE_TEST_LIBS)
unit_agent_config_SOURCES = tests/unit_agent_config.c
unit_agent_config_LDADD = $(SERVICE_TEST_LIBS)
unit_db_history_SOURCES = tests/unit_db_history.c tests/db_place.h
unit_db_history_LDADD = $(SERVICE_TEST_LIBS)
unit_db_op_SOURCES = tests/unit_db_op.c tests/db_place.h
unit_db_op_LDADD = $(SERVICE_TEST_LIBS)
unit_gate_SOURCES = tests/unit_gate.c
unit_gate_LDADD = $(SERVICE_TEST_LIBS)
unit_host_seen_SOURCES = tests/unit_host_seen.c
unit_host_seen_LDADD = $(SERVICE_TEST_LIBS)
unit_service_SOURCES = tests/unit_service.c
unit_service_LDADD = $(SERVICE_TEST_LIBS)
unit_switch_plan_SOURCES = tests/unit_switch_plan.c
unit_switch_plan_LDADD = libgodwit_service.a $(BASE_TEST_LIBS)
unit_workload_state_SOURCES = tests/unit_workload_state.c
unit_workload_state_LDADD = $(SERVICE_TEST_LIBS)
endif
