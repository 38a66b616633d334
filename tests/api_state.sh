#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The planner's own state: made once, kept private, refused when it is damaged, newer or in use.
set -eu
# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"

# ends EXIT WORDS COMMAND…: with that code (! = any but 0), saying those words
ends() {
    local want=$1 words=$2
    shift 2
    "$@" >"$dir/said" 2>&1 && rc=0 || rc=$?
    checks=$((checks + 1))
    [ "$rc" = "$want" ] || { [ "$want" = '!' ] && [ "$rc" != 0 ]; } ||
        fail "$*: exit $rc: $(cat "$dir/said")"
    grep -q -e "$words" "$dir/said" || fail "$*: nothing of '$words' in: $(cat "$dir/said")"
}

# -- flags ------------------------------------------------------------------------

ends 0 '^godwitd [0-9]' godwitd --version
ends 0 'state-dir' godwitd --help
ends 2 'state-dir' godwitd --stat-dir x
ends 2 'no arguments' godwitd argument
ends 2 'godwitd --init' godwitd --state-dir "$dir/none"
ends 2 'ADDRESS:PORT' godwitd --init --state-dir "$dir/bad" --listen nonsense
[ ! -e "$dir/bad" ] || fail "an init that was refused left something"
echo 'nonsense' >"$dir/conf"
ends 2 "$dir/conf" godwitd --config "$dir/conf" --state-dir "$dir/none"
ends '!' "$dir/absent" godwitd --config "$dir/absent" --state-dir "$dir/none"

# -- made once ----------------------------------------------------------------------

planner_init --store "file://$dir/vault" --client-file "$dir/client.json"
sums() { (cd "$state" && sha256sum ca.key ca.pem vault.key admin.token); }
before=$(sums)
planner_init --store "file://$dir/vault"
[ "$(sums)" = "$before" ] || fail "init is not idempotent"
kept=$(cat "$state/godwitd.conf")
ends 2 "keeps its vault in 'file://$dir/vault'" godwitd --init --state-dir "$state" --store "file://$dir/other"
ends 2 'ADDRESS:PORT' godwitd --init --state-dir "$state" --listen nonsense
[ "$kept" = "$(cat "$state/godwitd.conf")" ] || fail "a refused init changed what was kept"
[ ! -e "$dir/other" ] || fail "a refused init made a vault"
jq -e ".ca_file == \"$state/ca.pem\" and .token_file == \"$state/admin.token\" and (.ca_pin | length == 43)" \
    "$dir/client.json" >/dev/null || fail "client file: $(cat "$dir/client.json")"
for private in ca.key vault.key admin.token godwitd.db godwitd.conf; do
    [ "$(stat -c %a "$state/$private")" = 600 ] || fail "$private has mode $(stat -c %a "$state/$private")"
done
[ "$(stat -c %a "$state")" = 700 ] || fail "the state directory is open"
# A half-made state is completed, a token that does not work is replaced.
rm "$state/ca.pem"
echo gwo1.t-000000000000.AAAA >"$state/admin.token"
chmod 600 "$state/admin.token"
planner_init --store "file://$dir/vault"
[ "$(cd "$state" && sha256sum ca.key vault.key)" = "$(grep -v -e ca.pem -e admin.token <<<"$before")" ] ||
    fail "a key was replaced"

# -- in use -------------------------------------------------------------------------

planner_start --client-file "$dir/client.json"
[ "$(jq -r .server "$dir/client.json")" = "$server" ] || fail "client file after the start"
api GET /v1/doctor
expect 200 '[.items[].check] == ["database", "store", "clock", "disk", "certificate", "replication", "agents", "versions"]'
store_ok() {
    api GET /v1/doctor
    jq -e '.items[] | select(.check == "store") | .severity == "ok"' "$out" >/dev/null
}
within 20 store_ok || fail "the store: $(cat "$out")"
[ -n "$(ls "$dir/vault")" ] || fail "no vault was made"
ends 6 'another godwitd' godwitd --state-dir "$state"
rm "$dir/client.json"
planner_init --store "file://$dir/vault" --client-file "$dir/client.json"
[ -s "$dir/client.json" ] || fail "init beside a running planner"
call GET /v1/version
expect 200 '.api == 1' '.version | length > 0'
# The server's certificate is good for the names that people use, and only TLS 1.3 is spoken.
for name in localhost 127.0.0.1 "$(hostname)"; do
    curl -sS --cacert "$state/ca.pem" --connect-to "$name::127.0.0.1:" -o /dev/null \
        "https://$name:$(cat "$dir/port")/v1/version" || fail "certificate for $name"
