#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Operations through the API, with agents that answer what they are told to: what is refused and
# with which code, a test, a cutover, a digest that differs, the way back, finalize.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

planner_init --store "file://$dir/vault"
planner_start --listen 127.0.0.1:0
enrol src
enrol dst
api PUT /v1/workloads/shop "$(workload shop src dst '"limits": {"max_lag_s": 3600, "observe_s": 0},
    "health": [{"tcp": "127.0.0.1:80"}], "hooks": {"traffic": {"to_target": ["true"], "to_source": ["true"]}}')"
expect 201

digest=$(printf '%064d' 7)
other=$(printf '%064d' 8)
answer_digest=$digest
hold=
health_s=

result() { # KIND
    local volume="{\"name\": \"data\", \"seq\": 5, \"hash\": \"$digest\", \"digest\": \"$digest\", \"size_bytes\": 1000}"
    case $1 in
    final) echo "{\"volumes\": [$volume]}" ;;
    apply | test | verify) echo "{\"volumes\": [${volume/\"digest\": \"$digest\"/\"digest\": \"$answer_digest\"}], \"checks\": []}" ;;
    fence) echo '{"writers": 0}' ;;
    *) echo '{}' ;;
    esac
}

# Every open order of that agent but those of kind $hold, answered done; kinds are added to $dir/NAME.kinds.
serve() {
    local id kind timeout_s
    agent "$1" GET '/v1/agent/work?config=0'
    get '.orders[] | "\(.id) \(.kind) \(.args.timeout_s)"' >"$dir/$1.orders"
    while read -r id kind timeout_s; do
        [ "$kind" != "$hold" ] || continue
        echo "$kind" >>"$dir/$1.kinds"
        [ "$kind" != health ] || health_s=$timeout_s
        agent "$1" POST "/v1/agent/orders/$id" "{\"state\": \"done\", \"result\": $(result "$kind")}"
    done <"$dir/$1.orders"
}

ended() { # serve both until the operation has ended
    serve src
    serve dst
    api GET "/v1/ops/$op"
    [ "$(get .state)" != running ]
}

in_sync() { # PUSHER FOLLOWER
    report "$1" "$(replica shop push continuous "\"taken_at\": \"$(now)\"")"
    report "$2" "$(replica shop follow continuous "\"taken_at\": \"$(now)\", \"verified_at\": \"$(now 1)\"")"
}

# run PATH BODY: an operation to its end
run() {
    : >"$dir/src.kinds"
    : >"$dir/dst.kinds"
    api POST "/v1/workloads/shop/$1" "$2"
    expect 202 '.schema == "godwit.op/1"'
    op=$(get .id)
    within 60 ended || fail "$1 does not end: $(cat "$out")"
}

# What an agent was asked to do, in order; verifications come when they are due.
kinds() {
    grep -vx verify "$dir/$1.kinds" | paste -sd' '
}

# -- refused ----------------------------------------------------------------------

api POST /v1/workloads/none/cutover '{"confirm": "none"}'
expect 404
api POST /v1/workloads/shop/cutover '{}'
expect 400 '.code == "GW-1005"'
api POST /v1/workloads/shop/cutover '{"dry_run": true, "confirm": "shop"}'
expect 200 '.schema == "godwit.gate/1"' '.gate.open == false'
run cutover '{"confirm": "shop", "request_id": "early"}'
api GET "/v1/ops/$op"
expect 200 '.state == "refused"' '.exit == 5'
early=$op
api POST /v1/workloads/shop/cutover '{"confirm": "shop", "request_id": "early"}'
expect 202 ".id == \"$early\""
# Nobody is told that what he asked for runs, when another's runs.
api PUT /v1/workloads/till "$(workload till src dst)"
expect 201
api POST /v1/workloads/till/cutover '{"confirm": "till", "request_id": "early"}'
expect 423 '.code == "GW-5006"'
api POST /v1/workloads/shop/test '{"request_id": "early"}'
expect 423
api POST /v1/workloads/shop/cutover '{"confirm": "shop", "request_id": "early", "max_lag_s": 1}'
expect 423
api POST /v1/workloads/shop/cutover '{"confirm": "shop", "request_id": "not a name"}'
expect 400
api POST '/v1/workloads/till/cutover?request_id=late' '{"confirm": "till"}'
expect 202
late=$(get .id)
api POST '/v1/workloads/till/cutover?request_id=late' '{"confirm": "till"}'
expect 202 ".id == \"$late\""
api DELETE /v1/workloads/till
expect 200
api GET /v1/ops/none
expect 404
api POST /v1/ops/none/resolve
expect 404
api POST /v1/ops/none/abort
expect 404
api POST "/v1/ops/$early/resolve"
expect 423 '.code == "GW-5006"'
api POST "/v1/ops/$early/abort"
[ "$status" != 202 ] || fail "an ended operation was aborted"

# -- a test -------------------------------------------------------------------------

api POST /v1/workloads/shop/sync '{"action": "start"}'
expect 200
serve src
grep -qx adopt "$dir/src.kinds" || fail "nobody was told that it owns"
in_sync src dst
run test '{}'
expect 200 '.state == "done"' '.exit == 0'
grep -qx test "$dir/dst.kinds" || fail "dst was not asked to test"
api GET /v1/status/shop
expect 200 '.items[0].lifecycle == "ready_for_cutover"' '.items[0].tested_at != null'

# -- a cutover whose digests differ: back where it was ---------------------------------

