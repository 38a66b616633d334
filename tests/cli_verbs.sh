#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit against a planner of its own: init, then every noun, its documents and its refusals. No
# agent joins; what needs one is in flow_demo.sh.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs jq
export TZ=UTC
mkdir "$dir/vault"

echo "-- init, twice; a store that is none is refused"
exits 2 godwit init --state-dir "$dir/p" --store nonsense
[ ! -e "$dir/p" ] || fail "a store that is none is refused when the planner is half made"
exits 2 godwit init --state-dir relative
exits 2 godwit init --state-dir "$dir/z" --store "file://$dir/vault" --listen 127.0.0.1:0
says err "port 0"
[ ! -e "$dir/z" ] || fail "an init that is refused made a planner"
exits 0 godwit init --state-dir "$dir/p" --store "file://$dir/vault" --listen 127.0.0.1:7443 -o json
is '.schema == "godwit.init/1" and .running == false and .context == "default"'
exits 2 godwit init --state-dir "$dir/q" --store "file://$dir/vault" --listen 127.0.0.1:7444
says err "godwit context rm default"
[ ! -e "$dir/q" ] || fail "an init that is refused made a planner"
before=$(cksum "$dir/p/ca.pem" "$dir/p/vault.key" "$dir/p/admin.token")
exits 0 godwit init --state-dir "$dir/p"
says out "$dir/p/vault.key"
[ "$before" = "$(cksum "$dir/p/ca.pem" "$dir/p/vault.key" "$dir/p/admin.token")" ] || fail "init changed what was there"
[ -s "$dir/vault/vault" ] || fail "no vault"
exits 0 godwit init --state-dir "$dir/p" --config "$dir/new/config"
grep -q '^server = https://127.0.0.1:7443' "$dir/new/config" || fail "a configuration of its own was not made"

godwitd --state-dir "$dir/p" --listen 127.0.0.1:0 --port-file "$dir/port" 2>"$dir/log" &
pid=$!
tries=0
until [ -s "$dir/port" ]; do
    kill -0 "$pid" 2>/dev/null || fail "godwitd ended"
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "godwitd does not listen"
    read -rt 0.1 <> <(:) || true
done
GODWIT_SERVER=https://127.0.0.1:$(cat "$dir/port")
export GODWIT_SERVER

echo "-- nothing yet: every list says what to do"
exits 0 godwit status
says out 'godwit app edit'
exits 0 godwit host ls
says out 'godwit token create'
exits 0 godwit window ls
for noun in app op plan token window host; do
    exits 0 godwit "$noun" ls -o json
    is '(.schema | startswith("godwit.")) and (.items | type) == "array"'
done
exits 0 godwit events -o json
is '.items | length > 0'
exits 0 godwit events --since 1h -o json
is '.items | length > 0'
code=0
godwit events >/dev/full 2>"$dir/err" || code=$?
[ "$code" = 1 ] || fail "events to a full disk ended with $code"
(trap '' PIPE && godwit events 2>"$dir/err") | true
[ ! -s "$dir/err" ] || fail "a reader that left: $(cat "$dir/err")"
exits 0 godwit doctor
says out database

echo "-- tokens; standard output is the token alone, as enrol --join - reads it"
exits 0 godwit token create
[[ $(<"$dir/out") =~ ^gw1\.[^[:space:]]+$ ]] || fail "more than a token"
says err 'godwit-agent enrol'
exits 0 godwit token create -q
[ ! -s "$dir/err" ] || fail "--quiet says more"
exits 0 godwit token create --host db-01 --ttl 15m -o json
is '.kind == "join" and (.token | startswith("gw1."))'
id=$(jq -r .id "$dir/out")
secret=$(jq -r .token "$dir/out")
exits 0 godwit token ls -o json
is ".items | any(.id == \"$id\" and .state == \"valid\")"
! grep -qF "$secret" "$dir/out" || fail "the list has the secret"
if command -v script >/dev/null; then
    code=0
    script -qec "godwit token revoke $id" /dev/null <<<n >"$dir/out" 2>&1 || code=$?
    [ "$code" = 2 ] || fail "a question answered with no ended with $code"
    says out 'Go on?'
    script -qec "godwit token revoke $id --yes --dry-run" /dev/null </dev/null >"$dir/out" 2>&1 ||
        fail "--yes asks"
