# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_service.a
libgodwit_service_a_SOURCES = \
	planner/service/agent_config.c planner/service/agent_config.h \
	planner/service/api.c planner/service/api.h \
	planner/service/api_agent.c \
	planner/service/api_auth.c planner/service/api_auth.h \
	planner/service/api_box.h \
	planner/service/api_doctor.c \
	planner/service/api_enrol.c \
	planner/service/api_event.c \
	planner/service/api_host.c \
	planner/service/api_listed.c \
	planner/service/api_op.c \
	planner/service/api_plan.c \
	planner/service/api_reply.c \
	planner/service/api_status.c \
	planner/service/api_token.c \
	planner/service/api_window.c \
	planner/service/api_workload.c \
	planner/service/db_access.c planner/service/db_access.h \
	planner/service/db_event.c planner/service/db_event.h \
	planner/service/db_history.c planner/service/db_history.h \
	planner/service/db_host.c planner/service/db_host.h \
	planner/service/db_listed.c planner/service/db_listed.h \
	planner/service/db_load.c planner/service/db_load.h \
	planner/service/db_op.c planner/service/db_op.h \
	planner/service/db_op_order.c \
	planner/service/db_plan.c planner/service/db_plan.h \
	planner/service/db_report.c \
	planner/service/db_sql.c planner/service/db_sql.h \
	planner/service/db_workload.c planner/service/db_workload.h \
	planner/service/event.c planner/service/event.h \
	planner/service/listed.c planner/service/listed.h \
	planner/service/gate.c planner/service/gate.h \
	planner/service/host.c planner/service/host.h \
	planner/service/host_seen.c planner/service/host_seen.h \
	planner/service/hub.c planner/service/hub.h \
	planner/service/init.c planner/service/init.h \
	planner/service/load.c planner/service/load.h \
	planner/service/order.c planner/service/order.h \
	planner/service/plan_history.c planner/service/plan_history.h \
	planner/service/plan_input.c planner/service/plan_input.h \
	planner/service/report.c planner/service/report.h planner/service/report_converge.c \
	planner/service/schema.c planner/service/schema.h \
	planner/service/server_cert.c planner/service/server_cert.h \
	planner/service/service.c planner/service/service.h planner/service/service_own.h \
	planner/service/status.c planner/service/status.h \
	planner/service/status_advice.c planner/service/status_advice.h \
	planner/service/store_watch.c planner/service/store_watch.h \
	planner/service/sweep.c planner/service/sweep.h \
	planner/service/switch.c planner/service/switch.h planner/service/switch_priv.h \
	planner/service/switch_ask.c \
	planner/service/switch_plan.c planner/service/switch_plan.h \
	planner/service/switch_step.c planner/service/switch_step.h \
	planner/service/switch_time.c planner/service/switch_time.h \
	planner/service/token.c planner/service/token.h \
	planner/service/vaultq.c planner/service/vaultq.h \
	planner/service/window.c planner/service/window.h \
	planner/service/workload.c planner/service/workload.h \
	planner/service/workload_device.c planner/service/workload_device.h \
	planner/service/workload_doc.c planner/service/workload_doc.h \
	planner/service/workload_state.c planner/service/workload_state.h \
	planner/service/workload_view.c planner/service/workload_view.h

sbin_PROGRAMS += godwitd
godwitd_SOURCES = planner/service/godwitd.c
godwitd_LDADD = $(SERVICE_LIBS) $(ENGINE_LIBS) $(TRANSPORT_LIBS) $(INVENTORY_LIBS) $(BASE_LIBS)
