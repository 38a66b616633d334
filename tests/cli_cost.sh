#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit cost: a fleet and prices in, a bill out; its sums, its switches, what it refuses.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?}/tests/cli_common.sh"
needs jq python3
export TZ=UTC

python3 "$abs_top_srcdir/tests/made_estate.py" 60 >"$dir/fleet.json"
cat >"$dir/prices.csv" <<'CSV'
provider,region,currency,price_date,item,name,price_per_gib,from_gib,instance_type,price_per_hour,reserved_1y,reserved_3y,elastic,vcpu,mem_gib
acme,eu,USD,2026-05,,,,,s,0.05,0.035,0.025,0.015,2,8
acme,eu,USD,2026-05,,,,,m,0.1,0.07,0.05,0.03,4,16
acme,eu,USD,2026-05,,,,,l,0.2,0.14,0.1,0.06,8,32
acme,eu,USD,2026-05,,,,,xl,0.4,0.28,0.2,0.12,16,64
acme,eu,USD,2026-05,block,ssd,0.1,,,,,,,,
CSV
bill=(godwit cost --from "$dir/fleet.json" --catalog "$dir/prices.csv" --start 2027-01)

echo "-- a bill: the parts are the sum"
exits 0 "${bill[@]}" -o json
is '.schema == "godwit.cost/1" and .currency == "USD" and .start == "2027-01" and (.months | length) == 60'
for key in stay_micros move_micros dual_micros; do
    is "([.months[].$key] | add) == ([.heads[].$key] | add) and ([.months[].$key] | add) == ([.workloads[].$key] | add)"
done
is '.unpriced == 0 and (.scenarios | length) == 3 and ([.rates[] | select(.source == "")] | length) == 0'
cp "$dir/out" "$dir/first.json"
exits 0 "${bill[@]}" -o json
cmp -s "$dir/out" "$dir/first.json" || fail "the same input gave another bill"

jq '.hosts |= reverse | .talks |= reverse | .workloads |= reverse' "$dir/fleet.json" >"$dir/turned.json"
exits 0 godwit cost --from "$dir/turned.json" --catalog "$dir/prices.csv" --start 2027-01 -o json
cmp -s "$dir/out" "$dir/first.json" || fail "the order of its parts changed the bill"

echo "-- what scales is paid by its load, the rest is told"
is 'any(.machines[]; .hours_a_week < 168) and any(.elastic[]; .scales | not)'
is 'all(.elastic[]; .shaped_month_micros <= .full_month_micros)'

echo "-- tables"
exits 0 "${bill[@]}"
says out 2031-12
says out 'Even:'
for by in workload head machine; do
    exits 0 "${bill[@]}" --by "$by"
done
exits 0 "${bill[@]}" --by month -o csv
[ "$(wc -l <"$dir/out")" = 61 ] || fail "not a line a month"
exits 0 "${bill[@]}" --app app-0000 -o json
is '(.workloads | length) == 1 and ([.heads[].move_micros] | add) == .workloads[0].move_micros'
exits 4 "${bill[@]}" --app nobody

echo "-- heads have switches, rates have sources"
exits 0 godwit cost rates -o json
jq '.off = {power: "in the rent"} | .rates.months.value = 12' "$dir/out" >"$dir/rates.json"
exits 0 "${bill[@]}" --rates "$dir/rates.json" -o json
is '(.months | length) == 12 and (.heads[] | select(.head == "power") | .on == false and .stay_micros == 0)'
exits 0 godwit cost rates
says out 'Uptime Institute'
echo '{"schema": "godwit.rates/1", "rates": {"kwh": {"value": 0.2}}}' >"$dir/bad.json"
exits 2 "${bill[@]}" --rates "$dir/bad.json"
says err kwh

echo "-- by a plan"
jq -n '{schema: "godwit.plan/1", waves: [{wave: "1", cutover_from: "2027-09-04T02:00:00Z", workloads: [{workload: "app-0001"}]},
    {wave: "2", cutover_from: null, workloads: [{workload: "app-0000"}]}]}' >"$dir/plan.json"
exits 0 "${bill[@]}" --plan "$dir/plan.json" -o json
is '(.workloads[] | select(.workload == "app-0001").moves) == "2027-09" and (.workloads[] | select(.workload == "app-0000").moves) == null'

echo "-- the workloads of a bill are those of a plan, whether owners named them or not"
jq 'del(.hosts[].workload) | .workloads = []' "$dir/fleet.json" >"$dir/unnamed.json"
exits 0 godwit plan --from "$dir/unnamed.json" --now 2027-01-01T00:00:00Z --out "$dir/plan.json"
exits 0 godwit cost --from "$dir/unnamed.json" --catalog "$dir/prices.csv" --start 2027-01 --plan "$dir/plan.json" -o json
jq -r '.workloads[].workload // empty' "$dir/out" | sort >"$dir/billed"
jq -r '(.waves[].workloads[], .unplaced[]).workload' "$dir/plan.json" | sort >"$dir/planned"
cmp "$dir/billed" "$dir/planned" || fail "another set of workloads"
is '[.workloads[] | select(.workload != null and .moves != null)] | length > 5'

echo "-- what saves most moves first, when a plan is given the bill"
exits 0 "${bill[@]}" -o json
cp "$dir/out" "$dir/cost.json"
exits 0 godwit plan --from "$dir/fleet.json" --now 2027-01-01T00:00:00Z --cost "$dir/cost.json" -o json
is '.least_cost.cost != null'
exits 2 godwit plan --from "$dir/fleet.json" --cost "$dir/plan.json"
says err godwit.cost/1

echo "-- what is refused"
sed 's/USD/EUR/' "$dir/prices.csv" >"$dir/euro.csv"
exits 2 godwit cost --from "$dir/fleet.json" --catalog "$dir/euro.csv"
says err 'prices are in EUR and rates in USD'
exits 2 godwit cost --catalog "$dir/prices.csv"
exits 2 godwit cost --from "$dir/fleet.json"
exits 2 "${bill[@]}" --start soon
exits 2 godwit cost --from "$dir/bad.json" --catalog "$dir/prices.csv"
echo "-- a fleet with rows that make no sense is priced without them, and ends with 3"
printf "host,cores,memory_bytes\na,2,4000000000\n,4,1\n" >"$dir/fleet.csv"
exits 3 godwit cost --from "$dir/fleet.csv" --catalog "$dir/prices.csv" -o json
is ".hosts == 1"

echo "-- a host that no shape fits is named, and the bill ends with 3"
printf "host,cores,memory_bytes\na,2,4000000000\nhuge,500,4000000000\n" >"$dir/huge.csv"
exits 3 godwit cost --from "$dir/huge.csv" --catalog "$dir/prices.csv" -o json
is ".unpriced == 1"
echo "ok"
