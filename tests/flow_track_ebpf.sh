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
mount -t bpf bpf /sys/fs/bpf || [ "$kind" != ebpf ] || skip 'no BPF file system here'
mkdir "$dir/mnt" "$dir/state"
: >"$dir/hidden"
export TMPDIR=$dir
trap 'jobs -p | xargs -r kill 2>/dev/null || true; end_recording' EXIT

fail() {
    echo "FAILED: $1 (flow_track_ebpf.sh 1 $seed ${round:-$first})"
    tail -n 20 "$log" 2>/dev/null || true
    exit 1
}

# use IMAGE FD [OPTION...]: attaches it, and looks at its sectors.
use() {
    attach "$@"
    block=$(blockdev --getss "$dev")
    sectors=$(($(blockdev --getsize64 "$dev") / block))
}

# Tracing buffers are of the whole machine, and others may have some: those of this test only.
buffers() {
    local link name
    for link in /run/godwit/trace/*; do
        name=/sys/kernel/tracing/instances/${link##*/}
        if [[ $(readlink "$link") = "$dir"/* ]] && [ -d "$name" ]; then
            echo "$name"
        fi
    done
}
end_recording() {
    local name
    for name in $(buffers); do
        rmdir "$name"
        rm "/run/godwit/trace/${name##*/}"
    done
}

# Some kernels do not tell programs of all that completes. It must be noticed; a pass is then begun again.
is_hidden() { [[ $1 == *'sectors more than were seen'* || $1 == *'went by unseen'* ]]; }
hidden_n() { wc -l <"$dir/hidden"; }

# pass HOW: prints what tool_track prints.
pass() {
    local out rc=0
    out=$(tool_track "$kind" "$dev" "$dir/state" "$dir/replica" "$1" 2>&1) || rc=$?
    if is_hidden "$out"; then
        echo "$out" >>"$dir/hidden"
        [ $rc = 0 ] || { pass "$1"; return; }
    fi
    echo "$out"
    return $rc
}

# Nothing is being written; the copy must be equal, and tracking must not have been given up.
check() {
    local told before
    before=$(hidden_n)
    told=$(pass equal 2>&1) || fail "$1: $told"
    [ "${told#* }" = - ] || [ "$(hidden_n)" -gt "$before" ] || fail "$1: everything was read: $told"
}

# rescan WHAT WORDS: the next pass reads everything, and says so.
rescan() {
    local told
    told=$(pass copy 2>&1) || fail "$1: $told"
    [[ $told == *$2* ]] || is_hidden "$told" || fail "$1: was not noticed: $told"
}

rand() { echo $((RANDOM * 32768 + RANDOM)); }

# --- writers: on the mounted file system -----------------------------------------------------------
on_buffered() { dd if=/dev/urandom of="$dir/mnt/b" bs=$((RANDOM % 30000 + 1)) count=150 seek=$((RANDOM % 50)) conv=notrunc status=none; }
on_direct() { dd if=/dev/urandom of="$dir/mnt/d" bs=$((4096 * (RANDOM % 20 + 1))) count=40 oflag=direct status=none; }
on_dsync() { dd if=/dev/urandom of="$dir/mnt/s" bs=512 count=100 oflag=dsync status=none; }
on_mmap() {
    python3 - "$dir/mnt/m" <<'P'
import mmap, os, random, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(fd, 8 << 20)
with mmap.mmap(fd, 8 << 20) as m:
    for i in range(500):
        at = random.randrange((8 << 20) - 64)
        m[at:at + 64] = os.urandom(64)
        if i % 100 == 0:
            m.flush()
P
}
on_files() {
    local i
    for i in $(seq 20); do
        head -c $((RANDOM * 3)) /dev/urandom >"$dir/mnt/f$i"
    done
    rm -f "$dir"/mnt/f*[13579]
    sync -f "$dir/mnt"
    fstrim "$dir/mnt" || true
}
on_holes() {
    fallocate -l 4M "$dir/mnt/h" || true
    dd if=/dev/urandom of="$dir/mnt/h" bs=64k count=40 conv=notrunc status=none
    sync -f "$dir/mnt"
    fallocate -p -o 100k -l 1M "$dir/mnt/h" || true
    fallocate -z -o 2M -l 300k "$dir/mnt/h" || true
}
# on_fio ENGINE DIRECT [OPTION...]
on_fio() {
    local engine=$1 direct=$2
    shift 2
    command -v fio >/dev/null || return 0
    fio --name=j --filename="$dir/mnt/u" --size=8M --rw=randwrite --bsrange=4k-64k --direct="$direct" \
        --ioengine="$engine" --iodepth=16 --randseed="$(rand)" --output="$dir/fio" "$@" || true
}
on_uring() { on_fio io_uring 1; }
on_uring_buffered() { on_fio io_uring 0 --fsync=32; }
on_aio() { on_fio libaio 1 --numjobs=2; }
on_fio_mmap() { on_fio mmap 0; }
on_fsx() { python3 "$abs_top_srcdir/tests/fsx.py" "$dir/mnt/x" 150 "$(rand)"; }
on_fs=(on_buffered on_direct on_dsync on_mmap on_files on_holes on_uring
    on_uring_buffered on_aio on_fio_mmap on_fsx on_fsx)