fi
exits 2 godwit token revoke "$id"
says err 'add --yes'
exits 0 godwit token revoke "$id" --dry-run
exits 0 godwit token revoke "$id" --yes
exits 0 godwit token ls -o json
is ".items | any(.id == \"$id\" and .state == \"revoked\")"
exits 4 godwit token revoke t-nothing --yes
for how in -q '-o name' '-o csv' '-o wide' '-q -o name'; do
    # shellcheck disable=SC2086 # two words are two
    exits 0 godwit token create $how
    grep -q '^gw1\.' "$dir/out" || fail "the token is lost with $how"
    [ "$how" = "-o wide" ] || [ "$(wc -l <"$dir/out")" = 1 ] || fail "more than the token with $how"
done
exits 0 godwit token create --operator ana --scope read -o json
(umask 077 && jq -r .token "$dir/out" >"$dir/ana")
exits 0 env GODWIT_TOKEN_FILE="$dir/ana" "$abs_top_builddir/godwit" app ls
exits 7 env GODWIT_TOKEN_FILE="$dir/ana" "$abs_top_builddir/godwit" token create
says err GW-5002
(umask 077 && echo gwo1.t-x.wrong >"$dir/wrong")
exits 7 env GODWIT_TOKEN_FILE="$dir/wrong" "$abs_top_builddir/godwit" app ls

echo "-- a workload: checked, kept, shown, removed"
jq -n '{schema: "godwit.workload/1", workload: "shop", volumes: [{name: "data", source: {host: "db-01", device: "/dev/vda",
    mount: null}, target: {host: "landing-1", device: "/dev/vdb", mount: null}}]}' >"$dir/shop.json"
jq '.volumes[0].colour = "red"' "$dir/shop.json" >"$dir/bad.json"
exits 2 godwit app edit shop --file "$dir/bad.json"
says err GW-4204
says err colour
exits 2 godwit app edit shop --file "$dir/bad.json" -o json
jq -e '.schema == "godwit.error/1" and .exit == 2 and (.what | test("colour"))' "$dir/err" >/dev/null || fail "error document"
for text in '[]' null '{"schema": "godwit.plan/1"}'; do
    echo "$text" >"$dir/bad.json"
    exits 2 godwit app edit shop --file "$dir/bad.json"
    says err 'godwit.workload/1'
done
exits 0 godwit app edit shop --file "$dir/shop.json" --dry-run
exits 4 godwit app show shop
exits 0 godwit app edit shop --file "$dir/shop.json"
godwit app edit shop --file - <"$dir/shop.json" >/dev/null || fail "from standard input"
exits 0 godwit app show shop -o json
is '.workload == "shop" and .document.volumes[0].name == "data"'
jq '.document | .limits.consistent_s = 900' "$dir/out" >"$dir/policy.json"
exits 0 godwit app edit shop --file "$dir/policy.json"
exits 0 godwit app show shop
grep -qE '^CONSISTENT +15m' "$dir/out" || fail "the policy: $(cat "$dir/out")"
exits 0 godwit app ls -o name
says out shop
exits 0 godwit status shop -o json
is '.items[0].state == "planned" and .items[0].gate.open == false'
# Its hosts have not enrolled: that asks for attention.
exits 10 godwit status --detailed-exitcode
exits 4 godwit status nobody
exits 4 godwit host show nobody

