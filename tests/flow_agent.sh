#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A planner and two agents on loopback: enrol, report, replicate an image through a directory, cut
# over, come back; agents killed and started again between; the planner away for a while.
set -eu

dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-flow-XXXXXX")
pids=()
switches=0
pid_source=
pid_landing=
cleanup() {
    for pid in "${pids[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    if [ -n "${GODWIT_TEST_KEEP:-}" ]; then
        echo "kept $dir"
    else
        rm -rf "$dir"
    fi
}
trap cleanup EXIT
PATH="${abs_top_builddir:?}:$PATH"

fail() {
    echo "FAILED: $*" >&2
    api GET workloads/shop/gate >"$dir/gate.log" 2>&1 || true
    for log in "$dir"/*.log; do
        echo "--- $log" >&2
        tail -n 25 "$log" >&2
    done
    exit 1
}

# until SECONDS TEXT COMMAND...: asks again until it is true
until_true() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "not within time: $what"
        read -r -t 0.2 <>"$dir/never" || true
    done
}
mkfifo "$dir/never"

# start_planner [ARGUMENT]...
start_planner() {
    godwitd --state-dir "$dir/planner" "$@" --port-file "$dir/port" >>"$dir/planner.log" 2>&1 &
    planner=$!
    pids+=("$planner")
    until_true 20 "the planner's port" test -s "$dir/port"
    server="https://127.0.0.1:$(cat "$dir/port")"
}

# api METHOD PATH [BODY]
api() {
    curl -sS --fail-with-body --max-time 20 --cacert "$dir/planner/ca.pem" -X "$1" \
        -H "Authorization: Bearer $(cat "$dir/planner/admin.token")" \
        -H 'Content-Type: application/json' ${3:+-d "$3"} "$server/v1/$2"
}

start_agent() {
    godwit-agent run --state-dir "$dir/$1" --server "$server" -v >>"$dir/$1.log" 2>&1 &
    pids+=($!)
    printf -v "pid_$1" '%s' "$!"
}

stop_agent() {
    local pid="pid_$1"
    kill "-$2" "${!pid}"
    wait "${!pid}" 2>/dev/null || true
}

status_is() {
    api GET status/shop | jq -e ".items[0] | $1"
}

op_ended() {
    api GET "ops/$1" | jq -e '.state != "running"'
}

# switch KIND: starts it and waits for its end
switch() {
    local op
    switches=$((switches + 1))
    [ "$1" = test ] || [ "$1" = finalize ] || until_true 60 "the gate for $1" sh -c "$(declare -f api); dir='$dir' server='$server'; api GET workloads/shop/gate | jq -e .gate.open"
    op=$(api POST "workloads/shop/$1" "{\"request_id\": \"flow-$switches\", \"confirm\": \"shop\"}" | jq -r .id)
    until_true 90 "the end of $1" op_ended "$op"
    api GET "ops/$op" >"$dir/op.json"
    jq -e '.state == "done"' "$dir/op.json" >/dev/null || fail "$1: $(cat "$dir/op.json")"
}

writes() {
    dd if=/dev/urandom of="$dir/$1.img" bs=4096 seek="$2" count=2 conv=notrunc status=none
}

# -- a planner and two agents ---------------------------------------------------
mkdir "$dir/store"
godwitd --init --state-dir "$dir/planner" --listen 127.0.0.1:0 --store "file://$dir/store" \
    --client-file "$dir/client.json" >"$dir/planner.log" 2>&1
start_planner

for side in source landing; do
    api POST tokens '{"kind": "join", "request_id": "join-'$side'"}' | jq -r .token >"$dir/token"
    chmod 600 "$dir/token"
    godwit-agent enrol --state-dir "$dir/$side" --server "$server" --join "$dir/token" \
        --name "$side-1" --roles "$side" 2>"$dir/$side.log" || fail "enrol $side"
done
if godwit-agent enrol --state-dir "$dir/again" --server "$server" --join "$dir/token" \
    --name other 2>"$dir/again.log"; then
    fail "a token was used twice"
fi
grep -q 'GW-2001' "$dir/again.log" || fail "a used token is named otherwise"
sed 's/^gw1\.[^.]*/gw1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/' "$dir/token" >"$dir/token.bad"
chmod 600 "$dir/token.bad"
if godwit-agent enrol --state-dir "$dir/again" --server "$server" --join "$dir/token.bad" \
    --name other 2>"$dir/again.log"; then
    fail "a planner with another key was trusted"
fi
grep -q 'GW-2002' "$dir/again.log" || fail "a wrong pin is named otherwise"
rm -f "$dir/token" "$dir/token.bad" "$dir/again.log"
if godwit-agent enrol --state-dir "$dir/source" --server "$server" --join /dev/null \
    2>"$dir/again.log"; then
    fail "it enrolled twice"
fi
# the identity comes back under a new key, and the old key is of no use any more
cp "$dir/source/agent.pem" "$dir/old.pem"
old_exit() {
    curl -sS --cacert "$dir/planner/ca.pem" --cert "$dir/old.pem" --key "$dir/old.pem" \
        "$server/v1/agent/work?after=0&config=0&wait=0" | jq .exit
}
[ "$(old_exit)" = null ] || fail "a new certificate is not good"
api POST hosts/source-1/rejoin '{"request_id": "rejoin"}' | jq -r .token |
    godwit-agent enrol --again --state-dir "$dir/source" --server "$server" --join - \
        --name source-1 --roles source 2>"$dir/again.log" || fail "rejoin"
cmp -s "$dir/source/agent.pem" "$dir/old.pem" && fail "the key is the old one"
[ "$(api GET hosts | jq '[.items[] | select(.host == "source-1")] | length')" = 1 ] || fail "two hosts"
[ "$(old_exit)" = 7 ] || fail "the old certificate is still good"

# a certificate is renewed from half of its day on, under the same key
cp "$dir/landing/agent.pem" "$dir/old.pem"
tool_agent renew "$dir/landing" 11 2>"$dir/again.log" || fail "renew early"
cmp -s "$dir/landing/agent.pem" "$dir/old.pem" || fail "it was renewed early"
tool_agent renew "$dir/landing" 13 2>"$dir/again.log" || fail "renew"
cmp -s "$dir/landing/agent.pem" "$dir/old.pem" && fail "it was not renewed"
diff <(openssl pkey -in "$dir/landing/agent.pem") <(openssl pkey -in "$dir/old.pem") || fail "another key"
tool_agent renew "$dir/landing" 13 2>"$dir/again.log" || fail "renew with the new one"
rm -f "$dir/again.log" "$dir/old.pem"
start_agent source
start_agent landing
until_true 30 "both hosts online with inventory" sh -c "$(declare -f api); dir='$dir' server='$server';
    api GET hosts | jq -e '[.items[] | select(.state == \"online\" and .inventory_at != null)] | length == 2'"

# -- replicate --------------------------------------------------------------------
head -c 3000000 /dev/urandom >"$dir/source.img"
truncate -s 24000000 "$dir/source.img"
cat >"$dir/workload.json" <<JSON
{"schema": "godwit.workload/1", "workload": "shop",
 "volumes": [{"name": "data", "source": {"host": "source-1", "device": "$dir/source.img", "mount": null},
              "target": {"host": "landing-1", "device": "$dir/landing.img", "mount": null}}],
 "hooks": {"source": {"start": ["touch $dir/source.runs"], "stop": ["rm -f $dir/source.runs"]},
           "target": {"start": ["touch $dir/target.runs"], "stop": ["rm -f $dir/target.runs"]},
           "traffic": {"to_target": ["ln -sfn cloud $dir/traffic"], "to_source": ["ln -sfn idc $dir/traffic"]}},
 "health": [{"run": ["test", "-s", "$dir/source.img"]}],
 "limits": {"max_lag_s": 60, "max_downtime_s": 600, "interval_s": 1, "require_test": true}}
JSON
touch "$dir/source.runs"
api PUT workloads/shop "$(cat "$dir/workload.json")" >/dev/null
api POST workloads/shop/sync '{"request_id": "start", "action": "start"}' >/dev/null
until_true 60 "the first copy" cmp "$dir/source.img" "$dir/landing.img"
writes source 100
until_true 30 "a change arrives" cmp "$dir/source.img" "$dir/landing.img"
godwit-agent guard shop --state-dir "$dir/source"
[ "$(godwit-agent status -o json --state-dir "$dir/source" | jq -r '.workloads[0].state')" = owns ]
[ "$(godwit-agent status -o json --state-dir "$dir/landing" | jq -r '.workloads[0].state')" = follows ]

# a volume that lost its end is not replicated: the other side keeps its size, and status says why
truncate -s 23000000 "$dir/source.img"
until_true 60 "a volume that shrank is told" status_is '.volumes[0] | .state == "error" and (.reason | contains("shrank"))'
[ "$(stat -c %s "$dir/landing.img")" = 24000000 ] || fail "the landing volume was cut"
truncate -s 24000000 "$dir/source.img"
until_true 90 "it goes on with its old size" status_is '.volumes[0].state == "in sync"'

# the planner is away: what was assigned goes on, also in an agent that starts just then
kill -9 "$planner"
wait "$planner" 2>/dev/null || true
rm -f "$dir/port"
stop_agent source KILL
stop_agent landing KILL
start_agent source
start_agent landing
writes source 200
until_true 30 "a change arrives without a planner" cmp "$dir/source.img" "$dir/landing.img"
printf '[planner]\n' >/dev/null
# an order that an agent cannot read, as of a planner that is newer, must not make it ask without end
if command -v sqlite3 >/dev/null; then
    sqlite3 "$dir/planner/godwitd.db" "INSERT INTO ord (id, host, kind, workload, epoch, deadline_ms,
        args, state, created_ms) SELECT 'un/readable', host, 'test', 'shop', 0, 0, '{}', 'open', 1
        FROM ord WHERE kind = 'verify' LIMIT 1"
