#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The model of the switch (tests/model/cutover.pml) under Spin: right as it is, and each bug that can
# be sown into it is found. GODWIT_MODEL_CRASHES=1 lets sides crash in the search for what never ends, too.
set -eu

CC=${CC:-cc}
for tool in spin "${CC%% *}"; do
    if ! command -v "$tool" >/dev/null; then
        echo "skip: $tool is not installed"
        exit 77
    fi
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-model-XXXXXX")
trap 'rm -rf "$dir"' EXIT
model="${abs_top_srcdir:?}/tests/model/cutover.pml"

# verify none|some safety|live NAME FLAGS...: the number of errors that the checker finds
verify() {
    local level=-O1 what=$2 name=$3 build=(-DSAFETY) run=()
    [ "$1" = none ] || level=-O0 # it ends at the first error: the compiler would take longer
    shift 3
    if [ "$what" = live ]; then
        build=(-DNFAIR=3)
        run=(-a -f)
        set -- -DLIVE -DMAXV=1 "-DCRASHES=${GODWIT_MODEL_CRASHES:-0}" "$@"
    fi
    mkdir "$dir/$name"
    (
        cd "$dir/$name"
        spin -a "$@" "$model" >spin.log 2>&1 || { cat spin.log >&2; exit 1; }
        # shellcheck disable=SC2086 # a compiler may come with flags
        $CC $level -w -DCOLLAPSE "${build[@]}" -o pan pan.c
        ./pan "${run[@]}" -m1000000 >pan.log 2>&1
        if grep -q 'max search depth too small\|out of memory' pan.log; then
            cat pan.log >&2
            exit 1
        fi
        sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.log
    )
}

failed=0
# expect none|some safety|live NAME FLAGS...
expect() {
    local want=$1 found=none errors
    shift
    errors=$(verify "$want" "$@")
    case $errors in
    0) ;;
    [1-9]*) found=some ;;
    *) found="no verdict" ;;
    esac
    if [ "$found" = "$want" ]; then
        echo "$2: $found, as it should be"
    else
        echo "FAILED: $2: errors: $found, wanted: $want"
        failed=1
    fi
}

expect none safety right
expect none live right_and_alive
expect some safety noverify -DBUG_NOVERIFY
expect some safety noepoch -DBUG_NOEPOCH
expect some safety volatilefence -DBUG_VOLATILEFENCE
expect some live unfown -DBUG_UNFOWN
expect some live cedeearly -DBUG_CEDEEARLY
exit "$failed"
