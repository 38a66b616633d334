#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Verbs over lists of other tools, with no planner: what is read, what is refused, what comes out.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?}/tests/cli_common.sh"
needs jq
export TZ=UTC
lists=$abs_top_srcdir/tests/data/fuzz_import

echo "-- groups: owners' words, and who talks to whom"
exits 3 godwit groups --from "$lists/plain.csv" --from "$lists/plain-talks.csv" -o json
is '.schema == "godwit.groups/1" and .hosts == 4'
is '[.groups[].group] | sort == ["ldap", "ml", "shop"]'
is '.groups[] | select(.group == "shop") | .hosts == ["shop-db-01", "shop-web-01"] and .confidence == 1'
is '.links[0] | .from == "shop" and .to == "ldap" and .bytes == 1000'
says err "plain.csv:5: bought_on '2023-13-01': not a date"
says err 'plain.csv:6: host a host without a name (the row is left out)'
says err 'plain-talks.csv:5:'
cp "$dir/out" "$dir/first.json"
exits 3 godwit groups --from "$lists/plain-talks.csv" --from "$lists/plain.csv" -o json
cmp -s "$dir/out" "$dir/first.json" || fail 'the order of files changed the groups'

echo "-- groups: a table, CSV, a graph"
exits 3 godwit groups --from "$lists/godwit-estate.json"
says err "vms.csv:3: depends 'ldap': no host is of a workload called so"
says out 'shop'
says out 'groups of 2 hosts'
exits 3 godwit groups --from "$lists/godwit-estate.json" -o csv
says out 'GROUP,HOSTS,TAGGED'
exits 3 godwit groups --from "$lists/godwit-estate.json" -o dot
says out 'digraph groups {'
exits 2 godwit cost -o dot
exits 3 godwit groups --from "$lists/plain.csv" --tag env -o json
is '[.groups[].group] | length == 3'

echo "-- what is read: folders, standard input, a format that is said"
mkdir "$dir/center"
cp "$lists"/migration-center-*.csv "$dir/center"
exits 3 godwit groups --from "$dir/center" -o json
is '.hosts == 2'
cp "$lists/godwit-estate.json" "$dir/in"
code=0
godwit groups --from - -o json <"$dir/in" >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 3 ] || fail "standard input ended with $code"
is '.hosts == 2'
exits 2 godwit groups --from "$lists/mgn.csv" --format rvtools
if [ "${GODWIT_TEST_FAILPOINTS-}" = yes ] && godwit groups --from "$lists/rvtools.xlsx" >/dev/null; then
    GODWIT_FAILPOINT=dl_open=err:EIO exits 4 godwit groups --from "$lists/rvtools.xlsx"
    says err libarchive13
fi
exits 2 godwit groups --from "$lists/mgn.csv" --format abacus
says err "abacus"
exits 2 godwit groups
printf 'a,b\n1,2\n' >"$dir/unknown.csv"
exits 2 godwit groups --from "$dir/unknown.csv"
says err 'no format that is known here'

echo "-- size: a shape for every host, and why"
exits 3 godwit size --from "$lists/plain.csv" --mgn "$dir/mgn.csv" --smc "$dir/smc.csv" -o json
is '.schema == "godwit.sizes/1" and .catalogue.currency == null and (.hosts | length) == 4 and .unsized == []'
is '.hosts[] | select(.host == "ldap-01") | .shape.vcpus == 1 and .arm_shape.name == "1x2g-arm" and .need.cpu_measured'
is '.hosts[] | select(.host == "gpu-01") | .shape.gpus == 4'
is '.hosts[] | select(.host == "shop-db-01") | .arm_shape == null and (.not_on_arm | test("Linux"))'
is '[.hosts[].why[]] | any(test("vCPUs"))'
exits 0 godwit groups --from "$dir/mgn.csv" -o json
is '[.groups[].group] | sort == ["ldap", "ml", "shop"]'
grep -q '^shop-db-01,Image,600,' "$dir/smc.csv" || fail 'no job of shop-db-01'

