#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Devices that change under us, beside each tracker, with sectors of 512 and of 4096 bytes, disks and partitions: they
# grow, shrink, lose their medium, get another one, move and are used by others, between passes and within one. A point is
# always of what is there, a pass that had to read everything says why, and the next one is tracked again.
set -eu
# shellcheck source=tests/own_mounts.sh
. "${abs_top_srcdir:?run by make check}/tests/own_mounts.sh"
for need in addpart jq losetup mkfs.ext4; do
    command -v $need >/dev/null || skip "no $need"
done
mount -t bpf bpf /sys/fs/bpf || true # without it there is one tracker less
mkdir "$dir/mnt"

fail() {
    echo "FAILED: $1 ($tracker, sectors of $sector bytes)"
    exit 1
}

# disk IMAGE FD: what the volume's name leads to from now on, $disk.
disk() {
    attach "$1" "$2" --sector-size "$sector"
    disk=$dev dev=$dir/volume
    named "$disk"
}
named() { ln -sfn "$1" "$dev"; }

# push WANTED-EXIT [OPTION...]: the document into $told; a point is of what the device holds now.
push() {
    local wanted=$1 rc=0
    shift
    told=$(godwit replica push "$dev" "$replica" --tracker "$tracker" --state-dir "$state" -o json "$@" 2>"$dir/err") || rc=$?
    [ $rc = "$wanted" ] || fail "push $*: exit $rc, not $wanted: $(cat "$dir/err") $told"
    [ $rc != 0 ] || [ "$(jq -r .point.digest <<<"$told")" = "$(godwit replica digest "$dev" | cut -d' ' -f1)" ] ||
        fail "push $*: the point is not what the device holds: $told"
}
says() { grep -q "$1" "$dir/err" || fail "'$1' is not in: $(cat "$dir/err") $told"; }
# poke PLACE [DEVICE]: writes a sector there.
poke() {
    dd if=/dev/urandom of="${2:-$dev}" bs="$sector" count=1 seek=$(($1 * 4096 / sector)) oflag=direct conv=notrunc status=none
}

# rescans WORDS: the last push read everything, and says why. Some kernels hide events: then it says that.
rescans() {
    [ "$tracker" = scan ] || [[ $(jq -r .rescan <<<"$told") =~ $1|sectors\ more|went\ by\ unseen ]] || fail "not '$1': $told"
}
# tracked [PLACE]: a write there is told by the tracker, and nothing else is read; the point says so.
tracked() {
    poke "${1:-77}"
    push 0
    [ "$(jq -r '"\(.tracker) \(.rescan != null or .tracker == "scan")"' <<<"$told")" = \
        "$(jq -r '.point | "\(.tracker) \(.all_read)"' <<<"$told")" ] || fail "what the point says: $told"
    [ "$(jq .changed_bytes <<<"$told")" -le 4096 ] || fail "more than one sector: $told"
    [ "$tracker" = scan ] || [ "$(jq .rescan <<<"$told")" = null ] || rescans 'nothing else'
}

# Sizes and places are in units of 4 KiB. resize SIZE: the disk, with its file.
resize() {
    truncate -s $(($1 * 4096)) "$dir/image"
    losetup -c "$disk"
}
# Who looks at new devices (udev) may have it open for a moment.
no_p1() {
    until delpart "$disk" 1 2>/dev/null || [ ! -b "${disk}p1" ]; do read -rt 0.05 <> <(:) || true; done
}
# p1 START SIZE: the first partition, when there is one already; ranges of partitions are in units of 512 bytes.
p1() {
    no_p1
    addpart "$disk" 1 $(($1 * 8)) $(($2 * 8))
}

# within WORDS COMMAND...: in the middle of a pass, which ends with 1 and these words, and makes no point.
within() {
    local words=$1 pid rc=0
    shift
    : >"$dir/begun"
    GODWIT_FAILPOINT='track_freeze=count;push_read=delay:2000' GODWIT_FAILPOINT_COUNT=$dir/begun \
        godwit replica push "$dev" "$replica" --tracker scan --state-dir "$state" >"$dir/out" 2>"$dir/err" &
    pid=$!
    until [ -s "$dir/begun" ] || ! kill -0 $pid; do read -rt 0.02 <> <(:) || true; done
    "$@"
    wait $pid || rc=$?
    [ $rc = 1 ] || fail "$* in a pass that ended with $rc: $(cat "$dir/err")"
    says "GW-3021.*$words"
}

