#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hosts that only lists know: kept whole or not at all, replaced by the same list, superseded by an
# agent of the same machine and by no other, and a fleet for groups, size, assess, cost and plan.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

planner_init --listen 127.0.0.1:0 --client-file "$dir/client.json"
planner_start --listen 127.0.0.1:0 --client-file "$dir/client.json"
uuid=4211aabb-ccdd-eeff-0011-223344556677 swapped=bbaa1142-ddcc-ffee-0011-223344556677

# part LIST IMPORT PART LAST HOSTS [REST]
part() {
    echo "{\"list\": \"$1\", \"import\": \"$2\", \"part\": $3, \"last\": $4,
        \"fleet\": {\"schema\": \"godwit.estate/1\", \"sources\": [\"$1\"], \"hosts\": [$5]${6:+, $6}}}"
}
host() { # NAME [MEMBERS]
    echo "{\"host\": \"$1\", \"cores\": 2, \"memory_bytes\": 4294967296, \"os_name\": \"Debian 12\"${2:+, $2}}"
}
# says MACHINE NAME: the agent of MACHINE reports that its UUID is NAME's
says() { # AGENT UUID
    local hash
    hash=$(printf 'godwit uuid_hash\n%s' "$2" | sha256sum | cut -c 1-32)
    agent "$1" POST /v1/agent/report "$(jq -n --arg name "$1" --arg hash "$hash" --arg now "$(now)" '{version: "test",
        inventory: {schema: "godwit.inventory/1", generated_at: $now, probe: "local", took_ms: 1, problems: [],
            host: {name: $name, smbios: {uuid_hash: $hash}}}, utilisation: null, replication: []}')"
    expect 200
}
states() { # WANT: "NAME STATE" of every host, in order
    api GET /v1/hosts
    expect 200 "[.items[] | \"\(.host) \(if .source == \"agent\" then \"agent\" else .state end)\"] | sort == ($1 | sort)"
}

echo "-- nothing that is not a fleet"
api POST /v1/hosts/import '{"list": "", "import": "a", "fleet": {}}'
expect 400
api POST /v1/hosts/import '{"list": "a", "import": "not a name", "fleet": {}}'
expect 400
api POST /v1/hosts/import '{"list": "a", "import": "a"}'
expect 400
api POST /v1/hosts/import "$(part a a1 0 true '{"host": "x", "cores": "many"}')"
expect 400 '.what | contains("x")'
api POST /v1/hosts/import "$(part a a1 0 true "$(host x), $(host X)")"
expect 400 '.what | contains("twice")'
states '[]'

echo "-- an import counts when it is whole"
api POST /v1/hosts/import "$(part rv.xlsx r1 0 false "$(host web-01 "\"id\": \"50${uuid:2}\", \"owner\": \"ana\",
    \"tags\": [{\"key\": \"smbios_uuid\", \"value\": \"${uuid^^}\"}]")")"
expect 200 '.hosts == 1 and .last == false'
states '[]'
api POST '/v1/hosts/import?dry_run=true' "$(part rv.xlsx r1 1 true "$(host db-01.acme.com)")"
expect 200 '.hosts == 2'
states '[]'
api POST /v1/hosts/import "$(part rv.xlsx r1 1 true "$(host db-01.acme.com)" '"talks": [{"from": "web-01", "to": "db-01.acme.com", "port": 5432, "bytes": 1000}]')"
expect 200 '.hosts == 2 and .conflicts == [] and .have_agents == 0'
states '["db-01.acme.com listed", "web-01 listed"]'
api GET /v1/hosts/WEB-01
expect 200 '.source == "list" and .list == "rv.xlsx" and .facts.owner == "ana" and .imported_at != null and .os == "Debian 12"'

echo "-- an agent of the same machine"
enrol web-01
enrol db-01
states '["db-01 agent", "web-01 agent"]'
says web-01 "$uuid"
states '["db-01 agent", "web-01 agent"]'
api GET /v1/fleet
expect 200 '[.items[] | .host // .hosts[0].host // "talks"] == ["web-01", "talks"] and .next == null'
says web-01 "$swapped"
states '["db-01 agent", "web-01 agent"]'

echo "-- an agent of another machine with that name"
says web-01 00000000-1111-2222-3333-444444444444
states '["db-01 agent", "web-01 conflict", "web-01 agent"]'
api GET '/v1/hosts?limit=2'
expect 200 '(.items | length) == 2 and .next != null'
api GET "/v1/hosts?after=$(get '.next | @uri')"
expect 200 '[.items[] | .reason] | .[0] | contains("another UUID")'
api POST /v1/hosts/import "$(part rv.xlsx r2 0 true "$(host web-01 "\"id\": \"$uuid\", \"rack\": \"r1\""), $(host app-01)")"
expect 200 '.conflicts == [{host: "web-01", agent: "web-01"}]'

echo "-- the same list again replaces what it said; a name without its domain has to be the only one"
states '["app-01 listed", "db-01 agent", "web-01 conflict", "web-01 agent"]'
api POST /v1/hosts/import "$(part two.csv t1 0 true "$(host db-01.a), $(host db-01.b)")"
expect 200 '.have_agents == 0'
states '["app-01 listed", "db-01 agent", "db-01.a listed", "db-01.b listed", "web-01 conflict", "web-01 agent"]'

echo "-- forgotten: an agent's word, then a list's"
api DELETE /v1/hosts/web-01
expect 200 '.host == "web-01"'
states '["app-01 listed", "db-01 agent", "db-01.a listed", "db-01.b listed", "web-01 listed"]'
for gone in web-01 DB-01.a; do
    api DELETE "/v1/hosts/$gone"
    expect 200
done
api DELETE /v1/hosts/web-01
expect 404 '.exit == 4'
states '["app-01 listed", "db-01 agent"]' # db-01.b is the only db-01 now
api GET '/v1/fleet?after=x'
expect 400
api GET '/v1/fleet?limit=1'
expect 200 '.next != null'

echo "-- the command line: 300 hosts in parts, and every verb over them"
export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/home TZ=UTC
python3 "$abs_top_srcdir/tests/made_estate.py" 300 >"$dir/fleet.json"
godwit context add here --server "$server" --ca-file "$state/ca.pem" --token-file "$state/admin.token" >/dev/null
godwit host import "$dir/fleet.json" --list made --dry-run -o json >"$out"
status=0 expect 0 '.kept == false and .planner.list == "made"'
godwit host import "$dir/fleet.json" --list made -o json >"$out"
status=0 expect 0 '.kept and .planner.hosts == 300'
godwit host ls -o json >"$out"
status=0 expect 0 '[.items[] | select(.list == "made")] | length == 300'
for verb in groups size assess consolidate "cost --catalog $abs_top_srcdir/tests/bench/report_prices.csv --start 2027-01"; do
    # shellcheck disable=SC2086 # flags
    godwit $verb -o json >"$dir/kept.json" || fail "$verb of what the planner keeps"
    jq -e . "$dir/kept.json" >/dev/null || fail "$verb is no JSON"
done
godwit plan --from planner: -o json >"$out"
status=0 expect 0 '(.waves | length) > 3'
planner_stop
planner_start --listen 127.0.0.1:0 --client-file "$dir/client.json"
api GET /v1/hosts/app-01
expect 200 '.state == "listed"'
echo "ok, $checks checks"
