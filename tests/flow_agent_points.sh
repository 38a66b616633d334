#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Consistent points by an agent: both volumes of a workload at one moment, between its hooks, beside
# ordinary passes; a hook that fails leaves replication as it was. Needs root and two loop devices.
set -eu
if [ -z "${FLOW_PRIVATE-}" ] && unshare -m true 2>/dev/null; then
    FLOW_PRIVATE=1 exec unshare -m --propagation private bash "$0" "$@"
fi
[ -z "${FLOW_PRIVATE-}" ] || mount -t bpf bpf /sys/fs/bpf 2>/dev/null || true

if [ "$(id -u)" -ne 0 ]; then
    echo "skip: only root can mount and freeze"
    exit 77
fi
# shellcheck source=tests/agent_story.sh
. "${abs_top_srcdir:?}/tests/agent_story.sh"

clean_up() {
    umount "$dir/mnt-1" "$dir/mnt-2" 2>/dev/null || true
    rm -rf "$dir"
}
trap clean_up EXIT

# volume N FD: a mounted file system on a loop device that goes with the descriptor
volume() {
    local loop
    truncate -s 64M "$dir/$1.img"
    mkdir "$dir/mnt-$1"
    loop=$(losetup -f --show "$dir/$1.img" 2>/dev/null) || {
        echo "skip: no loop device"
        exit 77
    }
    eval "exec $2<$loop"
    losetup -d "$loop"
    blockdev --setrw "$loop"
    mkfs.ext4 -q -F "$loop"
    mount "$loop" "$dir/mnt-$1" 2>/dev/null || {
        echo "skip: mounting is not possible here"
        exit 77
    }
    loops+=("$loop")
}
loops=()
volume 1 7
volume 2 8

# policy FREEZE_HOOK
policy() {
    config a push 0
    jq --arg dir "$dir" --arg one "${loops[0]}" --arg two "${loops[1]}" --arg hook "$1" \
        '.assignments[0] |= (.consistent_s = 0.001 | .freeze_s = 1
            | .hooks.freeze = [["sh", "-c", $hook]]
            | .hooks.thaw = [["sh", "-c", "echo thaw >>\($dir)/said"]]
            | .volumes = [{"name": "data", "replica": "shop/data", "device": $one, "mount": "\($dir)/mnt-1"},
                          {"name": "log", "replica": "shop/log", "device": $two, "mount": "\($dir)/mnt-2"}])' \
        "$dir/a.json" >"$dir/new.json"
    mv "$dir/new.json" "$dir/a.json"
}

# points NAME: kinds and times
points() {
    godwit replica show "file://$dir/store//shop/$1" --key-file "$dir/key" -o json |
        jq -r '.items[] | "\(.kind) \(.taken_at)"'
}

policy "echo freeze >>$dir/said"
echo one >"$dir/mnt-1/file"
order a adopt 0
round a
for name in data log; do
    points $name >"$dir/points-$name"
    # Passes came before; on a busy machine more than one.
    [[ "$(cut -d' ' -f1 <"$dir/points-$name" | paste -sd' ')" =~ ^(fuzzy\ )+file-system-consistent$ ]] ||
        fail "points of $name: $(cat "$dir/points-$name")"
done
[ "$(tail -n 1 "$dir/points-data")" = "$(tail -n 1 "$dir/points-log")" ] || fail 'two moments'
[ "$(paste -sd' ' <"$dir/said")" = 'freeze thaw' ] || fail "hooks: $(cat "$dir/said")"
touch "$dir/mnt-1/writable" || fail 'it is frozen still'

echo '-- only what changed gets a point of its own'
echo two >"$dir/mnt-1/file"
sync -f "$dir/mnt-1"
round a
[ "$(points data | wc -l)" -gt "$(wc -l <"$dir/points-data")" ] || fail "points: $(points data)"
points data | tail -n 1 | grep -q '^file-system-consistent' || fail "points: $(points data)"
points log | tail -n 1 | grep -q '^file-system-consistent' || fail "points: $(points log)"

echo '-- an agent that starts anew makes the next one when it is due, not at once'
rm "$dir/said"
echo due >"$dir/mnt-1/file"
sync -f "$dir/mnt-1"
jq '.assignments[0].consistent_s = 3600' "$dir/a.json" >"$dir/new.json"
"$tool" round "$dir/a" "$dir/new.json" >"$dir/report" 2>"$dir/log" || fail "round: $(cat "$dir/log")"
[ ! -e "$dir/said" ] || fail "a point within its hour: $(cat "$dir/said")"
points data | tail -n 1 | grep -q '^fuzzy' || fail "points: $(points data)"
for name in data log; do
    echo $(($(date +%s%3N) - 3600 * 1000)) >"$dir/a/workloads/shop/volumes/$name/consistent"
