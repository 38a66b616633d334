# SPDX-License-Identifier: Apache-2.0
AGENT_TEST_LIBS = libgodwit_agent.a $(TRANSPORT_LIBS) $(INVENTORY_LIBS) $(BASE_TEST_LIBS)

check_PROGRAMS += tool_agent
tool_agent_SOURCES = tests/tool_agent.c
tool_agent_LDADD = $(AGENT_LIBS)

sh_tests += tests/cli_agent.sh tests/packaging_units.sh tests/flow_agent.sh tests/flow_agent_alone.sh tests/flow_agent_mount.sh \
	tests/flow_agent_points.sh tests/flow_agent_target.sh tests/flow_agent_twice.sh
long_tests += tests/flow_agent_switch.sh tests/flow_converge.sh tests/model_check.sh
EXTRA_DIST += tests/model/cutover.pml tests/agent_story.sh

if HAVE_CMOCKA
c_tests += unit_agent_docs unit_converge unit_health unit_hook unit_idle unit_ownership unit_repl unit_switch_model
unit_agent_docs_SOURCES = tests/unit_agent_docs.c
unit_agent_docs_LDADD = $(AGENT_TEST_LIBS)
unit_converge_SOURCES = tests/unit_converge.c
unit_converge_LDADD = $(AGENT_TEST_LIBS)
unit_health_SOURCES = tests/unit_health.c
unit_health_LDADD = $(AGENT_TEST_LIBS)
unit_hook_SOURCES = tests/unit_hook.c
unit_hook_LDADD = $(AGENT_TEST_LIBS)
unit_idle_SOURCES = tests/unit_idle.c tests/loop_device.h
unit_idle_LDADD = $(AGENT_TEST_LIBS)
unit_repl_SOURCES = tests/unit_repl.c tests/loop_device.h
unit_repl_LDADD = $(AGENT_TEST_LIBS)
unit_ownership_SOURCES = tests/unit_ownership.c
unit_ownership_LDADD = $(AGENT_TEST_LIBS)
unit_switch_model_SOURCES = tests/unit_switch_model.c
unit_switch_model_LDADD = $(AGENT_TEST_LIBS)
endif
