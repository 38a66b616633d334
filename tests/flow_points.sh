#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Consistent points of a file system that a database writes to: each is restored, recovered and
# checked; and whatever happens to who froze it, it is writable again.
# Mounts, pins and the loop device are in a namespace and on descriptors of this process.
#   [POINTS_DISK=DEVICE] [POINTS_TRACKER=ebpf] flow_points.sh [ROUNDS [sqlite|postgres]]
# The file system is made on DEVICE, else in an image; after the first pass all are by the tracker that is named, and none reads everything.
set -eu
own_mounts_size=6g
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?run by make check}/tests/own_mounts.sh"
for need in mkfs.ext4 losetup fsfreeze python3 jq; do
    command -v $need >/dev/null || skip "no $need"
done
rounds=${1:-2}
kind=${2:-sqlite}
mount -t bpf bpf /sys/fs/bpf || true # without it everything is read each time
mkdir "$dir/mnt" "$dir/back" "$dir/store"
export HOME=$dir TMPDIR=$dir PYTHONDONTWRITEBYTECODE=1
# Our own state lies on what is frozen: to touch it then would be the end.
export XDG_STATE_HOME=$dir/mnt/state
store=file://$dir/store
writer=
trap 'stop_writer' EXIT

fail() {
    echo "FAILED: $1 (round ${round:-0})"
    tail -n 20 "$dir/out" "$dir/mnt/err" "$dir/said" "$dir/writer" "$dir/live/log" 2>/dev/null || true
    df -h "$dir" "$dir/mnt"
    exit 1
}

# shellcheck source=tests/points_sqlite.sh
. "$abs_top_srcdir/tests/points_$kind.sh"

acks=$dir/acks
start_writer() {
    setpriv --pdeathsig KILL python3 "$abs_top_srcdir/tests/points_writer.py" write "$kind" \
        "$(place_of "$dir/mnt")" "$acks" >"$dir/writer" 2>&1 &
    writer=$!
    wait_for_acks 10
}

stop_writer() {
    [ -z "$writer" ] || kill "$writer" 2>/dev/null || true
    [ -z "$writer" ] || wait "$writer" 2>/dev/null || true
    writer=
}

count() { wc -l 2>/dev/null <"$acks" || echo 0; }

# wait_for_acks N: until so many more commits were acknowledged; fails when it takes 10 s.
wait_for_acks() {
    local want=$(($(count) + $1)) _
    for _ in $(seq 1000); do
        [ "$(count)" -lt "$want" ] || return 0
        kill -0 "$writer" 2>/dev/null || fail 'the writer died'
        read -rt 0.01 <> <(:) || true
    done
    fail 'commits stand still'
}

# push CODE ARGS...: with stderr on the frozen file system.
push() {
    local want=$1 code=0
    shift
    "${push_by[@]}" godwit replica push "$dev" "$store/db" --consistent -o json "$@" >"$dir/out" \
        2>"$dir/mnt/err" || code=$?
    [ "$code" = "$want" ] || fail "push ended with $code, not $want: $(cat "$dir/out" "$dir/mnt/err")"
}

# policies: how the threads of our pushes are scheduled.
policies() {
    local pid
    for pid in $(pgrep -x godwit); do
        [ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] || chrt -a -p "$pid" 2>/dev/null
    done
}

# What push is started with: the limits and capabilities of the packaged agent, and more changes than
# a service may lock when nobody says how much, 8 MiB.
push_by=()
as_packaged() {
    local unit=${abs_top_builddir:?}/packaging/godwit-agent.service caps
    caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | sed 's/CAP_/+/g' | tr 'A-Z ' 'a-z,')
    # Where we may not raise our own limits: a capability for which the limit does not count.
    [ "$(sed -n 's/^LimitMEMLOCK=//p' "$unit")" != infinity ] || caps+=,+ipc_lock
    ! grep -q '^LimitRTPRIO=1$' "$unit" || grep -q '^RestrictRealtime=yes' "$unit" || caps+=,+sys_nice
    push_by=(prlimit --memlock=8388608 --rtprio=0 -- setpriv --bounding-set="-all,$caps" --)
    dd if=/dev/urandom of="$dir/mnt/large" bs=1M count=24 conv=fsync status=none # a commit would wait for it
}

