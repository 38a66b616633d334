#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A switch and the way back between two agents' states, order by order, each order killed at every
# failpoint it passes and then given again: it must end as if nothing had happened.
set -eu

if [ -z "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    echo "skip: failpoints are not compiled in"
    exit 77
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-flow-XXXXXX")
trap 'rm -rf "$dir"' EXIT
tool="${abs_top_builddir:?}/tool_agent"
mkdir -p "$dir/store" "$dir/a" "$dir/b"
kills=0
n=0

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

key=$("$tool" vault "file://$dir/store" "$dir/key")

# config SIDE ROLE EPOCH: a's volume is the source, b's the landing volume
config() {
    local side=source
    [ "$1" = b ] && side=target
    cat >"$dir/$1.json" <<JSON
{"vault": {"url": "file://$dir/store", "key": "$key", "region": null, "endpoint": null},
 "assignments": [{"workload": "shop", "side": "$side", "epoch": $3, "role": "$2",
  "interval_s": 1, "rate_bytes_per_s": 0, "paused": false,
  "hooks": {"start": [["sh", "-c", "echo start \$GODWIT_SIDE \$GODWIT_EPOCH >> $dir/hooks"]],
            "stop": [["sh", "-c", "echo stop \$GODWIT_SIDE \$GODWIT_EPOCH >> $dir/hooks"]],
            "traffic": {"to_target": ["echo moved"], "to_source": []},
            "health": [{"run": ["true"]}, {"name": "volume", "run": ["sh", "-c", "test -s \$GODWIT_VOLUME_DATA"]}]},
  "volumes": [{"name": "data", "replica": "shop/data", "device": "$dir/$1.img", "mount": null}]}]}
JSON
}

# order SIDE KIND EPOCH [ARGS]: prints nothing; the answer is in $dir/answer
order() {
    n=$((n + 1))
    printf '{"n": %d, "id": "op.%d.%s", "kind": "%s", "workload": "shop", "epoch": %d, "deadline": null, "args": %s}\n' \
        "$n" "$n" "$1" "$2" "$3" "${4:-{\}}" >"$dir/order.json"
    killed_everywhere "$1"
    "$tool" order "$dir/$1" "$dir/$1.json" "$dir/order.json" >"$dir/answer" 2>"$dir/log" ||
        fail "$2 on $1: $(cat "$dir/log")"
}

# The order in $dir/order.json, killed at the first pass of each failpoint it passes, on a copy of
# the state for learning which there are.
killed_everywhere() {
    local side=$1 point
    rm -rf "$dir/trial" && mkdir "$dir/trial"
    cp -a "$dir/$side" "$dir/trial/state"
    cp -a "$dir/store" "$dir/trial/store"
    cp --sparse=always -a "$dir/$side.img" "$dir/trial/img" 2>/dev/null || true
    : >"$dir/trial/count"
    GODWIT_FAILPOINT_COUNT="$dir/trial/count" "$tool" order "$dir/$side" "$dir/$side.json" \
        "$dir/order.json" >"$dir/trial/answer" 2>/dev/null || true
    sort -u "$dir/trial/count" >"$dir/trial/points"
    while read -r point; do
        case $point in agent_*) ;; *) continue ;; esac
        restore "$side"
        kill_at "$point" "$side" && fail "$point did not kill"
        kills=$((kills + 1))
        "$tool" order "$dir/$side" "$dir/$side.json" "$dir/order.json" >"$dir/answer" 2>"$dir/log" ||
            fail "again after $point: $(cat "$dir/log")"
        [ "$(jq -r .state "$dir/answer")" = "$(jq -r .state "$dir/trial/answer")" ] ||
            fail "after $point: $(cat "$dir/answer") instead of $(cat "$dir/trial/answer")"
    done <"$dir/trial/points"
}

# In a shell of its own, so that nobody says "Killed".
kill_at() {
    bash -c 'GODWIT_FAILPOINT="$1=kill" "$2" order "$3" "$4" "$5"; exit $?' _ \
        "$1" "$tool" "$dir/$2" "$dir/$2.json" "$dir/order.json" >/dev/null 2>&1
}

