#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Change tracking in the kernel against the truth: writers of many ways on loop devices, passes while
# they write, and the copy must then be the device, byte by byte. What makes a rescan is noticed.
# Mounts, pins and loop devices are in a namespace and on descriptors of this process: nothing stays.
# Each round has a seed of its own, made of SEED and its number: a run can be cut into slices, and any
# round be run again alone. GODWIT_TRACKER names another tracker of this machine's kernel.
#   flow_track_ebpf.sh [ROUNDS [SEED [FIRST]]]
set -eu
own_mounts_size=2g
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?run by make check}/tests/own_mounts.sh"

rounds=${1:-4}
seed=${2:-28}
first=${3:-1}
last=$((first + rounds - 1))
kind=${GODWIT_TRACKER:-ebpf}
log=$dir/log
# shellcheck source=tests/track_rounds.sh
. "$abs_top_srcdir/tests/track_rounds.sh"
trap 'jobs -p | xargs -r kill 2>/dev/null || true; end_recording' EXIT

# use IMAGE FD [OPTION...]: attaches it, and it is what is tracked.
use() {
    attach "$@"
    use_device "$dev"
}

of_4k=$(((rounds + 3) / 4))
truncate -s 320M "$dir/image4k"
use "$dir/image4k" 9 --sector-size 4096
[ "$block" = 4096 ] || fail "sectors of 4096 bytes: $block"
the_rounds "$first" "$((first + of_4k - 1))"
exec 9>&-
rm "$dir/image4k"
forget
truncate -s 320M "$dir/image"
use "$dir/image" 7
the_rounds "$((first + of_4k))" "$last"
raw_discard_all
check 'all of it was discarded'

# --- doubts ------------------------------------------------------------------------------------------
if [ "${GODWIT_TEST_FAILPOINTS:-}" = yes ]; then
    told=$(GODWIT_FAILPOINT=track_tally=err:EIO tool_track "$kind" "$dev" "$dir/state" "$dir/replica" equal 2>&1) ||
        fail "an event that was hidden: $told"
    is_hidden "$told" || fail "an event that was hidden was not noticed: $told"
fi

