# SPDX-License-Identifier: Apache-2.0
if HAVE_CMOCKA
c_tests += unit_switch_plan
unit_switch_plan_SOURCES = tests/unit_switch_plan.c
unit_switch_plan_LDADD = libgodwit_service.a $(BASE_TEST_LIBS)
endif
