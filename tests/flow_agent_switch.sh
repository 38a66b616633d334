#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A switch and the way back between two agents' states, order by order, each order killed at every
# failpoint it passes and then given again: it must end as if nothing had happened.
set -eu

if [ -z "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    echo "skip: failpoints are not compiled in"
    exit 77
fi
# shellcheck source=tests/agent_story.sh
. "${abs_top_srcdir:?}/tests/agent_story.sh"
kills=0
declare -A killed

# The order in $dir/order.json, killed at the first pass of each failpoint it passes, on a copy of
# the state for learning which there are.
before_order() {
    local side=$1 point
    rm -rf "$dir/trial" && mkdir "$dir/trial"
    cp -a "$dir/$side" "$dir/trial/state"
    cp -a "$dir/store" "$dir/trial/store"
    cp --sparse=always -a "$dir/$side.img" "$dir/trial/img" 2>/dev/null || true
    : >"$dir/trial/count"
    GODWIT_FAILPOINT_COUNT="$dir/trial/count" "$tool" order "$dir/$side" "$dir/$side.json" \
        "$dir/order.json" >"$dir/trial/answer" 2>/dev/null || true
    sort -u "$dir/trial/count" >"$dir/trial/points"
    while read -r point; do
        case $point in agent_*) ;; *) continue ;; esac
        # Once for each kind of order, side and point.
        [ -z "${killed["$2 $side $point"]:-}" ] || continue
        killed["$2 $side $point"]=yes
        restore "$side"
        kill_at "$point" "$side" && fail "$point did not kill"
        kills=$((kills + 1))
        "$tool" order "$dir/$side" "$dir/$side.json" "$dir/order.json" >"$dir/answer" 2>"$dir/log" ||
            fail "again after $point: $(cat "$dir/log")"
        [ "$(jq -r .state "$dir/answer")" = "$(jq -r .state "$dir/trial/answer")" ] ||
            fail "after $point: $(cat "$dir/answer") instead of $(cat "$dir/trial/answer")"
    done <"$dir/trial/points"
}

# In a shell of its own, so that nobody says "Killed".
kill_at() {
    bash -c 'GODWIT_FAILPOINT="$1=kill" "$2" order "$3" "$4" "$5"; exit $?' _ \
        "$1" "$tool" "$dir/$2" "$dir/$2.json" "$dir/order.json" >/dev/null 2>&1
}

restore() {
    rm -rf "${dir:?}/$1" "$dir/store"
    cp -a "$dir/trial/state" "$dir/$1"
    cp -a "$dir/trial/store" "$dir/store"
    if [ -e "$dir/trial/img" ]; then
        rm -f "$dir/$1.img"
        cp --sparse=always -a "$dir/trial/img" "$dir/$1.img"
    else
        rm -f "$dir/$1.img"
    fi
}

# -- out ----------------------------------------------------------------------
guard a 5
set_up
guard a 0
guard b 5
write_some a 100
round a
round b
same "after a delta"
order b test 0
expect '.state == "done" and .result.volumes[0].ok and .result.checks[0].ok'
expect '.result.points == "fuzzy" and .result.volumes[0].kind == "fuzzy"' # there is no other
order b verify 0
expect '.state == "done" and .result.volumes[0].ok'

write_some a 7
fence_and_final a 1
apply b 1
expect ".state == \"done\" and .result.volumes[0].digest == $(jq .result.volumes[0].digest "$dir/final1")"
guard b 5
round b # it must not follow now, nor may a push
round a
same "after apply"
decide 1 promote promote
order b promote 1
expect_done
guard b 0
guard a 5
grep -q '^start target 1$' "$dir/hooks" || fail "the start hook of the target did not run"
order b health 1
expect '.state == "done" and (.result.checks | length) == 2'
order b traffic 1 '{"to": "target"}'
expect '.state == "done" and (.result.output | startswith("moved"))'

# a late abort and a late apply of the epoch that is over change nothing
order a abort 1
expect '.state == "failed"'
guard a 5
apply b 1
expect '.state == "failed"'
guard b 0

# -- dual run, the other way round --------------------------------------------------
write_some b 300
round b
config a follow 1
config b push 1
round a
same "after the reverse delta"
guard a 5

# -- and back, with an abort between -------------------------------------------------
fence_and_final b 2
decide 2 abort abort
order b abort 2
expect_done
guard b 0
order a stand_down 2
expect_done
order b fence 2 # late
expect '.state == "failed"'
guard b 0
write_some b 40
round b
fence_and_final b 3
apply a 3
expect_done
same "after the apply of the way back"
decide 3 promote promote
order a promote 3
expect_done
guard a 0
guard b 5
write_some a 500
round a
config b follow 3
config a push 3
round b
same "after the last delta"
# an order of a higher rank does not wait for what a check or a hook takes
jq --arg fifo "$dir/fifo" '.assignments[0].hooks.health = [{"run": ["sh", "-c", "echo x >\($fifo); sleep 60"]}]' \
    "$dir/a.json" >"$dir/slow.json"
mv "$dir/slow.json" "$dir/a.json"
printf '{"n": 899, "id": "op.899.a", "kind": "health", "workload": "shop", "epoch": 3, "deadline": null, "args": {}}\n' \
    >"$dir/order.json"
overtaken order a "$dir/order.json"
expect '.state == "failed" and (.error.what | contains("overtaken"))'

order a release 3
order b release 3
guard a 0
guard b 5

[ "$kills" -ge 50 ] || fail "only $kills kills"
echo "$kills kills"
