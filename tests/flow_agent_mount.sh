#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A switch of a mounted file system on block devices: read-only behind the fence, out of the way while
# it follows, mounted where it was promoted. Needs root and two loop devices.
set -eu
# Volumes are tracked in the kernel: the pins stay among our own mounts.
if [ -z "${FLOW_PRIVATE-}" ] && unshare -m true 2>/dev/null; then
    FLOW_PRIVATE=1 exec unshare -m --propagation private bash "$0" "$@"
fi
[ -z "${FLOW_PRIVATE-}" ] || mount -t bpf bpf /sys/fs/bpf 2>/dev/null || true

if [ "$(id -u)" -ne 0 ]; then
    echo "skip: only root can mount"
    exit 77
fi
# shellcheck source=tests/agent_story.sh
. "${abs_top_srcdir:?}/tests/agent_story.sh"

loops=()
clean_up() {
    umount "$dir/mnt-a" "$dir/mnt-b" 2>/dev/null || true
    for loop in "${loops[@]}"; do
        losetup -d "$loop" || true
    done
    rm -rf "$dir"
}
trap clean_up EXIT

for side in a b; do
    truncate -s 16M "$dir/$side.img"
    mkdir "$dir/mnt-$side"
    loop=$(losetup -f --show "$dir/$side.img" 2>/dev/null) || {
        echo "skip: no loop device"
        exit 77
    }
    loops+=("$loop")
    device[$side]=$loop
    mount[$side]="\"$dir/mnt-$side\""
done
mkfs.ext4 -q "${device[a]}"
if ! mount "${device[a]}" "$dir/mnt-a" 2>/dev/null; then
    echo "skip: mounting is not possible here"
    exit 77
fi

is_mounted() {
    grep -q " $dir/mnt-$1 " /proc/self/mountinfo
}
is_readonly() {
    grep -q " $dir/mnt-$1 ro" /proc/self/mountinfo && [ "$(blockdev --getro "${device[$1]}")" = 1 ]
}

echo one >"$dir/mnt-a/file"
sync -f "$dir/mnt-a/file"
config a push 0
config b follow 0
order a adopt 0
round a
! compgen -G "$dir/a/workloads/*/volumes/*/tracker*" >/dev/null ||
    grep -q 'everything was read: it was not tracked before (tracker ' "$dir/log" || fail "why everything was read: $(cat "$dir/log")"
round b
is_mounted b && fail "a landing volume is mounted while it follows"

# a writer that stays: the fence does not hold, and says who
exec 8>"$dir/mnt-a/open"
order a fence 1
expect '.state == "failed"'
guard a 5
exec 8>&-
"$tool" decide "$dir/a.json" shop 1 abort >"$dir/out"
order a abort 1
expect_done
guard a 0
is_mounted a || fail "it is not mounted after the abort"
is_readonly a && fail "it is read-only after the abort"
echo two >"$dir/mnt-a/file"

order a fence 2
expect_done
is_readonly a || fail "the fenced file system is writable"
(echo no >"$dir/mnt-a/file") 2>/dev/null && fail "a write went through the fence"
order a final 2
expect_done
cp "$dir/answer" "$dir/final2"
apply b 2
expect_done
decide 2 promote promote
order b promote 2
expect_done
is_mounted b || fail "the promoted file system is not mounted"
[ "$(cat "$dir/mnt-b/file")" = two ] || fail "the promoted side lacks the last write"

# the way back: what was mounted read-only here is out of the way of the pulls
echo three >"$dir/mnt-b/file"
sync -f "$dir/mnt-b/file"
round b
config a follow 2
config b push 2
round a
is_mounted a && fail "the old side is still mounted"
order b fence 3
expect_done
order b final 3
cp "$dir/answer" "$dir/final3"
apply a 3
expect_done
decide 3 promote promote
order a promote 3
expect_done
[ "$(cat "$dir/mnt-a/file")" = three ] || fail "the way back lost a write"
is_readonly b || fail "the fence of the new side fell"
umount "$dir/mnt-a"
e2fsck -fn "${device[a]}" >"$dir/out" 2>&1 || fail "the file system is damaged: $(cat "$dir/out")"
echo "mounted, fenced, and back"