done
"$tool" round "$dir/a" "$dir/new.json" >"$dir/report" 2>"$dir/log" || fail "round: $(cat "$dir/log")"
[ "$(paste -sd' ' <"$dir/said")" = 'freeze thaw' ] || fail "no point after its hour: $(cat "$dir/log")"

if [ "${GODWIT_TEST_FAILPOINTS-}" = yes ]; then
    echo '-- killed while both are frozen'
    echo killed >"$dir/mnt-1/file"
    sync -f "$dir/mnt-1"
    code=0
    GODWIT_FAILPOINT=push_frozen=kill "$tool" round "$dir/a" "$dir/a.json" >"$dir/report" 2>"$dir/log" || code=$?
    [ "$code" = 137 ] || fail "it was not killed: $code $(cat "$dir/log")"
    begun=$(date +%s%3N)
    echo thawed >"$dir/mnt-1/file"
    echo thawed >"$dir/mnt-2/file"
    took=$(($(date +%s%3N) - begun))
    echo "   writable again after $took ms"
    [ "$took" -lt 1000 ] || fail "thawed $took ms after the agent was killed"
    round a
    points data | tail -n 1 | grep -q '^file-system-consistent' || fail "points: $(points data)"
fi

echo '-- a freeze hook that fails'
rm "$dir/said"
policy 'exit 3'
echo three >"$dir/mnt-1/file"
sync -f "$dir/mnt-1"
round a
grep -q 'ended with 3' "$dir/log" || fail "log: $(cat "$dir/log")"
[ "$(cat "$dir/said")" = thaw ] || fail 'the thaw hooks did not run'
points data | tail -n 1 | grep -q '^fuzzy' || fail "points: $(points data)"
touch "$dir/mnt-1/writable" || fail 'it is frozen'

echo '-- a hook that writes'
policy "dd if=/dev/urandom of=$dir/mnt-2/big bs=1M count=8 status=none"
round a
points data | tail -n 1 | grep -q '^file-system-consistent' || fail "points: $(points data)"
godwit replica pull "file://$dir/store//shop/log" "$dir/log.back" --key-file "$dir/key" \
    --state-dir "$dir/pull" >"$dir/out" 2>&1 || fail "pull: $(cat "$dir/out")"
mkdir "$dir/back"
mount -o loop "$dir/log.back" "$dir/back"
cmp "$dir/mnt-2/big" "$dir/back/big" || fail 'what the hook wrote is not in the point'
umount "$dir/back"

echo '-- a test begins from the newest consistent points, not from newer fuzzy ones'
newest() { # [KIND]: the newest point of each volume, of that kind
    local name
    for name in data log; do
        godwit replica show "file://$dir/store//shop/$name" --key-file "$dir/key" -o json |
            jq --arg kind "${1-}" '[.items[] | select($kind == "" or .kind == $kind)] | last.seq'
    done | paste -sd' '
}
consistent=$(newest file-system-consistent)
date +%N | tee "$dir/mnt-1/file" >"$dir/mnt-2/file"
sync -f "$dir/mnt-1" && sync -f "$dir/mnt-2"
jq '.assignments[0].consistent_s = 0' "$dir/a.json" >"$dir/new.json"
"$tool" round "$dir/a" "$dir/new.json" 2>"$dir/log" || fail "round: $(cat "$dir/log")"
[[ "$(points data | tail -n 1) $(points log | tail -n 1)" =~ ^fuzzy\ .*\ fuzzy ]] || fail "points: $(points data) $(points log)"
[ "$(newest)" != "$consistent" ] || fail 'there is no newer point'
config b follow 0
jq --arg dir "$dir" '.assignments[0].volumes = [("data", "log") | {name: ., replica: "shop/\(.)", device: "\($dir)/\(.).b", mount: null}]' \
    "$dir/b.json" >"$dir/new.json"
mv "$dir/new.json" "$dir/b.json"
order b test 0
expect '.state == "done" and .result.points == "consistent" and all(.result.volumes[]; .ok and .kind == "file-system-consistent")'
expect "([.result.volumes[].seq | tostring] | join(\" \")) == \"$consistent\""

