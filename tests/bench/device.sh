#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A block device of which 1% changes: what a pass takes that is told what changed, one that is not, and its
# peers, all of them reading the device itself. `make bench-device` calls it.
#   device.sh [GIB [ROUNDS]]     needs as much room as the device has, and for its copies, in $TMPDIR
set -eu
own_mounts_size=disk
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?}/tests/own_mounts.sh"

gib=${1:-8}
rounds=${2:-3}
mount -t bpf bpf /sys/fs/bpf || true
bench_data make database "$dir/image" "${gib}GiB" 1
attach "$dir/image" 7 --direct-io=on
export RESTIC_PASSWORD=bench RESTIC_REPOSITORY=$dir/restic RESTIC_CACHE_DIR=$dir/cache
export BORG_PASSPHRASE=bench BORG_BASE_DIR=$dir/home BORG_REPO=$dir/borg

godwit_pass() { godwit replica push "$dev" "file://$dir/$1/db" --state-dir "$dir/$1-state" --tracker "$1" -o json; }
pass_tracked() { godwit_pass ebpf; }
pass_scan() { godwit_pass scan; }
pass_restic() { restic backup -q --compression auto --stdin --stdin-filename volume <"$dev"; }
pass_borg() { borg create --compression zstd,3 --read-special "::$1" "$dev"; }
pass_rsync() { rsync --inplace --no-whole-file --copy-devices "$dev" "$dir/copy"; }

contenders=(tracked scan)
mkdir "$dir/ebpf" "$dir/scan"
tool_track ebpf "$dev" "$dir/ebpf" "$dir/probe" die >/dev/null 2>&1 || contenders=(scan)
rm -rf "$dir/probe" "$dir/ebpf/tracker"
! command -v restic >/dev/null || { restic init -q && contenders+=(restic); }
! command -v borg >/dev/null || { borg init -e repokey 2>/dev/null && contenders+=(borg); }
! command -v rsync >/dev/null || contenders+=(rsync)

# everybody STEP: in an order that turns.
turn=0
everybody() {
    local i who
    for ((i = 0; i < ${#contenders[@]}; i++)); do
        who=${contenders[(i + turn) % ${#contenders[@]}]}
        bench_account "$dir/account" bash -c "$(declare -f godwit_pass "pass_$who"); dev=$dev dir=$dir; pass_$who '$1-$turn'" >"$dir/log" 2>&1 ||
            { tail -n 5 "$dir/log" >&2; skip "$who failed"; }
        echo "$1 $who $(cat "$dir/account")" >>"$dir/samples"
        [ "$who" != tracked ] || [ "$1" = seed ] || jq -r --arg step "$1" \
            'select(.rescan) | "\($step): everything was read, as \(.rescan)"' "$dir/log" >&2
    done
    turn=$((turn + 1))
}

everybody seed
for round in $(seq "$rounds"); do
    for how in clustered scattered; do
        bench_data change rows "$dev" "$how" $((round * 2)) >/dev/null
        sync "$dev"
        everybody "$how"
    done
done
python3 - "$dir/samples" "$gib" <<'P'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    step, who, wall, cpu, rss = line.split()
    rows.setdefault((step, who), []).append((float(wall), float(cpu)))
print(f'a device of {sys.argv[2]} GiB, 1% changed since the pass before; medians')
print(f'{"step":10} {"who":8} {"wall s":>8} {"CPU s":>8} {"wall of restic":>15}')
for (step, who), values in rows.items():
    wall, cpu = (statistics.median(v) for v in zip(*values))
    peer = rows.get((step, 'restic'))
    ratio = f'{wall / statistics.median(v[0] for v in peer):.3f}' if peer else '-'
    print(f'{step:10} {who:8} {wall:8.2f} {cpu:8.2f} {ratio:>15}')
P