in_a_pass() {
    echo '   grows and shrinks in the middle of a pass'
    within grew resize 600
    push 0
    within shrank resize 500
    push 5
    push 0 --shrink
    tracked
}

disks() {
    echo '   grows'
    resize 700
    push 0
    rescans 'another size'
    tracked 699
    echo '   shrinks'
    resize 500
    push 5
    says GW-3025
    push 0 --shrink
    rescans 'another size'
    tracked
    [ "$tracker" != scan ] || [ "${GODWIT_TEST_FAILPOINTS:-}" != yes ] || in_a_pass
    echo '   has no medium'
    resize 0
    push 1 --shrink
    says 'No medium'
    resize 500
    echo '   is another one under the same name'
    head -c $((500 * 4096)) /dev/urandom >"$dir/other"
    disk "$dir/other" 8
    push 0
    rescans 'is another one'
    tracked
    exec 7<&- 8<&-
    mv "$dir/other" "$dir/image"
    disk "$dir/image" 7
    push 0
    tracked
}

partitions() {
    addpart "$disk" 1 800 2400 || skip 'no partitions of loop devices here'
    named "${disk}p1"
    echo '   a partition, which is smaller than the disk'
    push 5
    push 0 --shrink
    tracked 299
    echo '   its neighbours are written'
    poke 99 "$disk"
    poke 400 "$disk"
    push 0
    [ "$(jq .changed_bytes <<<"$told")" = 0 ] || fail "of its neighbours: $told"
    poke 100 "$disk"
    push 0
    [ "$tracker" = scan ] || [ "$(jq .rescan <<<"$told")" = null ] || rescans 'nothing else'
    echo '   grows, moves, and goes'
    p1 100 350
    push 0
    rescans 'another size'
    tracked 349
    p1 101 350
    push 0
    rescans 'is not what it was|is another one'
    tracked
    no_p1
    push 1
    says GW-3020
    p1 101 350
    push 0
    tracked
}

# A file system is in use from there: that is no reason not to read it, and one not to write to it.
busy() {
    echo '   in use'
    mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=0 "$dev"
    mount "$dev" "$dir/mnt"
    sync -f "$dir/mnt" # else the kernel writes when it likes, after the push too
    push 0
    rc=0
    godwit replica pull "$replica" "$dev" --state-dir "$state" >"$dir/out" 2>"$dir/err" || rc=$?
    [ $rc = 6 ] || fail "a pull onto what is mounted: exit $rc"
    says GW-3022
    umount "$dir/mnt"
    godwit replica pull "$replica" "$dev" --state-dir "$state" -q || fail 'a pull onto what is not mounted any more'
    push 0
}

story() {
    tracker=$1 sector=$2 replica=file://$dir/vault/$1-$2 state=$dir/state-$1-$2
    echo "-- $tracker, sectors of $sector bytes"
    head -c $((600 * 4096)) /dev/urandom >"$dir/image"
    disk "$dir/image" 7
    ! godwit replica push "$dev" "$replica" --tracker "$tracker" --state-dir "$state" -q 2>"$dir/err" || { all_of_it; return; }
    says 'in the kernel'
    echo "   not here: $(head -n1 "$dir/err")"
    exec 7<&-
}
# Beside a scan the rest is what any pass is.
all_of_it() {
    disks
    if [ "$tracker" != scan ]; then
        partitions
        busy
        rm "$state"/tracker*
        godwit replica push "$dev" "$replica" --tracker "$tracker" --state-dir "$state" >"$dir/out"
        grep -q '^all of it was read: ' "$dir/out" || fail "why it took so long: $(cat "$dir/out")"
        no_p1
    fi
    exec 7<&-
}

story ebpf 512
story tracefs 4096
story scan 512
echo 'what a device became is what its points are of'