echo "-- a name that is too long is said, by every verb that takes one"
long=$(printf 'a%.0s' {1..2000})
for words in "cutover $long --confirm=$long" "rollback $long --confirm=$long" "test $long" "status $long" \
    "sync pause $long" "sync limit $long 5MiB" "app show $long" "app rm $long --confirm=$long" \
    "host rejoin $long --confirm=$long" "op ls --for $long" "op attach $long" "events --for $long"; do
    # shellcheck disable=SC2086
    exits 2 godwit $words
    says err 'too long'
done

echo "-- what can be no name is said so, and is not looked for at another place"
for name in '' a/b 'a?b' 'a#b'; do
    for words in 'app show' 'op show' 'host show' 'plan show' 'status' 'sync pause' 'window rm --yes' 'token revoke --yes' \
        "app edit --file $dir/shop.json" "app rm --confirm=$name"; do
        # shellcheck disable=SC2086
        exits 2 godwit $words "$name"
        says err GW-1007
    done
done

echo "-- gates, in words and by exit code"
exits 5 godwit cutover shop --dry-run
says out 'never started'
exits 2 godwit cutover shop
says err GW-1005
exits 2 godwit cutover shop --confirm=other
exits 2 godwit cutover shop --confirm=shop --max-downtime 0
exits 2 godwit cutover shop --confirm=shop --max-downtime 1ms
says err "less than 1s"
exits 2 godwit plan --link 0
exits 8 godwit cutover shop --confirm=shop
says err GW-2005
exits 8 godwit rollback shop --confirm=shop
exits 0 godwit op ls -o json
is '.items | length >= 2'
op=$(jq -r '.items[0].id' "$dir/out")
exits 0 godwit op show "$op"
says out precheck
exits 0 godwit op show "$op" -o yaml
exits 4 godwit op show op-nothing
[ -n "$(godwit op ls -o name)" ] || fail "no names of operations"

echo "-- windows and plans"
exits 0 godwit window add 2030-01-01T00:00:00Z 2030-01-02T00:00:00Z --blackout --name freeze -o json
window=$(jq -r .window "$dir/out")
exits 2 godwit window add 2030-01-02T00:00:00Z 2030-01-01T00:00:00Z
exits 2 godwit window add tomorrow later
exits 2 godwit window add 2020-01-01T00:00:00Z 2020-01-02T00:00:00Z
says err 'over already'
exits 2 godwit token create --ttl 0
says err --ttl
printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:x BEGIN:VEVENT UID:1 DTSTAMP:20300301T000000Z DTSTART:20300301T000000Z \
    DTEND:20300302T000000Z END:VEVENT END:VCALENDAR >"$dir/twice.ics"
exits 0 godwit window import "$dir/twice.ics" -o json
twice=$(jq -r .window "$dir/out")
exits 0 godwit window import "$dir/twice.ics" -o json
is ".window == \"$twice\""
exits 0 godwit window import "$dir/twice.ics" --blackout -o json
is ".window != \"$twice\""
exits 0 godwit window rm "$(jq -r .window "$dir/out")" --yes
exits 0 godwit window ls --utc
says out 2030-03-01T00:00:00Z
exits 0 godwit window rm "$twice" --yes
echo nonsense >"$dir/bad.ics"
exits 2 godwit window import "$dir/bad.ics"
says err GW-4203
truncate -s 2M "$dir/huge.ics"
exits 2 godwit window import "$dir/huge.ics"
says err GW-1004
exits 0 godwit window ls
says out freeze
from=$(date -u -d '+1 day' +%FT%TZ)
exits 0 godwit window add "$from" "$(date -u -d '+2 days' +%FT%TZ)" --name night
exits 0 godwit window ls --utc
says out "$from"
exits 2 godwit window rm "$window"
exits 0 godwit window rm "$window" --yes
[ "$(cat "$dir/out")" = "$window is gone." ] || fail "window rm says: $(cat "$dir/out")"
exits 4 godwit window rm "$window" --yes
exits 5 godwit plan # nothing is known of its host yet
says out "nothing to apply"
exits 5 godwit plan -o json
is '.schema == "godwit.plan/1"'
plan=$(jq -r .id "$dir/out")
exits 0 godwit plan show "$plan"
exits 0 godwit plan show "$plan" -o name
[ "$(cat "$dir/out")" = "$plan" ] || fail "the name of a plan: $(cat "$dir/out")"
exits 0 godwit op show "$op" -o name
[ "$(cat "$dir/out")" = "$op" ] || fail "the name of an operation: $(cat "$dir/out")"
exits 2 godwit test shop --detach --wait=1s
exits 0 godwit plan explain shop
says out "Plan $plan, not applied."
exits 0 godwit window add 2031-01-01T00:00:00Z 2031-01-02T00:00:00Z --blackout --name quiet
exits 0 godwit plan explain shop
says out "Plan $plan is out of date: "
echo "-- a window goes by its name, unless several have it"
exits 0 godwit window add 2032-01-01T00:00:00Z 2032-01-02T00:00:00Z --name quiet -o json
second=$(jq -r .window "$dir/out")
exits 2 godwit window rm quiet --yes
says err "2 windows are called 'quiet'"
says err "$second"
exits 0 godwit window rm "$second" --yes
exits 0 godwit window rm quiet --yes
exits 4 godwit window rm quiet --yes
exits 0 godwit plan ls -o name
says out "$plan"
exits 0 godwit apply "$plan"
exits 0 godwit apply "$plan"
exits 4 godwit apply ffffffff

