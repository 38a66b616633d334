#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The kernel itself refuses to read: a btrfs whose checksums do not fit a few blocks of an image, and a loop device on a
# file that lost its end. Through the page cache, O_DIRECT and io_uring, with and without a tracker: what cannot be read
# is named, all else is as it is, and a pass that can read it again makes the replica whole.
set -eu
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?run by make check}/tests/own_mounts.sh"
command -v mkfs.btrfs >/dev/null || skip 'no mkfs.btrfs here'
mkdir "$dir/m"

fail() {
    echo "FAILED: $1"
    exit 1
}

# push WANTED-EXIT VOLUME REPLICA [OPTION...]: the document into $told
push() {
    local wanted=$1 volume=$2 replica=$3 rc=0
    shift 3
    told=$(godwit replica push "$volume" "file://$dir/vault/$replica" -o json "$@" 2>"$dir/err") || rc=$?
    [ $rc = "$wanted" ] || fail "push $volume $*: exit $rc, not $wanted: $(cat "$dir/err") $told"
}
named() { # OFFSET+BYTES...: what the point says
    local got
    got=$(jq -r '[.point.unreadable[]? | "\(.offset)+\(.bytes)"] | join(" ")' <<<"$told")
    [ "$got" = "$*" ] || fail "'$got' was named, not '$*': $told"
}
restored() { # REPLICA EXPECTED
    godwit replica pull "file://$dir/vault/$1" "$dir/back" --allow-incomplete -q || fail "pull of $1"
    cmp "$2" "$dir/back" || fail "$1: what can be read came back otherwise"
    rm "$dir/back"
}
sector() { printf 'sector %08d %4080s' "$1" ''; }

truncate -s 300M "$dir/disk"
mkfs.btrfs -q -m dup -d single "$dir/disk"
mount -o loop "$dir/disk" "$dir/m" 2>/dev/null || skip 'no btrfs here'
for ((i = 0; i < 2000; i++)); do sector $i; done >"$dir/expected"
cp "$dir/expected" "$dir/m/image"
umount "$dir/m"
for s in 300 301 777; do
    at=$(grep -abo -m1 "sector 00000$s" "$dir/disk" | head -n1 | cut -d: -f1)
    printf X | dd of="$dir/disk" bs=1 seek="$at" conv=notrunc status=none
    dd if=/dev/zero of="$dir/expected" bs=4096 seek=$s count=1 conv=notrunc status=none
done
mount -o loop "$dir/disk" "$dir/m"
! dd if="$dir/m/image" of=/dev/null bs=4096 skip=300 count=1 status=none 2>/dev/null || skip 'this btrfs reads what does not fit its checksum'
bad=("$((300 * 4096))+8192" "$((777 * 4096))+4096")

echo '-- an image, through the page cache'
push 3 "$dir/m/image" image
named "${bad[@]}"
restored image "$dir/expected"

echo '-- devices of 512 and 4096 bytes a sector, past it'
for size in 512 4096; do
    attach "$dir/m/image" 7 --sector-size $size
    push 3 "$dev" "of-$size" --tracker scan
    named "${bad[@]}"
    restored "of-$size" "$dir/expected"
    push 3 "$dev" "of-$size" --tracker scan
    [ "$(jq .point.seq <<<"$told")" = 1 ] || fail 'the same again makes a new point'
    exec 7<&-
done

echo '-- no point of it is consistent'
push 5 "$dir/m/image" image --consistent
grep -q 'cannot be read' "$dir/err" || fail "why: $(cat "$dir/err")"
godwit replica show "file://$dir/vault/image" | grep -q 'file-system-consistent' && fail 'it is called consistent'

echo '-- who writes a sector anew can read it, tracked or not'
tracker=ebpf
attach "$dir/m/image" 7
push_rc=0
godwit replica push "$dev" "file://$dir/vault/tracked" --tracker ebpf -q 2>"$dir/err" || push_rc=$?
[ $push_rc = 3 ] || { grep -q 'in the kernel' "$dir/err" && tracker=scan; } || fail "exit $push_rc: $(cat "$dir/err")"
push 3 "$dev" tracked --tracker $tracker
named "${bad[@]}"
sector 777 | dd of="$dev" bs=4096 seek=777 oflag=direct conv=notrunc status=none
sector 777 | dd of="$dir/expected" bs=4096 seek=777 conv=notrunc status=none
push 3 "$dev" tracked --tracker $tracker
named "$((300 * 4096))+8192"
restored tracked "$dir/expected"
for s in 300 301; do
    sector $s | dd of="$dev" bs=4096 seek=$s oflag=direct conv=notrunc status=none
    sector $s | dd of="$dir/expected" bs=4096 seek=$s conv=notrunc status=none
done
push 0 "$dev" tracked --tracker $tracker
named
restored tracked "$dir/expected"
push 0 "$dev" tracked --tracker $tracker --consistent
exec 7<&-
umount "$dir/m"

echo '-- a device whose end is gone, and comes back with nobody writing: what was read once stays'
head -c 9000448 /dev/urandom >"$dir/file"
cp "$dir/file" "$dir/expected"
attach "$dir/file" 7
push 0 "$dev" end --tracker $tracker
truncate -s 8999936 "$dir/file"
push 3 "$dev" end --tracker scan
named 8999936+512
restored end "$dir/expected"
[ $tracker = scan ] || push 3 "$dev" end --tracker ebpf
truncate -s 9000448 "$dir/file"
push 0 "$dev" end --tracker $tracker
named
restored end "$dir/file"
exec 7<&-
echo 'what the kernel cannot read is named, and nothing else is lost'
