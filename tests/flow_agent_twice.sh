#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One identity, two agents: a state directory was copied, and both run at one address. Nobody is
# alarmed by an agent that is started again and again; of the two neither gets orders until somebody
# decides, and the one that was not chosen is told so.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

pids=()
trap 'kill -9 "${pids[@]}" 2>/dev/null; api_cleanup' EXIT
mkdir "$dir/store"
planner_init --store "file://$dir/store" >/dev/null
planner_start

enrol_agent() { # NAME [MORE]
    godwit-agent enrol --state-dir "$dir/$1" --server "$server" --join - --name "$1" "${@:2}" \
        2>>"$dir/$1.log" || fail "enrol $1: $(cat "$dir/$1.log")"
}

run_agent() { # STATE
    godwit-agent run --state-dir "$dir/$1" -v >>"$dir/$1.log" 2>&1 &
    pids+=($!)
}

said() { # STATE TEXT
    grep -q "$2" "$dir/$1.log"
}

join_token ''
enrol_agent web-01 <<<"$token"
api PUT /v1/workloads/shop "$(workload shop web-01 web-02)"
expect 201

# Each start is another process, and one agent.
for _ in 1 2 3 4 5 6; do
    godwit-agent run --once --state-dir "$dir/web-01" 2>>"$dir/web-01.log" || fail "a start of the agent"
done
api GET /v1/hosts/web-01
expect 200 '.state == "online"' '.reason == null'

cp -a "$dir/web-01" "$dir/copy"
run_agent web-01
run_agent copy
within 20 said web-01 'of https://' || fail "the agent does not run"
within 20 said copy 'of https://' || fail "the copy does not run"

# Each change of what they are assigned ends the waits of both.
quarantined() {
    api POST /v1/workloads/shop/sync "{\"action\": \"limit\", \"rate_bytes_per_s\": $((rate += 1048576))}"
    api GET /v1/hosts/web-01
    [ "$(get .state)" = quarantined ]
}
rate=0
api POST /v1/workloads/shop/sync '{"action": "start"}'
within 40 quarantined || fail "two agents of one identity are not noticed"
expect 200 '.reason | contains("two agents poll for work with it in turn")' \
    ".reason | contains(\":${pids[0]}:\") and contains(\":${pids[1]}:\")"
within 30 said web-01 'in turn.*GW-2003' || fail "the agent is not told"
within 30 said copy 'in turn.*GW-2003' || fail "the copy is not told"
api GET /v1/status/shop
expect 200 '.items[0].warnings[0].text | contains("in turn")'

# One place is chosen; the other is a stranger.
kill -9 "${pids[0]}"
api POST /v1/hosts/web-01/rejoin
expect 201
token=$(get .token)
enrol_agent web-01 --again <<<"$token"
run_agent web-01
online() {
    api GET /v1/hosts/web-01
    [ "$(get .state)" = online ]
}
within 30 online || fail "the chosen one does not come back"
within 40 said copy 'revoked' || fail "the copy is not refused"
expect 200 '.state == "online"'
echo "$checks checks"
