#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Logical volumes are tracked on the disk below: writes to them, beside them, and a table that is loaded anew.
set -eu
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?run by make check}/tests/own_mounts.sh"
command -v dmsetup >/dev/null || skip 'no dmsetup'
dmsetup version >/dev/null 2>&1 || skip 'this kernel has no device-mapper'
name=godwit-test-$$
mount -t bpf bpf /sys/fs/bpf || skip 'no BPF file system here'
mkdir "$dir/state"
trap 'dmsetup remove "$name" 2>/dev/null || true' EXIT

fail() {
    echo "FAILED: $1"
    exit 1
}

truncate -s 256M "$dir/image"
attach "$dir/image" 7
disk=$dev
number=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
# lvextend into the free extents right behind gives such a table.
printf '%s\n' "0 100000 linear $number 4096" "100000 60000 linear $number 104096" | dmsetup create "$name"
dev=/dev/mapper/$name

pass() { tool_track ebpf "$dev" "$dir/state" "$dir/replica" equal 2>&1; }
told=$(pass) || { [[ $told != *'in the kernel'* ]] || skip "$told"; fail "$told"; }
[[ $told == *'not tracked before'* ]] || fail "the first pass: $told"
for at in 0 99996 100000 159992; do
    dd if=/dev/urandom of="$dev" bs=512 count=8 seek=$at oflag=direct conv=notrunc status=none
    told=$(pass) || fail "a write at $at: $told"
    [ "${told#* }" = - ] || fail "everything was read: $told"
done
dd if=/dev/urandom of="$disk" bs=512 count=8 seek=4088 oflag=direct conv=notrunc status=none
told=$(pass)
[ "$told" = '0 -' ] || fail "a write beside it: $told"
# pvmove: the same volume, elsewhere.
printf '%s\n' "0 160000 linear $number 200000" | dmsetup reload "$name"
dmsetup resume "$name"
told=$(pass) || fail "a new table: $told"
[ "${told#* }" != - ] || fail "nobody saw that it moved: $told"
echo 'a logical volume is tracked on its disk'
