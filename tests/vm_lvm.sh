#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Consistent points of logical volumes that change more than a freeze gives time to read, from snapshots: of one moment, with
# a database that is whole, and nothing left behind by whoever is killed, by a snapshot that ran full or by a volume that LVM
# changed meanwhile.
#   vm_lvm.sh [POINTS]
set -eu
# shellcheck disable=SC2034 # own_guest.sh reads it
guest_disks=(virtio:800M)
# shellcheck source=tests/own_guest.sh
. "${abs_top_srcdir:?run by make check-vm}/tests/own_guest.sh"
own_mounts_size=1500m
# shellcheck source=tests/own_mounts.sh
. "$abs_top_srcdir/tests/own_mounts.sh"

points=${1:-5}
mkdir "$dir/live" "$dir/second" "$dir/copy"
export HOME=$dir TMPDIR=$dir PYTHONDONTWRITEBYTECODE=1
acks=$dir/acks
writers=()
volume=/dev/group/data

stop_writers() {
    [ ${#writers[@]} = 0 ] || kill "${writers[@]}" 2>/dev/null || true
    wait
    writers=()
}
finish() {
    stop_writers
    umount "$dir/live" "$dir/second" "$dir/copy" 2>/dev/null || true
    tool_track sweep
    vgremove -qq -f -y group
}
trap finish EXIT
fail() {
    echo "FAILED: $1"
    dmsetup ls --tree || true
    lvs || true
    exit 1
}

push() { # WANTED-EXIT [OPTION...]: the document into $told
    local wanted=$1 rc=0
    shift
    told=$(godwit replica push "$volume" "file://$dir/vault/v" --consistent -o json "$@" 2>"$dir/err") || rc=$?
    [ $rc = "$wanted" ] || fail "push $*: exit $rc, not $wanted: $(cat "$dir/err") $told"
}
want() {
    [ "$(jq -r "$1" <<<"$told")" = "$2" ] || fail "$1 is not '$2': $told"
}
said() {
    grep -q "$1" "$dir/err" || fail "why: $(cat "$dir/err")"
}
# own_table [VOLUME]: nothing of ours is there, and the volume is what LVM made it.
own_table() {
    ! dmsetup ls | grep -q godwit || fail "left: $(dmsetup ls)"
    ! lvs --noheadings -o lv_name | grep -q godwit || fail "left: $(lvs)"
    [[ $(dmsetup table "${1:-group-data}") == *linear* ]] || fail "its table: $(dmsetup table group-data)"
}
# written: whoever writes goes on.
written() { timeout 10 dd if=/dev/zero of="$dir/live/written" bs=4k count=1 conv=fsync status=none || fail "$1: it hangs"; }

write_on() {
    setpriv --pdeathsig KILL python3 "$abs_top_srcdir/tests/points_writer.py" write sqlite "$dir/live/db" "$acks" &
    writers+=($!)
    # More than a freeze has memory for, again and again, and cheap to send: it is what it was.
    setpriv --pdeathsig KILL python3 -c 'import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
while True:
    for at in range(0, 72 << 20, 4 << 20):
        os.pwrite(fd, b"x" * (4 << 20), at)
        os.fdatasync(fd)' "$dir/live/churn" &
    writers+=($!)
    until [ -s "$acks" ] && [ "$(wc -l <"$acks")" -gt 20 ]; do read -rt 0.1 <> <(:) || true; done
}
# whole: the newest point, its file system and its database.
whole() {
    local taken
    taken=$(date -d "$(jq -r .point.taken_at <<<"$told")" +%s%3N)
    rm -rf "$dir/restored" "$dir/pulls"
    XDG_STATE_HOME=$dir/pulls godwit replica pull "file://$dir/vault/v" "$dir/restored" -q || fail 'pull'
    mount -o loop "$dir/restored" "$dir/copy" || fail 'the copy does not mount'
    echo "   $(python3 "$abs_top_srcdir/tests/points_writer.py" check sqlite "$dir/copy/db" "$acks" "$taken")" || fail 'the database'
    umount "$dir/copy"
    e2fsck -fn "$dir/restored" >"$dir/out" 2>&1 || fail "the copy is not clean: $(cat "$dir/out")"
}

modprobe loop
disk=$(guest_disk virtio)
wipefs -qaf "$disk"
vgcreate -qq -y group "$disk"
lvcreate -qq -y -L 128M -n data group
mkfs.ext4 -q -F "$volume"
mount "$volume" "$dir/live"
write_on

echo "-- $points points while a database writes"
push 0 --snapshot always
for _ in $(seq "$points"); do
    push 0 --snapshot always
    want .point.kind file-system-consistent
    want .freeze.snapshot lvm
    want .freeze.file_systems 1
    echo "   $(jq .freeze.pause_ms <<<"$told") ms"
    own_table
    whole
done

echo '-- and by itself, where more changes than a freeze gives time to read'
push 0
want .freeze.snapshot lvm
whole

echo '-- killed: it thaws, is written on, and the next one that starts removes what is left'
for point in snapshot_lvm_made snapshot_frozen push_read; do
    rc=0
    { GODWIT_FAILPOINT=$point=kill godwit replica push "$volume" "file://$dir/vault/v" --consistent --snapshot always -q; } \
        2>/dev/null || rc=$?
    [ $rc = 137 ] || fail "not killed at $point but $rc"
    written "killed at $point"
    dmsetup ls | grep -q godwit || fail "killed at $point, and nothing is left: this shows nothing"
    [ $point = push_read ] || tool_track sweep
    [ $point != push_read ] || push 0 --snapshot always # a push begins with it, too
    own_table
    written "swept after $point"
done
whole

echo '-- one that is in use is not removed, and no link is made to what is on it'
uuid=$(blkid -s UUID -o value "$volume")
linked=$(readlink -f "/dev/disk/by-uuid/$uuid")
GODWIT_FAILPOINT=push_read=delay:100 godwit replica push "$volume" "file://$dir/vault/v" --consistent --snapshot always -q &
reader=$!
until [[ $(dmsetup table group-data) == *snapshot-origin* ]]; do read -rt 0.1 <> <(:) || true; done
tool_track sweep
XDG_STATE_HOME=$dir/beside push 6 --snapshot always
said 'somebody else'
udevadm settle
[ "$(readlink -f "/dev/disk/by-uuid/$uuid")" = "$linked" ] || fail "udev links another: $(ls -l /dev/disk/by-uuid)"
[[ $(dmsetup table group-data) == *snapshot-origin* ]] || fail 'somebody else removed it'
wait $reader || fail 'a push while somebody sweeps'
own_table

newest() { godwit replica show "file://$dir/vault/v" -o json | jq '[.items[].seq] | max'; }
before=$(newest)
echo '-- LVM makes the volume larger while its snapshot is read: no point'
GODWIT_FAILPOINT=push_read=delay:100 push 5 --snapshot always &
reader=$!
until [[ $(dmsetup table group-data) == *snapshot-origin* ]]; do read -rt 0.1 <> <(:) || true; done
lvextend -qq -L +4M group/data
wait $reader || exit 1
said 'was changed'
own_table
[ "$(newest)" = "$before" ] || fail 'a point of two moments'

echo '-- more is written than there is room for: no point, and nothing is left'
free=$(vgs --noheadings --nosuffix --units m -o vg_free group)
lvcreate -qq -y -L "$((${free%.*} - 8))M" -n ballast group
GODWIT_FAILPOINT=push_read=delay:500 push 1 --snapshot always
said GW-1091
said 'ran full'
own_table
written 'a snapshot that ran full'
[ "$(newest)" = "$before" ] || fail 'a point of a snapshot that ran full'
lvcreate -qq -y -l 100%FREE -n rest group

echo '-- no room at all: why is told'
push 5 --snapshot always
said 'no free room'
own_table
lvremove -qq -y group/ballast group/rest

echo '-- several volumes at one moment'
lvcreate -qq -y -L 64M -n other group
mkfs.ext4 -q -F /dev/group/other
mount /dev/group/other "$dir/second"
(
    for ((n = 1; ; n++)); do
        echo $n >>"$dir/live/first"
        sync "$dir/live/first"
        echo $n >>"$dir/second/second"
        sync "$dir/second/second"
    done
) &
writers+=($!)
until [ -s "$dir/second/second" ]; do read -rt 0.1 <> <(:) || true; done
least=$(wc -l <"$dir/second/second")
told=$(godwit replica together "file://$dir/vault" "$volume=v" /dev/group/other=w --snapshot always -o json 2>"$dir/err") || fail "together: $(cat "$dir/err")"
own_table
own_table group-other
godwit replica pull "file://$dir/vault/v" "$dir/restored" -q
godwit replica pull "file://$dir/vault/w" "$dir/other" -q
mount -o loop "$dir/restored" "$dir/copy"
first=$(wc -l <"$dir/copy/first")
umount "$dir/copy"
mount -o loop "$dir/other" "$dir/copy"
second=$(wc -l <"$dir/copy/second")
umount "$dir/copy"
[ "$second" -ge "$least" ] || fail "$second lines of $least"
[ $((first - second)) -eq 0 ] || [ $((first - second)) -eq 1 ] || fail "$first and $second lines are of two moments"
echo "   $first and $second lines"
stop_writers
umount "$dir/live" "$dir/second"

echo '-- a thin volume'
lvremove -qq -y group/data group/other
lvcreate -qq -y -L 200M -T group/pool -V 128M -n data
mkfs.ext4 -q -F "$volume"
mount "$volume" "$dir/live"
rm -r "$dir/vault" "$dir/xdg" "$acks"
write_on
push 0 --snapshot always
want .freeze.snapshot lvm
whole
! dmsetup ls | grep -q godwit || fail "left: $(dmsetup ls)"
[[ $(dmsetup table group-data) == *thin* ]] || fail "its table: $(dmsetup table group-data)"
echo 'points of one moment from snapshots of logical volumes, and nothing left of them'