in_sync src dst
api GET /v1/workloads/shop/gate
expect 200 '.gate.open'
api POST /v1/workloads/shop/rollback '{"dry_run": true}'
expect 200 '.gate.open == false' '.gate.reasons | any(contains("at its source already"))'
api POST /v1/workloads/shop/finalize '{"dry_run": true}'
expect 200 '.gate.open == false'
api POST /v1/workloads/shop/test '{"dry_run": true}'
expect 200 '.gate.open'
answer_digest=$other
run cutover '{"confirm": "shop"}'
expect 200 '.state == "rolled_back"' '.exit == 11'
grep -qx abort "$dir/src.kinds" || fail "src was not unfenced: $(paste -sd' ' "$dir/src.kinds")"
grep -qx promote "$dir/dst.kinds" && fail "dst was promoted"
api GET /v1/workloads/shop
expect 200 '.authority == "source"' '.epoch == 1' '.lifecycle == "ready_for_cutover"'
answer_digest=$digest

# -- a cutover ----------------------------------------------------------------------

in_sync src dst
api POST /v1/workloads/shop/cutover '{"confirm": "shop", "request_id": "go", "max_downtime_s": 30}'
expect 202
op=$(get .id)
: >"$dir/src.kinds"
: >"$dir/dst.kinds"
# While it is open, nobody else may touch the workload.
api POST /v1/workloads/shop/cutover '{"confirm": "shop"}'
expect 423 '.code == "GW-4102"'
api PUT /v1/workloads/shop "$(workload shop src dst)"
expect 423
api DELETE /v1/workloads/shop
expect 423
api GET /v1/status/shop
expect 200 '.items[0].state == "cutting over"' ".items[0].op.op == \"$op\""
report src "$(replica shop push continuous)"
expect 200 '.report_s == 5'
# An abort that comes after the decision is refused: kept, it would stop the way back.
hold=promote
promoting() {
    serve src
    serve dst
    api GET "/v1/ops/$op"
    [ "$(get .step)" = promote ]
}
within 60 promoting || fail "nobody is promoted: $(cat "$out")"
api POST "/v1/ops/$op/abort"
expect 423 '.code == "GW-5006"'
api GET "/v1/ops/$op"
expect 200 '.abort_wanted == false'
hold=
within 60 ended || fail "the cutover does not end: $(cat "$out")"
expect 200 '.state == "done"' '.exit == 0'
[ "$(kinds src)" = "fence final" ] || fail "src: $(kinds src)"
[ "$(kinds dst)" = "apply promote health traffic" ] ||
    fail "dst: $(kinds dst)"
# Checks have what is left of the downtime, and at least a first look.
if [ "$health_s" -lt 5 ] || [ "$health_s" -gt 30 ]; then fail "checks have $health_s s of 30"; fi
# A dry run is of what was asked for, not of the switch that would be open now.
api POST /v1/workloads/shop/cutover '{"dry_run": true}'
expect 200 '.gate.open == false' '.gate.reasons | any(contains("in the cloud already"))'
api POST /v1/workloads/shop/test '{"dry_run": true}'
expect 200 '.gate.open == false'
api POST /v1/workloads/shop/finalize '{"dry_run": true}'
expect 200 '.gate.open'
api GET "/v1/ops?workload=shop"
expect 200 '.items | length == 4' '.items[0].kind == "cutover"' '.next == null'
all=$(get '[.items[].id] | join(" ")')
api GET '/v1/ops?limit=3&workload=shop'
expect 200 '.items | length == 3'
pages=$(get '[.items[].id] | join(" ")')
api GET "/v1/ops?limit=3&workload=shop&after=$(get .next)"
expect 200 '.items | length == 1' '.next == null'
[ "$all" = "$pages $(get '.items[0].id')" ] || fail "pages of operations: '$all', '$pages'"
api GET '/v1/ops?limit=0'
expect 400
api GET /v1/workloads/shop
expect 200 '.authority == "target"' '.epoch == 2' '.lifecycle == "awaiting_commit"'
agent src GET '/v1/agent/work?config=0'
expect 200 '.config.assignments[0] | .role == "follow" and .epoch == 2'
agent dst GET '/v1/agent/work?config=0'
expect 200 '.config.assignments[0] | .role == "push" and .epoch == 2'
api GET /v1/status/shop
expect 200 '.items[0].state == "cloud"' '.items[0].direction == "reverse"' '.items[0].rollback_until != null'

# -- the way back, killed in the middle ----------------------------------------------------

in_sync dst src
: >"$dir/src.kinds"
: >"$dir/dst.kinds"
api POST /v1/workloads/shop/rollback '{"confirm": "shop"}'
expect 202
op=$(get .id)
planner_stop KILL
planner_start --listen 127.0.0.1:0
within 60 ended || fail "the rollback does not end: $(cat "$out")"
expect 200 '.state == "done"' '.kind == "rollback"'
[ "$(kinds dst)" = "fence final" ] || fail "dst: $(kinds dst)"
api GET /v1/workloads/shop
expect 200 '.authority == "source"' '.epoch == 3'

# -- and once more, for good ------------------------------------------------------------

in_sync src dst
run cutover '{"confirm": "shop"}'
expect 200 '.state == "done"'
api POST /v1/workloads/shop/finalize '{}'
expect 400 '.code == "GW-1005"'
run finalize '{"confirm": "shop"}'
expect 200 '.state == "done"'
grep -qx release "$dir/src.kinds" || fail "src was not released"
api GET /v1/status/shop
expect 200 '.items[0].state == "finalized"' '.items[0].lifecycle == "cutover_complete"' \
    '.items[0].gate == null' '.items[0].volumes[0].state == "released"'
agent dst GET '/v1/agent/work?config=0'
expect 200 '.config.assignments == []'
api DELETE /v1/workloads/shop
expect 200
echo "$checks checks"
