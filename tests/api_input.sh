#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What comes from outside: sizes, malformed JSON, wrong paths and values, workload documents,
# repeated requests, dry runs.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

planner_init --listen 127.0.0.1:0
planner_start --listen 127.0.0.1:0

# -- bodies and paths ---------------------------------------------------------

head -c 1048577 /dev/zero | tr '\0' ' ' >"$dir/big"
api POST /v1/tokens "@$dir/big"
expect 413 '.code == "GW-5004"' '.exit == 2'
head -c 6000000 /dev/zero | tr '\0' ' ' >"$dir/huge"
api POST /v1/tokens "@$dir/huge"
expect 413 '.code == "GW-5004"' '.schema == "godwit.error/1"'
printf 'X-Long: %20000s' x >"$dir/header"
for bad in "-H@$dir/header" "-X BREW" "-X TRACE" "-H Content-Length:x"; do
    # shellcheck disable=SC2086 # two words
    api GET /v1/version '' $bad
    [[ $status =~ ^(400|501)$ ]] || fail "$bad: $status"
    expect "$status" '.code == "GW-5007"' '.schema == "godwit.error/1"' '.next | length > 0'
done
head -c 1048000 /dev/zero | tr '\0' ' ' >"$dir/spaces"
{ echo '{"kind": "join"}'; cat "$dir/spaces"; } >"$dir/fits"
api POST /v1/tokens "@$dir/fits"
expect 201

for bad in '{' '[1,]' '{"a": 1, "a": 2}' '{"a": 1} x' 'nonsense' '{"a": "\u0000"}' '"text"' '[]' \
    "$(printf '[%.0s' {1..40})$(printf ']%.0s' {1..40})" $'{"a": "\xff"}'; do
    api POST /v1/tokens "$bad"
    expect 400 '.code == "GW-1004"' '.schema == "godwit.error/1"' '.next | length > 0'
done

api GET /v1/nothing
expect 404 '.code == "GW-5003"'
api GET /v1/hosts/
expect 404
api GET /v1//hosts
expect 404
api GET "/v1/hosts/$(printf 'x%.0s' {1..600})"
expect 404
api PUT /v1/hosts
expect 404 '.what | contains("GET")'
api GET /v1/hosts/nobody
expect 404 '.code == "GW-2004"' '.exit == 4'
api GET /v1/workloads/..%2f..%2fetc
expect 404
api GET '/v1/hosts?limit=0'
expect 400 '.code == "GW-1002"'
api GET '/v1/hosts?limit=1001'
expect 400
api GET '/v1/events?after=x'
expect 400
api POST /v1/tokens '{"kind": "join", "uses": 0}'
expect 400
api POST /v1/tokens '{"kind": "join", "ttl_s": 99999999999}'
expect 400
for member in '"uses": -1' '"uses": 1e30' '"uses": "2"' '"ttl_s": -5' '"ttl_s": 1.5' \
    '"ttl_s": 99999999999999999999' '"host": 7'; do
    api POST /v1/tokens "{\"kind\": \"join\", $member}"
    expect 400
done
api POST /v1/tokens '{"kind": "operator", "name": "ann", "ttl_s": -1}'
expect 400 '.what | contains("ttl_s")'
api POST /v1/tokens '{"kind": "operator", "name": "ann", "scope": 1}'
expect 400
api POST /v1/plans '{"link_bytes_per_s": -1}'
expect 400
join_token ''
agent_key king
call POST /v1/enrol "$(enrol_body "$token" king | jq '.roles = ["king"]')"
expect 400 '.what | contains("source or landing")'
call POST /v1/enrol "$(enrol_body "$token" king | jq '.roles = ["source", "landing"]')"
expect 201 # the token was not used up
api POST /v1/tokens '{"kind": "king"}'
expect 400
api POST /v1/tokens '{"kind": "operator", "name": "a b"}'
expect 400

# -- workload documents -------------------------------------------------------