if [ -z "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    echo "both volumes at one moment (no failpoints: nothing was killed)"
    exit 0
fi

# hooks WORDS: what the hooks said since the last time
hooks() {
    [ "$(paste -sd' ' "$dir/said" 2>/dev/null)" = "$1" ] || fail "hooks: $(paste -sd' ' "$dir/said"), not $1"
    rm -f "$dir/said"
}
# killed_at POINT: while both file systems change
killed_at() {
    local code=0
    date +%N >"$dir/mnt-1/file"
    sync -f "$dir/mnt-1"
    GODWIT_FAILPOINT="$1=kill" "$tool" round "$dir/a" "$dir/a.json" 2>"$dir/log" || code=$?
    [ "$code" = 137 ] || fail "not killed at $1 but $code: $(cat "$dir/log")"
}
# again: only what is owed, no further point
again() {
    jq '.assignments[0].consistent_s = 0' "$dir/a.json" >"$dir/new.json"
    "$tool" round "$dir/a" "$dir/new.json" 2>"$dir/log" || fail "round: $(cat "$dir/log")"
}
thawed() { # WHAT: within the watchdog's time
    timeout 5 touch "$dir/mnt-1/writable" "$dir/mnt-2/writable" || fail "$1: frozen"
}

echo '-- an order does not wait for a freeze hook, nor what is frozen for the order'
rm -f "$dir/said"
policy "echo x >$dir/fifo; sleep 60"
date +%N >"$dir/mnt-1/file"
sync -f "$dir/mnt-1"
overtaken round a
thawed "a hook was interrupted"
again
hooks thaw

echo '-- killed before the freeze hooks, and what is owed after each place behind'
rm -f "$dir/said"
policy "echo freeze >>$dir/said"
killed_at agent_thaw_owed # without hooks yet
again
[ ! -e "$dir/said" ] || fail "a hook ran for nothing: $(cat "$dir/said")"
for point in agent_freeze_hooks push_frozen agent_thaw_paid; do
    killed_at "$point"
    thawed "killed at $point"
    case $point in
        agent_freeze_hooks) before='' ;;
        agent_thaw_paid) before='freeze thaw ' ;; # told twice rather than not at all
        *) before='freeze ' ;;
    esac
    again
    hooks "${before}thaw"
    again
    [ ! -e "$dir/said" ] || fail "a thaw that was paid ran again"
done

echo '-- a thaw hook that fails is owed until it does not'
jq --arg dir "$dir" '.assignments[0].hooks.thaw = [["sh", "-c", "test -e \($dir)/may && echo thaw >>\($dir)/said"]]' \
    "$dir/a.json" >"$dir/new.json"
mv "$dir/new.json" "$dir/a.json"
date >"$dir/mnt-1/file"
sync -f "$dir/mnt-1"
round a
thawed "beside a hook that fails"
hooks freeze
again
[ ! -e "$dir/said" ] || fail "it did not fail"
touch "$dir/may"
again
hooks thaw

echo '-- killed with its watchdog: the unit has them thawed, the next agent tells the application'
jq '.assignments[0].freeze_s = 10' "$dir/a.json" >"$dir/new.json"
mv "$dir/new.json" "$dir/a.json"
date >"$dir/mnt-1/file"
sync -f "$dir/mnt-1"
GODWIT_FAILPOINT=push_frozen=delay:15000 "$tool" round "$dir/a" "$dir/a.json" 2>"$dir/log" &
agent=$!
watchdog=
until watchdog=$(pgrep -x -P "$agent" godwit-thaw); do
    kill -0 "$agent" 2>/dev/null || fail "no watchdog: $(cat "$dir/log")"
    sleep 0.05
done
# frozen: a writer that waits for it is left behind, as it cannot be ended
frozen() {
    touch "$dir/mnt-2/writable" &
    sleep 0.3
    kill -0 $! 2>/dev/null
}
until frozen; do sleep 0.05; done
kill -KILL "$watchdog"
kill -KILL "$agent"
wait "$agent" 2>/dev/null || true
frozen || fail "nothing is frozen: what is tried here?"
godwit-agent thaw --state-dir "$dir/a" || fail "thaw"
thawed "after godwit-agent thaw"
hooks freeze
again
hooks thaw
echo "both volumes at one moment, and thawed whatever died"