echo "-- replication by hand; what was started is forgotten by its name only"
exits 0 godwit sync start shop
exits 0 godwit sync pause shop
grep -q 'PAUSED *yes' "$dir/out" || fail 'sync pause does not show it'
exits 0 godwit sync resume shop
grep -q 'PAUSED *no' "$dir/out" || fail 'sync resume does not show it'
exits 0 godwit sync limit shop 20MiB
grep -q 'LIMIT *20.0 MiB/s' "$dir/out" || fail 'sync limit does not show it'
exits 0 godwit sync limit shop 20MiB -o csv
says out ',20971520,'
exits 0 godwit sync limit shop 20MiB --between 'Mon-Fri 08:00-18:00'
exits 0 godwit sync limit shop '08:00-18:00 20MiB, none'
exits 2 godwit sync limit shop fast
exits 2 godwit sync limit shop 20MiB --between noon
exits 4 godwit sync start nobody
exits 2 godwit app rm shop
exits 0 godwit app rm shop --confirm=shop
exits 4 godwit app show shop
exits 0 godwit events --for shop -o jsonl
jq -se '.[0].type == "version" and .[-1].type == "result" and .[-1].exit == 0 and (.[1:-1] | length > 3 and
    all(.type == "event" and .schema == "godwit.event/1"))' "$dir/out" >/dev/null || fail "the records of events"
exits 4 godwit status nobody -o jsonl
jq -se 'map(.type) == ["version", "result"] and .[1].exit == 4 and (.[1].error.what | test("nobody"))' "$dir/out" >/dev/null ||
    fail "the records of a failure"

echo "-- events as they come, until Ctrl-C, which waits for no long poll"
godwit events -w -o jsonl --last 1 >"$dir/stream" 2>"$dir/err" </dev/null &
tail=$!
tries=0
until grep -q event "$dir/stream"; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "no event"
    read -rt 0.1 <> <(:) || true
done
exits 0 godwit window add 2031-01-01T00:00:00Z 2031-01-02T00:00:00Z --name later
until grep -q 'window' "$dir/stream"; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the next event did not come"
    read -rt 0.1 <> <(:) || true
done
from=$SECONDS
kill -INT "$tail"
wait "$tail" || fail "Ctrl-C ended it with $?"
[ $((SECONDS - from)) -lt 10 ] || fail "Ctrl-C waited"
[ "$(jq -s 'map(select(.type == "result")) | length' "$dir/stream")" = 1 ] || fail "not one result"

echo "-- a planner that is gone"
kill "$pid"
wait "$pid" || true
exits 8 godwit app ls
says err "$GODWIT_SERVER"
echo "ok"
