#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tracker that the kernel hides events from is left for the next, for one rescan, and nothing of it goes on recording.
set -eu
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?run by make check}/tests/own_mounts.sh"
[ "${GODWIT_TEST_FAILPOINTS:-}" = yes ] || skip 'needs failpoints'
kind=auto seed=1 log=$dir/log
# shellcheck source=tests/track_rounds.sh
. "$abs_top_srcdir/tests/track_rounds.sh"
trap end_recording EXIT

# tracks KIND: it alone does, in the kernel too.
tracks() {
    local pins=(/sys/fs/bpf/godwit/*) found=''
    [ ! -e "${pins[0]}" ] || found=ebpf
    [ -z "$(buffers)" ] || found+=tracefs
    [ "$found" = "$1" ] || fail "$2: tracked by '$found', not $1"
}

# hide KIND: a pass by it, and an event before that no tracker is told of.
hide() {
    GODWIT_FAILPOINT=track_tally=err:EIO tool_track "$1" "$dev" "$dir/state" "$dir/replica" equal 2>&1 || fail "an event that was hidden from $1"
}

# small WHAT: what was written is told, and little else.
small() {
    local told
    dd if=/dev/urandom of="$dev" bs=4k count=5 seek=700 oflag=direct conv=notrunc status=none
    told=$(pass equal 2>&1) || fail "$1: $told"
    is_hidden "$told" || [ "$((${told%% *} <= 131072))${told#* }" = 1- ] || fail "$1: $told"
}

truncate -s 64M "$dir/image"
attach "$dir/image" 7
use_device "$dev"
for each in tracefs ebpf; do
    told=$(tool_track $each "$dev" "$dir/state" "$dir/replica" equal 2>&1) || skip "$told"
    tracks $each 'a tracker that was asked for'
done
told=$(hide ebpf)
told=$(hide ebpf)
tracks ebpf 'what was asked for is kept'
forget

rescan 'the first pass' 'not tracked before'
tracks ebpf 'the first choice'
told=$(hide auto)
[[ $told == *"'tracefs' tracks from here on, and no longer 'ebpf'"*'sectors more than were seen' ]] || fail "why it is another: $told"
tracks tracefs 'the kernel hid something'
grep -qx norecord-cmd "$(buffers)/trace_options" || fail 'the kernel notes names at each switch of tasks'
small 'after the one rescan'
tracks tracefs 'it stays so'
told=$(hide auto)
tracks ebpf 'each missed one: the first again, for the rescan that has to be'

rc=0
told=$(GODWIT_FAILPOINT=track_tally:2=err:EIO tool_track auto "$dev" "$dir/state" "$dir/replica" equal 2>&1) || rc=$?
is_hidden "$told" || fail "an event that was hidden between open and freeze: $rc $told"
# When this kernel hid one by itself, the pass did not come as far as that.
[ $rc = 0 ] || rescan 'the pass after it' "no longer 'ebpf': it was not tracked before"
tracks tracefs 'also what was found when the pass began'

sed -i 's/^[0-9a-f]*-/00000000-/' "$dir"/state/tracker-doubts-*
rescan 'another boot' "no longer 'tracefs'"
tracks ebpf 'another boot gets a new try'

# Events are hidden from the start.
rc=0
told=$(GODWIT_FAILPOINT='track_tally:*=err:EIO' tool_track ebpf "$dev" "$dir/state" "$dir/replica" equal 2>&1) || rc=$?
is_hidden "$told" || fail "none that was asked for: $rc $told"
[ $rc = 77 ] || fail "none that was asked for: $rc $told"
told=$(GODWIT_FAILPOINT='track_tally:*=err:EIO' tool_track auto "$dev" "$dir/state" "$dir/replica" equal 2>&1) || fail "neither: $told"
is_hidden "$told" || fail "neither: $told"
tracks '' 'neither'

# Nobody may make a tracing buffer.
end_recording
forget
mount --bind /sys/kernel/tracing /sys/kernel/tracing
mount -o remount,bind,ro /sys/kernel/tracing
rescan 'the first pass' 'not tracked before'
for _ in 1 2; do
    told=$(hide auto)
    [[ $told == *' the disk completed '*'sectors more than were seen' && $told != *tracefs* ]] || fail "without tracefs: $told"
    small 'without tracefs'
    [ -e "$dir/state/tracker" ] || fail 'ebpf was given up for nothing'
done
umount /sys/kernel/tracing
echo "a tracker that missed something is left, where another is to be had; hidden events were noticed in $(hidden_n) passes"
