#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Windows and plans: calendars are checked and close the gate, a plan is kept and applied as it is,
# and refused once the facts are others.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

planner_init --listen 127.0.0.1:0
planner_start --listen 127.0.0.1:0
enrol src
enrol dst

calendar() { # NAME KIND FROM UNTIL, in seconds from now
    jq -n --arg name "$1" --arg kind "$2" --arg from "$(date -u -d "$3 seconds" +%Y%m%dT%H%M%SZ)" \
        --arg until "$(date -u -d "$4 seconds" +%Y%m%dT%H%M%SZ)" '{name: $name, kind: $kind,
        calendar: "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nBEGIN:VEVENT\r\nUID:\($name)\r\nDTSTAMP:\($from)\r\nDTSTART:\($from)\r\nDTEND:\($until)\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"}'
}
window_row() {
    api GET /v1/workloads/shop/gate
    expect 200 ".gate.rows[] | select(.name == \"window\") | $1"
}

# -- windows --------------------------------------------------------------------

api PUT /v1/workloads/shop "$(workload shop src dst '"depends": ["ldap"]')"
api PUT /v1/workloads/ldap "$(workload ldap src dst)"
window_row '.ok'
api POST /v1/windows '{"name": "x", "kind": "window", "calendar": "no calendar"}'
expect 400 '.code == "GW-4203"'
api POST /v1/windows '{"name": "x", "kind": "door", "calendar": ""}'
expect 400
api POST '/v1/windows?dry_run=true' "$(calendar freeze blackout -60 3600)"
expect 201
window_row '.ok'
api POST /v1/windows "$(calendar freeze blackout -60 3600)"
expect 201 '.window | startswith("w-")'
freeze=$(get .window)
window_row '(.ok | not) and (.text | contains("blackout until"))'
# However many there are: it is the last of more than a thousand.
if command -v sqlite3 >/dev/null; then
    old=$(calendar old blackout -864000 -860400 | jq -r .calendar)
    sqlite3 -cmd '.timeout 5000' "$state/godwitd.db" "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO calendar (id, name, kind, ical, created_ms) SELECT printf('a-%04d', i), 'old', 'blackout', '$old', 0 FROM n"
    api POST /v1/windows "$(calendar more blackout -864000 -860400)"
    expect 201
    api DELETE "/v1/windows/$(get .window)"
    window_row '(.ok | not) and (.text | contains("blackout until"))'
    sqlite3 -cmd '.timeout 5000' "$state/godwitd.db" "DELETE FROM calendar WHERE name = 'old'"
fi
api DELETE "/v1/windows/$freeze"
expect 200
api DELETE "/v1/windows/$freeze"
expect 404
window_row '.ok'
# A window that is over: there is none any more, which is not the same as "at any time".
api POST /v1/windows "$(calendar gone window -864000 -860400)"
expect 201
gone=$(get .window)
window_row '(.ok | not) and (.text | contains("none opens within a year"))'
api DELETE "/v1/windows/$gone"
api POST /v1/windows "$(calendar night window 3600 7200)"
expect 201
night=$(get .window)
window_row '(.ok | not) and (.text | contains("window closed, opens 20"))'
api POST /v1/windows "$(calendar today window -60 3600)"
expect 201
window_row '.ok'
api GET /v1/windows
expect 200 '.items | length == 2' '.items | map(.name) | sort == ["night", "today"]' \
    '.items[0].calendar | startswith("BEGIN:VCALENDAR")'
api DELETE "/v1/windows/$(get '.items[] | select(.name == "today") | .window')"
api DELETE "/v1/windows/$night"

# -- what the engine gets ---------------------------------------------------------

for name in shop ldap; do
    report src "$(replica "$name" push continuous '"size_bytes": 1073741824, "write_bytes_per_s": 1048576')"
    expect 200
done
api GET /v1/plan-input
expect 200 '.schema == "godwit.plan-input/1"' '.workloads | length == 2' \
    '.workloads[] | select(.workload == "shop") | .hosts == ["src"] and .depends == ["ldap"] and .moved == false
        and .planned_wave == null
        and .volumes == [{volume: "data", size_bytes: 1073741824, remaining_bytes: 0, write_bytes_per_s: 1048576,
                          write_peak_bytes_per_s: 1048576}]'

# What nobody has seen is not planned: no agent, nothing found under that name.
api PUT /v1/workloads/ghost "$(workload ghost nowhere dst)"
api GET /v1/plan-input
expect 200 '.workloads[] | select(.workload == "ghost") | .unseen | contains("nowhere has no agent")' \
    '.workloads[] | select(.workload == "shop") | .unseen == null'
api POST '/v1/plans?dry_run=true' '{}'
expect 201 '.unplaced | map(.workload) == ["ghost"]' '.unplaced[0].why[0].rule == "unseen"'
api DELETE /v1/workloads/ghost

# -- plans ------------------------------------------------------------------------

