#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an agent must do right by itself: put its fence up again after a reboot, abort when the
# planner is gone, finish a promotion that was cut, find and repair a landing volume that rotted.
set -eu
# shellcheck source=tests/agent_story.sh
. "${abs_top_srcdir:?}/tests/agent_story.sh"

hook_ran() {
    grep -q "^$1$" "$dir/hooks" || fail "the hook '$1' did not run"
    : >"$dir/hooks"
}

# Bytes that no tracker and no table can know of: rot leaves no new times, so the state of the volume is
# told the change time that writing them here has left.
rot() {
    local mtime before after state
    mtime=$(stat -c %y "$dir/$1.img")
    before=$(stat -c %.9Z "$dir/$1.img")
    printf 'rot' | dd of="$dir/$1.img" bs=1 seek="$2" conv=notrunc status=none
    touch -d "$mtime" "$dir/$1.img"
    after=$(stat -c %.9Z "$dir/$1.img")
    find "$dir/$1/workloads/shop/volumes" -type f -name 'state*' | while read -r state; do
        sed -i "s/ $before\"/ $after\"/" "$state"
    done
}

: >"$dir/hooks"
set_up

# -- an agent that was never told of a vault says that, and not that an object is gone ----------------
mkdir "$dir/c"
jq '.vault = null' "$dir/a.json" >"$dir/c.json"
order c adopt 0
expect_done
round c
jq -e '.replication[0] | .reason == "vault_missing" and (.error | contains("the planner has named no vault"))' \
    "$dir/report" >/dev/null || fail "no vault: $(cat "$dir/report")"
grep -q 'GW-3040' "$dir/log" || fail "another code: $(cat "$dir/log")"

# -- sectors that cannot be read: replication goes on, says so, and no switch is made of it ----------
reports() {
    jq -e ".replication[0] | $1" "$dir/report" >/dev/null || fail "$1 of: $(cat "$dir/report")"
}
if [ "${GODWIT_TEST_FAILPOINTS:-}" = yes ]; then
    export GODWIT_FAILPOINT='volume_read@40960+1:*=err:EIO'
    write_some a 100
    round a
    reports '.state == "continuous" and .reason == "incomplete" and .unreadable_bytes == 4096'
    reports '.error | startswith("GW-3035: 4096 bytes of") and contains("a.img")'
    order a fence 1
    expect_done
    order a final 1
    expect '.state == "failed" and .error.code == "GW-3036"'
    unset GODWIT_FAILPOINT
    round b
    reports '.unreadable_bytes == 4096'
    cp "$dir/answer" "$dir/final1"
    decide 1 abort abort
    order a abort 1
    expect_done
    round a
    reports '.reason == null and .unreadable_bytes == 0 and .error == null'
    round b
    same "once it can be read"
    rm -rf "${dir:?}/a" "$dir/b" "$dir/store" "$dir/b.img"
    mkdir -p "$dir/store" "$dir/a" "$dir/b"
    key=$("$tool" vault "file://$dir/store" "$dir/key2")
    : >"$dir/hooks"
    set_up
fi

# -- a landing volume that rotted is found, and repaired by the next pull ----------------
rot b 70000
order b verify 0
expect '.state == "failed" and .error.code == "GW-3030" and .result.volumes[0].ok == false'
round b
same "after the repair"
order b verify 0
expect '.state == "done" and .result.volumes[0].ok'

# -- apply finds it too, and repairs it within the switch ---------------------------------
rot b 140000
fence_and_final a 1
hook_ran "stop source 1"
apply b 1
expect_done
same "after an apply that repaired"

# -- a reboot: the fence goes up again -------------------------------------------------------
chmod 600 "$dir/a.img"
round a
hook_ran "stop source 1"
! writable a || fail "the fence did not come back"
guard a 5

