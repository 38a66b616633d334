#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit replica follow: a volume goes along with a replica, point by point; killed it goes on; what
# somebody else wrote to it is not overwritten; a replica or a store that is away is waited for.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs jq
mkdir "$dir/store"
store=file://$dir/store

same() {
    cmp "$dir/a.img" "$dir/$1" || fail "$1 differs"
}
change() {
    head -c 4096 /dev/urandom | dd of="$dir/a.img" bs=4096 seek="$1" conv=notrunc status=none
    exits 0 godwit replica push "$dir/a.img" "$store/a"
}

echo "-- once: nothing yet, the first point, nothing new, a difference"
head -c 9437184 /dev/urandom >"$dir/a.img"
truncate -s 20M "$dir/a.img"
mkdir "$dir/empty"
exits 0 godwit replica push "$dir/a.img" "$store/other"
exits 4 godwit replica follow "$store/a" "$dir/b.img" --once
says err GW-3015
exits 0 godwit replica push "$dir/a.img" "$store/a"
exits 0 godwit replica follow "$store/a" "$dir/b.img" --once -o jsonl
jq -se '[.[].type] == ["version", "event", "result"] and .[2].exit == 0' "$dir/out" >/dev/null || fail "the records of follow"
sed -i 2!d "$dir/out"
is '.schema == "godwit.replica-follow/1" and .point.seq == 1 and .received_bytes > 9000000'
same b.img
change 5
change 3000
exits 0 godwit replica follow "$store/a" "$dir/b.img" --once -o json
is '.point.seq == 3 and .received_bytes < 300000'
same b.img
exits 0 godwit replica follow "$store/a" "$dir/b.img" --once -o json
is '.point.seq == 3 and .received_bytes == 0'
exits 2 godwit replica follow "$store/a@2" "$dir/b.img"

# follow ARGS: started; a line on file descriptor 9 for each point
follow() {
    rm -f "$dir/fifo"
    mkfifo "$dir/fifo"
    godwit replica follow "$@" --interval 100ms -o jsonl >"$dir/fifo" 2>"$dir/log" </dev/null &
    pid=$!
    exec 9<"$dir/fifo"
}
# point N: the next event is of point N
point() {
    local line=
    until [[ $line == *'"type":"event"'* ]]; do
        read -r -t 60 line <&9 || fail "no point $1"
    done
    [ "$(jq .point.seq <<<"$line")" = "$1" ] || fail "point $1: $line"
}
# ended CODE
ended() {
    local code=0
    wait "$pid" || code=$?
    exec 9<&-
    [ "$code" = "$1" ] || fail "it ended with $code, not $1"
}

echo "-- going along, while it is asked to stop"
follow "$store/a" "$dir/b.img"
point 3
change 17
point 4
same b.img
change 18
point 5
same b.img
kill -INT "$pid"
ended 130

echo "-- killed, it goes on"
follow "$store/a" "$dir/b.img"
point 5
kill -KILL "$pid"
ended 137
change 19
if [ -n "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    for place in pull_mark pull_write pull_flush pull_state; do
        code=0
        bash -c 'GODWIT_FAILPOINT=$1=kill "$2" replica follow "$3" "$4" --once; exit $?' _ "$place" \
            "$abs_top_builddir/godwit" "$store/a" "$dir/b.img" >"$dir/out" 2>"$dir/err" || code=$?
        [ "$code" = 137 ] || fail "$place did not kill: $code"
    done
fi
follow "$store/a" "$dir/b.img"
point 6
same b.img

echo "-- somebody else writes to it: it ends, and what they wrote stays"
printf 'mine' | dd of="$dir/b.img" bs=1 seek=100 conv=notrunc status=none
change 20
ended 9
says log GW-3026
[ "$(dd if="$dir/b.img" bs=1 skip=100 count=4 status=none)" = mine ] || fail "it was overwritten"

echo "-- a replica that comes later is waited for"
follow "$store/late" "$dir/late.img"
exits 0 godwit replica push "$dir/a.img" "$store/late"
point 1
same late.img
kill -TERM "$pid"
ended 130
echo "ok"
