#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pull from nothing that is killed goes on at the place it kept: what it wrote until then is neither
# fetched nor read again. Nothing of that holds for a volume that is another, or for another point.
# The volume is 5 GiB and nearly all hole, so that it costs seconds.
set -eu
: "${abs_top_srcdir:?}" "${abs_top_builddir:?}"
[ -n "${GODWIT_TEST_FAILPOINTS:-}" ] || {
    echo 'SKIP: needs a build with failpoints'
    exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
store=file://$dir/store/disk
mkdir "$dir/store"

fail() {
    echo "FAIL: $*"
    exit 1
}

# One block of 64 KiB in each region of 64 MiB.
regions=80
truncate -s $((regions * 64))M "$dir/disk"
for ((i = 0; i < regions; i++)); do
    head -c 65536 /dev/urandom | dd of="$dir/disk" bs=64K seek=$((i * 1024 + i)) conv=notrunc status=none
done
godwit replica push "$dir/disk" "$store" >"$dir/out" 2>&1

# The blocks with data one by one, and nothing but them: to read all of the holes takes long.
same() {
    local i
    for ((i = 0; i < regions; i++)); do
        cmp -s -n 65536 -i $(((i * 1024 + i) * 65536)) "$dir/disk" "$dir/back" || fail "$*: region $i"
    done
    [ "$(du -k "$dir/back" | cut -f1)" -le $((regions * 64 + 1024)) ] || fail "$*: more than the data"
}

pull() {
    godwit replica pull "$store" "$dir/back" --state-dir "$dir/s" >"$dir/out" 2>"$dir/err"
}

# FAILPOINT ACTION: the exit status of a pull with it
pull_with() {
    local rc=0
    GODWIT_FAILPOINT=$1 bash -c '"$@"; exit $?' _ godwit replica pull "$store" "$dir/back" --state-dir "$dir/s" \
        >"$dir/out" 2>"$dir/err" || rc=$?
    echo $rc
}

killed() {
    rm -rf "$dir/back" "$dir/s"
    [ "$(pull_with pull_flush=kill)" -eq 137 ] || fail 'the pull was not killed'
}

echo '== it goes on: at least the 64 regions of the place are not read'
killed
[ "$(pull_with volume_read:17=err:EIO)" -eq 0 ] || fail "it read what it had proved: $(cat "$dir/err")"
same 'the volume differs'
pull
grep -q '0 B fetched' "$dir/out" || fail 'the volume is not known to be equal'

echo '== killed where it keeps its place, and gone on with'
rm -rf "$dir/back" "$dir/s"
[ "$(pull_with pull_keep=kill)" -eq 137 ] || fail 'the pull was not killed'
pull
same 'the volume differs'

echo '== another image in the place of the half one is compared from the start'
killed
rm "$dir/back"
pull
same 'the place of an image that is gone was believed'

echo '== so is another point'
killed
head -c 65536 /dev/urandom | dd of="$dir/disk" bs=64K seek=3 conv=notrunc status=none
godwit replica push "$dir/disk" "$store" >"$dir/out" 2>&1
pull
same 'the place of another point was believed'
echo 'a killed pull goes on'
