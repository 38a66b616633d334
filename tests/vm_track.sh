#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Change tracking on disks as servers have them, NVMe and virtio, in a virtual machine: completions in hard interrupts, also on
# top of others; writes that take two seconds; discards of many ranges; logical volumes over two disks.
#   [GODWIT_TRACKER=tracefs] [VM_PARTS="late nested"] vm_track.sh [ROUNDS [SEED]]
set -eu
# shellcheck disable=SC2034 # own_guest.sh reads it
guest_disks=(nvme:320M virtio:320M slow-nvme:32M slow-virtio:32M)
# shellcheck source=tests/own_guest.sh
. "${abs_top_srcdir:?run by make check-vm}/tests/own_guest.sh"
own_mounts_size=1500m
# shellcheck source=tests/own_mounts.sh
. "$abs_top_srcdir/tests/own_mounts.sh"

rounds=${1:-4}
seed=${2:-28}
kind=ebpf
log=$dir/log
# shellcheck source=tests/track_rounds.sh
. "$abs_top_srcdir/tests/track_rounds.sh"
trap 'jobs -p | xargs -r kill 2>/dev/null || true' EXIT

# begin DISK: tracked from here on.
begin() {
    local told
    use_device "$1"
    forget
    told=$(pass equal 2>&1) || fail "the first pass of $1: $told"
    [[ $told == *'not tracked before'* ]] || fail "the first pass of $1: $told"
    check 'nothing was written'
}

stat_of() { awk -v field="$2" '{ print $field }' "/sys/block/${1##*/}/stat"; }
READ_SECTORS=3
DISCARD_MERGES=13

writers() {
    local disk
    for disk in nvme virtio; do
        use_device "$(guest_disk $disk)"
        forget
        the_rounds 1 "$rounds"
        raw_discard_all
        check 'all of it was discarded'
        echo "   $disk: $rounds rounds"
    done
}

# Completions a long time after the write was seen by the disk; and in the interrupt of a timer, many at a time.
late() {
    local disk
    for disk in slow-nvme slow-virtio; do
        use_device "$(guest_disk $disk)"
        forget
        rounds_in_flight 2
        echo "   $disk: $((round - 1)) rounds, $within with whole passes while a write was under way"
    done
    begin /dev/nullb0
    for round in 1 2 3; do
        fio --name=late --filename="$dev" --direct=1 --ioengine=libaio --iodepth=64 --bsrange=4k-64k --rw=randwrite \
            --io_size=8M --randseed="$((seed + round))" --output="$dir/fio" &
        while kill -0 $! 2>/dev/null; do
            pass copy >>"$log" 2>&1 || fail 'a pass while it is written'
        done
        wait $!
        check 'late completions'
    done
    echo "   null_blk: $round rounds, 64 writes at a time that end in the interrupt of a timer"
}

# count_skipped: how often the kernel did not run a copy of the programs, as one was running there. Programs that were skipped
# too often to be believed are gone: a doubt was told then.
count_skipped() { echo $(($(hidden_n) + $(bpftool -j prog show | jq '[.[].recursion_misses // 0] | add'))); }

