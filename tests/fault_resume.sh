#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an interrupted seed sends again, by the log of an S3 service: killed, cut off, with a full
# store and a full state directory, a push that goes on sends at most the packs again that were under
# way. The same where the store is a directory on a small disk (as root: it takes a tmpfs).
set -eu
# shellcheck source=tests/s3_service.sh
. "${abs_top_srcdir:?run by make check}/tests/s3_service.sh"
store=s3://bucket/idc

mounted=()
unmount() {
    local it
    end_jobs
    for it in "${mounted[@]}"; do
        umount "$it"
    done
    end
}
trap unmount EXIT

packs() { # that landed
    grep -c '^PUT 200 .*packs/' "$dir/requests" || true
}

# interrupt PACKS COMMAND...: a push; COMMAND when so many more packs have landed
interrupt() {
    local until=$(($(packs) + $1)) pusher
    shift
    godwit replica push "$dir/disk.img" $store/disk --limit 24MiB >"$dir/out" 2>"$dir/err" </dev/null &
    pusher=$!
    until [ "$(packs)" -ge $until ]; do
        kill -0 $pusher 2>/dev/null || fail "the push ended too early"
        sleep 0.02
    done
    "$@" "$pusher"
    if wait $pusher 2>/dev/null; then
        fail "$1 did not interrupt the push"
    fi
    interruptions=$((interruptions + 1))
}

killed() {
    kill -9 "$1"
}

cut_off() {
    kill -9 "$proxy"
}

filled() {
    : >"$dir/bodies/full"
}

# At the end: everything once, and for each interruption what the streams had under way; pages of
# the map come on top, a few KiB each.
streams=6
accounted() {
    local size sent biggest most
    size=$(stat -c %s "$dir/disk.img")
    read -r sent biggest < <(awk '/^PUT 200 .*packs\// { n += $3; if ($3 > max) max = $3 } END { print n, max }' "$dir/requests")
    most=$((size + size / 100 + interruptions * (streams * biggest + (1 << 20))))
    echo "   $interruptions interruptions: $((sent >> 10)) KiB in packs of at most $((biggest >> 10)) KiB for a volume of $((size >> 10)) KiB, $((most >> 10)) allowed"
    [ "$sent" -le "$most" ] || fail "too much was sent again"
    ! awk '$1 == "PUT" && $2 == 200 && /packs\// { if (seen[$4]++) exit 1 }' "$dir/requests" ||
        return 0
    fail "an object was put twice"
}

whole() {
    exits 0 godwit replica verify $store/disk --full --against "$dir/disk.img"
}

begin() {
    : >"$dir/requests"
    interruptions=0
    head -c $((96 << 20)) /dev/urandom >"$dir/disk.img"
}

echo "-- killed at any moment"
begin
for n in 3 1 6 2; do
    interrupt $n killed
done
exits 0 godwit replica push "$dir/disk.img" $store/disk
accounted
whole

echo "-- a store that is full"
begin
for n in 4 7; do
    interrupt $n filled
    says err GW-3006
    rm "$dir/bodies/full"
done
exits 0 godwit replica push "$dir/disk.img" $store/disk
accounted
whole

echo "-- cut off"
begin
helper tool_proxy 0 "$service" "$dir/faults"
proxy=$!
AWS_ENDPOINT_URL=http://127.0.0.1:$port
interrupt 5 cut_off
AWS_ENDPOINT_URL=http://127.0.0.1:$service
exits 0 godwit replica push "$dir/disk.img" $store/disk
accounted
whole

# tmpfs SIZE PLACE: false where one cannot be had
tmpfs() {
    mkdir "$2"
    mount -t tmpfs -o "size=$1,mode=700" godwit-test "$2" 2>/dev/null || return 1
    mounted+=("$2")
}

if [ "$(id -u)" = 0 ] && tmpfs 1m "$dir/small" && tmpfs 40m "$dir/disk"; then
    echo "-- a state directory that is full"
    crowded() {
        head -c 1m /dev/zero >"$dir/small/crowd" 2>/dev/null || true
    }
    XDG_STATE_HOME=$dir/small
    begin
    for n in 3 9; do
        interrupt $n crowded
        says err GW-1091
        rm "$dir/small/crowd"
    done
    exits 0 godwit replica push "$dir/disk.img" $store/disk
    accounted
    whole
    XDG_STATE_HOME=$dir/state

    echo "-- a store in a directory of a disk that is full, then grown"
    exits 1 godwit replica push "$dir/disk.img" "file://$dir/disk/store//x" --state-dir "$dir/state-x"
    says err GW-1091
    before=$(find "$dir/disk/store/packs" -type f -size +100k | wc -l)
    [ "$before" -gt 6 ] || fail "too little landed: $before"
    mount -o remount,size=200m "$dir/disk"
    exits 0 godwit replica push "$dir/disk.img" "file://$dir/disk/store//x" --state-dir "$dir/state-x" -o json
    sent=$(jq .sent_bytes "$dir/out")
    [ "$sent" -le $(((96 << 20) - (before - streams) * (3 << 20))) ] || fail "$sent bytes after $before packs"
    exits 0 godwit replica verify "file://$dir/disk/store//x" --full --against "$dir/disk.img"
else
    echo "-- (no tmpfs: neither a full state directory nor a full disk)"
fi
echo ok