echo "-- size says what its prices and the lists for other tools lack"
printf '%s\n' host,os_family,cores,memory_gib win,windows,1,2 lin,linux,1,2 >"$dir/os.csv"
printf '%s\n' provider,region,currency,instance_type,vcpu,mem_gib,price_per_hour,price_date \
    acme,eu,USD,small,2,8,1,2026-10-01 >"$dir/prices.csv"
exits 0 godwit size --from "$dir/os.csv" --catalog "$dir/prices.csv" --mgn "$dir/os-mgn.csv"
says out '1 of them run Windows, and no price of this list is with its licence'
says out 'names no wave for 2 of its hosts'
exits 0 godwit size --from "$dir/os.csv" --catalog "$dir/prices.csv" -o json
is '.sum.windows_hosts == 1 and .catalogue.windows == false'
godwit catalog import "$dir/prices.csv" --out "$dir/prices.json" >/dev/null || fail "import"
jq '.windows = true' "$dir/prices.json" >"$dir/windows.json"
exits 0 godwit size --from "$dir/os.csv" --catalog "$dir/windows.json"
says out '1 of them do not run Windows'
moving() { godwit cost --from "$dir/os.csv" --catalog "$dir/$1" -o json | jq .move_micros; }
[ "$(moving windows.json)" -lt "$(moving prices.json)" ] || fail "licences are paid for twice"
jq -n '{schema: "godwit.estate/1", sources: [], hosts: [{host: "big", cores: 1, memory_bytes: 1073741824,
    disks: [range(18) | {disk: "sd\(.)", size_bytes: (30 * 1073741824)}]}]}' >"$dir/disks.json"
exits 3 godwit size --from "$dir/disks.json" --smc "$dir/smc.csv"
says out 'leaves disks out for 1 of its hosts'

printf '%s\n' host,arch,cores,memory_gib,net_p95_mib_per_s mainframe,s390x,4,16, wide,x86_64,64,4,5 >"$dir/odd.csv"
printf '%s\n' provider,region,currency,instance_type,vcpu,mem_gib,net_mbps,price_per_hour,price_date \
    acme,eu,EUR,small,2,512,10,1,2026-10-01 acme,eu,EUR,wide,64,2,10,2,2026-10-01 >"$dir/odd-prices.csv"
exits 3 godwit size --from "$dir/odd.csv" --catalog "$dir/odd-prices.csv" -o json
is '[.unsized[].why] == ["it is a machine of IBM Z: no shape runs its software",
    "no shape of acme eu has 64.0 vCPUs, 4.0 GiB of memory and no GPUs, 5.0 MiB/s to the network together"]'
exits 3 godwit size --from "$lists/godwit-estate.json" -o json
is '.unsized == [{"host": "shop-web-01", "workload": null, "cores": 0, "memory_bytes": 0, "why": "its cores are not known"}]'
cat >"$dir/prices.csv" <<'CSV'
provider,region,currency,price_date,instance_type,price_per_hour,vcpu,mem_gib,arch
acme,eu,USD,2026-05,s,0.05,2,8,amd64
acme,eu,USD,2026-05,l,0.2,8,64,amd64
acme,eu,USD,2026-05,a,0.04,2,8,arm64
CSV
exits 3 godwit size --from "$lists/plain.csv" --catalog "$dir/prices.csv" -o json
is '.unsized[0].host == "gpu-01" and (.unsized[0].why | test("are needed, acme eu has"))'
is '.sum.price_per_hour == "0.45" and .sum.arm_saves_per_hour == "0.01"'
exits 3 godwit size --from "$lists/plain.csv" --catalog "$dir/prices.csv"
says out 'gpu-01 has no shape'
says out '0.45 USD an hour on demand at acme eu'
exits 3 godwit size --from "$lists/plain.csv" -o csv
says out 'HOST,APP,CORES,NEEDS CPU'

