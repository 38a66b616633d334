#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The story of flow_points.sh on a disk as servers have them: PostgreSQL writes, pgbench beside it, to a file system on NVMe
# that the programs in the kernel watch, and no pass reads everything.
#   vm_points.sh [POINTS]
set -eu
# shellcheck disable=SC2034 # own_guest.sh reads it
guest_disks=(nvme:512M)
# shellcheck source=tests/own_guest.sh
. "${abs_top_srcdir:?run by make check-vm}/tests/own_guest.sh"

modprobe loop
cd / # PostgreSQL may not look into root's
POINTS_DISK=$(guest_disk nvme)
export POINTS_DISK POINTS_TRACKER=ebpf POINTS_PGBENCH=20
exec bash "$abs_top_srcdir/tests/flow_points.sh" "${1:-5}" postgres