# crash [FLAG]: the file system ends as by a power cut, with its journal written out (1) or not (2);
# what it had promised comes back when the next mount replays it. btrfs has no such call.
crash() {
    python3 -c 'import fcntl, os, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, int(sys.argv[2]).to_bytes(4, sys.byteorder))' "$dir/mnt" "$1"
}

# --- writers: on the device itself -----------------------------------------------------------------
raw_direct() { dd if=/dev/urandom of="$dev" bs=$((block * (RANDOM % 60 + 1))) count=20 seek=$((RANDOM % 500)) oflag=direct conv=notrunc status=none; }
raw_buffered() { dd if=/dev/urandom of="$dev" bs=$((RANDOM % 90000 + 1)) count=30 seek=$((RANDOM % 2000)) conv=notrunc,fsync status=none; }
raw_sectors() {
    local i
    for i in $(seq 20); do
        dd if=/dev/urandom of="$dev" bs="$block" count=1 seek=$(($(rand) % sectors)) oflag=direct conv=notrunc status=none
    done
    dd if=/dev/urandom of="$dev" bs="$block" count=1 seek=$((sectors - 1)) oflag=direct conv=notrunc status=none
}
raw_discard() { blkdiscard -f -o $((block * (RANDOM % 9000))) -l $((block * (RANDOM + 1))) "$dev"; }
raw_discard_all() { blkdiscard -f "$dev"; }
raw_zero() { blkdiscard -f -z -o $((4096 * (RANDOM % 9000))) -l $((4096 * (RANDOM % 9000 + 1))) "$dev"; }
raw_partition() {
    addpart "$dev" 1 2048 100000
    [ -b "${dev}p1" ] || return 0
    dd if=/dev/urandom of="${dev}p1" bs=4k count=20 seek=$((RANDOM % 9000)) oflag=direct status=none
    dd if=/dev/urandom of="${dev}p1" bs="$block" count=1 seek=$((100000 * 512 / block - 1)) oflag=direct status=none
    dd if=/dev/urandom of="${dev}p1" bs=7777 count=20 seek=50 conv=fsync status=none
    blkdiscard -f -o 8M -l 3M "${dev}p1"
    delpart "$dev" 1
}
# Many requests under way at once, of writes and of discards.
raw_fio() {
    command -v fio >/dev/null || return 0
    fio --name=w --filename="$dev" --direct=1 --ioengine=io_uring --iodepth=32 --bsrange="$block"-64k --rw=randwrite \
        --io_size=8M --randseed="$(rand)" --name=t --filename="$dev" --direct=1 --ioengine=psync --rw=randtrim \
        --bs=64k --io_size=4M --output="$dir/fio" || true
}
on_raw=(raw_direct raw_buffered raw_sectors raw_discard raw_discard raw_zero raw_partition raw_fio)

kinds=()
for fs in ext4 xfs btrfs; do
    ! command -v "mkfs.$fs" >/dev/null || ! grep -qw "$fs" /proc/filesystems || kinds+=("$fs")
done

make_fs() {
    case $1 in
    ext4) mkfs.ext4 -q -F "$dev" ;;
    xfs) mkfs.xfs -q -f "$dev" ;;
    btrfs) mkfs.btrfs -q -f "$dev" ;;
    esac
}

