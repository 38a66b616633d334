# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tool_inventory
tool_inventory_SOURCES = tests/tool_inventory.c
tool_inventory_LDADD = $(INVENTORY_LIBS) $(BASE_LIBS)
