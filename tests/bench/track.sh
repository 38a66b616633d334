#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What tracking costs who writes: random 4 KiB writes to a loop device in memory (no disk is faster), with and without,
# in pairs whose order changes; and what the kernel says that the programs took. `make bench-track` calls it.
#   track.sh [PAIRS [SECONDS]]
set -eu
: "${abs_top_builddir:?}"

say() {
    echo "bench: $*" >&2
    exit 77
}

pairs=${1:-20}
seconds=${2:-5}
[ "$(id -u)" = 0 ] || say 'needs root'
for need in fio jq bpftool; do
    command -v $need >/dev/null || say "no $need"
done
if [ -z "${BENCH_TRACK_DIR-}" ]; then
    BENCH_TRACK_DIR=$(mktemp -d)
    trap 'rmdir "$BENCH_TRACK_DIR"' EXIT
    export BENCH_TRACK_DIR
    rc=0
    unshare -m --propagation private bash "$0" "$@" || rc=$?
    exit $rc
fi
dir=$BENCH_TRACK_DIR
mount -t tmpfs -o size=2g none "$dir"
mount -t bpf bpf /sys/fs/bpf || say 'no BPF file system here'
dd if=/dev/zero of="$dir/image" bs=1M count=512 status=none
dev=$(losetup --find --show "$dir/image") || say 'no loop devices here'
exec 7<>"$dev"
losetup -d "$dev"
blockdev --setrw "$dev"
mkdir "$dir/state"

# Both read the device before, so that both write in the same state of the machine.
without() {
    rm -rf /sys/fs/bpf/godwit/*
    tool_track scan "$dev" "$dir/state" "$dir/replica" die >/dev/null 2>&1
}
with() { tool_track ebpf "$dev" "$dir/state" "$dir/replica" die >/dev/null 2>&1 || say 'no change tracking in the kernel here'; }
iops() {
    fio --name=w --filename="$dev" --rw=randwrite --bs=4k --direct=1 --ioengine=io_uring --iodepth=16 \
        --time_based --runtime="$seconds" --randrepeat=0 --output-format=json | jq '.jobs[0].write.iops'
}

cost() {
    local copy
    for copy in /sys/fs/bpf/godwit/*/program?; do
        bpftool -j prog show pinned "$copy"
    done | jq -cs .
}

stats=$(sysctl -n kernel.bpf_stats_enabled)
without
iops >/dev/null # warm
for i in $(seq "$pairs"); do
    order=(without with)
    [ $((i % 2)) = 0 ] || order=(with without)
    declare -A got
    for how in "${order[@]}"; do
        $how
        got[$how]=$(iops)
    done
    echo "${got[without]} ${got[with]}"
done >"$dir/pairs"
# What the kernel says: nanoseconds in each copy while so many writes were made in so many seconds.
with
sysctl -q kernel.bpf_stats_enabled=1
before=$(cost)
begun=$(date +%s%N)
iops >/dev/null
ended=$(date +%s%N)
after=$(cost)
sysctl -q kernel.bpf_stats_enabled="$stats"
python3 - "$dir/pairs" "$before" "$after" $((ended - begun)) <<'P'
import json, random, statistics, sys
pairs = [tuple(map(float, l.split())) for l in open(sys.argv[1])]
before, after, wall_ns = json.loads(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4])
change = [w / wo - 1 for wo, w in pairs]
rng = random.Random(1)
medians = sorted(statistics.median(rng.choices(change, k=len(change))) for _ in range(10000))
print(f'{len(pairs)} pairs of random 4 KiB writes, direct, depth 16, a loop device in memory')
print(f'without  {statistics.median(p[0] for p in pairs):9.0f} IOPS (median)')
print(f'with     {statistics.median(p[1] for p in pairs):9.0f} IOPS')
print(f'change   {100 * statistics.median(change):+9.2f}% (median of the pairs; 95% sure: {100 * medians[250]:+.2f}% to {100 * medians[9750]:+.2f}%)')
ns = sum(a['run_time_ns'] - b['run_time_ns'] for b, a in zip(before, after))
runs = max(a['run_cnt'] - b['run_cnt'] for b, a in zip(before, after))
print(f'programs {ns / runs:9.0f} ns a completion, all {len(after)} copies, with the counting of it')
print(f'share    {100 * ns / wall_ns:9.2f}% of the wall clock of one processor, at {runs / wall_ns * 1e9:.0f} completions/s (not the kernel\'s way into the programs)')
P
without
