# SPDX-License-Identifier: Apache-2.0
# Everything but main is a library, so that tests can link it.
noinst_LIBRARIES += libgodwit_agent.a
libgodwit_agent_a_SOURCES = \
	agent/agent.c agent/agent.h \
	agent/answer.c agent/answer.h \
	agent/applied.c agent/applied.h \
	agent/assignment.c agent/assignment.h \
	agent/claim.c agent/claim.h \
	agent/client.c agent/client.h \
	agent/converge.c agent/converge.h \
	agent/decision.c agent/decision.h \
	agent/enrol.c agent/enrol.h \
	agent/fleet.c \
	agent/health.c agent/health.h \
	agent/helper.c agent/helper.h \
	agent/hook.c agent/hook.h \
	agent/idle.c agent/idle.h \
	agent/mine.c agent/mine.h \
	agent/order.c agent/order.h \
	agent/order_check.c \
	agent/order_switch.c \
	agent/ownership.c agent/ownership.h \
	agent/repl.c agent/repl.h agent/repl_priv.h \
	agent/repl_pass.c \
	agent/repl_judge.c \
	agent/repl_moment.c \
	agent/repl_run.c \
	agent/repl_write.c \
	agent/report.c agent/report.h \
	agent/run.c agent/run.h \
	agent/selfabort.c agent/selfabort.h \
	agent/settle.c agent/settle.h \
	agent/stamp.c agent/stamp.h \
	agent/status.c agent/status.h \
	agent/thaw.c agent/thaw.h agent/vaultref.c agent/vaultref.h \
	agent/work.c agent/work.h \
	agent/workload.c agent/workload.h

AGENT_LIBS = libgodwit_agent.a $(TRANSPORT_LIBS) $(INVENTORY_LIBS) $(BASE_LIBS)

sbin_PROGRAMS += godwit-agent
godwit_agent_SOURCES = agent/main.c
godwit_agent_LDADD = $(AGENT_LIBS)
