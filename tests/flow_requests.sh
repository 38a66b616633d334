#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What reading costs at a store where requests are paid for: a restore and a full verification ask at
# most twice for a pack; a restore that was killed does not fetch again what it wrote; what the
# volume holds already is not fetched, and what should be zero becomes a hole.
set -eu
: "${abs_top_builddir:?}"

skip() {
    echo "SKIP: $1"
    exit 77
}
command -v jq >/dev/null || skip 'no jq'
[ -x "$abs_top_builddir/tool_s3" ] || skip 'tool_s3 was not built'

PATH=$abs_top_builddir:$PATH
dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-requests-XXXXXX")
service=
stop() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT
fail() {
    echo "FAILED: $*"
    tail -n 5 "$dir/err" "$dir/asked" 2>/dev/null || true
    exit 1
}
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
unset GODWIT_CONFIG GODWIT_STORE_KEY GODWIT_OUTPUT GODWIT_PROGRESS AWS_PROFILE AWS_SESSION_TOKEN
export AWS_ACCESS_KEY_ID=AKIATEST AWS_SECRET_ACCESS_KEY=secret AWS_REGION=home-1 GODWIT_S3_PATH_STYLE=1

mkdir "$dir/bodies"
mkfifo "$dir/port"
tool_s3 "$dir/bodies" bucket "$dir/log" >"$dir/port" &
service=$!
read -r port <"$dir/port"
export AWS_ENDPOINT_URL=http://127.0.0.1:$port
store=s3://bucket/vault/disk

# asked WHAT COMMAND...: what it asked the store for is in $dir/asked, its answer in $dir/out.
asked() {
    local what=$1 from
    shift
    from=$(wc -l <"$dir/log")
    "$@" -o json >"$dir/out" 2>"$dir/err" || fail "$what: $(head -n 3 "$dir/err")"
    tail -n +$((from + 1)) "$dir/log" >"$dir/asked"
}

packs_stored() {
    awk '$1 == "PUT" && $4 ~ /\/packs\// { print $4 }' "$dir/log" | sort -u | wc -l
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
    GODWIT_FAILPOINT=pull_write:300=kill bash -c '"$@"; exit $?' _ \
        godwit replica pull "$store" "$dir/back" --state-dir "$dir/k" 2>/dev/null || rc=$?
    [ "$rc" -eq 137 ] || fail "the restore was not killed: $rc"
    asked 'restore after a kill' godwit replica pull "$store" "$dir/back" --state-dir "$dir/k"
    cmp "$dir/disk" "$dir/back" || fail 'the volume restored after a kill differs'
    fetched=$(jq -r .received_bytes "$dir/out")
    echo "restore after a kill: $fetched bytes fetched"
    # 300 units of 256 KiB, less those of text.
    [ "$fetched" -le $((80 << 20)) ] || fail "$fetched bytes were fetched again"
fi
echo 'reading asks for little'
