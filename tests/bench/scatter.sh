#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What scattered passes cost a restore: requests and bytes from an S3 service on loopback, as a table.
#
#   make bench-scatter    or    tests/bench/scatter.sh [SHARE...]    none and 10% when nothing is said
#
# MIB (64) of noise, WRITES (64) sectors changed before each of PASSES (200) passes: anywhere
# (DRAW=uniform), or nine in ten of them in a tenth of the volume (DRAW=skewed). At the end everything
# is compacted at once. Retention is not needed: what older points hold costs a restore nothing.
set -eu
# shellcheck source=tests/s3_service.sh
. "${abs_top_srcdir:?run by make bench-scatter}/tests/s3_service.sh"
needs jq python3
size=${MIB:-64}
writes=${WRITES:-64}
passes=${PASSES:-200}
draw=${DRAW:-uniform}

change() { # PASS
    python3 - "$dir/disk" "$writes" "$1" "$draw" <<'END'
import os, random, sys
path, writes, seed, draw = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
sectors = os.path.getsize(path) // 4096
random.seed(seed)
with open(path, 'r+b') as f:
    for _ in range(writes):
        reach = sectors // 10 if draw == 'skewed' and random.random() < 0.9 else sectors
        f.seek(random.randrange(reach) * 4096)
        f.write(random.randbytes(4096))
END
}

push() { # SHARE
    godwit replica push "$dir/disk" "$store" --state-dir "$dir/state" --compact "$1" -o json >"$dir/out"
    changed=$((changed + $(jq .changed_bytes "$dir/out")))
    sent=$((sent + $(jq .sent_bytes "$dir/out")))
}

restore() { # SHARE PASSES
    local from
    from=$(wc -l <"$dir/requests")
    rm -rf "$dir/back" "$dir/landing"
    godwit replica pull "$store" "$dir/back" --state-dir "$dir/landing" -o json >"$dir/out"
    cmp "$dir/disk" "$dir/back" || fail 'the restored volume differs'
    printf '| %s | %s | %s | %.1f | %.2f |\n' "$1" "$2" \
        "$(tail -n +$((from + 1)) "$dir/requests" | grep -c ^GET)" \
        "$(jq '.received_bytes / 1e6' "$dir/out")" \
        "$(jq -n "if $changed > 0 then $sent / $changed else 0 end")"
}

echo "$size MiB, $writes sectors a pass, $draw"
echo '| share | passes | GETs | MB fetched | sent / changed |'
echo '|---|--:|--:|--:|--:|'
[ $# -gt 0 ] || set -- none 10%
for share in "$@"; do
    store=s3://bucket/${share%\%}/disk
    rm -rf "$dir/state" "$dir/disk"
    head -c "${size}M" /dev/urandom >"$dir/disk"
    changed=0 sent=0
    push "$share" 2>"$dir/err"
    changed=0 sent=0
    restore "$share" 0
    for pass in $(seq "$passes"); do
        change "$pass"
        push "$share"
        case $pass in 10 | 50 | "$passes") restore "$share" "$pass" ;; esac
    done
    push all
    restore "$share, then all at once" "$passes"
done