echo "-- plan: groups are workloads, disks their data"
exits 3 godwit plan --from "$lists/plain.csv" --from "$lists/plain-talks.csv" --now 2026-12-07T08:00:00Z -o json
is '[.waves[].workloads[].workload] | sort == ["ldap", "ml", "shop"]'
is '.waves[0].workloads == [.waves[0].workloads[] | select(.workload == "ldap")]'
is '.waves[].workloads[] | select(.workload == "shop") | .hosts == 2 and .bytes == 420 * 1073741824 and .depends == ["ldap"]'
cp "$dir/out" "$dir/first.json"
exits 3 godwit plan --from "$lists/plain-talks.csv" --from "$lists/plain.csv" --now 2026-12-07T08:00:00Z -o json
cmp -s "$dir/out" "$dir/first.json" || fail 'the order of files changed the plan'
cat >"$dir/freeze.ics" <<'ICS'
BEGIN:VCALENDAR
VERSION:2.0
PRODID:test
BEGIN:VEVENT
UID:1
DTSTART:20261207T000000Z
DTEND:20261221T000000Z
SUMMARY:freeze
END:VEVENT
END:VCALENDAR
ICS
exits 3 godwit plan --from "$lists/plain.csv" --now 2026-12-07T08:00:00Z --blackout "$dir/freeze.ics" -o json
is 'all(.waves[]; .cutover_from >= "2026-12-21")'
exits 3 godwit plan --from "$lists/rvtools-vInfo.csv" --now 2026-12-07T08:00:00Z
says out 'WAVE'
exits 2 godwit plan --from "$lists/plain.csv" --now tomorrow
exits 5 godwit plan --from "$lists/godwit-estate.json" --now 2026-12-07T08:00:00Z -o json
is '.unplaced | any(.workload == "shop" and (.why[0].text | test("disks of shop-web-01")))'

echo "-- assess: a way for each workload, with what speaks against it"
exits 3 godwit assess --from "$lists/plain.csv" --from "$lists/plain-talks.csv" -o json
is '.schema == "godwit.assessment/1" and ([.workloads[].workload] | sort == ["ldap", "ml", "shop"])'
is '.workloads[] | select(.workload == "shop") | .strategy == "replatform" and any(.why[]; .rule == "managed") and (.against | length) >= 2'
is '.workloads[] | select(.workload == "shop") | [.alternatives[].strategy] == ["rehost"]'
is '.workloads[] | select(.workload == "ml") | .gpus == 4 and .strategy == "rehost"'
exits 3 godwit assess --from "$lists/plain.csv" --app shop
says out 'shop: replatform'
says out 'or rehost'
exits 3 godwit assess --from "$lists/plain.csv" -o csv
says out 'APP,HOSTS,STRATEGY'
exits 4 godwit assess --from "$lists/plain.csv" --app nobody

echo "-- host import: what is refused, and one file of all"
exits 3 godwit host import "$lists/plain.csv" "$lists/plain-talks.csv" --out "$dir/fleet.json" -o json
is '.schema == "godwit.host-import/1" and .files == 2 and .hosts == 4 and .refused_n == 4 and .talks == 3'
is '.refused[0] == {"file": "plain.csv", "line": 5, "column": "bought_on", "value": "2023-13-01", "why": "not a date like 2024-10-31", "whole_row": false}'
exits 0 godwit groups --from "$dir/fleet.json" -o json
cp "$dir/out" "$dir/groups.json"
exits 3 godwit groups --from "$lists/plain.csv" --from "$lists/plain-talks.csv" -o json
cmp -s "$dir/out" "$dir/groups.json" || fail 'a fleet of a file has other groups than its lists'
exits 3 godwit host import "$lists/plain.csv" --out "$dir/none.json" --dry-run
says out 'Nothing is written'
[ ! -e "$dir/none.json" ] || fail '--dry-run wrote a file'
exits 2 godwit host import
