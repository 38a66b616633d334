#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What reports do: lifecycle, lag, gate and its reasons, words of the status, what comes next.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

planner_init --listen 127.0.0.1:0
planner_start --listen 127.0.0.1:0
enrol src
enrol dst

status() { # FILTER of the item of shop, true
    api GET /v1/status/shop
    expect 200 ".items[0] | $1"
}
reasons() { # FILTER of the gate's reasons, joined
    status ".gate.reasons | join(\"; \") | $1"
}

api GET /v1/status/shop
expect 404
api PUT /v1/workloads/shop "$(workload shop src dst '"limits": {"max_lag_s": 60, "max_downtime_s": 10}')"
status '.state == "planned" and .lifecycle == "discovered" and .gate.open == false
    and (.volumes[0] | .state == "pending" and .point_lag_s == null and .target_lag_s == null and .late_s == null)
    and .lag_s == null and .next.command == "godwit plan"'
reasons 'contains("never started")'
api POST /v1/workloads/shop/sync '{"action": "start"}'
status '.state == "seeding" and .lifecycle == "not_ready"'
reasons 'contains("did not report")'

# The first copy.
report src "$(replica shop push initial_sync '"done_bytes": 250, "send_bytes_per_s": 50, "write_bytes_per_s": 10,
    "convergence": "seeding", "bound": "link", "eta_s": 15, "running_s": 5.5, "pass_eta_s": 15')"
report dst "$(replica shop follow initiating)"
expect 200
status '.state == "seeding" and .done == 0.25
    and (.volumes[0] | .state == "seeding" and .eta_s == 15 and .host == "src" and .target == "dst"
        and .convergence == "seeding" and .bound == "link" and .target_lag_s == null and .late_s == null
        and .running_s == 5.5 and .pass_eta_s == 15)'
reasons 'contains("first copy")'

# Both run, in sync.
report src "$(replica shop push continuous "\"taken_at\": \"$(now)\"")"
report dst "$(replica shop follow continuous "\"taken_at\": \"$(now -5)\"")"
status '.state == "dual-run" and .lifecycle == "ready_for_test" and .volumes_ready == 1 and .done == 1
    and .lag_s < 20 and .volumes[0].state == "in sync"'
reasons '. == "data: never verified in this direction; never tested"'
status '.next.command == "godwit sync verify shop"'
# Nobody asked: a verification is ordered by itself.
agent dst GET '/v1/agent/work?config=0'
expect 200 '.orders | map(.kind) == ["verify"]'
api POST /v1/workloads/shop/verify
expect 202 '.orders | length == 1'
asked=$(get '.orders[0]')
agent dst GET '/v1/agent/work?config=0'
expect 200 '.orders | length == 2' ".orders[1] | .id == \"$asked\" and .kind == \"verify\""
api POST /v1/workloads/none/verify
expect 404
report dst "$(replica shop follow continuous "\"taken_at\": \"$(now)\", \"verified_at\": \"$(now)\"")"
reasons '. == "never tested"'
status '.next.command == "godwit test shop"'
api PUT /v1/workloads/shop "$(workload shop src dst \
    '"limits": {"max_lag_s": 60, "max_downtime_s": 10, "require_test": false}')"
expect 200 '.lifecycle == "ready_for_cutover"'
status '.gate.open and .gate.reasons == [] and .next.command == "godwit cutover shop"
    and .gate.expected_downtime_s == 1'

# A volume at rest: the holder says that there is nothing newer.
report src "$(replica shop push continuous "\"taken_at\": \"$(now)\"")"
report dst "$(replica shop follow continuous "\"taken_at\": \"$(now -3600)\", \"verified_at\": \"$(now)\"")"
status '.gate.open and .lag_s < 20'
# But not while the other side has an older point.
report src "$(replica shop push continuous "\"seq\": 2, \"taken_at\": \"$(now)\"")"
reasons 'contains("lag 1h") and contains("> 1m")'
status '.volumes[0].state == "catching up" and .lag_s >= 3600'

# Falling behind, with the numbers and the command that helps.
api POST /v1/workloads/shop/sync '{"action": "limit", "rate_bytes_per_s": 40894464}'
slow='"seq": 2, "write_bytes_per_s": 63963136, "send_bytes_per_s": 40789606, "drain_bytes_per_s": 40789606,
    "backlog_bytes": 44775053721, "need_bytes_per_s": 83886000, "limit_bytes_per_s": 40894464'
report src "$(replica shop push stalled "$slow"', "reason": "not_converging", "convergence": "not_converging",
    "bound": "limit", "limit_of": "workload"')"
status '.volumes[0] | .state == "lagging" and .eta_s == null and .backlog_bytes == 44775053721
    and .convergence == "not_converging" and .bound == "limit"'
status '.warnings[0] | (.text | contains("61.0 MiB/s") and contains("38.9 MiB/s") and contains("your limit of 39.0 MiB/s")
    and contains("at least 80.0 MiB/s")) and .next == ["godwit sync limit shop 80MiB/s"]'
