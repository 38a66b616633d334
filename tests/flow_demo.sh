#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit demo as anybody runs it: the whole story, again while it is up, again after everything was
# killed, a switch by hand, and its end without a trace. As root it runs as nobody.
set -eu

for tool in mke2fs debugfs e2fsck; do
    if ! PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null; then
        echo "skip: $tool is not installed"
        exit 77
    fi
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-demo-XXXXXX")
chmod 755 "$dir"
home="$dir/home of ana" # a blank must not matter
mkdir "$home"
as=()
if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chown 65534:65534 "$home"
    if ! "${as[@]}" test -x "${abs_top_builddir:?}/godwit"; then
        mkdir "$dir/bin"
        cp "$abs_top_builddir"/{godwit,godwitd,godwit-agent,godwit-demo-ledger} "$dir/bin"
        chmod 755 "$dir/bin"
    fi
fi
bin=$abs_top_builddir
[ ! -d "$dir/bin" ] || bin=$dir/bin
state=$home/state/godwit/demo
cd /

# in HOME COMMAND...: the program, in a world of its own
in_home() {
    local home=$1
    shift
    "${as[@]}" env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME="$home" XDG_DATA_HOME="$home/data" \
        XDG_STATE_HOME="$home/state" XDG_CONFIG_HOME="$home/config" \
        ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} "$@"
}

godwit() {
    in_home "$home" "$bin/godwit" "$@"
}

cleanup() {
    godwit demo --down >/dev/null 2>&1 || true
    in_home "$home/other" "$bin/godwit" demo --down >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$state"/log/*.log >&2 2>/dev/null || true
    exit 1
}

# expect JQ FILE: the expression must be true
expect() {
    jq -e "$1" "$2" >/dev/null || fail "$1 of $(cat "$2")"
}

echo "-- a context of that name that is somebody's own stays"
godwit context add demo --server https://planner.example:7443 >"$dir/out"
code=0
godwit demo >"$dir/out" 2>&1 || code=$?
[ "$code" = 2 ] || fail "a context of the user's ended the demo with $code"
grep -q 'godwit context rm demo' "$dir/out" || fail "$(cat "$dir/out")"
godwit demo --down >"$dir/out"
godwit context ls >"$dir/out"
grep -q planner.example "$dir/out" || fail "the user's context is gone"
godwit context rm demo >"$dir/out"

echo "-- the story"
godwit demo -o json >"$dir/out" || fail "godwit demo ended with $?"
expect '.schema == "godwit.demo/1"' "$dir/out"
expect '.rollback.lost == 0 and .rollback.violations == 0 and .cutover.lost == 0' "$dir/out"
expect '.cutover.by_target > 20 and .rollback.by_target >= .cutover.by_target' "$dir/out"
expect '.rollback.acknowledged == .rollback.by_source + .rollback.by_target' "$dir/out"
expect '.cutover.downtime_s > 0 and .rollback.downtime_s > 0' "$dir/out"

echo "-- the context is the default, and a second run says that it is up"
godwit status -o json >"$dir/out"
expect '.items[0].workload == "demo" and .items[0].epoch == 2' "$dir/out"
expect '.items[0].gate.open' "$dir/out"
godwit demo >"$dir/out" || fail "a second run ended with $?"
grep -q 'running already' "$dir/out" || fail "$(cat "$dir/out")"

echo "-- who is told to wait changes nothing"
code=0
"${as[@]}" flock "$state/lock" env -i PATH=/usr/bin:/bin HOME="$home" XDG_DATA_HOME="$home/data" \
    XDG_STATE_HOME="$home/state" XDG_CONFIG_HOME="$home/config" "$bin/godwit" demo --down >"$dir/out" 2>&1 || code=$?
[ "$code" = 6 ] || fail "an end beside another demo ended with $code: $(cat "$dir/out")"
godwit status >"$dir/out" || fail "the context of a demo that runs is gone"

echo "-- a port that is taken is said"
port=$(cat "$state/port")
"${as[@]}" mkdir "$home/other"
code=0
in_home "$home/other" "$bin/godwit" demo --port "$port" >"$dir/out" 2>&1 || code=$?
[ "$code" -ne 0 ] || fail "a port twice"
grep -q 'in use' "$dir/out" || fail "$(cat "$dir/out")"
grep -q 'log/' "$dir/out" || fail "no word of the logs: $(cat "$dir/out")"
in_home "$home/other" "$bin/godwit" demo --down >"$dir/out"
"${as[@]}" rmdir "$home/other/data" "$home/other/state" "$home/other" ||
    fail "a demo that did not start left something"

