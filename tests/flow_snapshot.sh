#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Consistent points of an image that changes more than a freeze gives time to read, from a snapshot by the file system it
# lies on: of one moment, with nothing left behind by whoever is killed, and never at the price of the writer's room.
set -eu
own_mounts_size=2g
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?run by make check}/tests/own_mounts.sh"
command -v mkfs.xfs >/dev/null || skip 'no mkfs.xfs here'
mkdir "$dir/below" "$dir/live" "$dir/copy" "$dir/plain"
image=$dir/below/image
writer=

fail() {
    echo "FAILED: $1"
    [ -z "$writer" ] || kill "$writer"
    exit 1
}
push() { # WANTED-EXIT [OPTION...]: the document into $told
    local wanted=$1 rc=0
    shift
    told=$(godwit replica push "$image" "file://$dir/vault/v" --consistent -o json "$@" 2>"$dir/err") || rc=$?
    [ $rc = "$wanted" ] || fail "push $*: exit $rc, not $wanted: $(cat "$dir/err") $told"
}
want() {
    [ "$(jq -r "$1" <<<"$told")" = "$2" ] || fail "$1 is not '$2': $told"
}
# Two files that are written in turn, synchronously, each line after the same line of the other: a copy of one moment has
# at most one line more in the first, and misses none that was there when it was asked for.
write_on() {
    local n=0
    while :; do
        n=$((n + 1))
        echo $n >>"$dir/live/first"
        sync "$dir/live/first"
        echo $n >>"$dir/live/second"
        sync "$dir/live/second"
        dd if=/dev/zero of="$dir/live/churn$((n % 3))" bs=1M count=30 conv=notrunc status=none
    done
}
restored() { # LEAST: how many lines must be there
    local first second
    godwit replica pull "file://$dir/vault/v" "$dir/restored" -q || fail 'pull'
    mount -o loop "$dir/restored" "$dir/copy" || fail 'the copy does not mount'
    first=$(wc -l <"$dir/copy/first")
    second=$(wc -l <"$dir/copy/second")
    umount "$dir/copy"
    e2fsck -fn "$dir/restored" >"$dir/out" 2>&1 || fail "the copy is not clean: $(cat "$dir/out")"
    [ "$second" -ge "$1" ] || fail "$second lines of $1"
    [ $((first - second)) -eq 0 ] || [ $((first - second)) -eq 1 ] || fail "$first and $second lines are of two moments"
}
lines() { wc -l <"$dir/live/second"; }

truncate -s 900M "$dir/disk"
mkfs.xfs -q -m reflink=1 "$dir/disk"
mount -o loop "$dir/disk" "$dir/below" 2>/dev/null || skip 'no xfs here'
truncate -s 200M "$image"
mkfs.ext4 -q -F "$image"
mount -o loop "$image" "$dir/live"
write_on &
writer=$!
until [ -s "$dir/live/churn2" ]; do sleep 0.05; done

echo '-- a snapshot is read while it is written on'
for _ in 1 2; do
    least=$(lines)
    push 0 --snapshot always
    want .point.kind file-system-consistent
    want .freeze.snapshot reflink
    restored "$least"
done

echo '-- each volume says what was read of it'
truncate -s 4M "$dir/below/other"
told=$(godwit replica together "file://$dir/vault" "$image=v" "$dir/below/other=w" --snapshot always -o json 2>"$dir/err") ||
    fail "together: $(cat "$dir/err")"
want '[.freeze.snapshot, .items[].snapshot] | join(" ")' 'reflink reflink reflink'
rm "$dir/below/other"

echo '-- and by itself, where the freeze is too short; not where that is forbidden'
push 5 --freeze 10ms --snapshot never
grep -q GW-3024 "$dir/err" || fail "why: $(cat "$dir/err")"
least=$(lines)
push 0 --freeze 10ms
want .point.kind file-system-consistent
restored "$least"

echo '-- nothing is left of it when its process is killed'
if [ "${GODWIT_TEST_FAILPOINTS:-}" = yes ]; then
    used() { sync -f "$dir/below" && df --output=used "$dir/below" | tail -n 1; }
    for point in snapshot_frozen push_read; do
        rc=0
        GODWIT_FAILPOINT=$point=kill godwit replica push "$image" "file://$dir/vault/v" --consistent \
            --snapshot always -q 2>/dev/null || rc=$?
        [ $rc = 137 ] || fail "not killed at $point but $rc"
        timeout 5 touch "$dir/live/thawed" || fail "killed at $point: it stays frozen"
        [ "$(ls -A "$dir/below")" = image ] || fail "left: $(ls -A "$dir/below")"
    done
fi
kill $writer
wait $writer 2>/dev/null || true
writer=

echo '-- no room for what its writers may write: refused before it is made'
push 0 --snapshot always
free=$(df --output=avail -B1 "$dir/below" | tail -n 1)
fallocate -l $((free - (40 << 20))) "$dir/below/ballast"
sync -f "$dir/below"
push 1 --snapshot always
grep -q GW-1091 "$dir/err" || fail "why: $(cat "$dir/err")"
rm "$dir/below/ballast"
umount "$dir/live"

echo '-- a file system that shares no blocks says so'
cp --sparse=always "$image" "$dir/plain/image"
image=$dir/plain/image
push 5 --snapshot always
grep -q 'makes no snapshot' "$dir/err" || fail "why: $(cat "$dir/err")"
push 5 --snapshot auto # 200 MiB that nobody tracks are not read in a freeze
grep -q GW-3024 "$dir/err" || fail "why: $(cat "$dir/err")"
umount "$dir/below"
echo 'points of one moment from snapshots, and nothing left of them'
