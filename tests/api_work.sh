#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Work and reports: long polls that wake at once, fifty agents at a time, versions that change when
# the content does, and a planner that is killed and goes on with everything it knew.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

planner_init --store "file://$dir/vault"
planner_start --listen 127.0.0.1:0
enrol src
enrol dst

work() { # NAME VERSION WAIT
    agent "$1" GET "/v1/agent/work?after=0&config=$2&wait=$3"
}

# -- versions -------------------------------------------------------------------

work src 0 0
expect 200 '.config_version == 1' '.config.assignments == []' '.orders == []' \
    '.config.vault == null' # nothing to replicate, no key
work src 1 0
expect 200 '.config == null'
api PUT /v1/workloads/shop "$(workload shop src dst '"hooks": {"source": {"stop": [["true"]]},
    "traffic": {"to_target": ["./dns.sh cloud"]}}, "health": [{"tcp": "127.0.0.1:80"}]')"
expect 201 '.warnings == []'
work src 1 0
expect 200 '.config_version == 2' '.config.vault == null' \
    '.config.assignments | map(.role) == ["idle"]' # looked at, not replicated: no key yet
api POST /v1/workloads/shop/sync '{"action": "start"}'
expect 200 '.lifecycle == "not_ready"'
work src 2 0
expect 200 '.config_version == 3' '.config.assignments | length == 1' \
    '.config.vault.url | startswith("file://")' '.config.vault.key | startswith("gwk1.")' \
    '.config.assignments[0] | .workload == "shop" and .side == "source" and .role == "push"
        and .epoch == 0 and .interval_s == 5 and .paused == false and .hooks.stop == [["true"]]
        and .hooks.traffic.to_target == ["./dns.sh cloud"] and .hooks.health[0].tcp == "127.0.0.1:80"
        and .volumes == [{name: "data", replica: "shop/data", device: "/srv/shop.img", mount: null}]' \
    '.orders | length == 1' '.orders[0] | .kind == "adopt" and .workload == "shop" and .epoch == 0'
order=$(get '.orders[0].id')
work dst 0 0
expect 200 '.config.assignments[0] | .role == "follow" and .side == "target"' '.orders == []'
# The same content has the same version, however often it was written.
api POST /v1/workloads/shop/sync '{"action": "limit", "rate_bytes_per_s": 1000}'
api POST /v1/workloads/shop/sync '{"action": "limit", "rate_bytes_per_s": null}'
work src 3 0
expect 200 '.config_version == 3'
api POST /v1/workloads/shop/sync '{"action": "pause"}'
work src 3 0
expect 200 '.config_version == 4' '.config.assignments[0].paused'
api POST /v1/workloads/shop/sync '{"action": "resume"}'

# -- orders ---------------------------------------------------------------------

agent dst POST "/v1/agent/orders/$order" '{"state": "done", "result": {}}'
expect 403 '.code == "GW-5002"'
agent src POST /v1/agent/orders/none '{"state": "done", "result": {}}'
expect 404
agent src POST "/v1/agent/orders/$order" '{"state": "maybe"}'
expect 400
agent src POST "/v1/agent/orders/$order" '{"state": "running"}'
expect 200
agent src GET "/v1/agent/work?after=0&config=5"
expect 200 '.orders | length == 1' # open until it is answered
agent src POST "/v1/agent/orders/$order" '{"state": "done", "result": {}}'
expect 200
agent src POST "/v1/agent/orders/$order" '{"state": "failed", "error": null}'
expect 200 # a repeated answer is harmless
agent src GET "/v1/agent/work?after=0&config=5"
expect 200 '.orders == []' '.config == null' '.config_version == 5'

# -- long polls -----------------------------------------------------------------

poll_now() {
    local out=$dir/$1.out
    work "$1" "$2" 25
    date +%s%N >"$dir/$1.done"
}

# poll NAME VERSION: in the background; the answer and when it came are in files
poll() {
    rm -f "$dir/$1.done"
    poll_now "$1" "$2" &
}

came() { [ -s "$dir/$1.done" ]; }

waiting() { # how many connections the planner holds
    ss -Htn state established "( sport = :$(cat "$dir/port") )" 2>/dev/null | wc -l
}

poll src 5
if command -v ss >/dev/null; then
    connected() { [ "$(waiting)" -ge 1 ]; }
    within 10 connected || fail "no poll arrived"
fi
begun=$(date +%s%N)
came src && fail "the poll did not wait"
api POST /v1/workloads/shop/sync '{"action": "pause"}'
expect 200
within 5 came src || fail "the poll did not wake"
took=$((($(cat "$dir/src.done") - begun) / 1000000))
[ "$took" -lt 1000 ] || fail "the poll woke after $took ms"
jq -e '.config_version == 6 and .config.assignments[0].paused' "$dir/src.out" >/dev/null ||
    fail "woken with $(cat "$dir/src.out")"
echo "a poll woke $took ms after the change was asked for"
wait $! || true

# It ends by itself, with nothing, at its time.
begun=$SECONDS
work src 6 1
expect 200 '.config == null' '.orders == []'
[ $((SECONDS - begun)) -le 3 ] || fail "wait=1 took $((SECONDS - begun)) s"
work src 6 soon
expect 200 # nonsense is no wait

