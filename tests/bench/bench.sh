#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The data mover against its peers: the same data, the same steps, one run. `make bench` calls it.
#
#   GODWIT_BENCH_SIZE    of each volume, in MiB                    1024
#   GODWIT_BENCH_REPEAT  rounds; the median is shown               3
#   GODWIT_BENCH_MINUTES no further round that would end later     none
#   GODWIT_BENCH_DATA    of: files database noise                  all
#   GODWIT_BENCH_STORES  of: local http https                      all that are there
#   GODWIT_BENCH_WITH    of: godwit restic borg casync rclone rsync nbdcopy limits    all that are there
#   GODWIT_BENCH_DIR     where the data goes: nine times the size  $TMPDIR
#   BENCH_OUT            keep every sample as JSON in this file
#   BENCH_PAGE           put the tables between the marks of this page, as docs/performance.md has them
#
# Nothing is installed; what is missing is said and left out. with/NAME.sh knows one contender, record.sh
# measures, volume.sh makes the data, s3.sh runs the gateway, render.py does all the arithmetic.
set -eu
: "${abs_top_srcdir:?}" "${abs_top_builddir:?}"
here=$abs_top_srcdir/tests/bench
# shellcheck source=tests/bench/record.sh
. "$here/record.sh"
# shellcheck source=tests/bench/volume.sh
. "$here/volume.sh"
# shellcheck source=tests/bench/s3.sh
. "$here/s3.sh"

size_mib=${GODWIT_BENCH_SIZE:-1024}
repeat=${GODWIT_BENCH_REPEAT:-3}
budget=$((${GODWIT_BENCH_MINUTES:-0} * 60))
dir=$(mktemp -d "${GODWIT_BENCH_DIR:-${TMPDIR:-/tmp}}/godwit-bench-XXXXXX")
trap 's3_stop; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

say() {
    echo "bench: $*" >&2
}

# Those of the wanted contenders whose programs are there.
find_contenders() {
    local name
    contenders=()
    for name in ${GODWIT_BENCH_WITH:-godwit restic borg casync rclone rsync nbdcopy limits}; do
        # shellcheck source=/dev/null
        . "$here/with/$name.sh"
        if "${name}_there"; then
            contenders+=("$name")
            record_about "$name"
        else
            say "without $name: it is not installed"
        fi
    done
}

# Every contender in turn, a different first one each round, so that none always runs warm or cold.
# step NAME FUNCTION
step() {
    local i n=${#contenders[@]} name
    for ((i = 0; i < n; i++)); do
        name=${contenders[(i + round) % n]}
        if ! declare -F "${name}_$2" >/dev/null || ! "${name}_can" "$store"; then
            continue
        fi
        what=$1 who=$name place=$dir/$name-$store
        "${name}_$2" || say "$name: $1 failed ($data, $store)"
    done
}

restored_whole() {
    cmp "$volume" "$1" && rm -f "$1"
}

begin() {
    local name
    for name in "${contenders[@]}"; do
        "${name}_can" "$store" || continue
        place=$dir/$name-$store who=$name
        rm -rf "$place"
        mkdir -p "$place"
        [ "$store" = local ] || s3_bucket "$name"
        ! declare -F "${name}_begin" >/dev/null || "${name}_begin" >"$place/begin.log" 2>&1
    done
}

# Round 1 is always made. Later ones take as long as the last of their kind did.
declare -A took=()
fits() {
    [ "$round" = 1 ] || [ $budget = 0 ] || [ $((SECONDS + ${took[$data $store]})) -le $budget ]
}

one_round() {
    local began=$SECONDS
    say "$data, $store, round $round of $repeat"
    volume_reset
    begin
    step seed push
    touch "$volume" # a block device has no modification time: everybody reads it again
    step unchanged push
    volume_change clustered
    step '1% clustered' push
    volume_change scattered
    step '1% scattered' push
    step restore restore
    step verify verify
    took[$data $store]=$((SECONDS - began))
}

find_contenders
stores=$(s3_start_if_wanted "${GODWIT_BENCH_STORES:-local http https}")
[ ! -f "$dir/s3.env" ] || . "$dir/s3.env"
[ -n "$stores" ] || { say "no store to measure"; exit 1; }
record_machine
for ((round = 1; round <= repeat; round++)); do
    for data in ${GODWIT_BENCH_DATA:-files database noise}; do
        [ "$round" != 1 ] || volume_make
        for store in $stores; do
            if fits; then one_round; else say "$data, $store: no time for round $round"; fi
        done
    done
done
record_document >"$dir/bench.json"
[ -z "${BENCH_OUT:-}" ] || cp "$dir/bench.json" "$BENCH_OUT"
[ -z "${BENCH_PAGE:-}" ] || python3 "$here/render.py" into "$BENCH_PAGE" "$dir/bench.json"
python3 "$here/render.py" text "$dir/bench.json"
