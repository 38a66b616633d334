#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an interrupted seed sends again, by the log of an S3 service: killed, cut off, with a full
# store and a full state directory, a push that goes on sends at most the packs again that were under
# way. The same where the store is a directory on a small disk (as root: it takes a tmpfs).
set -eu
: "${abs_top_builddir:?}"

skip() {
    echo "SKIP: $1"
    exit 77
}
[ -x "$abs_top_builddir/tool_proxy" ] || skip 'tool_proxy was not built'

PATH=$abs_top_builddir:$PATH
dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-fault-resume-XXXXXX")
pids=()
mounted=()
stop() {
    local it
    for it in "${pids[@]}"; do
        kill "$it" 2>/dev/null || true
    done
    wait
    for it in "${mounted[@]}"; do
        umount "$it"
    done
    rm -rf "$dir"
}
trap stop EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
unset GODWIT_CONFIG GODWIT_STORE_KEY GODWIT_OUTPUT GODWIT_PROGRESS AWS_PROFILE AWS_SESSION_TOKEN
unset AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
export AWS_ACCESS_KEY_ID=AKIATEST AWS_SECRET_ACCESS_KEY=secret AWS_REGION=home-1 GODWIT_S3_PATH_STYLE=1

fail() {
    echo "FAILED: $*" >&2
    tail -n 3 "$dir/err" >&2 2>/dev/null || true
    exit 1
}

# exits CODE COMMAND...
exits() {
    local want=$1 code=0
    shift
    "$@" >"$dir/out" 2>"$dir/err" </dev/null || code=$?
    [ "$code" = "$want" ] || fail "$* ended with $code, not $want"
}

helper() {
    "$@" >"$dir/port" &
    pids+=($!)
    read -r port <"$dir/port"
}

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
    kill -9 "${pids[-1]}"
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

mkdir "$dir/bodies"
mkfifo "$dir/port"
helper tool_s3 "$dir/bodies" bucket "$dir/requests"
service=$port
export AWS_ENDPOINT_URL=http://127.0.0.1:$service
store=s3://bucket/idc

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
    grep -q GW-1091 "$dir/err" || fail "a full store is not named"
    rm "$dir/bodies/full"
done
exits 0 godwit replica push "$dir/disk.img" $store/disk
accounted
whole

echo "-- cut off"
begin
helper tool_proxy 0 "$service" "$dir/faults"
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
        grep -q GW-1091 "$dir/err" || fail "a full state directory is not named"
        rm "$dir/small/crowd"
    done
    exits 0 godwit replica push "$dir/disk.img" $store/disk
    accounted
    whole
    XDG_STATE_HOME=$dir/state

    echo "-- a store in a directory of a disk that is full, then grown"
    exits 1 godwit replica push "$dir/disk.img" "file://$dir/disk/store//x" --state-dir "$dir/state-x"
    grep -q GW-1091 "$dir/err" || fail "a full disk is not named"
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