# -- the planner is silent, but not for long enough ---------------------------------------------
config a push 0 '"self_abort_ms": 3600000,'
round a
guard a 5
# -- and then it is: the holder aborts by itself, and runs again ---------------------------------
config a push 0 '"self_abort_ms": 1,'
: >"$dir/hooks"
round a
guard a 0
writable a || fail "the image is still read-only"
hook_ran "start source 1"
# the planner comes back and wants to promote: abort stands
decide 1 promote abort
order b promote 1
expect '.state == "failed"'
guard b 5
# the other side may follow again: the vault says abort
write_some a 20
round a
round b
same "after the abort"

# -- when promote stands, silence changes nothing ----------------------------------------------------
fence_and_final a 2
apply b 2
expect_done
decide 2 promote promote
round a
guard a 5
! writable a || fail "it unfenced against a promote"

# -- a promotion whose applied points were torn again can still be finished -----------------------------
rm "$dir/b/workloads/shop/applied.json"
rot b 9000
rm -r "$dir/b/workloads/shop/volumes"
order b promote 2
expect_done
guard b 0
same "after a promote that pulled again"

# -- services whose start was cut are started by the next start of the agent ------------------------------
record="$dir/b/workloads/shop/ownership.json"
jq '.start_owed = true' "$record" >"$dir/record"
cp "$dir/record" "$record"
: >"$dir/hooks"
round b
hook_ran "start target 2"
round b
[ ! -s "$dir/hooks" ] || fail "it was started twice"

# -- answers are repeated as they were, and forgotten after a month ------------------------------------------
printf '{"n": 98, "id": "again", "kind": "health", "workload": "shop", "epoch": 2, "deadline": null, "args": {}}' \
    >"$dir/order.json"
"$tool" order "$dir/b" "$dir/b.json" "$dir/order.json" >"$dir/answer" 2>/dev/null
expect_done
saved="$dir/b/workloads/shop/orders/again.json"
echo '{"state": "done", "note": "kept"}' >"$saved"
"$tool" order "$dir/b" "$dir/b.json" "$dir/order.json" >"$dir/answer" 2>/dev/null
expect '.note == "kept"'
touch -d '29 days ago' "$saved"
round b
[ -e "$saved" ] || fail "an answer was forgotten early"
touch -d '31 days ago' "$saved"
round b
[ ! -e "$saved" ] || fail "an old answer was kept"

# -- an order without its workload's assignment, an unknown order, one past its deadline --------------------
order b dance 2
expect '.state == "failed" and .error.exit == 2'
printf '{"n": 99, "id": "late", "kind": "health", "workload": "shop", "epoch": 2, "deadline": "2020-01-01T00:00:00Z", "args": {}}' \
    >"$dir/order.json"
"$tool" order "$dir/b" "$dir/b.json" "$dir/order.json" >"$dir/answer" 2>/dev/null
expect '.state == "done"' # one attempt is always made, and it passed
order a health 2
expect '.state == "failed"' # not the active side

# -- a damaged record: that workload is fenced and says so, the others go on ---------------------------------
mkdir -p "$dir/a/workloads/other"
echo '{"max_ep' >"$dir/a/workloads/other/ownership.json"
round a
! writable a || fail "a follower became writable"
godwit-agent status --state-dir "$dir/a" | grep -q '^damaged *other' || fail "the damage is not shown"
godwit-agent status --state-dir "$dir/a" | grep -q ' shop ' || fail "the other workload is not shown"
: >"$dir/hooks"
record="$dir/b/workloads/shop/ownership.json"
cp "$record" "$dir/record"
head -c 20 "$dir/record" >"$record"
round b
hook_ran "stop target 0"
! writable b || fail "nobody knows whether it may be written, and it can be"
guard b 5
order b verify 2
expect '.state == "failed" and .error.code == "GW-4109" and .error.exit == 12'
echo '{"max_epoch": 2, "owns": true, "fenced_epoch": 0, "role": "push", "start_owed": true}' >"$record"
round b
hook_ran "start target 2"
writable b || fail "the record is whole, and the volume closed"
guard b 0
echo "alone, and right"
