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
echo "both volumes at one moment"
