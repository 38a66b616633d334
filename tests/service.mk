# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/api_common.sh
sh_tests += \
	tests/api_enrol.sh \
	tests/api_input.sh \
	tests/api_plan.sh \
	tests/api_state.sh \
	tests/api_status.sh \
	tests/api_work.sh

if HAVE_CMOCKA
c_tests += unit_switch_plan
unit_switch_plan_SOURCES = tests/unit_switch_plan.c
unit_switch_plan_LDADD = libgodwit_service.a $(BASE_TEST_LIBS)
endif