# what_is_left: a directory in the kernel for each state directory
if [ "$kind" = ebpf ]; then
    what_is_left() { ls -d /sys/fs/bpf/godwit/* 2>/dev/null || true; }
else
    what_is_left() { buffers; }
fi

doubts_of_ebpf() {
    local pins=(/sys/fs/bpf/godwit/*)
    rm "${pins[0]}/link1"
    raw_direct
    rescan 'a link without its pin' 'pins'
    check 'tracked again'
    rm -r /sys/fs/bpf/godwit/*
    raw_direct
    rescan 'no pins' 'pins are gone'
    cp -r "$dir/state" "$dir/other" && rm -r "$dir/state" && mv "$dir/other" "$dir/state"
    rescan 'a state directory that was copied' 'state directory'
}

doubts_of_tracefs() {
    local buffer
    buffer=$(what_is_left)
    raw_direct
    timeout 1 cat "$buffer/trace_pipe" >"$dir/piped" || true
    rescan 'a buffer that somebody read' 'read by somebody else'
    check 'tracked again'
    cp -r "$dir/state" "$dir/other"
    raw_direct
    pass copy >"$log"
    rm -r "$dir/state" && mv "$dir/other" "$dir/state"
    rescan 'an older state directory' 'read by somebody else'
    blkdiscard -f -l 200M "$dev"
    pass die >"$log"
    check 'a pass that died behind a long range'
    buffer=$(what_is_left)
    echo 4 >"$buffer/buffer_size_kb"
    # Three pages of some 75 events for each processor.
    dd if=/dev/urandom of="$dev" bs="$block" count=$((500 * $(nproc))) oflag=direct conv=notrunc status=none
    rescan 'a buffer that was too small' 'too small'
    check 'tracked again'
    buffer=$(what_is_left)
    echo 0 >"$buffer/events/block/block_rq_complete/enable"
    raw_direct
    rescan 'recording was turned off' 'unseen'
    check 'tracked again'
    buffer=$(what_is_left)
    echo 0 >"$buffer/tracing_on"
    raw_direct
    echo 1 >"$buffer/tracing_on"
    rescan 'recording was turned off for a while' 'sectors more'
    rmdir "$(what_is_left)"
    raw_direct
    rescan 'no buffer' 'is gone'
    check 'tracked again'
}

[ "$(what_is_left | wc -l)" = 1 ] || fail "tracking of one device: $(what_is_left)"
"doubts_of_$kind"
truncate -s 330M "$dir/image" && losetup -c "$dev"
rescan 'a device that grew' 'another size'
[ "$kind" != ebpf ] || sed -i 's/ [0-9a-f]*-/ 00000000-/' "$dir/state/tracker"
[ "$kind" != ebpf ] || rescan 'another boot' 'started anew'
rm -r "$dir/state" && mkdir "$dir/state"
rescan 'another state directory' 'not tracked before'
[ "$(what_is_left | wc -l)" = 1 ] || fail "tracking of nobody stays: $(what_is_left)"

rm -r "$dir/state"
# One that is new could be of somebody who has not yet written its name down.
[ "$kind" = ebpf ] || touch -h -d '1 hour ago' "/run/godwit/trace/$(basename "$(what_is_left)")"
tool_track sweep
[ -z "$(what_is_left)" ] || fail "an agent that starts leaves tracking of nobody: $(what_is_left)"
mkdir "$dir/state"

# --- a partition as the volume -----------------------------------------------------------------------
disk=$dev
addpart "$disk" 1 4096 200000
if [ -b "${disk}p1" ]; then
    dev=${disk}p1 sectors=200000 block=512
    rm "$dir/replica"
    rescan 'a partition' 'not tracked before'
    raw_sectors
    dd if=/dev/urandom of="$disk" bs=512 count=20 seek=4090 oflag=direct conv=notrunc status=none
    dd if=/dev/urandom of="$disk" bs=512 count=20 seek=204090 oflag=direct conv=notrunc status=none
    check 'a partition'
    delpart "$disk" 1
fi
exec 7>&-

# --- what completes no requests ----------------------------------------------------------------------
if [ "$(blockdev --getsize64 /dev/zram0 2>/dev/null || echo 0)" -gt 0 ]; then
    rc=0
    told=$(tool_track "$kind" /dev/zram0 "$dir/state" "$dir/zram" copy 2>&1) || rc=$?
    [ "$rc" = 77 ] || fail "zram: $rc $told"
    [[ $told == *'no requests'* ]] || fail "zram: $told"
fi

echo "rounds $first to $last of seed $seed on: ${kinds[*]:-the raw device}, $of_4k with sectors of 4096 bytes, $replays journals read back; every change was told"
[ "$(hidden_n)" = 0 ] || echo "in $(hidden_n) passes the kernel had hidden events from every program: each was noticed, and everything read"

# --- a write that is under way while its block is read -------------------------------------------------
for need in nbdkit nbdfuse setpriv; do
    command -v $need >/dev/null || { echo "without writes in flight: no $need"; exit 0; }
done
[ -e /dev/fuse ] || { echo 'without writes in flight: no FUSE'; exit 0; }
touch "$dir/slow"
setpriv --pdeathsig KILL nbdkit -f -U "$dir/sock" --filter=delay memory 16M wdelay=2 rdelay=0 &
for _ in $(seq 100); do [ -S "$dir/sock" ] && break; read -rt 0.05 <> <(:) || true; done
setpriv --pdeathsig KILL nbdfuse "$dir/slow" "nbd+unix:///?socket=$dir/sock" &
for _ in $(seq 100); do [ -s "$dir/slow" ] && break; read -rt 0.05 <> <(:) || true; done
[ -s "$dir/slow" ] || fail 'the slow device does not come up'
use "$dir/slow" 8 --direct-io=on
forget
rounds_in_flight $((rounds / 10 + 2))
exec 8>&-
echo "$((round - 1)) rounds of writes that take two seconds were told, $within with whole passes in that time"