fi
start_planner
stop_agent source TERM
stop_agent landing TERM
start_agent source
start_agent landing
until_true 30 "in sync again" status_is '.volumes_ready == 1'
if command -v sqlite3 >/dev/null; then
    until_true 30 "the order that no agent can read" grep -q 'an order of the planner' "$dir/landing.log"
    read -r -t 2 <>"$dir/never" || true # what is counted needs time
    [ "$(grep -c 'an order of the planner' "$dir/landing.log")" -le 3 ] || fail "an agent asks without end"
fi

# An answer that the agent could not keep is not given. The order is still open, and is answered
# when the agent asks for all that are: after a while, and when the planner was away.
if [ -n "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    stop_agent landing TERM
    GODWIT_FAILPOINT=agent_order_answer_saved=err:ENOSPC start_agent landing
    op=$(api POST workloads/shop/test '{"request_id": "unkept", "confirm": "shop"}' | jq -r .id)
    until_true 60 "an answer that is not kept" grep -q 'keep the answer of an order' "$dir/landing.log"
    kill -9 "$planner"
    wait "$planner" 2>/dev/null || true
    rm -f "$dir/port"
    start_planner --listen "127.0.0.1:${server##*:}" # where the agents look for it
    until_true 40 "the end of a test whose answer was not kept" op_ended "$op"
    stop_agent landing TERM
    start_agent landing
    until_true 30 "in sync once more" status_is '.volumes_ready == 1'
fi

# -- over and back -------------------------------------------------------------------
switch test
switch cutover
until_true 10 "the source's guard" sh -c "! godwit-agent guard shop --state-dir $dir/source"
godwit-agent guard shop --state-dir "$dir/landing"
[ -e "$dir/target.runs" ] || fail "the target does not run"
[ ! -e "$dir/source.runs" ] || fail "the source still runs"
[ "$(readlink "$dir/traffic")" = cloud ] || fail "traffic did not move"
writes landing 300
until_true 30 "a change comes back" cmp "$dir/source.img" "$dir/landing.img"
switch rollback
godwit-agent guard shop --state-dir "$dir/source"
[ -e "$dir/source.runs" ] || fail "the source does not run"
[ ! -e "$dir/target.runs" ] || fail "the target still runs"
[ "$(readlink "$dir/traffic")" = idc ] || fail "traffic did not come back"
writes source 400
until_true 30 "a change arrives after all" cmp "$dir/source.img" "$dir/landing.img"

# -- over again, and for good: the records stay, to guard the boot ---------------------
switch cutover
switch finalize
until_true 10 "the end of replication" sh -c "! [ -e '$dir/landing/workloads/shop/volumes' ] && ! [ -e '$dir/source/workloads/shop/volumes' ]"
godwit-agent guard shop --state-dir "$dir/landing"
! godwit-agent guard shop --state-dir "$dir/source" 2>/dev/null || fail "the old side may run after finalize"
[ -e "$dir/target.runs" ] || fail "finalize stopped the target"

# idle, an agent is small and quiet
if [ -z "${GODWIT_TEST_SANITIZED:-}" ]; then
    rss_below() {
        [ "$(awk '/^VmRSS/ { print $2 }' "/proc/$1/status")" -lt 32768 ]
    }
    ticks() {
        awk '{ print $14 + $15 }' "/proc/$1/stat"
    }
    for side in source landing; do
        pid="pid_$side"
        until_true 30 "an idle agent of $side below 32 MiB" rss_below "${!pid}"
    done
    before=$(($(ticks "$pid_source") + $(ticks "$pid_landing")))
    read -r -t 5 <>"$dir/never" || true # what is measured is time
    used=$(($(ticks "$pid_source") + $(ticks "$pid_landing") - before))
    [ "$used" -le $(($(getconf CLK_TCK) / 10)) ] || fail "two idle agents used $used ticks in 5 s"
fi

key=$(cat "$dir/planner/vault.key")
if grep -qF "${key#gwk1.}" "$dir"/*.log; then
    fail "the vault key is in a log"
fi
[ -z "$(find "$dir/source" "$dir/landing" -type f -perm /077)" ] || fail "state that others can read"
echo "over and back"