# A loop device completes where interrupts are let in: the disk's find a program of ours running. A quiet machine may need
# more rounds to show it.
nested() {
    local disk beside before skipped=0
    # Each copy of the program may so be skipped once: that is a doubt, as it may have been for the same event.
    [ "$kind" != ebpf ] || may_doubt='every copy of the program was skipped'
    truncate -s 64M "$dir/beside"
    beside=$(losetup --find --show "$dir/beside")
    for disk in nvme virtio; do
        begin "$(guest_disk $disk)"
        [ "$kind" != ebpf ] || before=$(count_skipped)
        fio --name=beside --filename="$beside" --direct=1 --ioengine=libaio --iodepth=8 --bs=4k --rw=randwrite \
            --time_based --runtime=600 --output="$dir/fio2" &
        noise=$!
        for round in $(seq 20); do
            fio --name=nested --filename="$dev" --direct=1 --ioengine=libaio --iodepth=32 --numjobs=2 --bs=4k --rw=randwrite \
                --io_size=2M --randseed="$((seed + round))" --output="$dir/fio" &
            while kill -0 $! 2>/dev/null; do
                pass copy >>"$log" 2>&1 || fail 'a pass while it is written'
            done
            wait $!
            check "interrupts on top of others, $disk"
            [ "$kind" != ebpf ] || skipped=$(($(count_skipped) - before))
            [ "$round" -lt 2 ] || { [ "$kind" = ebpf ] && [ $skipped = 0 ]; } || break
        done
        kill $noise
        wait $noise || true
        echo "   $disk: $round rounds$([ "$kind" != ebpf ] || echo ", copies of the program were skipped $skipped times")"
        [ "$kind" != ebpf ] || [ $skipped -gt 0 ] || fail 'no interrupt came on top of another: this shows nothing'
    done
    losetup -d "$beside"
}

# settled: the disk has ended all that it was given. XFS waits for no discard, also when it is frozen, and one of many ranges
# may take the disk a second, in which it is seen in part and was not told.
settled() {
    local reads writes
    while read -r reads writes <"/sys/block/${dev##*/}/inflight" && [ $((reads + writes)) -gt 0 ]; do
        unsettled=$((unsettled + 1))
    done
}

# XFS gives all that a transaction freed to the disk at once, and the kernel makes one request of it.
many_ranges() {
    local merged told i unsettled=0
    begin "$(guest_disk nvme)"
    mkfs.xfs -q -f "$dev"
    mount -o discard "$dev" "$dir/mnt"
    merged=$(stat_of "$dev" $DISCARD_MERGES)
    for round in 1 2 3; do
        for i in $(seq 300); do
            head -c 9000 /dev/urandom >"$dir/mnt/f$i"
        done
        sync -f "$dir/mnt"
        pass copy >>"$log" 2>&1 || fail 'before the discards'
        rm "$dir"/mnt/f*[13579]
        sync -f "$dir/mnt"
        fsfreeze -f "$dir/mnt"
        settled
        told=$(pass equal 2>&1) || fail "discards of many ranges: $told"
        fsfreeze -u "$dir/mnt"
        if [ "$kind" = tracefs ]; then
            [[ $told == *'could not be marked'* ]] || fail "nobody saw that it cannot tell: $told"
        else
            [ "${told#* }" = - ] || fail "everything was read: $told"
        fi
    done
    umount "$dir/mnt"
    merged=$(($(stat_of "$dev" $DISCARD_MERGES) - merged))
    [ $merged -gt 0 ] || fail 'no discards became one request: this shows nothing'
    echo "   $merged discards were part of another; $unsettled times they were under way still"
}

# push_by TRACKER: a pass as users have them; its document into $told.
push_by() {
    told=$(godwit replica push "$dev" "file://$dir/vault/$1" --state-dir "$dir/$1-state" --tracker "$1" -o json 2>>"$log") ||
        fail "push by $1: $told"
}

# A pass over a disk of which 1% changed reads hardly more than that.
hundredth() {
    local told changed before got i pieces=51 # of 64 KiB, of 320 MiB
    use_device "$(guest_disk nvme)"
    forget
    changed=$((pieces * 65536))
    dd if=/dev/urandom of="$dev" bs=1M count=320 oflag=direct status=none
    push_by "$kind"
    push_by scan
    for round in 1 2; do
        for ((i = 0; i < pieces; i++)); do
            dd if=/dev/urandom of="$dev" bs=64k count=1 seek=$((i * 99 + round)) oflag=direct conv=notrunc status=none
        done
        before=$(stat_of "$dev" $READ_SECTORS)
        push_by "$kind"
        got=$((($(stat_of "$dev" $READ_SECTORS) - before) * 512))
        jq -e --arg kind "$kind" --argjson changed $changed \
            '.tracker == $kind and (has("rescan") | not) and .changed_bytes == $changed' <<<"$told" >/dev/null ||
            fail "a pass where 1% changed: $told"
        [ $got -lt $((changed * 2)) ] || fail "$got bytes were read where $changed had changed"
        echo "   $changed bytes changed, $got were read in $(jq .duration_s <<<"$told") s"
        push_by scan
        echo "   by a scan in $(jq .duration_s <<<"$told") s"
    done
    rm -r "$dir/vault" "$dir/$kind-state" "$dir/scan-state"
}

