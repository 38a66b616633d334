# SPDX-License-Identifier: Apache-2.0
AGENT_TEST_LIBS = libgodwit_agent.a $(TRANSPORT_LIBS) $(INVENTORY_LIBS) $(BASE_TEST_LIBS)

check_PROGRAMS += tool_agent
tool_agent_SOURCES = tests/tool_agent.c
tool_agent_LDADD = $(AGENT_LIBS)

sh_tests += tests/flow_agent_switch.sh tests/model_check.sh
EXTRA_DIST += tests/model/cutover.pml

if HAVE_CMOCKA
c_tests += unit_ownership unit_switch_model
unit_ownership_SOURCES = tests/unit_ownership.c
unit_ownership_LDADD = $(AGENT_TEST_LIBS)
unit_switch_model_SOURCES = tests/unit_switch_model.c
unit_switch_model_LDADD = $(AGENT_TEST_LIBS)
endif