some_writers() {
    local n w
    for n in 1 2 3; do
        w=${on_fs[RANDOM % ${#on_fs[@]}]}
        echo "writer $n: $w" >>"$log"
        "$w" >>"$log" 2>&1 || echo "$w ended with $?" >>"$log"
    done
}

fs_round() {
    local writers
    fs=${kinds[RANDOM % ${#kinds[@]}]}
    echo "-- $fs" >>"$log"
    make_fs "$fs" >>"$log" 2>&1 || fail "mkfs.$fs"
    mount "$dev" "$dir/mnt" || fail "mount $fs"
    some_writers &
    writers=$!
    while kill -0 $writers 2>/dev/null; do
        pass copy >>"$log" 2>&1 || fail 'a pass while it is written'
    done
    wait $writers || true
    if [ $((RANDOM % 3)) = 0 ]; then
        mount -o remount,ro "$dir/mnt" && mount -o remount,rw "$dir/mnt"
    fi
    on_buffered
    fsfreeze -f "$dir/mnt"
    check "frozen $fs"
    fsfreeze -u "$dir/mnt"
    on_mmap
    if [ $((RANDOM % 2)) = 0 ] && [ "$fs" != btrfs ]; then
        replay
    fi
    umount "$dir/mnt"
    check "unmounted $fs"
}

# The journal is read back into its places by the mount, and what was not in it is gone.
replay() {
    on_fsx >>"$log" 2>&1 || true
    crash $((RANDOM % 2 + 1)) || fail "no end for $fs"
    umount "$dir/mnt"
    [ $((RANDOM % 2)) = 0 ] || check "$fs that crashed"
    mount "$dev" "$dir/mnt" || fail "mount of $fs that crashed"
    replays=$((replays + 1))
}

raw_round() {
    local w n
    for n in 1 2 3; do
        w=${on_raw[RANDOM % ${#on_raw[@]}]}
        echo "writer $n: $w" >>"$log"
        "$w" >>"$log" 2>&1 || echo "$w ended with $?" >>"$log"
        [ $((RANDOM % 2)) = 0 ] || pass die >>"$log" 2>&1 || fail 'a pass that dies'
    done
    check 'the raw device'
}

# --- rounds ------------------------------------------------------------------------------------------
one_round() {
    : >"$log"
    RANDOM=$(((seed * 7919 + round) % 32768))
    if [ ${#kinds[@]} = 0 ] || [ $((round % 2)) = 0 ]; then
        raw_round
    else
        fs_round
    fi
}

# the_rounds FROM TO: on a device that was just attached.
the_rounds() {
    local told
    told=$(pass equal 2>&1) || {
        [[ $told != *"in the kernel"* ]] || skip "$told"
        fail "the first pass: $told"
    }
    [[ $told == *'not tracked before'* ]] || fail "the first pass: $told"
    check 'nothing was written'
    for round in $(seq "$1" "$2"); do
        one_round
        [ $((round % 10)) != 0 ] || echo "round $round of seed $seed; hidden events were noticed in $(hidden_n) passes"
    done
}

replays=0
of_4k=$(((rounds + 3) / 4))
truncate -s 320M "$dir/image4k"
use "$dir/image4k" 9 --sector-size 4096
[ "$block" = 4096 ] || fail "sectors of 4096 bytes: $block"
the_rounds "$first" "$((first + of_4k - 1))"
exec 9>&-
rm -r "$dir/state" "$dir/replica" "$dir/image4k"
mkdir "$dir/state"
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
rm -r "$dir/state" "$dir/replica" && mkdir "$dir/state"
pass copy >>"$log" 2>&1 || fail 'the slow device'
delayed=$((rounds / 10 + 2))
within=0 # rounds with a pass that began and ended while a write was under way
for round in $(seq $((delayed + 10))); do
    [ "$round" -le "$delayed" ] || [ $within = 0 ] || break # a busy machine may need more of them
    RANDOM=$(((seed * 7919 + round) % 32768))
    writers=()
    for _ in $(seq $((round % 8 + 1))); do
        dd if=/dev/urandom of="$dev" bs=64k count=1 seek=$((RANDOM % 256)) oflag=direct conv=notrunc status=none &
        writers+=($!)
    done
    passes=0
    while kill -0 "${writers[@]}" 2>/dev/null; do
        pass copy >>"$log" 2>&1 || fail 'a pass while writes are under way'
        passes=$((passes + 1))
    done
    wait "${writers[@]}"
    [ $passes -lt 2 ] || within=$((within + 1))
    check 'writes that were under way'
done
[ "$within" -gt 0 ] || fail 'no pass in the two seconds that a write took'
exec 8>&-
echo "$((round - 1)) rounds of writes that take two seconds were told, $within with whole passes in that time"
