# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_service.a
libgodwit_service_a_SOURCES = \
	planner/service/api_op.c \
	planner/service/db_op.c planner/service/db_op.h \
	planner/service/db_op_order.c \
	planner/service/event.h \
	planner/service/gate.h \
	planner/service/host.h \
	planner/service/hub.h \
	planner/service/order.c planner/service/order.h \
	planner/service/service.h \
	planner/service/switch.c planner/service/switch.h \
	planner/service/switch_plan.c planner/service/switch_plan.h \
	planner/service/switch_step.c planner/service/switch_step.h \
	planner/service/vaultq.c planner/service/vaultq.h \
	planner/service/workload.h