# refused WORDS: it is not tracked, and why is told.
refused() {
    local told rc=0
    told=$(tool_track "$kind" "$dev" "$dir/state" "$dir/replica" equal 2>&1) || rc=$?
    [ $rc = 77 ] || fail "tracked: $rc $told"
    [[ $told == *$1* ]] || fail "why: $told"
}

logical() {
    local nvme virtio lv
    nvme=$(guest_disk nvme) virtio=$(guest_disk virtio)
    wipefs -qaf "$nvme" "$virtio"
    echo ',160M' | sfdisk -q "$nvme"
    udevadm settle
    vgcreate -qq -y group "${nvme}p1" "$virtio"
    for lv in "one ${nvme}p1" "two $virtio"; do
        # shellcheck disable=SC2086 # a name and a disk
        lvcreate -qq -y -L 64M -n ${lv% *} group ${lv#* }
        begin "/dev/group/${lv% *}"
        for round in 1 2; do
            raw_round
        done
        check "a logical volume on ${lv#* }"
        echo "   group/${lv% *}: 2 rounds"
    done
    dd if=/dev/urandom of="${nvme}p1" bs=1M count=1 seek=120 oflag=direct conv=notrunc status=none
    [ "$(pass equal)" = '0 -' ] || fail 'a write beside it was told'

    pvmove -qq "${nvme}p1:0-15" "$virtio" 2>/dev/null
    use_device /dev/group/one
    forget
    lvcreate -qq -y -l 100%FREE -n both group
    use_device /dev/group/both
    forget
    refused 'pieces'
    lvremove -qq -y group/both

    dmsetup create mapped --table "0 100000 linear $virtio 300000"
    begin /dev/mapper/mapped
    raw_round
    check 'a dm-linear mapping'
    echo '   dm-linear: 1 round'
    rm -r "$dir/state"
    dmsetup remove --retry mapped
    vgremove -qq -y group
    wipefs -qaf "$nvme" "$virtio"
    udevadm settle
}

# Each request ends 20 ms after it came, in the interrupt of a timer.
make_late() {
    local conf=/sys/kernel/config/nullb/nullb0
    modprobe null_blk nr_devices=0
    [ ! -d $conf ] || return 0
    mkdir $conf
    echo 64 >$conf/size # MB
    echo 64 >$conf/hw_queue_depth
    echo 2 >$conf/irqmode
    echo 20000000 >$conf/completion_nsec
    echo 1 >$conf/memory_backed
    echo 1 >$conf/power
}

make_late || fail 'no null_blk'
modprobe loop
for kind in ${GODWIT_TRACKER:-ebpf tracefs}; do
    for part in ${VM_PARTS:-writers late nested many_ranges hundredth logical}; do
        echo "-- $kind, $part"
        # A tracing buffer does not tell where the ranges of a discard lie, where a disk takes several (NVMe), nor what a
        # command of the driver does: udev asks virtio for the serial number by one. Then all is read, and when that pass
        # dies, too, what it took out of the buffer is gone.
        [ "$kind" = ebpf ] && may_doubt= || may_doubt='could not be marked|a pass that did not end'
        : >"$dir/hidden"
        $part
        [ "$(hidden_n)" = 0 ] || echo "   $(hidden_n) doubts"
    done
done
echo 'every change was told'
