#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit consolidate, runway, burst: answers that name hosts, the same for the same fleet.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?}/tests/cli_common.sh"
needs jq python3
export TZ=UTC

python3 "$abs_top_srcdir/tests/made_estate.py" 120 >"$dir/fleet.json"

echo "-- consolidate: each machine once, hosts that become free hold nothing"
exits 0 godwit consolidate --from "$dir/fleet.json" -o json
is '.schema == "godwit.consolidate/1" and (.pools | length) > 0'
is '([.hosts[].holds[]] | length) == ([.hosts[].holds[]] | unique | length) and ([.hosts[].holds[]] | length) == ([.pools[].machines] | add)'
# shellcheck disable=SC2016 # jq expands them
is '.freed as $f | all(.hosts[]; .host as $h | all($f[]; .host != $h))'
is 'all(.hosts[]; .cpu_high <= 1 and .memory <= 1) and all(.pools[]; .needed >= .at_least and .freed == .hosts - .needed)'
cp "$dir/out" "$dir/first.json"
exits 0 godwit consolidate --from "$dir/fleet.json" -o json
cmp -s "$dir/out" "$dir/first.json" || fail "the same fleet gave another answer"
jq '.hosts |= reverse | .talks |= reverse' "$dir/fleet.json" >"$dir/turned.json"
exits 0 godwit consolidate --from "$dir/turned.json" -o json
cmp -s "$dir/out" "$dir/first.json" || fail "the order of its parts changed the answer"
for show in pools hosts moves still; do
    exits 0 godwit consolidate --from "$dir/fleet.json" --show "$show"
done

echo "-- what does nothing is named, and why"
jq '.hosts += [{host: "old-1", kind: "virtual", runs_on: "esx-0000", power: "off", cores: 4, memory_bytes: 1e9 | floor},
    {host: "old-2", kind: "virtual", runs_on: "esx-0000", cores: 4, memory_bytes: 1e9 | floor, usage: {cpu_percent: {mean: 0.2, p99: 1.5, max: 3}}}]' \
    "$dir/fleet.json" >"$dir/more.json"
exits 0 godwit consolidate --from "$dir/more.json" -o json
is '(.still[] | select(.host == "old-1").state) == "off" and (.still[] | select(.host == "old-2").state) == "zombie"'

echo "-- runway: sooner with more growth, later with each step"
runs() { jq -r '[.pools[].steps[] | .months // 999] | join(" ")' "$dir/out"; }
exits 0 godwit runway --from "$dir/fleet.json" --growth 200 --start 2027-01 -o json
is '.schema == "godwit.runway/1" and .growth == "assumed" and all(.pools[]; [.steps[] | .months // 999] | . == sort)'
fast=$(runs)
exits 0 godwit runway --from "$dir/fleet.json" --growth 400 --start 2027-01 -o json
is "[.pools[].steps[] | .months // 999] as \$b | (\"$fast\" | split(\" \") | map(tonumber)) as \$a | [range(\$a | length)] | all(\$b[.] <= \$a[.])"

echo "-- disks are room as well, where lists say what there is; who is off has them, too"
jq '(.hosts[] | select(.kind == "hypervisor") | .disks) = [{disk: "ds", size_bytes: 2e12 | floor}]' "$dir/more.json" >"$dir/disks.json"
exits 0 godwit runway --from "$dir/disks.json" --growth 100 --start 2027-01 -o json
is 'all(.pools[]; .disk_bytes > 0) and any(.pools[].steps[]; .by == "disk") and all(.pools[]; .steps[0].disk_used >= .steps[2].disk_used)'
exits 0 godwit runway --from "$dir/more.json" --start 2027-01 -o json
is 'all(.pools[].steps[]; .disk_used == null and .by != "disk")'

echo "-- of a host of which no list says what it has, nothing is promised"
jq '(.hosts[] | select(.kind == "hypervisor")) |= del(.cores, .memory_bytes)' "$dir/fleet.json" >"$dir/blind.json"
exits 0 godwit runway --from "$dir/blind.json" --start 2027-01 -o json
is 'all(.pools[].steps[]; .full == null and .by == null and .cpu_used == null and .memory_used == null)'
exits 0 godwit runway --from "$dir/blind.json"
says out 'not known'
exits 0 godwit consolidate --from "$dir/blind.json" -o json
is '.freed == [] and all(.pools[]; .needed == .in_use) and all(.moves[]; .to == null and (.why | test("not known")))'

echo "-- what fits on no other host stays, alone, and its host is not free"
jq '([.hosts[] | select(.kind == "virtual")][0].host) as $x | (.hosts[] | select(.host == $x).memory_bytes) = 9e13' "$dir/fleet.json" |
    jq '([.hosts[] | select(.kind == "virtual")][0].host) as $x | (.hosts[] | select(.host == $x)) |= del(.usage)' >"$dir/giant.json"
giant=$(jq -r '[.hosts[] | select(.kind == "virtual")][0].host' "$dir/fleet.json")
exits 0 godwit consolidate --from "$dir/giant.json" -o json
is ".hosts[] | select(.holds | index(\"$giant\")) | .holds == [\"$giant\"]"
is "any(.moves[]; .host == \"$giant\" and .to == null) and all(.pools[]; .freed == .hosts - .needed)"

echo "-- growth is measured between two times"
jq '(.hosts[] | select(.kind == "virtual") | .memory_bytes) |= (. / 2 | floor) |
    (.. | objects | select(has("until")) | .until) = "2025-09-15T00:00:00Z" |
    (.. | objects | select(has("until")) | .from) = "2025-09-01T00:00:00Z"' "$dir/fleet.json" >"$dir/before.json"
exits 0 godwit runway --from "$dir/fleet.json" --before "$dir/before.json" --start 2027-01 -o json
is '.growth == "measured" and all(.pools[]; .memory_growth_percent > 49 and .memory_growth_percent < 51 and .cpu_growth_percent == 0)'
exits 2 godwit runway --from "$dir/before.json" --before "$dir/fleet.json"
jq -n '{schema: "godwit.plan/1", waves: [{cutover_from: "2027-02-01T00:00:00Z", workloads: [range(40) | {workload: "app-\("000\(.)"[-4:])"}]}]}' >"$dir/plan.json"
exits 0 godwit runway --from "$dir/fleet.json" --growth 400 --start 2027-01 --plan "$dir/plan.json" -o json
is 'all(.pools[]; (.steps | length) == 5 and .steps[4].full == null)'
exits 0 godwit runway --from "$dir/fleet.json"
says out 'as it is'

echo "-- burst: what gains, what it needs, what speaks against it"
exits 0 godwit burst --from "$dir/fleet.json" --peak 2 -o json
is '.schema == "godwit.burst/1" and (.sets | length) > 0 and all(.sets[]; .base >= 1 and .in_cloud == .at_peak - .base and .machines >= 2)'
is 'any(.sets[]; .ready) and any(.sets[]; (.ready | not) and any(.against[]; .what == "scale"))'
cp "$dir/out" "$dir/first.json"
exits 0 godwit burst --from "$dir/turned.json" --peak 2 -o json
cmp -s "$dir/out" "$dir/first.json" || fail "the order of its parts changed the answer"
exits 0 godwit burst --from "$dir/fleet.json"
says out 'DATA PATH'
exits 2 godwit burst --from "$dir/fleet.json" --peak many
exits 2 godwit consolidate
exits 4 godwit runway --from "$dir/nothing.json"
echo "ok"
