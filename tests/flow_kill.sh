#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of the planner and of both agents at failpoints of a replicate, a cutover and a rollback, then a
# restart: it must end with one consistent side and no acknowledged record lost.
#
#   flow_kill.sh [ROUNDS]    a few by default; make check-soak gives 2000
#   GODWIT_KILL_SEED=N       which points, in which order
set -eu

if [ -z "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    echo "skip: failpoints are not compiled in"
    exit 77
fi

# shellcheck source=tests/story.sh
. "${abs_top_srcdir:?}/tests/story.sh"

rounds=${1:-${GODWIT_KILL_ROUNDS:-8}}
RANDOM=${GODWIT_KILL_SEED:-1}
STORY_LEDGER_MIB=$((rounds > 100 ? 64 : 8))
STORY_VOLUME=$((STORY_LEDGER_MIB + 12))M
[ "$rounds" -gt 100 ] && STORY_EVERY=50ms

# What is next, by who holds it now; nothing while the planner does not say.
next_switch() {
    case $(story_status .authority) in
        source) verb=cutover ;;
        target) verb=rollback ;;
        *) verb= ;;
    esac
    [ -n "$verb" ]
}

# Begin it, however often the planner dies of being asked; the request id makes it one operation.
switch_begun() {
    op=$(story_switch "$1" "$2")
    [ -n "$op" ]
}

# A refusal changed nothing (an agent that was killed has not been heard of again yet): ask once more.
switch_to_its_end() {
    local verb=$1 request=$2 try=0 state=refused
    while [ "$state" = refused ]; do
        try=$((try + 1))
        [ "$try" -lt 20 ] || story_fail "$verb is refused again and again"
        story_until 60 "a gate for $verb" story_gate_open
        story_until 60 "beginning $verb" switch_begun "$verb" "$request-$try"
        story_until 120 "$verb $op" story_op_ended "$op"
        state=$(story_api GET "/v1/ops/$op" 2>/dev/null | jq -r .state 2>/dev/null)
    done
}

# Learn which points each process passes in a story without kills.
learn() {
    local name
    story_count=yes
    for name in planner source target; do
        story_kill "$name"
        story_start "$name"
    done
    story_until 20 "the planner" story_planner_answers
    switch_to_its_end cutover learn-1
    story_prove
    switch_to_its_end rollback learn-2
    story_prove
    story_count=
    for name in planner source target; do
        story_kill "$name"
        story_start "$name"
        sort "$story/count-$name" | uniq -c | awk -v p="$name" '{ print p, $2, $1 }' >>"$story/points"
    done
    # Every point once, in an order that the seed gives; then again.
    shuf --random-source=<(yes "${GODWIT_KILL_SEED:-1}") "$story/points" >"$story/order"
    echo "$(wc -l <"$story/points") points are passed"
}

kill_round() {
    local round=$1 name=$2 point=$3 count=$4 verb="" pass
    pass=$((RANDOM % (count < 3 ? count : 3) + 1))
    story_kill "$name"
    story_start "$name" "$point:$pass=kill"
    echo "round $round: $name at $point:$pass"
    story_until 60 "what is next" next_switch
    switch_to_its_end "$verb" "round-$round"
    story_prove
    story_keep_alive >/dev/null
    echo "   $verb $(story_api GET "/v1/ops/$op" | jq -r .state), $(wc -l <"$story/restarts") kills, $(jq -r .acknowledged "$story/proof") records"
}

story_up
learn
round=0
while [ "$round" -lt "$rounds" ]; do
    while read -r name point count && [ "$round" -lt "$rounds" ]; do
        round=$((round + 1))
        kill_round "$round" "$name" "$point" "$count"
    done <"$story/order"
done
echo "$(wc -l <"$story/restarts") kills in $rounds rounds, $(jq -r .acknowledged "$story/proof") records acknowledged, none lost"
