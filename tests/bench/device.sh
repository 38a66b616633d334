#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A block device of which 1% changes: what a pass takes that is told what changed, one that is not, and its
# peers, all of them reading the device itself. `make bench-device` calls it.
#   device.sh [GIB [TURNS]]      needs room for the device and a copy for each of them in $TMPDIR
set -eu
own_mounts_size=disk
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?}/tests/own_mounts.sh"

gib=${1:-8}
turns=${2:-2}
mount -t bpf bpf /sys/fs/bpf || true
trap end_recording EXIT
bench_data make database "$dir/image" "${gib}GiB" 1
attach "$dir/image" 7 --direct-io=on
export RESTIC_PASSWORD=bench RESTIC_REPOSITORY=$dir/restic RESTIC_CACHE_DIR=$dir/cache
export BORG_PASSPHRASE=bench BORG_BASE_DIR=$dir/home BORG_REPO=$dir/borg

godwit_pass() { godwit replica push "$dev" "file://$dir/$1/db" --state-dir "$dir/$1-state" --tracker "$1" -o json; }
pass_ebpf() { godwit_pass ebpf; }
pass_tracefs() { godwit_pass tracefs; }
pass_scan() { godwit_pass scan; }
pass_restic() { restic backup -q --compression auto --stdin --stdin-filename volume <"$dev"; }
pass_borg() { borg create --compression zstd,3 --read-special "::$1" "$dev"; }
pass_rsync() { rsync --inplace --no-whole-file --copy-devices "$dev" "$dir/copy"; }

contenders=()
for each in ebpf tracefs scan; do
    mkdir "$dir/$each" "$dir/try"
    ! tool_track "$each" "$dev" "$dir/try" "$dir/probe" take >/dev/null 2>&1 || contenders+=("$each")
    end_recording
    rm -r "$dir/try" "$dir/probe"
done
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
        why=$(jq -r '.rescan // empty' "$dir/log" 2>/dev/null) || why=
        [ "$1" != seed ] || why=
        echo "$1 $who $(cat "$dir/account") ${why:+rescan}" >>"$dir/samples"
        echo "$1 $who: $(cut -d' ' -f1 "$dir/account") s${why:+, everything was read: $why}" >&2
    done
    turn=$((turn + 1))
}

everybody seed
for n in $(seq "$turns"); do
    for how in clustered scattered; do
        bench_data change rows "$dev" "$how" $((n * 2)) >/dev/null
        sync "$dev"
        everybody "$how"
    done
done
python3 - "$dir/samples" "$gib" <<'P'
import statistics, sys
passes = {}
for line in open(sys.argv[1]):
    step, who, wall, cpu, rss, *rescan = line.split()
    passes.setdefault((step, who), []).append((bool(rescan), float(wall), float(cpu)))

def medians(of):
    told = [p for p in of if not p[0]] or of
    return statistics.median(p[1] for p in told), statistics.median(p[2] for p in told)

print(f'a device of {sys.argv[2]} GiB, 1% changed since the pass before; medians of the passes that were no rescans')
print(f'{"step":10} {"who":8} {"passes":>6} {"rescans":>7} {"wall s":>8} {"CPU s":>8} {"wall of restic":>15}')
for (step, who), of in passes.items():
    wall, cpu = medians(of)
    rescans = sum(p[0] for p in of)
    ratio = f'{wall / medians(passes[step, "restic"])[0]:.3f}' if (step, 'restic') in passes else '-'
    only = '  rescans alone' if rescans == len(of) else ''
    print(f'{step:10} {who:8} {len(of):6} {rescans:7} {wall:8.2f} {cpu:8.2f} {ratio:>15}{only}')
P
