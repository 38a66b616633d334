# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += tests/data/fuzz_document tests/data/inventory tests/fixture.h
if HAVE_CMOCKA
check_PROGRAMS += tool_inventory
tool_inventory_SOURCES = tests/tool_inventory.c tests/fixture.c
tool_inventory_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += contract_probe
contract_probe_SOURCES = tests/contract_probe.c tests/fixture.c
contract_probe_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += unit_rollup
unit_rollup_SOURCES = tests/unit_rollup.c
unit_rollup_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += unit_sample
unit_sample_SOURCES = tests/unit_sample.c tests/fixture.c
unit_sample_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += unit_utilisation
unit_utilisation_SOURCES = tests/unit_utilisation.c
unit_utilisation_LDADD = $(INVENTORY_TEST_LIBS)
c_tests += unit_collect_block
unit_collect_block_SOURCES = tests/unit_collect_block.c tests/fixture.c tests/host_place.h
unit_collect_block_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += unit_collect_host
unit_collect_host_SOURCES = tests/unit_collect_host.c tests/fixture.c tests/host_place.h
unit_collect_host_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += unit_collect_net
unit_collect_net_SOURCES = tests/unit_collect_net.c tests/fixture.c tests/host_place.h
unit_collect_net_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += unit_inventory
unit_inventory_SOURCES = tests/unit_inventory.c tests/fixture.c
unit_inventory_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += fuzz_inventory
fuzz_inventory_SOURCES = tests/fuzz_inventory.c tests/fixture.c
fuzz_inventory_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += fuzz_document
fuzz_document_SOURCES = tests/fuzz_document.c
fuzz_document_LDADD = $(INVENTORY_TEST_LIBS)

c_tests += fault_inventory
fault_inventory_SOURCES = tests/fault_inventory.c tests/fixture.c
fault_inventory_LDADD = $(INVENTORY_TEST_LIBS)

sh_tests += tests/flow_inventory_size.sh
endif