# push_or_not ARGS...: a busy machine may find no moment.
push_or_not() {
    local code=0
    "${push_by[@]}" godwit replica push "$dev" "$store/db" --consistent -o json "$@" >"$dir/out" 2>"$dir/mnt/err" || code=$?
    [ $code != 0 ] || return 0
    if [ $code != 5 ] || ! grep -q 'passes .* were left' "$dir/out" "$dir/mnt/err"; then
        fail "push ended with $code: $(cat "$dir/out" "$dir/mnt/err")"
    fi
    return 1
}

# The newest point, restored and recovered in every way that a machine would.
check_point() {
    local taken
    taken=$(jq -r '.point.taken_at' "$dir/out")
    taken=$(date -d "$taken" +%s%3N)
    rm -f "$dir/restored"
    XDG_STATE_HOME=$dir/pulls$round godwit replica pull "$store/db" "$dir/restored" \
        >"$dir/said" 2>&1 || fail 'pull'
    mount -o loop "$dir/restored" "$dir/back" || fail 'the restored file system does not mount'
    check_database "$dir/back" "$taken" || fail 'the restored database'
    umount "$dir/back"
    e2fsck -fn "$dir/restored" >"$dir/said" 2>&1 || fail 'the restored file system'
}

now_ms() { date +%s%3N; }

# longest FROM_MS TO_MS: the longest commit of that time.
longest() { python3 "$abs_top_srcdir/tests/points_writer.py" pauses "$acks" "$1" "$2"; }

# percentiles FILE LABEL: told to people, and the 99th percentile printed.
percentiles() {
    sort -n "$1" | awk -v label="$2" '
        { v[NR] = $1 }
        END {
            p = int(NR * 0.99 + 0.999)
            printf "%s: median %.0f, p99 %.0f, worst %.0f of %d\n", label, v[int((NR + 1) / 2)], v[p], v[NR], NR >"/dev/stderr"
            print v[p]
        }'
}

# tracked: the pass that was the last one.
tracked() {
    [ -n "${POINTS_TRACKER-}" ] && [ "$round" != 1 ] || return 0
    jq -e --arg kind "$POINTS_TRACKER" '.tracker == $kind and (has("rescan") | not)' "$dir/out" >/dev/null ||
        fail "it was not tracked: $(jq -c '{tracker, rescan}' "$dir/out")"
}

dev=${POINTS_DISK-}
if [ -z "$dev" ]; then
    truncate -s "${POINTS_SIZE:-$(size_of_image)}" "$dir/image"
    attach "$dir/image" 7
fi
mkfs.ext4 -q -F "$dev"
mount "$dev" "$dir/mnt"
start_database
start_writer

echo "-- $rounds points while $kind writes"
: >"$dir/pauses"
given_up=0
for round in $(seq "$rounds"); do
    begun=$(now_ms)
    # On a busy machine there may be no moment of 250 ms; that it says so is right.
    while ! push_or_not; do
        given_up=$((given_up + 1))
        [ $given_up -le $((rounds / 5 + 2)) ] || fail 'there is no moment'
    done
    ended=$(now_ms)
    jq -e '.point.kind == "file-system-consistent" and .freeze.file_systems == 1' "$dir/out" \
        >/dev/null || fail "what was made: $(cat "$dir/out")"
    tracked
    wait_for_acks 3
    longest "$begun" "$ended" >>"$dir/pauses"
    jq .freeze.pause_ms "$dir/out" >>"$dir/freezes"
    took=$((ended - begun))
    # As long again without a point: what this machine and this database do to a commit by themselves.
    begun=$(now_ms)
    read -rt "$((took / 1000)).$(printf %03d $((took % 1000)))" <> <(:) || true
    longest "$begun" "$(now_ms)" >>"$dir/without"
    jq -r '"   \(.freeze.pause_ms) ms, \(.freeze.bytes) bytes, \(.freeze.passes_before) passes"' \
        "$dir/out"
    check_point
