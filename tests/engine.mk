# SPDX-License-Identifier: Apache-2.0
if HAVE_CMOCKA
c_tests += unit_calendar
unit_calendar_SOURCES = tests/unit_calendar.c
unit_calendar_LDADD = $(ENGINE_TEST_LIBS)
c_tests += unit_plan
unit_plan_SOURCES = tests/unit_plan.c
unit_plan_LDADD = $(ENGINE_TEST_LIBS)
endif