api POST /v1/plans '{"link_bytes_per_s": 125000000}'
expect 201 '.schema == "godwit.plan/1"' '.state == "new"' '.unplaced == []' \
    '[.waves[].workloads[].workload] == ["ldap", "shop"]'
plan=$(get .id)
api GET /v1/plans
expect 200 '.items | length == 1' ".items[0].id == \"$plan\""
api GET "/v1/plans/$plan"
expect 200 '.link_bytes_per_s == 125000000' '.applied_at == null'
api GET /v1/plans/none
expect 404
api POST /v1/plans/none/apply
expect 404
api POST /v1/plans '{"policy": {"link_share": 7}}'
expect 400

# The facts change, the plan is out of date; they change back, and it is not.
report src "$(replica shop push continuous '"size_bytes": 5368709120, "write_bytes_per_s": 1048576')"
api GET "/v1/plans/$plan"
expect 200 '.state == "stale"' '.stale_because | contains("shop")'
api POST "/v1/plans/$plan/apply"
expect 409 '.code == "GW-4201"' '.exit == 5'
report src "$(replica shop push continuous '"size_bytes": 1073741824, "write_bytes_per_s": 1048576')"
api POST "/v1/plans/$plan/apply?dry_run=true"
expect 200 '.changed | length == 2'
api GET /v1/workloads/ldap
expect 200 '.wave == null'
api POST "/v1/plans/$plan/apply"
expect 200 '.changed | map(.workload) | sort == ["ldap", "shop"]'
api GET /v1/workloads/ldap
expect 200 '.wave != null' '.started_at != null'
api GET "/v1/plans/$plan"
expect 200 '.state == "applied"'
api POST "/v1/plans/$plan/apply"
expect 200 '.changed == []'
api GET '/v1/events?kind=plan.'
expect 200 '.items | map(.kind) == ["plan.made", "plan.applied"]'

# What is due now has begun, what is planned for later has not.
due() { date -u +%Y-%m-%dT%H:%M:%SZ; }
api GET /v1/status
expect 200 "[.items[] | (.started_at <= \"$(due)\") == (.state != \"planned\")] | all"

# What was applied is kept to: a smaller workload that comes later does not go before it, unless all is planned anew.
api GET /v1/plan-input
expect 200 '[.workloads[].planned_wave] == [1, 2]'
api PUT /v1/workloads/tiny "$(workload tiny src dst)"
report src "$(replica tiny push continuous '"size_bytes": 1048576, "write_bytes_per_s": 0')"
api POST '/v1/plans?dry_run=true' '{}'
expect 201 '.waves | map([.wave, (.workloads | map(.workload))]) == [["1", ["ldap"]], ["2", ["tiny", "shop"]]]'
api POST '/v1/plans?dry_run=true' '{"fresh": true}'
expect 201 '.waves[0].workloads | map(.workload) == ["tiny"]'
api DELETE /v1/workloads/tiny

# How long a seed took beside what was planned; it is what the next plan leaves room for.
api GET /v1/plan-input
expect 200 '.history == []'
api PUT /v1/workloads/late "$(workload late src dst)"
report src "$(replica late push initial_sync '"seq": 0, "done_bytes": 0, "size_bytes": 1000000')"
api POST /v1/plans '{}'
expect 201 '[.waves[] | select(any(.workloads[]; .workload == "late")) | .seed_s > 0] == [true]'
api POST "/v1/plans/$(get .id)/apply"
expect 200 '.changed | map(.workload) | index("late")'
api POST /v1/workloads/late/start
report src "$(replica late push continuous "\"taken_at\": \"$(now)\", \"size_bytes\": 1000000")"
report dst "$(replica late follow continuous "\"taken_at\": \"$(now)\", \"size_bytes\": 1000000")"
api GET /v1/workloads/late
expect 200 '.lifecycle == "ready_for_test"'
api GET /v1/plan-input
expect 200 '.history | length == 1 and .[0].planned_s > 0 and .[0].took_s > 0'
api DELETE /v1/workloads/late

# What must be apart is never in one wave; one that nobody has described is said and left out.
api PUT /v1/workloads/twin "$(workload twin src dst '"apart": ["shop", "nobody"]')"
expect 201 '.apart == ["shop", "nobody"]' '.warnings | any(contains("nobody is not known, but is kept apart"))'
report src "$(replica twin push continuous '"size_bytes": 1048576')"
api GET /v1/plan-input
expect 200 '.workloads[] | select(.workload == "twin") | .apart == ["shop"]'
api POST '/v1/plans?dry_run=true' '{"fresh": true}'
expect 201 '[.waves[] | select(any(.workloads[]; .workload == "twin" or .workload == "shop"))] | length == 2'
api DELETE /v1/workloads/twin

# A circle is named.
api PUT /v1/workloads/ldap "$(workload ldap src dst '"depends": ["shop"]')"
expect 200
api POST /v1/plans '{}'
expect 409 '.code == "GW-4202"' '.what | contains("ldap") and contains("shop")'
echo "$checks checks"
