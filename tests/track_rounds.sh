# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Rounds of writers of many ways on a device, with passes of a tracker while they write: then the copy must be the device,
# byte by byte. Sourced, after own_mounts.sh, by a test that has $kind (of the tracker), $seed and $log, and for each
# device use_device. Each round has a seed of its own, made of $seed and its number, so that any may be run again alone.
: "${abs_top_srcdir:?}" "${kind:?}" "${seed:?}" "${log:?}" "${dir:?}"
mount -t bpf bpf /sys/fs/bpf || [ "$kind" != ebpf ] || skip 'no BPF file system here'
mkdir "$dir/mnt" "$dir/state"
: >"$dir/hidden"
export TMPDIR=$dir
replays=0
may_doubt= # a pattern of the doubts that a test must expect in its place

fail() {
    echo "FAILED: $1 (round ${round:-none} of seed $seed)"
    tail -n 20 "$log" 2>/dev/null || true
    exit 1
}

# use_device PATH: the device that rounds and passes are for.
use_device() {
    dev=$1
    block=$(blockdev --getss "$dev")
    sectors=$(($(blockdev --getsize64 "$dev") / block))
}

# forget: another device comes next.
forget() {
    rm -rf "$dir/state" "$dir/replica"
    mkdir "$dir/state"
}

# Some kernels do not tell programs of all that completes. It must be noticed; a pass is then begun again.
is_hidden() {
    [[ $1 == *'sectors more than were seen'* || $1 == *'went by unseen'* ]] || [[ -n $may_doubt && $1 =~ $may_doubt ]]
}
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
raw_discard_all() { blkdiscard -f "$dev" 2>>"$log"; }
raw_zero() { blkdiscard -f -z -o $((4096 * (RANDOM % 9000))) -l $((4096 * (RANDOM % 9000 + 1))) "$dev"; }
raw_partition() {
    local part=${dev}1
    [[ $dev != *[0-9] ]] || part=${dev}p1
    addpart "$dev" 1 2048 100000
    [ -b "$part" ] || return 0
    dd if=/dev/urandom of="$part" bs=4k count=20 seek=$((RANDOM % 9000)) oflag=direct status=none
    dd if=/dev/urandom of="$part" bs="$block" count=1 seek=$((100000 * 512 / block - 1)) oflag=direct status=none
    dd if=/dev/urandom of="$part" bs=7777 count=20 seek=50 conv=fsync status=none
    blkdiscard -f -o 8M -l 3M "$part"
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

# --- writes that are under way while their blocks are read ---------------------------------------------
# rounds_in_flight N: on a device that takes seconds for a write, and where nothing was tracked before.
rounds_in_flight() {
    local n=$1 passes writers
    within=0 # rounds with a pass that began and ended while a write was under way
    pass copy >>"$log" 2>&1 || fail 'the slow device'
    for round in $(seq $((n + 10))); do
        [ "$round" -le "$n" ] || [ $within = 0 ] || break # a busy machine may need more of them
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
    [ "$within" -gt 0 ] || fail 'no pass in the time that a write took'
}