restore() {
    rm -rf "${dir:?}/$1" "$dir/store"
    cp -a "$dir/trial/state" "$dir/$1"
    cp -a "$dir/trial/store" "$dir/store"
    if [ -e "$dir/trial/img" ]; then
        rm -f "$dir/$1.img"
        cp --sparse=always -a "$dir/trial/img" "$dir/$1.img"
    else
        rm -f "$dir/$1.img"
    fi
}

expect() {
    jq -e "$1" "$dir/answer" >/dev/null || fail "$1 of: $(cat "$dir/answer")"
}

round() {
    "$tool" round "$dir/$1" "$dir/$1.json" 2>"$dir/log" || fail "round of $1: $(cat "$dir/log")"
}

guard() {
    local rc=0
    godwit-agent guard shop --state-dir "$dir/$1" 2>/dev/null || rc=$?
    [ "$rc" = "$2" ] || fail "guard of $1 is $rc, not $2"
}

same() {
    cmp "$dir/a.img" "$dir/b.img" || fail "volumes differ: $1"
}

write_some() {
    dd if=/dev/urandom of="$dir/$1.img" bs=4096 seek="$2" count=3 conv=notrunc status=none
}

head -c 3000000 /dev/urandom >"$dir/a.img"
truncate -s 20000000 "$dir/a.img"

# -- out ----------------------------------------------------------------------
config a push 0
config b follow 0
guard a 5
order a adopt 0
expect '.state == "done"'
guard a 0
round a
round b
same "after the seed"
write_some a 100
round a
round b
same "after a delta"
guard b 5
order b test 0
expect '.state == "done" and .result.volumes[0].ok and .result.checks[0].ok'
order b verify 0
expect '.state == "done" and .result.volumes[0].ok'

write_some a 7
order a fence 1
expect '.state == "done" and .result.writers == 0'
guard a 5
[ -z "$(find "$dir/a.img" -perm /222)" ] || fail "the fenced image is writable"
order a final 1
expect '.state == "done"'
cp "$dir/answer" "$dir/final1"
order b apply 1 "$(jq -c .result "$dir/final1")"
expect ".state == \"done\" and .result.volumes[0].digest == $(jq .result.volumes[0].digest "$dir/final1")"
guard b 5
round b # it must not follow now, nor may a push
round a
same "after apply"
[ "$("$tool" decide "$dir/a.json" shop 1 promote "$dir/final1")" = promote ]
order b promote 1
expect '.state == "done"'
guard b 0
guard a 5
grep -q '^start target 1$' "$dir/hooks" || fail "the start hook of the target did not run"
order b health 1
expect '.state == "done" and (.result.checks | length) == 2'
order b traffic 1 '{"to": "target"}'
expect '.state == "done" and (.result.output | startswith("moved"))'

# a late abort and a late apply of the epoch that is over change nothing
order a abort 1
expect '.state == "failed"'
guard a 5
order b apply 1 "$(jq -c .result "$dir/final1")"
expect '.state == "failed"'
guard b 0

# -- dual run, the other way round --------------------------------------------------
write_some b 300
round b
config a follow 1
config b push 1
round a
same "after the reverse delta"
guard a 5

# -- and back, with an abort between -------------------------------------------------
order b fence 2
order b final 2
cp "$dir/answer" "$dir/final2"
[ "$("$tool" decide "$dir/a.json" shop 2 abort)" = abort ]
order b abort 2
expect '.state == "done"'
guard b 0
order a stand_down 2
expect '.state == "done"'
order b fence 2 # late
expect '.state == "failed"'
guard b 0
write_some b 40
round b
order b fence 3
write_refused=$(find "$dir/b.img" -perm /222)
[ -z "$write_refused" ] || fail "the fenced image is writable"
order b final 3
cp "$dir/answer" "$dir/final3"
order a apply 3 "$(jq -c .result "$dir/final3")"
expect '.state == "done"'
same "after the apply of the way back"
[ "$("$tool" decide "$dir/a.json" shop 3 promote "$dir/final3")" = promote ]
order a promote 3
expect '.state == "done"'
guard a 0
guard b 5
write_some a 500
round a
config b follow 3
config a push 3
round b
same "after the last delta"
order a release 3
order b release 3
guard a 0
guard b 5

[ "$kills" -ge 60 ] || fail "only $kills kills"
echo "$kills kills"