done
curl -sS --tls-max 1.2 --cacert "$state/ca.pem" -o /dev/null "$server/v1/version" 2>/dev/null &&
    fail "TLS 1.2 was accepted"
# Readiness is told to the service manager.
planner_stop TERM
[ "$rc" = 0 ] || fail "SIGTERM: exit $rc"
if command -v python3 >/dev/null; then
    python3 - "$dir/notify" >"$dir/notified" <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
print(s.recv(100).decode())
PY
    listener=$!
    within 10 test -S "$dir/notify" || fail "no socket"
    NOTIFY_SOCKET=$dir/notify planner_start
    wait "$listener" || true
    within 10 test -s "$dir/notified" || fail "READY was not told"
    grep -qx READY=1 "$dir/notified" || fail "told: $(cat "$dir/notified")"
    planner_stop TERM
fi

# -- damaged, newer ------------------------------------------------------------------

cp -a "$state" "$dir/copy"
head -c 200000 /dev/urandom | dd of="$state/godwitd.db" bs=1 seek=4096 conv=notrunc status=none
rm -f "$state"/godwitd.db-*
damaged=$(sha256sum <"$state/godwitd.db")
ends '!' 'GW-5010' godwitd --state-dir "$state" --listen 127.0.0.1:0
[ "$(sha256sum <"$state/godwitd.db")" = "$damaged" ] || fail "the damaged database was written to"
echo "no database" >"$state/godwitd.db"
ends '!' 'GW-5010' godwitd --state-dir "$state" --listen 127.0.0.1:0
: >"$state/godwitd.db"
ends 1 "is empty; .*GW-5010" godwitd --state-dir "$state" --listen 127.0.0.1:0
rm "$state/godwitd.db"
ends 1 "is gone; .*GW-5010" godwitd --state-dir "$state" --listen 127.0.0.1:0
[ ! -e "$state/godwitd.db" ] || fail "a lost database was made anew in silence"
cp "$dir/copy/godwitd.db" "$state/godwitd.db"
if command -v sqlite3 >/dev/null; then
    sqlite3 "$state/godwitd.db" 'PRAGMA user_version = 999'
    ends '!' 'GW-5011' godwitd --state-dir "$state" --listen 127.0.0.1:0
    cp "$dir/copy/godwitd.db" "$state/godwitd.db"
    sqlite3 "$state/godwitd.db" "INSERT INTO event VALUES (1000000, 1, 'x', 'x', '', 'long-ago', 'w'), (1000001, 1, 'x', 'x', '', 'last', 'w')"
fi

# -- settings that cannot be meant; what is forgotten after its time -----------------------

for bad in HISTORY_DAYS=5 HISTORY_DAYS=x PEER_CONNECTIONS=1 REPORT_S=-1; do
    ends '!' GW-1003 env "GODWIT_GODWITD_$bad" godwitd --state-dir "$state" --listen 127.0.0.1:0
done
forgotten() {
    api GET '/v1/events?for=long-ago'
    jq -e '.items == []' "$out" >/dev/null
}

# -- a store that is not there does not stop the planner ------------------------------------

planner_start --store "file://$dir/vault/none/at/all"
store_bad() {
    api GET /v1/doctor
    jq -e '.items[] | select(.check == "store") | .severity == "critical"' "$out" >/dev/null
}
within 20 store_bad || fail "the store: $(cat "$out")"
within 20 forgotten || fail "what is old stays: $(cat "$out")"
planner_stop TERM
[ "$rc" = 0 ] || fail "SIGTERM: exit $rc"

# -- a lost key is not made anew, nor done without ------------------------------------------

mv "$state/vault.key" "$dir/vault.key"
ends 7 "vault.key' is gone" godwitd --state-dir "$state"
ends 7 'has a vault already' godwitd --init --state-dir "$state" --store "file://$dir/vault"
[ ! -e "$state/vault.key" ] || fail "a key that is not the vault's was left behind"
mv "$dir/vault.key" "$state"
chmod 644 "$state/ca.key"
planner_start --listen 127.0.0.1:0
call GET /v1/version
expect 200
planner_stop TERM
echo "$checks checks"