put() { # FILTER on a good document: what is wrong with it must be said
    api PUT /v1/workloads/shop "$(workload shop db-01 landing-1 | jq "$1")"
}

put '.'
expect 201 '.lifecycle == "discovered"' '.warnings | length == 2' '.authority == "source"'
put '.limits.max_lag_s = 30'
expect 200 '.document.limits.max_lag_s == 30'
while IFS='|' read -r filter words; do
    [ -n "$filter" ] || continue
    put "$filter"
    expect 400 '.code == "GW-4204"' ".what | contains(\"$words\")"
done <<'X'
.extra = 1|no member 'extra'
.schema = "godwit.workload/2"|schema
.workload = "other"|not of workload
.volumes = []|1 to 64
.volumes = {}|1 to 64
.volumes[0].name = "a/b"|not a name
.volumes[0].target = null|no target
.volumes[0].source.host = "-x"|source.host
.volumes[0].source.device = ""|source.device
.volumes[0].source.device = "srv/x.img"|absolute
.volumes[0].source.device = "/srv//x.img"|absolute
.volumes[0].source.device = "/srv/./x.img"|absolute
.volumes[0].target.device = "/srv/../x.img"|absolute
.volumes[0].target.device = "/srv/.."|absolute
.volumes[0].target.device = "/srv/x.img/"|absolute
.volumes[0].source.mount = "srv"|absolute
.volumes[0].source.overwrite = true|no member 'overwrite'
.volumes[0].target.overwrite = 1|true or false
.volumes[0].source.size = 1|no member 'size'
.volumes += [.volumes[0]]|two volumes
.volumes += [.volumes[0] + {name: "b"}]|one device
.volumes[0].target.host = "db-01"|both sides
.hooks = {before: []}|no member 'before'
.hooks = {source: {start: "x"}}|not an array
.hooks = {source: {start: [""]}}|a hook
.hooks = {source: {start: [[]]}}|without a program
.hooks = {traffic: {to_target: [[1]]}}|a hook
.hooks = {freeze: [{}]}|a hook
.health = [{}]|exactly one
.health = [{http: "http://x", tcp: "x:1"}]|exactly one
.health = [{http: "ftp://x"}]|URL
.health = [{http: "http://x", expect: 42}]|status
.health = [{tcp: "x"}]|ADDRESS:PORT
.depends = ["shop"]|itself
.depends = [7]|not a name
.limits = {max_lag: 1}|no member 'max_lag'
.limits = {max_lag_s: "1"}|max_lag_s
.limits = {interval_s: 0}|interval_s
.limits = {compact_percent: 101}|compact_percent
.limits = {scrub_bytes_per_s: -1}|scrub_bytes_per_s
.limits = {require_test: 1}|require_test
.wave = 0|wave
X
api PUT /v1/workloads/shop "$(workload other db-01 landing-1)"
expect 400
api PUT /v1/workloads/a%20b "$(workload 'a b' db-01 landing-1)"
expect 400 '.what | contains("not a name")'
api GET /v1/workloads/shop
expect 200 '.document.limits.max_lag_s == 30'

# One device belongs to one workload, on whichever side it is named.
api PUT /v1/workloads/thief "$(workload thief db-09 landing-1 | sed 's,thief.img,shop.img,')"
expect 400 '.code == "GW-4204"' '.what | contains("volume '"'data'"' of workload '"'shop'"'")'
api PUT /v1/workloads/thief "$(workload thief landing-1 db-01 | sed 's,thief.img,shop.img,')"
expect 400 '.what | contains("/srv/shop.img")'
api GET /v1/workloads/thief
expect 404
api PUT /v1/workloads/thief "$(workload thief db-09 landing-9 | sed 's,thief.img,shop.img,')"
expect 201 # the same path on other hosts is another device
api DELETE /v1/workloads/thief
expect 200

# -- request ids and dry runs -------------------------------------------------