reasons 'contains("> 1m") and (contains("not_converging") | not)'
# The same again is no news; that it gets there again is.
report src "$(replica shop push stalled "$slow"', "reason": "not_converging", "convergence": "not_converging",
    "bound": "limit", "limit_of": "workload"')"
api GET '/v1/events?kind=replication.not_converging'
expect 200 '.items | length == 1' '.items[0].text | contains("61.0 MiB/s") and contains("bounded by limit")'
report src "$(replica shop push backlog "$slow"', "convergence": "converging", "bound": "link", "eta_s": 100')"
api GET '/v1/events?kind=replication.converging'
expect 200 '.items | length == 1'
status '.volumes[0] | .state == "catching up" and .eta_s == 100'
for bound in link store disk cpu; do
    report src "$(replica shop push stalled "$slow, \"reason\": \"not_converging\",
        \"convergence\": \"not_converging\", \"bound\": \"$bound\"")"
    status '.warnings[0] | (.text | contains("grows") and contains("Bounded by:")) and .next == []'
done
# The limit of the host is not the operator's of the workload to raise.
report src "$(replica shop push stalled "$slow"', "reason": "not_converging", "convergence": "not_converging",
    "bound": "limit", "limit_of": "host"')"
status '.warnings[0] | (.text | contains("the limit of its agent")) and .next == []'

# A lag that was asked for, missed for long, and kept again; an agent that began anew knows of nothing.
late() { # LATE_S
    report src "$(replica shop push backlog "\"convergence\": \"converging\", \"point_lag_s\": 40, \"target_lag_s\": 15, \"late_s\": $1")"
}
late 30
status '.volumes[0] | .target_lag_s == 15 and .point_lag_s == 40 and .late_s == 30'
status '[.warnings[].text | select(contains("misses"))] == []'
late 80
late 90
late null
status '.volumes[0].late_s == 90 and ([.warnings[].text | select(contains("misses its lag of 15s since 1m 30s"))] | length == 1)'
api GET '/v1/events?kind=replication.late'
expect 200 '.items | length == 1'
late 0
api GET '/v1/events?kind=replication.on_time'
expect 200 '.items | length == 1'

# Consistent points that were asked for: what kind the newest is, when the last consistent one was, and
# why there is none. The gate tells it, and stays as it is.
limits='"max_lag_s": 60, "max_downtime_s": 10, "require_test": false, "consistent_s": 3600'
api PUT /v1/workloads/shop "$(workload shop src dst "\"limits\": {$limits}")"
expect 200
points() { # MEMBERS
    report src "$(replica shop push continuous "\"taken_at\": \"$(now)\", $1")"
    report dst "$(replica shop follow continuous "\"taken_at\": \"$(now)\", \"verified_at\": \"$(now)\"")"
}
points '"point_kind": "fuzzy", "consistent_error": "a file system that cannot be frozen"'
status '.gate.open and (.volumes[0] | .point_kind == "fuzzy" and .consistent_at == null)
    and (.warnings[0].text | contains("only fuzzy ones: a file system that cannot be frozen"))
    and (.gate.rows | map(select(.name == "points")) | .[0] | .ok and (.text | contains("only fuzzy")))'
points "\"point_kind\": \"fuzzy\", \"consistent_at\": \"$(now -300)\", \"consistent_seq\": 7"
status '.warnings == [] and .volumes[0].consistent_at != null
    and (.gate.rows | map(select(.name == "points")) | .[0].text | startswith("consistent point 5m"))'
points "\"point_kind\": \"fuzzy\", \"consistent_at\": \"$(now -8000)\", \"consistent_seq\": 7"
status '.gate.open and (.warnings[0].text | contains("the last is of 2h 13m ago"))'
api PUT /v1/workloads/shop "$(workload shop src dst \
    '"limits": {"max_lag_s": 60, "max_downtime_s": 10, "require_test": false}')"
status '.warnings == [] and (.gate.rows | map(select(.name == "points")) | length == 0)'

# Errors, stalls, pauses, quarantine.
report src "$(replica shop push stalled '"reason": "read_error", "error": {"what": "read /srv: I/O error"}')"
status '.volumes[0].state == "error" and (.warnings[0].text | contains("I/O error"))
    and .next.command == "godwit events --for shop"'
reasons 'contains("I/O error")'
# The other side was written by somebody: how to look at it and what mends it.
report src "$(replica shop push continuous "\"seq\": 2, \"taken_at\": \"$(now)\"")"
report dst "$(replica shop follow stalled '"reason": "volume_altered", "error": {"what": "somebody else wrote to it"}')"
status '.volumes[0].state == "error" and .warnings[0].next == ["godwit sync resync shop"]
    and .next.command == "godwit sync resync shop"'