echo "-- an operation whose planner goes away is named: it goes on"
kill -STOP "$(cat "$state/pid/cloud")"
code=0
: >"$dir/out"
godwit test demo --wait=2s >"$dir/out" 2>"$dir/err" &
watcher=$!
tries=0
until [ -s "$dir/out" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "the test does not begin: $(cat "$dir/err")"
    read -rt 0.1 <> <(:) || true
done
kill -9 "$(cat "$state/pid/planner")"
wait "$watcher" || code=$?
[ "$code" = 8 ] || fail "watching without a planner ended with $code: $(cat "$dir/err")"
grep -q 'godwit op attach op-' "$dir/err" || fail "no word of how to follow it: $(cat "$dir/err")"

echo "-- after everything was killed it starts again, and can be moved by hand"
for name in idc cloud; do
    kill -9 "$(cat "$state/pid/$name")"
done
kill -9 "$(cat "$state/run-source/ledger.pid")"
godwit demo >"$dir/out" || fail "after the kill: $(cat "$dir/out")"
grep -q 'runs again' "$dir/out" || fail "$(cat "$dir/out")"
# What began again looks at its volumes first, and the test goes on; until then the gate is closed
# (5), or held by the test (6).
tries=0
code=5
while [ "$code" = 5 ] || [ "$code" = 6 ]; do
    code=0
    godwit cutover demo --confirm=demo -o json >"$dir/out" 2>"$dir/err" || code=$?
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail "the gate stays closed: $(cat "$dir/err")"
    [ "$code" = 0 ] || read -rt 0.2 <> <(:) || true
done
[ "$code" = 0 ] || fail "cutover by hand: $code $(cat "$dir/err")"
expect '.state == "done" and .downtime_s > 0' "$dir/out"
[ -f "$state/run-target/ledger.pid" ] || fail "no ledger in the cloud"
# The way back opens once the first pass is in: rollback waits for it by itself.
godwit rollback demo --confirm=demo -o json >"$dir/out" 2>"$dir/err" ||
    fail "rollback right after the cutover: $? $(cat "$dir/err")"
expect '.kind == "rollback" and .state == "done"' "$dir/out"

echo "-- one at a time; Ctrl-C ends the telling only"
exec 9<"$state/lock"
flock -n 9 || fail "the lock is held by nobody's demo"
code=0
godwit demo >"$dir/out" 2>&1 || code=$?
[ "$code" = 6 ] || fail "a second one at the same time ended with $code: $(cat "$dir/out")"
exec 9<&-
"${as[@]}" mkdir "$home/other"
: >"$dir/out"
# Not through in_home: the pid must be the program's.
"${as[@]}" env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME="$home/other" XDG_DATA_HOME="$home/other/data" \
    XDG_STATE_HOME="$home/other/state" XDG_CONFIG_HOME="$home/other/config" \
    "$bin/godwit" demo >"$dir/out" 2>"$dir/err" &
watcher=$!
tries=0
until grep -q Lag "$dir/out"; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || fail "the second demo does not begin: $(cat "$dir/err")"
    read -rt 0.1 <> <(:) || true
done
kill -INT "$watcher"
code=0
wait "$watcher" || code=$?
[ "$code" = 130 ] || fail "stopped, it ended with $code: $(cat "$dir/err")"
grep -q 'runs on' "$dir/err" || fail "$(cat "$dir/err")"
in_home "$home/other" "$bin/godwit" demo --down >"$dir/out" || fail "$(cat "$dir/out")"
left=$(find "$home/other" -mindepth 2)
[ -z "$left" ] || fail "a demo that was stopped left $left"
rm -rf "$home/other"

echo "-- and it goes without a trace"
godwit demo --down >"$dir/out" || fail "down: $(cat "$dir/out")"
grep -q 'is gone' "$dir/out" || fail "$(cat "$dir/out")"
left=$(find "$home" -mindepth 2)
[ -z "$left" ] || fail "left behind: $left"
for line in /proc/[0-9]*/cmdline; do
    if { tr '\0' ' ' <"$line"; } 2>/dev/null | grep -qF "$home/"; then
        fail "still runs: $(tr '\0' ' ' <"$line")"
    fi
done
godwit demo --down >"$dir/out" || fail "down twice"
grep -q 'no demo' "$dir/out" || fail "$(cat "$dir/out")"
echo "ok"
