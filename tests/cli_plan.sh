#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit plan without a planner: a document in, waves out, the same bytes every time; why a workload
# is where it is; calendars; what cannot be.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs jq
export TZ=UTC

# workload NAME GIB DEPENDS...
workload() {
    local name=$1 gib=$2
    shift 2
    jq -n --arg n "$name" --argjson g "$gib" '{workload: $n, hosts: [$n + "-01"], depends: $ARGS.positional, wave: null,
        moved: false, volumes: [{volume: "data", size_bytes: ($g * 1073741824), write_bytes_per_s: 200000,
        write_peak_bytes_per_s: 1000000}]}' --args "$@"
}

# input CALENDARS: of the workloads on standard input
input() {
    jq -s --argjson c "$1" '{schema: "godwit.plan-input/1", now: "2026-12-07T08:00:00Z", link_bytes_per_s: 125000000,
        calendars: $c, workloads: .}'
}

{
    workload ldap 10
    workload shop 900 ldap
    workload wiki 40
} >"$dir/workloads"
input '[]' <"$dir/workloads" >"$dir/input.json"

echo "-- waves, and the same every time"
exits 0 godwit plan --from "$dir/input.json" -o json
is '.schema == "godwit.plan/1" and (.id | length) == 8'
is '[.waves[].workloads[].workload] | sort == ["ldap", "shop", "wiki"]'
is '.waves[0].workloads | length == 1'
cp "$dir/out" "$dir/first.json"
exits 0 godwit plan --from "$dir/input.json" -o json
cmp -s "$dir/out" "$dir/first.json" || fail "the same input gave another plan"
# What it depends on is not behind it.
wave() { jq -r --arg n "$1" '.waves[] | select(any(.workloads[]; .workload == $n)) | .wave' "$dir/out"; }
[ "$(wave ldap)" -le "$(wave shop)" ] || fail "shop moves before its ldap"
godwit plan --from - -o json <"$dir/input.json" >"$dir/out" || fail "standard input"
cmp -s "$dir/out" "$dir/first.json" || fail "standard input gave another plan"

echo "-- the table for people, and a copy in a file"
exits 0 godwit plan --from "$dir/input.json" --out "$dir/plan.json"
says out WAVE
says out shop
says out 'no planner knows of it'
[ "$(jq -r .id "$dir/plan.json")" = "$(jq -r .id "$dir/first.json")" ] || fail "--out is another plan"
exits 0 godwit plan --from "$dir/input.json" -o csv
[ "$(head -n 1 "$dir/out" | cut -d, -f1)" = WAVE ] || fail "no header"
tail -n +2 "$dir/out" | grep -Eq '20[0-9]{2}-[0-9]{2}-[0-9]{2}T' || fail "times without a year: $(cat "$dir/out")"

echo "-- why"
exits 0 godwit plan explain shop --from "$dir/plan.json"
says out shop
exits 0 godwit plan explain shop --from "$dir/plan.json" -o json
is '.schema == "godwit.plan-explain/1" and (.subject.why | length) > 0'
exits 4 godwit plan explain nobody --from "$dir/plan.json"

echo "-- no wave has a window: nothing can be cut over, and that is no success"
cat >"$dir/always.ics" <<'ICS'
BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART:20261201T000000Z
DTEND:20280101T000000Z
SUMMARY:freeze
END:VEVENT
END:VCALENDAR
ICS
exits 5 godwit plan --from "$dir/input.json" --base "$dir/plan.json" --blackout "$dir/always.ics" --out "$dir/shut.json"
says out 'No wave has a cutover window'
says out 'blackouts cover it all'
exits 5 godwit plan --from "$dir/input.json" --blackout "$dir/always.ics" -o json
is '(.waves | length) > 0 and all(.waves[]; .cutover_from == null)'
exits 5 godwit plan --from "$dir/input.json" --blackout "$dir/always.ics" --diff "$dir/plan.json"
exits 0 godwit plan explain shop --from "$dir/shut.json"
says out 'no cutover window'
says out 'blackouts cover it all'
exits 0 godwit plan explain shop --from "$dir/shut.json" -o json
is '.cutover_from == null and (.warnings[0] | contains("blackouts cover it all")) and .state == null'

echo "-- a slower line takes longer; a policy makes smaller waves"
seed() { jq '[.waves[].seed_s] | add' "$dir/out"; }
exits 0 godwit plan --from "$dir/input.json" -o json
fast=$(seed)
exits 0 godwit plan --from "$dir/input.json" --link 100Mbit -o json
is '.link_bytes_per_s == 12500000'
jq -en --argjson a "$fast" --argjson b "$(seed)" '$b > 5 * $a' >/dev/null || fail "a tenth of the line, $fast s"
echo '{"max_workloads_per_wave": 1}' >"$dir/policy.json"
exits 0 godwit plan --from "$dir/input.json" --policy "$dir/policy.json" -o json
is 'all(.waves[]; (.workloads | length) == 1) and (.waves | length) == 3'

