#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The scrub finds what a tracker missed, and only that: a tracker that is made to miss a write is caught, with the
# place; one that does not is never accused, also while the volume is written and its writes take a second.
set -eu
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?run by make check}/tests/own_mounts.sh"
[ "${GODWIT_TEST_FAILPOINTS:-}" = yes ] || skip 'built without failpoints'
mount -t bpf bpf /sys/fs/bpf || skip 'no BPF file system here'

fail() {
    echo "FAILED: $1"
    exit 1
}

# push WANTED-EXIT [OPTION...]: the document into $told. A kernel that hides events is no business of this test: then
# everything was read, and it is pushed again.
push() {
    local wanted=$1 rc
    shift
    while :; do
        rc=0
        told=$(godwit replica push "$dev" "file://$dir/vault/v" --tracker ebpf -o json "$@" 2>"$dir/err") || rc=$?
        [[ $(jq -r .rescan <<<"$told") == *'than were seen'* ]] || break
    done
    [ $rc = "$wanted" ] || fail "push $*: exit $rc, not $wanted: $(cat "$dir/err") $told"
}
want() {
    local got
    got=$(jq -r "$1" <<<"$told")
    [ "$got" = "$2" ] || fail "$3: $1 is '$got', not '$2': $told"
}
change() { dd if=/dev/urandom of="$dev" bs=4k count="$2" seek="$1" oflag=direct conv=notrunc status=none; }

truncate -s 160M "$dir/image"
dd if=/dev/urandom of="$dir/image" bs=1M count=24 seek=50 conv=notrunc status=none
attach "$dir/image" 7
rc=0
godwit replica push "$dev" "file://$dir/vault/v" --tracker ebpf -q 2>"$dir/err" || rc=$?
[ $rc = 0 ] || { grep -q 'in the kernel' "$dir/err" && skip "$(cat "$dir/err")"; } || fail "$(cat "$dir/err")"

# Round and round, nothing to tell.
for _ in 1 2 3; do
    change $((RANDOM % 40000)) 3
    push 0 --scrub 10GiB
    want .scrub.missed_bytes 0 'a tracker that sees'
done
[ "$(jq .scrub.rounds <<<"$told")" -ge 1 ] || fail "the scrub does not go round: $told"

# It misses two writes; a pass says that the replica is equal, and is wrong.
change 1600 1
change 30000 20
GODWIT_FAILPOINT=track_miss=err:EIO push 0
want .changed_bytes 0 'a tracker that was made to miss'
[ "$(jq -r .point.digest <<<"$told")" != "$(godwit replica digest "$dev" | cut -d' ' -f1)" ] || fail 'nothing was missed'
push 9 --scrub 100GiB
want .scrub.missed_bytes $((3 * 65536)) 'what was missed'
want '.scrub.missed[0].offset' $((1600 * 4096)) 'what was missed'
want '.scrub.missed[1].offset' $((30000 * 4096)) 'what was missed'
want .scrub.missed_total_bytes $((3 * 65536)) 'the counter'
[[ $(jq -r .rescan <<<"$told") == *scrub* ]] || fail "not everything was read: $told"
grep -q 'GW-3034\|missed changes' "$dir/err" || fail "no alarm: $(cat "$dir/err")"
grep -q "$dev" "$dir/err" || fail "the alarm does not name the device: $(cat "$dir/err")"
[ "$(jq -r .point.digest <<<"$told")" = "$(godwit replica digest "$dev" | cut -d' ' -f1)" ] || fail 'it was not mended'
push 0 --scrub 100GiB
want .scrub.missed_bytes 0 'once it is mended'
want .scrub.missed_total_bytes $((3 * 65536)) 'the counter'

# What it cannot read is read around by the pass, and named; the rest is looked at.
GODWIT_FAILPOINT="volume_read@$((1700 * 4096))+1:*=err:EIO" push 3 --scrub 100GiB
want .scrub.missed_bytes 0 'what cannot be read'
want '[.point.unreadable[] | "\(.offset)+\(.bytes)"] | join(" ")' "$((1700 * 4096))+512" 'what cannot be read'
push 0 --scrub 100GiB
want .point.complete true 'once it can be read again'

# While it is written, what is read before its mark is there must not be an alarm.
while :; do change $((RANDOM % 40000)) $((RANDOM % 30 + 1)); done &
writer=$!
for _ in 1 2 3 4; do
    push 0 --scrub 100GiB
    want .scrub.missed_bytes 0 'while it is written'
done
kill $writer
wait $writer || true

# An agent scrubs as its workload says: it goes on at its place when it is started anew, and what it finds is told.
tool=$abs_top_builddir/tool_agent
mkdir "$dir/store"
key=$("$tool" vault "file://$dir/store" "$dir/key")
agent() { # RATE FAILPOINT: one round of an agent that is started anew, its report into $told
    jq -n --arg store "file://$dir/store" --arg key "$key" --arg dev "$dev" --argjson rate "$1" \
        '{vault: {url: $store, key: $key, region: null, endpoint: null},
          assignments: [{workload: "shop", side: "source", epoch: 0, role: "push", interval_s: 1, paused: false,
            scrub_bytes_per_s: $rate,
            volumes: [{name: "data", replica: "shop/data", device: $dev, mount: null}]}]}' >"$dir/agent.json"
    told=$(GODWIT_FAILPOINT=${2:-} "$tool" round "$dir/agent" "$dir/agent.json" 2>"$dir/err") || fail "$(cat "$dir/err")"
}
place() { cut -d' ' -f1 "$dir/agent/workloads/shop/volumes/data/scrub"; }
mkdir "$dir/agent"
agent 0 # makes its state
echo '{"n": 1, "id": "op.1.adopt", "kind": "adopt", "workload": "shop", "epoch": 0, "deadline": null, "args": {}}' >"$dir/order.json"
"$tool" order "$dir/agent" "$dir/agent.json" "$dir/order.json" >"$dir/out" 2>"$dir/err"
[ "$(jq -r .state "$dir/out")" = 'done' ] || fail "adopt: $(cat "$dir/out" "$dir/err")"
agent 1
for _ in 1 2 3 4 5; do # a pass that read everything, whyever, needs no scrub
    agent 1
    [ ! -e "$dir/agent/workloads/shop/volumes/data/scrub" ] || break
done
before=$(place)
for _ in 1 2 3 4 5; do
    agent 1
    [ "$(place)" = "$before" ] || break
done
[ "$(place)" -gt "$before" ] || fail "the agent's scrub does not go on: $before, then $(place)"
want '.replication[0].error' null 'nothing to tell'
for _ in 1 2 3 4 5; do
    change 1600 1
    agent 0 track_miss=err:EIO
    agent 107374182400
    [ "$(jq '.replication[0].error' <<<"$told")" = null ] || break
done
want '.replication[0].error | startswith("GW-3034: the tracker missed changes")' true 'the agent is silent'
want ".replication[0].error | contains(\"'$dev': 65536 bytes, the first 65536 at byte $((1600 * 4096))\")" true 'the place'
agent 107374182400
want '.replication[0].error' null 'once it is mended'

rc=0
godwit replica push "$dir/image" "file://$dir/vault/i" --scrub 1MiB -o json >"$dir/out" || rc=$?
[ "$rc $(jq .scrub.looked_bytes "$dir/out")" = '0 0' ] || fail 'a scan needs no scrub'
echo 'missed writes were found, and nothing else'
