# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_engine.a
libgodwit_engine_a_CPPFLAGS = $(AM_CPPFLAGS) $(ICAL_CFLAGS)
libgodwit_engine_a_SOURCES = \
	planner/engine/calendar.c planner/engine/calendar.h \
	planner/engine/plan.h \
	planner/engine/plan_model.h \
	planner/engine/plan_read.c \
	planner/engine/plan_time.c \
	planner/engine/plan_wave.c \
	planner/engine/plan_write.c \
	planner/engine/span.c planner/engine/span.h
