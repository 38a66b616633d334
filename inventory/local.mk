# SPDX-License-Identifier: Apache-2.0
noinst_LIBRARIES += libgodwit_inventory.a
libgodwit_inventory_a_CPPFLAGS = $(AM_CPPFLAGS) $(BLKID_CFLAGS)
libgodwit_inventory_a_SOURCES = \
	inventory/blk.c inventory/blk.h \
	inventory/collect.c inventory/collect.h \
	inventory/collect_block.c \
	inventory/collect_cpu.c \
	inventory/collect_host.c \
	inventory/collect_memory.c \
	inventory/collect_mounts.c \
	inventory/collect_net.c \
	inventory/collect_process.c \
	inventory/collect_socket.c \
	inventory/inet.c inventory/inet.h \
	inventory/inventory.c inventory/inventory.h \
	inventory/inventory_parse.c \
	inventory/line.c inventory/line.h \
	inventory/meminfo.c inventory/meminfo.h \
	inventory/pid.c inventory/pid.h \
	inventory/probe.c inventory/probe.h \
	inventory/probe_fixture.c \
	inventory/probe_local.c \
	inventory/probe_tree.c inventory/probe_tree.h \
	inventory/rollup.c inventory/rollup.h \
	inventory/sample.c inventory/sample.h \
	inventory/utilisation.c inventory/utilisation.h \
	inventory/utilisation_parse.c \
	inventory/virt.c inventory/virt.h