done
round=0
echo 'longest commit, in ms'
percentiles "$dir/pauses" '  while a point was made' >"$dir/p99"
percentiles "$dir/without" '  as long again without' >"$dir/p99-without"
echo 'file systems stood still, in ms'
percentiles "$dir/freezes" '  of these points' >"$dir/p99-freezes"
echo "$given_up attempts found no moment of 250 ms"
# Of a few rounds the longest tells nothing; and what commits take without a point is not ours.
[ "$rounds" -lt 50 ] || awk -v with="$(cat "$dir/p99")" -v without="$(cat "$dir/p99-without")" \
    -v freeze="$(cat "$dir/p99-freezes")" \
    'BEGIN { exit !(freeze < 250 && (with < 250 || with - without < 250)) }' || fail 'the pauses are too long'

echo '-- killed while frozen'
if [ -n "${GODWIT_TEST_FAILPOINTS-}" ]; then
    begun=$(now_ms)
    GODWIT_FAILPOINT=push_frozen=kill push 137
    wait_for_acks 1
    killed=$(longest "$begun" "$(now_ms)")
    echo "   the longest commit took $killed ms"
    awk -v ms="$killed" 'BEGIN { exit ms >= 1000 }' || fail "thawed after $killed ms"
    ! fsfreeze -u "$dir/mnt" 2>/dev/null || fail 'it was frozen still'

    echo '-- hangs while frozen, with no more rights than the packaged agent has'
    as_packaged
    begun=$(now_ms)
    (
        export GODWIT_FAILPOINT=push_frozen=delay:2000
        for _ in $(seq 5); do ! push_or_not --freeze 200ms || exit 0; done
        fail 'no moment in five tries'
    ) &
    hangs=$!
    seen=no
    while kill -0 $hangs 2>/dev/null; do
        ! policies | grep -q SCHED_FIFO || seen=yes
    done
    wait $hangs
    hung=$(longest "$begun" "$(now_ms)")
    push_by=()
    [ $seen = yes ] || fail 'nothing gave it priority while frozen'
    jq -e '.freeze.passes_before > 0' "$dir/out" >/dev/null || fail 'it was not tried again'
    check_point
    echo "   the longest commit took $hung ms"
    # Of a busy machine, what a commit takes by itself is not ours.
    awk -v ms="$hung" -v without="$(sort -n "$dir/without" | tail -n 1)" 'BEGIN { exit ms - without >= 1400 }' ||
        fail "thawed after $hung ms"
fi
push 0
check_point

echo '-- somebody writes below the file system'
exec 8<>"$dev"
push 5
grep -q 'open for writing' "$dir/out" "$dir/mnt/err" || fail 'what it said'
exec 8>&-

echo '-- frozen by somebody else'
stop_writer
fsfreeze -f "$dir/mnt"
code=0
XDG_STATE_HOME=$dir/state2 timeout 20 godwit replica push "$dev" "$store/db2" --consistent >"$dir/out" 2>&1 || code=$?
fsfreeze -u "$dir/mnt"
[ "$code" = 5 ] || fail "ended with $code"

stop_database
umount "$dir/mnt"
export XDG_STATE_HOME=$dir/state2
echo '-- nothing is mounted'
godwit replica push "$dev" "$store/db2" --consistent -o json >"$dir/out" 2>"$dir/said" || fail 'push'
jq -e '.point.kind == "file-system-consistent" and .freeze.file_systems == 0' "$dir/out" >/dev/null ||
    fail "what was made: $(cat "$dir/out")"

echo '-- mounted where only another mount namespace sees it'
# shellcheck disable=SC2016 # the inner shell expands it
coproc ELSEWHERE {
    setpriv --pdeathsig KILL unshare -m --propagation private bash -c \
        'mount "$0" "$1" && echo mounted >"$1/elsewhere" && echo yes && read -r _' "$dev" "$dir/back"
}
read -r -t 10 answer <&"${ELSEWHERE[0]}" || answer=no
[ "$answer" = yes ] || fail 'the other namespace'
godwit replica push "$dev" "$store/db2" --consistent -o json >"$dir/out" 2>"$dir/said" || fail 'push'
jq -e '.point.kind == "file-system-consistent" and .freeze.file_systems == 1' "$dir/out" >/dev/null ||
    fail "what was made: $(cat "$dir/out")"
elsewhere=$ELSEWHERE_PID
echo 'it is over' >&"${ELSEWHERE[1]}"
wait "$elsewhere" || true
exec 7>&-
echo "every point was whole"
