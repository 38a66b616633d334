#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A planner that dies while it changes something: the change and its answer are one, so the same
# request again changes it exactly once, whichever side of the commit it died on.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"
[ -n "${GODWIT_TEST_FAILPOINTS:-}" ] || {
    echo "skipped: failpoints are not compiled in"
    exit 77
}

planner_init --store "file://$dir/vault"
planner_start --listen 127.0.0.1:0
enrol src
enrol dst
api PUT /v1/workloads/shop "$(workload shop src dst)"
expect 201

# dies POINT METHOD PATH BODY: the request that kills it, and again
dies() {
    local point=$1
    shift
    planner_stop TERM
    GODWIT_FAILPOINT=$point=kill planner_start --listen 127.0.0.1:0
    api "$@" 2>/dev/null
    [[ $status == curl* ]] || fail "$point did not kill: status $status"
    wait "$planner_pid" 2>/dev/null || true
    planner_start --listen 127.0.0.1:0
    api "$@"
}
count() { # LIST FILTER
    api GET "$1"
    get "[.items[] | select($2)] | length"
}

for point in api_commit_before api_commit_after; do
    was=$(count '/v1/tokens?limit=1000' true)
    dies $point POST /v1/tokens "{\"kind\": \"join\", \"request_id\": \"t-$point\"}"
    expect 201
    [ "$(count '/v1/tokens?limit=1000' true)" = $((was + 1)) ] || fail "$point: tokens"

    dies $point POST /v1/workloads/shop/sync "{\"action\": \"pause\", \"request_id\": \"p-$point\"}"
    expect 200 '.paused'
    dies $point POST /v1/workloads/shop/sync "{\"action\": \"resume\", \"request_id\": \"r-$point\"}"
    expect 200 '.paused == false'
    [ "$(count '/v1/events?for=shop&limit=1000' '.text == "resume"')" = \
        "$([ $point = api_commit_before ] && echo 1 || echo 2)" ] || fail "$point: events"
done

# The start of a workload: the agent is told exactly once that it owns it.
dies api_commit_after POST /v1/workloads/shop/sync '{"action": "start", "request_id": "start"}'
expect 200
agent src GET '/v1/agent/work?config=0'
expect 200 '.orders | map(.kind) == ["adopt"]'

# An enrolment: the answer is lost, the same request gets the same identity.
join_token
planner_stop TERM
agent_key lost
body=$(enrol_body "$token" lost)
for point in api_commit_before api_commit_after; do
    GODWIT_FAILPOINT=$point=kill planner_start --listen 127.0.0.1:0
    call POST /v1/enrol "$body" 2>/dev/null
    [[ $status == curl* ]] || fail "$point did not kill: status $status"
    wait "$planner_pid" 2>/dev/null || true
done
planner_start --listen 127.0.0.1:0
call POST /v1/enrol "$body"
expect 201
identity=$(get .identity)
api GET /v1/hosts
expect 200 '[.items[].host] == ["dst", "lost", "src"]' \
    ".items[] | select(.host == \"lost\") | .identity == \"$identity\""

# A disk that is full is said, and nothing is half done.
planner_stop TERM
GODWIT_FAILPOINT=api_commit_before=err:ENOSPC planner_start --listen 127.0.0.1:0
api POST /v1/workloads/shop/sync '{"action": "pause"}'
expect 500 '.code == "GW-1091"'
api GET /v1/workloads/shop
expect 200 '.paused == false'
api POST /v1/workloads/shop/sync '{"action": "pause"}'
expect 200 '.paused'
echo "$checks checks"