# Events wait too.
api GET '/v1/events?limit=1'
last=$(get .next)
(
    curl -sS --cacert "$state/ca.pem" -H "@$dir/admin" -o "$dir/event" "$server/v1/events?after=$last&wait=20"
    echo >"$dir/event.done"
) &
api POST /v1/tokens '{"kind": "join"}'
within 5 test -e "$dir/event.done" || fail "the event did not wake anybody"
jq -e '.items[0].kind == "token.created"' "$dir/event" >/dev/null || fail "$(cat "$dir/event")"

# -- fifty agents -----------------------------------------------------------------

join_token '"uses": 50'
many=()
for i in $(seq 50); do
    agent_key "m$i"
    call POST /v1/enrol "$(enrol_body "$token" "m$i")"
    [ "$status" = 201 ] || fail "m$i: $(cat "$out")"
    get .certificate >"$dir/m$i.pem"
    curl -sS --cacert "$state/ca.pem" --cert "$dir/m$i.pem" --key "$dir/m$i.key" -o "$dir/m$i.out" \
        "$server/v1/agent/work?config=0" || fail "m$i"
    jq -e '.config_version == 1' "$dir/m$i.out" >/dev/null || fail "m$i: $(cat "$dir/m$i.out")"
done
begun=$(date +%s%N)
api GET /v1/status
expect 200
alone=$((($(date +%s%N) - begun) / 1000000))
for i in $(seq 50); do # only now: enrolling fifty can take longer than a poll waits
    curl -sS --cacert "$state/ca.pem" --cert "$dir/m$i.pem" --key "$dir/m$i.key" -o "$dir/m$i.out" \
        "$server/v1/agent/work?config=1&wait=25" &
    many+=($!)
done
if command -v ss >/dev/null; then
    all_wait() { [ "$(waiting)" -ge 50 ]; }
    within 10 all_wait || echo "the machine is busy: not all fifty poll at a time"
fi
begun=$(date +%s%N)
api GET /v1/status
expect 200
took=$((($(date +%s%N) - begun) / 1000000))
[ "$took" -lt 1000 ] || [ "$took" -lt $((alone * 4)) ] ||
    fail "an answer took $took ms beside fifty polls, $alone ms alone"
begun=$(date +%s%N)
api PUT /v1/workloads/wide "$(jq -n '{schema: "godwit.workload/1", workload: "wide",
    volumes: [range(1; 50) | {name: "v\(.)", source: {host: "m\(.)", device: "/dev/sda"},
                              target: {host: "m50", device: "/dev/sd\(.)", overwrite: true}}]}')"
expect 201 '.volumes == 49'
for pid in "${many[@]}"; do wait "$pid" || fail "a poll failed"; done
took=$((($(date +%s%N) - begun) / 1000000))
echo "fifty polls were woken within $took ms"
[ "$took" -lt 5000 ] || fail "that is slow"
for i in $(seq 50); do
    jq -e '.config.assignments | length == 1' "$dir/m$i.out" >/dev/null || fail "m$i: $(cat "$dir/m$i.out")"
done

jq -e '.config.assignments[0].volumes | length == 49 and all(.overwrite)' "$dir/m50.out" >/dev/null ||
    fail "the target is not told that it may be overwritten"
jq -e '.config.assignments[0].volumes[0] | has("overwrite") | not' "$dir/m1.out" >/dev/null ||
    fail "a source is told to be overwritten"

# -- what was started, and is at its source, can be removed: its agents forget it -------

api PUT /v1/workloads/wrong "$(workload wrong src dst)"
api POST /v1/workloads/wrong/sync '{"action": "start"}'
api DELETE /v1/workloads/wrong
expect 200
work src 0 0
expect 200 '.config.assignments | map(.workload) == ["shop"]' \
    '[.orders[] | select(.workload == "wrong" and .kind == "release")] | length == 1'
work dst 0 0
expect 200 '[.orders[] | select(.workload == "wrong" and .kind == "release")] | length == 1'

# -- killed, and there again --------------------------------------------------------

report src "$(replica shop push continuous)"
expect 200 '.report_s == 15'
api GET /v1/events?limit=1000
before=$(get '[.items[] | [.n, .kind, .text]] | tostring')
api GET /v1/workloads
was=$(get '.items | tostring')
work src 0 0
config=$(get '[.config_version, .config] | tostring')
port=$(cat "$dir/port")
planner_stop KILL
planner_start --listen "127.0.0.1:$port"
api GET /v1/events?limit=1000
[ "$(get '[.items[] | [.n, .kind, .text]] | tostring')" = "$before" ] || fail "the trail changed"
api GET /v1/workloads
[ "$(get '.items | tostring')" = "$was" ] || fail "the workloads changed"
work src 0 0
[ "$(get '[.config_version, .config] | tostring')" = "$config" ] || fail "the configuration changed"
api GET /v1/status/shop
expect 200 '.items[0].volumes[0].replication == "continuous"'

# A limit may be a timetable; a number takes its place.
api POST /v1/workloads/shop/sync '{"action": "limit", "rate_table": "08:00-18:00 20MiB/s, none"}'
work src 0 0
expect 200 '.config.assignments[] | select(.workload == "shop") | .rate_table == "08:00-18:00 20MiB/s, none"'
api POST /v1/workloads/shop/sync '{"action": "limit", "rate_bytes_per_s": null}'
work src 0 0
expect 200 '.config.assignments[] | select(.workload == "shop") | has("rate_table") | not'

# SIGTERM ends it cleanly, also while somebody waits.
poll src 6
within 10 came src || true
poll src "$(jq -r .config_version "$dir/src.out")"
planner_stop TERM
[ "$rc" = 0 ] || fail "SIGTERM: exit $rc"
wait
echo "$checks checks"