echo "-- a limit that is misspelt is refused, and so is a list of nobody"
echo '{"max_workload_per_wave": 1}' >"$dir/misspelt.json"
exits 2 godwit plan --from "$dir/input.json" --policy "$dir/misspelt.json"
echo 'host,cores,disk_gib' >"$dir/nobody.csv"
exits 2 godwit plan --from "$dir/nobody.csv"

echo "-- with costs, what saves most moves first, within the same limits"
jq '.workloads |= map(. + {saving_per_day: (if .workload == "shop" then 500 else 1 end),
    talks: (if .workload == "shop" then [{workload: "ldap", bytes_per_day: 900000000000}] else [] end)})' \
    "$dir/input.json" >"$dir/costs.json"
exits 0 godwit plan --from "$dir/costs.json" --policy "$dir/policy.json" -o json
is '.least_cost.gap == 0 and all(.waves[]; (.workloads | length) == 1) and (.waves | length) == 3'
cp "$dir/out" "$dir/least.json"
exits 0 godwit plan --from "$dir/costs.json" --policy "$dir/policy.json" -o json
cmp -s "$dir/out" "$dir/least.json" || fail "the same costs gave another plan"
[ "$(wave shop)" = 2 ] || [ "$(wave shop)" -lt "$(wave wiki)" ] || fail "what saves most waits for what saves least"
exits 0 godwit plan explain shop --from "$dir/least.json" -o json
is '[.subject.why[].rule] | index("least-cost") or index("pilot")'

echo "-- a blackout is kept"
ical='BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:freeze\r\nDTSTART:20261207T000000Z\r\nDTEND:20261220T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'
input "$(jq -n --arg c "$(printf '%b' "$ical")" '[{name: "freeze", kind: "blackout", calendar: $c}]')" \
    <"$dir/workloads" >"$dir/frozen.json"
exits 0 godwit plan --from "$dir/frozen.json" -o json
is '(.waves | length) > 0 and all(.waves[]; .cutover_from >= "2026-12-20T00:00:00Z")'

echo "-- what changed since the last plan, and why; what is planned stays where it is"
exits 0 godwit plan --from "$dir/input.json" --out "$dir/plan.json" --diff "$dir/first.json"
says out 'nothing changed'
exits 0 godwit plan --from "$dir/frozen.json" --base "$dir/first.json" --diff "$dir/first.json" -o json
is '.schema == "godwit.plan-diff/1" and (.same | not) and all(.changes[]; .kind == "wave" and .change == "later")'
is 'any(.changes[]; .why | contains("blackout \"freeze\" (2026-12-07T00:00:00Z to 2026-12-20T00:00:00Z)"))'
exits 10 godwit plan --from "$dir/frozen.json" --diff "$dir/first.json" --detailed-exitcode
says out 'blackout "freeze"'
# Smaller than all others: planned anew it would be the pilot.
{
    cat "$dir/workloads"
    workload tiny 1
} | input '[]' >"$dir/more.json"
exits 0 godwit plan --from "$dir/more.json" -o json
[ "$(wave tiny)" = 1 ] || fail "planned anew, tiny is not the pilot"
exits 0 godwit plan --from "$dir/more.json" --base "$dir/first.json" --diff "$dir/first.json" -o json
is '[.changes[] | select(.kind == "workload")] | length == 1 and .[0].name == "tiny" and .[0].change == "new"'
exits 0 godwit plan --from "$dir/more.json" --base "$dir/first.json" -o json
for name in ldap shop wiki; do
    [ "$(wave "$name")" = "$(jq -r --arg n "$name" '.waves[] | select(any(.workloads[]; .workload == $n)) | .wave' \
        "$dir/first.json")" ] || fail "$name has moved to another wave without need"
done
exits 2 godwit plan --from "$dir/more.json" --base "$dir/more.json"
exits 2 godwit plan --from "$dir/more.json" --fresh
exits 2 godwit plan --base "$dir/first.json"
exits 2 godwit plan --from "$dir/more.json" --detailed-exitcode

echo "-- what cannot be is refused with its reason"
{
    workload a 1 b
    workload b 1 a
} | input '[]' >"$dir/circle.json"
code=0
godwit plan --from "$dir/circle.json" >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 5 ] || [ "$code" = 2 ] || fail "a circle ended with $code"
says err GW-4202
says err a
echo '{"schema": "godwit.plan-input/1"' >"$dir/broken.json"
exits 2 godwit plan --from "$dir/broken.json"
says err GW-1004
exits 2 godwit plan --from "$dir/input.json" --link fast
exits 4 godwit plan --from "$dir/no-such-file"
echo '[1]' >"$dir/array.json"
exits 2 godwit plan --from "$dir/array.json"
echo "-- where nothing can move, it is said, and no plan to go by"
workload busy 10 | jq '.volumes[0].write_bytes_per_s = 90000000' | input '[]' >"$dir/busy.json"
exits 5 godwit plan --from "$dir/busy.json" -o json
is '.waves == [] and (.unplaced[0].why[0].text | contains("it needs a link of"))'
echo "ok"