api POST /v1/tokens '{"kind": "join", "request_id": "r1"}'
expect 201 '.token | startswith("gw1.")'
id=$(get .id)
api POST /v1/tokens '{"kind": "join", "request_id": "r1"}'
expect 201 ".id == \"$id\"" '.token == null'
api POST /v1/tokens '{"kind": "join", "request_id": "r1", "uses": 2}'
expect 423 '.code == "GW-5006"'
api DELETE "/v1/tokens/$id?request_id=r2"
expect 200
api DELETE "/v1/tokens/$id?request_id=r2"
expect 200 '.state == "revoked"'
api POST /v1/tokens '{"kind": "join", "request_id": "../x"}'
expect 400
# A refusal is not kept: the same request may succeed later.
api POST /v1/workloads/mail/sync '{"action": "start", "request_id": "r3"}'
expect 404
api PUT /v1/workloads/mail "$(workload mail mx-01 landing-1)"
expect 201
api POST /v1/workloads/mail/sync '{"action": "start", "request_id": "r3"}'
expect 200 '.lifecycle == "pending_installation"'
api GET '/v1/events?for=mail&kind=workload.sync'
expect 200 '.items | length == 1'
api POST /v1/workloads/mail/sync '{"action": "start", "request_id": "r3"}'
expect 200
api GET '/v1/events?for=mail&kind=workload.sync'
expect 200 '.items | length == 1'

api POST '/v1/tokens?dry_run=true' '{"kind": "join"}'
expect 201
id=$(get .id)
api GET '/v1/tokens?limit=1000'
expect 200 "[.items[].id] | contains([\"$id\"]) | not"
api DELETE '/v1/workloads/shop?dry_run=true'
expect 200
api GET /v1/workloads/shop
expect 200
api DELETE /v1/workloads/shop
expect 200
api GET /v1/workloads/shop
expect 404
api DELETE '/v1/workloads/mail?dry_run=true'
expect 200 # started, but at its source: a mistake in a document is no dead end

# -- replication control --------------------------------------------------------

api POST /v1/workloads/mail/sync '{"action": "fly"}'
expect 400
api POST /v1/workloads/mail/sync '{"action": "limit", "rate_bytes_per_s": -1}'
expect 400
api POST /v1/workloads/mail/sync '{"action": "limit", "rate_table": "25:00-18:00 20MiB"}'
expect 400
api POST /v1/workloads/mail/sync '{"action": "interval", "interval_s": 0}'
expect 400
api PUT /v1/workloads/mail "$(workload mail mx-02 landing-1)"
expect 409 '.what | contains("cannot change")'
api PUT /v1/workloads/mail "$(workload mail mx-01 landing-1 '"limits": {"max_lag_s": 5}')"
expect 200

# What was stored before may share a device: it is not started.
api PUT /v1/workloads/twin "$(workload twin mx-01 landing-1)"
expect 201
if command -v sqlite3 >/dev/null; then
    sqlite3 -cmd '.timeout 5000' "$state/godwitd.db" \
        "UPDATE workload SET doc = replace(doc, '/srv/twin.img', '/srv/mail.img') WHERE name = 'twin'"
    api POST /v1/workloads/twin/sync '{"action": "start"}'
    expect 400 '.code == "GW-4204"' '.what | contains("workload '"'mail'"'")'
fi
api DELETE /v1/workloads/twin
expect 200

# -- pages ---------------------------------------------------------------------

for i in 1 2 3 4 5; do
    api PUT "/v1/workloads/w$i" "$(workload "w$i" h1 h2 | sed "s,/srv,/srv/$i,g")"
    expect 201
done
seen=
after=
while :; do
    api GET "/v1/workloads?limit=2&after=$after"
    expect 200
    seen="$seen $(get '[.items[].workload] | join(" ")')"
    after=$(get .next)
    [ "$after" != null ] || break
done
[ "$seen" = " mail w1 w2 w3 w4 w5 " ] || fail "pages: $seen"
echo "$checks checks"
