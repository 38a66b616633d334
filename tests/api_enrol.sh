#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may come in: join tokens and what is wrong with them, certificates, quarantine, scopes.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

planner_init --listen 127.0.0.1:0
planner_start --listen 127.0.0.1:0

# The pin in a token is the hash of the key of the CA that the planner shows.
join_token ''
pin=$(openssl x509 -in "$state/ca.pem" -noout -pubkey | openssl pkey -pubin -outform DER |
    openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d '=')
[ "$(cut -d. -f2 <<<"$token")" = "$pin" ] || fail "pin in the token"

# The first use works, and only the same request may repeat it (a lost answer).
agent_key web-01
call POST /v1/enrol "$(enrol_body "$token" web-01)"
expect 201 '.schema == "godwit.enrolment/1"' '.identity | startswith("h-")'
first=$(get .identity)
get .certificate >"$dir/web-01.pem"
call POST /v1/enrol "$(enrol_body "$token" web-01)"
expect 201 ".identity == \"$first\""
agent_key web-02
call POST /v1/enrol "$(enrol_body "$token" web-02)"
expect 401 '.code == "GW-2001"' '.exit == 7' '.what | contains("used up")'

# What the certificate says.
openssl verify -CAfile "$state/ca.pem" "$dir/web-01.pem" >/dev/null || fail "certificate"
openssl x509 -in "$dir/web-01.pem" -noout -subject | grep -q "CN = $first" || fail "common name"
openssl x509 -in "$dir/web-01.pem" -noout -checkend 82800 >/dev/null || fail "shorter than a day"
openssl x509 -in "$dir/web-01.pem" -noout -checkend 90000 >/dev/null && fail "longer than a day"

# Every other way to be wrong says which.
for bad in "" hello gw1.a.b gw1.a.b.c.d gwo1.a.b "$(printf 'x%.0s' {1..300})"; do
    call POST /v1/enrol "$(enrol_body "$bad" web-02)"
    expect 401 '.code == "GW-2001"'
