#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The unhappy paths of a switch, by the command line: each ends with its exit code, one side that
# serves, and every acknowledged record.
set -eu

# shellcheck source=tests/story.sh
. "${abs_top_srcdir:?}/tests/story.sh"

# expect CODE WHAT godwit…
expect() {
    local want=$1 what=$2 code=0
    shift 2
    echo "== $what"
    timeout 90 "$@" >"$story/out" 2>&1 || code=$?
    [ "$code" -eq "$want" ] || story_fail "$what: exit $code instead of $want: $(cat "$story/out")"
}

says() {
    grep -q -- "$1" "$story/out" || story_fail "it does not say '$1': $(cat "$story/out")"
}

says_so() {
    grep -q -- "$1" "$story/out"
}

# serves SIDE: it is the holder, and the proof holds there
serves() {
    story_until 30 "authority of $1" is_at "$1"
    story_prove
    [ "$(story_writer)" = "$1" ] || story_fail "the $1 side does not write"
}

is_at() {
    [ "$(story_status .authority)" = "$1" ]
}

ready() {
    story_until 60 "the gate" story_gate_open
}

newest_op() {
    story_api GET "/v1/ops?workload=ledger" | jq -r '.items[0].id'
}

at_step() {
    story_api GET "/v1/ops?workload=ledger" | jq -e --arg s "$1" '.items[0] | .state == "running" and .step == $s' >/dev/null
}

story_up
story_context
ready

echo "== who writes to the side that follows is told of, and nothing is overwritten unasked"
theirs() {
    printf 'theirs' | dd of="$story/target.img" bs=1 seek=12000000 conv=notrunc status=none
}
# Written while the agent writes, too, it passes for the agent's: until it is not.
altered() {
    if [ "$(story_status '.volumes[0].state')" != error ]; then
        theirs
        return 1
    fi
    [ "$(story_status .next.command)" = "godwit sync resync ledger" ]
}
story_until 20 "the alarm" altered
expect 5 "nothing is switched to it" godwit cutover ledger --confirm=ledger
says "somebody else wrote to it"
[ "$(dd if="$story/target.img" bs=1 skip=12000000 count=6 status=none)" = theirs ] || story_fail "it was overwritten"
expect 2 "to overwrite it wants its name" godwit sync resync ledger --no-input
expect 0 "an operator has it made equal again" godwit sync resync ledger --confirm=ledger

STORY_HEALTH='[{"run": ["false"]}]' story_edit
ready
expect 11 "a failed health check brings it back, the cloud's writes included" \
    godwit cutover ledger --confirm=ledger --max-downtime 12s
says "bringing it back"
says "GW-4105"
serves source
story_edit

STORY_STOP_FIRST='["false"]' story_edit
ready
expect 11 "a stop hook that fails aborts before anything moved" godwit cutover ledger --confirm=ledger
serves source
story_edit

STORY_START_FIRST="[\"sh\", \"-c\", \"test \$GODWIT_SIDE = source\"]" story_edit
ready
expect 11 "services that do not start there are started here again" godwit cutover ledger --confirm=ledger
serves source
story_edit

# A hook that takes as long as what is tried beside it.
STORY_STOP_FIRST='["sh", "-c", "until test -e '$story'/go; do sleep 0.1; done"]' story_edit
ready
expect 0 "an operator detaches" godwit cutover ledger --confirm=ledger --detach -q
op=$(newest_op)
story_until 20 "the fence" at_step fence
expect 6 "a second switch is locked out" godwit cutover ledger --confirm=ledger
says "$op"
expect 8 "a wait that is over" godwit op attach "$op" --wait=1s
expect 0 "a dry run of an abort" godwit op abort "$op" --dry-run
story_api GET "/v1/ops/$op" | jq -e '.abort_wanted | not' >/dev/null || story_fail "the dry run asked for the abort"
expect 0 "abort is asked for" godwit op abort "$op"
touch "$story/go"
expect 11 "and the operation ends aborted" godwit op attach "$op"
serves source
story_edit

ready
story_kill target
unset 'story_pid[target]'
expect 11 "a landing side that is gone: abort when the downtime is used up" \
    godwit cutover ledger --confirm=ledger --max-downtime 3s
story_start target
serves source

ready
now=$(date -u +%FT%TZ)
later=$(date -u -d '+1 hour' +%FT%TZ)
godwit window add "$now" "$later" --blackout --name freeze -o json >"$story/window.json"
expect 5 "nothing moves in a blackout" godwit cutover ledger --confirm=ledger
says "blackout until"
godwit window rm "$(jq -r .window "$story/window.json")" --yes >/dev/null
expect 2 "a severe act wants its name" godwit cutover ledger --no-input
expect 0 "a dry run changes nothing" godwit cutover ledger --dry-run
is_at source || story_fail "the dry run moved something"

expect 0 "test" godwit test ledger
expect 0 "cutover" godwit cutover ledger --confirm=ledger
serves target
expect 5 "it is there already" godwit cutover ledger --confirm=ledger
story_kill planner
unset 'story_pid[planner]'
expect 8 "a planner that is down is said" godwit status
story_start planner
story_until 20 "the planner" story_planner_answers
ready
expect 0 "rollback" godwit rollback ledger --confirm=ledger
serves source
ready
expect 0 "cutover again" godwit cutover ledger --confirm=ledger
serves target
STORY_HEALTH='[{"run": ["false"]}]' story_edit
ready
expect 12 "a rollback to a side that is not healthy ends halfway" godwit rollback ledger --confirm=ledger --max-downtime 12s
says "GW-4105"
if says_so "was taken back"; then story_fail "it says that it was taken back"; fi
op=$(newest_op)
expect 0 "its journal says which step failed" godwit op show "$op" -o json
jq -e '.attention and (.steps[-1] | .name == "health" and .detail.error.code == "GW-4105")' "$story/out" >/dev/null ||
    story_fail "$(cat "$story/out")"
needs_operator() {
    [ "$(story_status .state)" = "needs operator" ]
}
story_until 10 "needs operator" needs_operator
[ "$(story_status .next.command)" = "godwit op show $op" ] || story_fail "no next step"
story_status '.warnings[].next[]' | grep -qx "godwit op resolve $op" || story_fail "no warning"
expect 0 "an operator looked after it" godwit op resolve "$op"
if needs_operator; then story_fail "it still needs an operator"; fi
expect 6 "what ended well needs no operator" godwit op resolve "$(story_api GET "/v1/ops?workload=ledger" |
    jq -r '[.items[] | select(.state == "done")][0].id')"
story_edit
ready
expect 0 "cutover once more" godwit cutover ledger --confirm=ledger
serves target
expect 0 "finalize" godwit finalize ledger --confirm=ledger
if godwit status ledger | grep -q CLOSED; then story_fail "a gate that nothing will ever ask is closed"; fi
expect 5 "after which there is no way back" godwit rollback ledger --confirm=ledger
story_guard target || story_fail "the finalized side may not write any more"
if story_guard source; then story_fail "the old side may write after finalize"; fi

echo "== a name that was used before says why it cannot begin again"
godwit app rm ledger --confirm=ledger >/dev/null
story_edit
godwit sync start ledger >/dev/null
says_why() {
    story_status '.warnings[].text' | grep -q 'cannot own it'
}
story_until 30 "the warning" says_why
if story_guard source; then story_fail "the old side owns it again"; fi
story_guard target || story_fail "the finalized side lost it"
echo "every path ended as it must: $(story_acks) records acknowledged, none lost"
