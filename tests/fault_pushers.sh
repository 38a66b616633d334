#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two pushers of one replica, real processes, in a directory and in an S3 service: one wins, the other
# ends with 6 and says who holds it (process, host, since when). One that was killed holds nothing.
set -eu
# shellcheck source=tests/s3_service.sh
. "${abs_top_srcdir:?run by make check}/tests/s3_service.sh"
[ -n "${GODWIT_TEST_FAILPOINTS:-}" ] || skip 'no failpoints in this build'
needs jq

# hold POINT COMMAND...: $holder is COMMAND, which stands still at a failpoint until it gets SIGCONT
hold() {
    local point=$1
    shift
    rm -f "$dir/passes"
    GODWIT_FAILPOINT="$point=count;$point=delay:1500" GODWIT_FAILPOINT_COUNT=$dir/passes \
        "$@" >"$dir/held.out" 2>"$dir/held.err" </dev/null &
    holder=$!
    until [ -s "$dir/passes" ]; do kill -0 $holder || fail "$* does not come to $point"; done
    kill -STOP $holder
}

write() { # BYTES IMAGE
    head -c "$1" /dev/urandom | dd of="$2" conv=notrunc status=none
}

names() { # FILE PID: who it was, where, and since when
    grep -qE "GW-3016.*process $2 on $(uname -n),? .*since 20[0-9-]{8}T[0-9:]{8}" "$1" || fail "$1 does not name process $2: $(cat "$1")"
}

one_directory() { # URL: the same command twice on one host
    hold push_point_before godwit replica push "$dir/a.img" "$1"
    exits 6 godwit replica push "$dir/a.img" "$1"
    names "$dir/err" $holder
    exits 4 godwit replica show "$1"
    kill -KILL $holder
    wait $holder 2>/dev/null || true
    # Nobody has to be waited for: the lock went with its process.
    exits 0 godwit replica push "$dir/a.img" "$1" -o json
    is '.point.seq == 1 and .duration_s < 5'
}

two_hosts() { # URL: with a state directory each, as on two hosts; who commits first wins
    local winner
    write 100000 "$dir/a.img"
    write 100000 "$dir/b.img"
    hold push_point_before godwit replica push "$dir/a.img" "$1"
    godwit replica push "$dir/b.img" "$1" --state-dir "$dir/other" >"$dir/out" 2>"$dir/err" </dev/null &
    winner=$!
    wait $winner || fail "a pusher waited for another host's"
    kill -CONT $holder
    code=0
    wait $holder || code=$?
    [ "$code" = 6 ] || fail "who lost ended with $code"
    names "$dir/held.err" $winner
    exits 0 godwit replica pull "$1" "$dir/back.img" --state-dir "$dir/back"
    cmp "$dir/b.img" "$dir/back.img" || fail "the two were mixed"
    rm -r "$dir/back" "$dir/back.img"
    # Killed before its point: the other host is not held up.
    write 100000 "$dir/b.img"
    hold push_point_before godwit replica push "$dir/b.img" "$1" --state-dir "$dir/other"
    kill -KILL $holder
    wait $holder 2>/dev/null || true
    exits 0 godwit replica push "$dir/a.img" "$1" --state-dir "$dir/third" -o json
    is '.point.seq == 3 and .duration_s < 5'
    # Who is old is told the ways on, and may go this one.
    exits 6 godwit replica push "$dir/b.img" "$1" --state-dir "$dir/other"
    says err 'ours is point 2'
    says err 'godwit replica push VOLUME STORE/NAME --take-over'
    exits 0 godwit replica push "$dir/b.img" "$1" --state-dir "$dir/other" --take-over -o json
    is '.point.seq == 4'
    exits 0 godwit replica verify "$1" --full --against "$dir/b.img"
    rm -r "$dir/other" "$dir/third"
}

write 3000000 "$dir/a.img"
cp "$dir/a.img" "$dir/b.img"
mkdir "$dir/store"
for store in "file://$dir/store/web" s3://bucket/idc/web; do
    echo "-- $store: one state directory"
    one_directory "$store"
    echo "-- $store: two"
    two_hosts "$store"
done
echo ok
