#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sectors that cannot be read: every verb that meets them, or a point that was made without them, says so.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs jq
[ "${GODWIT_TEST_FAILPOINTS:-}" = yes ] || { echo 'skipped: built without failpoints'; exit 77; }
mkdir "$dir/store"
store=file://$dir/store
bad='volume_read@1048576+4096:*=err:EIO;volume_read@2000000+1:*=err:EIO'
want() { # FILTER WANTED: of the document in $dir/out
    [ "$(jq -r "$1" "$dir/out")" = "$2" ] || fail "$1 is not '$2'"
}

echo '-- a push ends with 3, names the ranges, and leaves a point'
head -c 3000000 /dev/urandom >"$dir/v.img"
GODWIT_FAILPOINT=$bad exits 3 godwit replica push "$dir/v.img" "$store/v" -o json
want .point.complete false
want .point.unreadable_bytes 8192
want '[.point.unreadable[] | "\(.offset)+\(.bytes)"] | join(" ")' '1048576+4096 1998848+4096'
want .point.unreadable[1].lba 3904
says err GW-3035
GODWIT_FAILPOINT=$bad exits 3 godwit replica push "$dir/v.img" "$store/v"
grep -q 'INCOMPLETE: 8.0 KiB in 2 ranges' "$dir/out" || fail "people are not told: $(cat "$dir/out")"

echo '-- so do show, verify and ls, and a pull wants to be told'
exits 0 godwit replica show "$store/v"
grep -q 'fuzzy, incomplete' "$dir/out" || fail "show: $(cat "$dir/out")"
grep -q 'byte 1048576 (LBA 2048): 4.0 KiB' "$dir/out" || fail "show does not name it: $(cat "$dir/out")"
exits 0 godwit replica show "$store/v" -o json
want '.items[0].unreadable | length' 2
exits 3 godwit replica verify "$store/v" --full -o json
want .ok true
want .complete false
want .unreadable[0].offset 1048576
says err GW-3035
GODWIT_FAILPOINT=$bad exits 3 godwit replica verify "$store/v" --against "$dir/v.img" -o json
says err GW-3035
want .ok true
want .complete false
want .against_unreadable_bytes 8192
want '[.faults[] | "\(.what) \(.offset)+\(.length)"] | join(" ")' 'unreadable 1048576+4096 unreadable 1998848+4096'
GODWIT_FAILPOINT=$bad exits 3 godwit replica verify "$store/v" --against "$dir/v.img"
says out 'no difference where the volume can be read'
exits 5 godwit replica pull "$store/v" "$dir/back"
says err GW-3036
[ ! -e "$dir/back" ] || fail 'a refused pull left a file'
exits 0 godwit replica pull "$store/v" "$dir/back" --allow-incomplete -o json
want .point.complete false
cp "$dir/v.img" "$dir/expected"
dd if=/dev/zero of="$dir/expected" bs=4096 seek=256 count=1 conv=notrunc status=none
dd if=/dev/zero of="$dir/expected" bs=4096 seek=488 count=1 conv=notrunc status=none
cmp "$dir/expected" "$dir/back" || fail 'something else is lost'
exits 5 godwit replica follow "$store/v" "$dir/followed" --once
says err GW-3036
exits 0 godwit replica follow "$store/v" "$dir/followed" --once --allow-incomplete

echo '-- a pass that can read them makes it whole'
exits 0 godwit replica push "$dir/v.img" "$store/v" -o json
want .point.complete true
want .point.seq 2
exits 0 godwit replica pull "$store/v" "$dir/back"
cmp "$dir/v.img" "$dir/back" || fail 'it was not mended'
exits 0 godwit replica verify "$store/v" --full

echo '-- and what was read once stays when it cannot be read any more'
GODWIT_FAILPOINT=$bad exits 3 godwit replica push "$dir/v.img" "$store/v" -o json
want .point.changed_bytes 0
exits 0 godwit replica pull "$store/v" "$dir/back" --allow-incomplete
cmp "$dir/v.img" "$dir/back" || fail 'what the vault had was thrown away'
echo 'what cannot be read is named everywhere'