done
call POST /v1/enrol "$(enrol_body "gw1.$pin.t-000000000000.c2VjcmV0" web-02)"
expect 401 '.what | contains("unknown")'
join_token ''
call POST /v1/enrol "$(enrol_body "${token%?}$([ "${token: -1}" = A ] && echo B || echo A)" web-02)"
expect 401 '.what | contains("unknown")'
call POST /v1/enrol "$(enrol_body "${token/$pin/AAAA}" web-02)"
expect 401 '.what | contains("another planner")'
api DELETE "/v1/tokens/$(cut -d. -f3 <<<"$token")"
expect 200 '.state == "revoked"'
call POST /v1/enrol "$(enrol_body "$token" web-02)"
expect 401 '.what | contains("revoked")'
join_token '"ttl_s": 1'
expired() {
    api GET /v1/tokens
    [ "$(get ".items[] | select(.id == \"$(cut -d. -f3 <<<"$token")\") | .state")" = expired ]
}
within 5 expired || fail "the token does not expire"
call POST /v1/enrol "$(enrol_body "$token" web-02)"
expect 401 '.what | contains("expired")'
join_token '"host": "db-01"'
call POST /v1/enrol "$(enrol_body "$token" web-02)"
expect 401 '.what | contains("db-01")'
join_token ''
call POST /v1/enrol "$(enrol_body "$token" web-02 | jq '.csr = "no request"')"
expect 400 '.code == "GW-1004"'
call POST /v1/enrol "$(enrol_body "$token" web-02 | jq '.name = "../x"')"
expect 400
call POST /v1/enrol '{"token": 7}'
expect 400

# A failed attempt uses nothing up. A name that is taken is not given away.
call POST /v1/enrol "$(enrol_body "$token" web-02 | jq '.name = "web-01"')"
expect 423 '.code == "GW-5006"' '.what | contains("rejoin")'
call POST /v1/enrol "$(enrol_body "$token" web-02)"
expect 201
get .certificate >"$dir/web-02.pem"

# Scopes: each credential reaches exactly its own routes.
call GET /v1/hosts
expect 401 '.code == "GW-5001"'
call GET /v1/hosts "" -H 'Authorization: Bearer gwo1.t-000000000000.AAAA'
expect 401
agent web-01 GET /v1/hosts
expect 403 '.code == "GW-5002"'
api GET /v1/agent/work
expect 401
agent web-01 GET '/v1/agent/work?config=0'
expect 200 '.config.assignments == []' '.config_version == 1' '.config.vault == null'
api POST /v1/tokens '{"kind": "operator", "name": "ana", "scope": "read"}'
expect 201
printf 'Authorization: Bearer %s\n' "$(get .token)" >"$dir/ana"
ana=$(get .id)
call GET /v1/hosts "" -H "@$dir/ana"
expect 200 '.items | length == 2' '.items[0].host == "web-01"'
call POST /v1/tokens '{"kind": "join"}' -H "@$dir/ana"
expect 403 '.code == "GW-5002"'
api DELETE "/v1/tokens/$ana"
expect 200
call GET /v1/hosts "" -H "@$dir/ana"
expect 401
api DELETE "/v1/tokens/$(cut -d. -f2 "$state/admin.token")"
expect 423 '.what | contains("last")'

# Renewal: the new certificate works, the one before goes on for a while.
openssl req -new -key "$dir/web-01.key" -subj /CN=x -out "$dir/again.csr" 2>/dev/null
cp "$dir/web-01.pem" "$dir/old.pem"
cp "$dir/web-01.key" "$dir/old.key"
agent web-01 POST /v1/agent/renew "$(jq -n --rawfile csr "$dir/again.csr" '{csr: $csr}')"
expect 200
get .certificate >"$dir/web-01.pem"
agent web-01 GET '/v1/agent/work?config=0'
expect 200
agent old GET '/v1/agent/work?config=0'
expect 200

# Two places: a certificate that the planner never gave to that identity.
cat >"$dir/ext" <<X
extendedKeyUsage = clientAuth
X
agent_key thief
openssl req -new -key "$dir/thief.key" -subj "/CN=$first/OU=agent" -out "$dir/thief.csr" 2>/dev/null
openssl x509 -req -in "$dir/thief.csr" -CA "$state/ca.pem" -CAkey "$state/ca.key" -set_serial 99 \
    -days 1 -extfile "$dir/ext" -out "$dir/thief.pem" 2>/dev/null
# A certificate that was given out and never used leaves no room for another one.
agent thief GET '/v1/agent/work?config=0'
expect 403 '.code == "GW-2003"'
agent web-01 GET '/v1/agent/work?config=0'
expect 403 '.code == "GW-2003"'
api GET /v1/hosts/web-01
expect 200 '.state == "quarantined"' '.reason | contains("not given")'
api GET '/v1/events?kind=host.quarantined'
expect 200 '.items | length == 1' '.items[0].from == "127.0.0.1"'
api GET /v1/doctor
expect 200 '.items[] | select(.check == "agents") | .severity == "critical"'

# The way back: one token for that name, the same identity, the old certificates are refused.
api POST /v1/hosts/web-01/rejoin
expect 201 '.host == "web-01"'
token=$(get .token)
agent web-01 GET '/v1/agent/work?config=0'
expect 401
agent_key web-01
call POST /v1/enrol "$(enrol_body "$token" web-01)"
expect 201 ".identity == \"$first\""
get .certificate >"$dir/web-01.pem"
agent web-01 GET '/v1/agent/work?config=0'
expect 200
agent old GET '/v1/agent/work?config=0'
expect 401 '.what | contains("revoked")'

# A certificate that was given out and never used is revoked with the others.
agent web-01 POST /v1/agent/renew "$(jq -n --rawfile csr "$dir/web-01.csr" '{csr: $csr}')"
expect 200
get .certificate >"$dir/spare.pem"
cp "$dir/web-01.key" "$dir/spare.key"
api POST /v1/hosts/web-01/rejoin
expect 201
token=$(get .token)
agent_key web-01
call POST /v1/enrol "$(enrol_body "$token" web-01)"
expect 201
get .certificate >"$dir/web-01.pem"
agent spare GET '/v1/agent/work?config=0'
expect 401 '.what | contains("revoked")'
agent web-01 GET '/v1/agent/work?config=0'
expect 200

# Two places: polls from two addresses in turn. One move means nothing.
for turn in 1 2 1 2 1; do
    agent web-02 GET '/v1/agent/work?config=0' "" --interface "127.0.0.$turn"
done
expect 403 '.code == "GW-2003"' '.what | contains("in turn: 127.0.0.2 and 127.0.0.1")'

# Two agents at one address, as when a state directory was copied; one that is started again and
# again, or comes from elsewhere, is one.
rejoined() { # NAME
    api POST "/v1/hosts/$1/rejoin"
    expect 201
    token=$(get .token)
    agent_key "$1"
    call POST /v1/enrol "$(enrol_body "$token" "$1")"
    expect 201
    get .certificate >"$dir/$1.pem"
}
rejoined web-02
for turn in 1 2 3 3 4 5 6; do
    agent web-02 GET "/v1/agent/work?config=0&instance=web-02:$turn:00" "" --interface "127.0.0.$((turn % 2 + 1))"
    expect 200
done
agent web-02 GET "/v1/agent/work?config=0&instance=$(printf 'x%.0s' {1..96})"
expect 400 '.code == "GW-1002"'
for instance in web-02:8:00 copy:9:00 web-02:8:00 copy:9:00 web-02:8:00; do
    agent web-02 GET "/v1/agent/work?config=0&instance=$instance"
done
expect 403 '.code == "GW-2003"' '.what | contains("copy:9:00 at 127.0.0.1 and web-02:8:00 at 127.0.0.1")'
api GET /v1/hosts/web-02
expect 200 '.state == "quarantined"' '.reason | contains("copy:9:00")'
api GET '/v1/events?kind=host.quarantined'
expect 200 '.items[-1].text | contains("copy:9:00")'

# A host that is forgotten is a stranger.
api DELETE /v1/hosts/web-02
expect 200
agent web-02 GET '/v1/agent/work?config=0'
expect 401 '.what | contains("not enrolled")'

# A certificate of another CA does not even get a session.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$first/OU=agent" \
    -keyout "$dir/alien.key" -out "$dir/alien.pem" -days 1 2>/dev/null
agent alien GET '/v1/agent/work?config=0'
[[ $status == curl* ]] || fail "a foreign certificate got status $status"

# No secret is in the log or in the trail.
api GET '/v1/events?limit=1000'
grep -qF "$(cut -d. -f4 <<<"$token")" "$out" "$dir/log" && fail "a secret was written down"
grep -qF "$(cut -d. -f3 "$state/admin.token")" "$out" "$dir/log" && fail "a secret was written down"
echo "$checks checks"