api GET /v1/doctor
expect 200 '.items[] | select(.check == "replication") | .severity == "warning" and (.text | contains("shop/data"))'
api POST /v1/workloads/shop/verify '{"resync": true}'
expect 202 '.orders | length == 1'
asked=$(get '.orders[0]')
agent dst GET '/v1/agent/work?config=0'
expect 200 ".orders[] | select(.id == \"$asked\") | .args.resync"
api GET '/v1/events?kind=workload.resync'
expect 200 '.items | length == 1'
report dst "$(replica shop follow continuous "\"taken_at\": \"$(now -3600)\", \"verified_at\": \"$(now)\"")"
report src "$(replica shop push rescan)"
status '.volumes[0].state == "rescan"'
reasons 'contains("rescans")'
api POST /v1/workloads/shop/sync '{"action": "pause"}'
status '.volumes[0].state == "paused" and .paused and .next.command == "godwit sync resume shop"'
reasons 'contains("paused")'
api POST /v1/workloads/shop/sync '{"action": "resume"}'

# A dependency, a pass that takes too long.
report src "$(replica shop push continuous "\"taken_at\": \"$(now)\", \"pass_s\": 30.5")"
report dst "$(replica shop follow continuous "\"taken_at\": \"$(now)\", \"verified_at\": \"$(now)\"")"
reasons '. == "expected downtime 31s, limit 10s"'
report src "$(replica shop push continuous "\"taken_at\": \"$(now)\"")"
api PUT /v1/workloads/shop "$(workload shop src dst \
    '"depends": ["ldap"], "limits": {"max_lag_s": 60, "max_downtime_s": 10, "require_test": false}')"
expect 200 '.warnings | length == 1'
reasons 'contains("ldap")'
api GET /v1/workloads/shop/gate
expect 200 '.gate.open == false' '.gate.rows | map(select(.name == "depends" and .ok == false)) | length == 1'

# What is not its own is dropped and noted; nonsense is refused whole.
report dst "$(replica shop follow continuous '"volume": "other"')" "$(replica mail follow continuous)"
expect 200
api GET '/v1/events?kind=report.dropped'
expect 200 '.items | length == 2'
report dst '{"workload": "shop"}'
expect 400
report dst "$(replica shop follow continuous '"taken_at": "yesterday"')"
expect 400
report dst "$(replica shop follow "$(printf 'x%.0s' {1..99})")"
expect 400

# Inventory and load are kept; bad ones cost nothing else.
if command -v godwit-agent >/dev/null; then
    godwit-agent inventory -o json >"$dir/inventory"
    agent src POST /v1/agent/report "$(jq -n --slurpfile i "$dir/inventory" \
        '{version: "test", inventory: $i[0], utilisation: null, replication: []}')"
    expect 200
    api GET /v1/hosts/src
    expect 200 '.inventory.schema == "godwit.inventory/1"' '.kernel | length > 0' '.inventory_at != null'
    agent src POST /v1/agent/report '{"version": "test", "inventory": {"schema": "x"}, "replication": []}'
    expect 200
    api GET /v1/hosts/src
    expect 200 '.inventory.schema == "godwit.inventory/1"'
fi

# Load is rolled up: an hour of samples, then one of the next hour, and the same again.
hour=$(($(date +%s) / 3600 * 3600 - 3600))
load() { # FROM N: samples a minute apart, of a disk that writes 1 MiB/s
    jq -n --argjson from "$1" --argjson n "$2" '{version: "test", inventory: null, replication: [],
        utilisation: {schema: "godwit.utilisation/1", generated_at: "2026-01-01T00:00:00Z",
            times_ms: [range($n) | ($from + . * 60) * 1000],
            series: [{metric: "disk_write_bytes_per_s", subject: "sda", values: [range($n) | 1048576]},
                     {metric: "cpu_busy_percent", values: [range($n) | 10]}]}}'
}
for times in 1 2; do
    agent src POST /v1/agent/report "$(load "$hour" 60)"
    expect 200
    agent src POST /v1/agent/report "$(load $((hour + 3600)) 1)"
    expect 200
    api GET /v1/hosts/src/utilisation
    expect 200 '.raw | length == 2' '.five_minutes | length == 24' '.hours | length == 2' \
        '.hours[] | select(.subject == "sda") | .histogram.n == 60 and .histogram.max == 1048576' \
        '.five_minutes[] | select(.subject == "sda") | .n == 5 and .avg == 1048576'
done
# Sizes and rates of a plan come from there while nothing is replicated yet.
api PUT /v1/workloads/disk "$(workload disk src dst | sed 's,/srv/disk.img,/dev/sda2,')"
expect 201
api GET /v1/plan-input
expect 200 '.workloads[] | select(.workload == "disk") | .volumes[0] |
    .write_bytes_per_s == 1048576 and .write_peak_bytes_per_s >= 1048576'
agent src POST /v1/agent/report '{"version": "test", "utilisation": {"schema": "x"}, "replication": []}'
expect 200
echo "$checks checks after $times reports"
