#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What reading costs at a store where requests are paid for: a restore and a full verification ask at
# most twice for a pack; a restore that was killed does not fetch again what it wrote; what the
# volume holds already is not fetched, and what should be zero becomes a hole.
set -eu
# shellcheck source=tests/s3_service.sh
. "${abs_top_srcdir:?run by make check}/tests/s3_service.sh"
needs jq python3
store=s3://bucket/vault/disk

# asked WHAT COMMAND...: what it asked the store for is in $dir/asked, its answer in $dir/out.
asked() {
    local what=$1 from
    shift
    from=$(wc -l <"$dir/requests")
    "$@" -o json >"$dir/out" 2>"$dir/err" || fail "$what: $(head -n 3 "$dir/err")"
    tail -n +$((from + 1)) "$dir/requests" >"$dir/asked"
}

packs_stored() {
    awk '$1 == "PUT" && $4 ~ /\/packs\// { print $4 }' "$dir/requests" | sort -u | wc -l
}

# WHAT: all packs were read, by two requests for each at most. Text that shrinks to nothing reaches over
# many regions in one pack, and may be met by each two of them.
reads_are_few() {
    local packs most requests
    awk '$1 == "GET" && $4 ~ /\/packs\// { print $4 }' "$dir/asked" | sort | uniq -c >"$dir/counts"
    packs=$(wc -l <"$dir/counts")
    requests=$(awk '{ n += $1 } END { print n + 0 }' "$dir/counts")
    most=$(awk '$1 > most { most = $1 } END { print most + 0 }' "$dir/counts")
    echo "$1: $packs packs, $requests requests, at most $most for one"
    [ "$packs" -eq "$(packs_stored)" ] || fail "$1 read $packs of $(packs_stored) packs"
    [ "$requests" -le $((packs * 2)) ] || fail "$1 asked $requests times for $packs packs"
    [ "$most" -le 4 ] || fail "$1 asked $most times for one pack"
}

# scatter FILE FROM LENGTH N: so many sectors of it are something else, by a fixed draw.
scatter() {
    python3 - "$@" <<'END'
import os, random, sys
start, length, n = (int(x) for x in sys.argv[2:])
random.seed(n)
with open(sys.argv[1], 'r+b') as f:
    for sector in random.sample(range(length // 4096), n):
        f.seek(start + sector * 4096)
        f.write(os.urandom(4096))
END
}

# It takes no more room than the source; a file system's own lists of extents may differ a little.
holes_are_kept() {
    local room most
    room=$(($(stat -c '%b * %B' "$dir/$1")))
    most=$(($(stat -c '%b * %B' "$dir/disk") + (512 << 10)))
    [ "$room" -le "$most" ] || fail "$1 takes $room bytes, the source $most"
}

packs_asked() {
    awk '$1 == "GET" && $4 ~ /\/packs\//' "$dir/asked" | wc -l
}

# Noise, zeroes, text and noise again, over borders of regions.
truncate -s 500M "$dir/disk"
noise() { # AT MIB
    head -c "$2M" /dev/urandom | dd of="$dir/disk" bs=1M seek="$1" conv=notrunc status=none
}
noise 10 40
noise 120 30
yes "all work and no play $dir" | head -c 100M | dd of="$dir/disk" bs=1M seek=170 conv=notrunc status=none
noise 400 35
asked push godwit replica push "$dir/disk" "$store" --state-dir "$dir/s"

asked restore godwit replica pull "$store" "$dir/back" --state-dir "$dir/b"
cmp "$dir/disk" "$dir/back" || fail 'the restored volume differs'
reads_are_few restore
holes_are_kept back

asked verification godwit replica verify "$store" --full
reads_are_few verification

# Another target holds most of it already, and data where zeroes belong.
cp --sparse=always "$dir/disk" "$dir/other"
for at in 5 130 300; do
    head -c 1M /dev/urandom | dd of="$dir/other" bs=1M seek=$at conv=notrunc status=none
done
asked delta godwit replica pull "$store" "$dir/other" --state-dir "$dir/o"
cmp "$dir/disk" "$dir/other" || fail 'the corrected volume differs'
fetched=$(jq -r .received_bytes "$dir/out")
echo "delta: $fetched bytes fetched for one wrong MiB of data and two where zeroes belong"
[ "$fetched" -le $((4 << 20)) ] || fail "$fetched bytes were fetched for a difference of 1 MiB"
holes_are_kept other

asked repetition godwit replica pull "$store" "$dir/other" --state-dir "$dir/o"
[ "$(packs_asked)" -eq 0 ] || fail 'a volume that is the point was fetched for'

if [ -n "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    rm -f "$dir/back"
    rc=0
    GODWIT_FAILPOINT=pull_write:75=kill bash -c '"$@"; exit $?' _ \
        godwit replica pull "$store" "$dir/back" --state-dir "$dir/k" 2>/dev/null || rc=$?
    [ "$rc" -eq 137 ] || fail "the restore was not killed: $rc"
    asked 'restore after a kill' godwit replica pull "$store" "$dir/back" --state-dir "$dir/k"
    cmp "$dir/disk" "$dir/back" || fail 'the volume restored after a kill differs'
    fetched=$(jq -r .received_bytes "$dir/out")
    echo "restore after a kill: $fetched bytes fetched"
    # 75 writes of two MiB were made, at most 50 of them of text: 55 MiB of noise are left, and packs in part.
    [ "$fetched" -le $((80 << 20)) ] || fail "$fetched bytes were fetched again"
fi

# Sectors changed here and there: blocks are put together from several packs, each asked for no oftener.
scatter "$dir/disk" $((10 << 20)) $((40 << 20)) 300
asked scattered godwit replica push "$dir/disk" "$store" --state-dir "$dir/s"
asked 'verification of scattered changes' godwit replica verify "$store" --full
awk '$1 == "GET" && $4 ~ /\/packs\//' "$dir/asked" >"$dir/counts"
echo "verification of scattered changes: $(packs_stored) packs, $(wc -l <"$dir/counts") requests"
[ "$(wc -l <"$dir/counts")" -le $(($(packs_stored) * 3)) ] || fail 'a verification asked for packs again and again'
echo 'reading asks for little'
