#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit store: what it says of a vault, what it finds wrong, and what it deletes only when told to.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs jq
mkdir "$dir/store"
store=file://$dir/store

echo "-- a vault of two replicas"
for _ in 1 2 3; do
    head -c 2000000 /dev/urandom >"$dir/a.img"
    exits 0 godwit replica push "$dir/a.img" "$store/a"
done
head -c 3000000 /dev/urandom >"$dir/b.img"
exits 0 godwit replica push "$dir/b.img" "$store/b"
exits 0 godwit store show "$store" -o json
is '.replicas == 2 and .encrypted and .care_records == 2 and .policy == null'
exits 0 godwit store usage "$store" --price 0.02 -o json
is '.items[] | select(.what == "points") | .objects == 4'
is '.unneeded_bytes == 0 and .price_month > 0 and (.bytes == ([.items[] | select(.kind == "kind") | .bytes] | add))'
is '[.items[] | select(.kind == "replica") | .what] == ["a", "b"]'
exits 0 godwit store usage "$store"
exits 0 godwit store check "$store" --full -o json
is '.ok and .points == 4 and .foreign == 0'

echo "-- what is missing, cut or foreign is named"
pack=$(cd "$dir/store" && find packs -type f -size +100k -newer "$dir/a.img" | head -n 1)
mv "$dir/store/$pack" "$dir/kept"
exits 9 godwit store check "$store" -o json
is ".missing == 1 and .faults[0].object == \"$pack\" and .faults[0].what == \"missing\""
head -c -1 "$dir/kept" >"$dir/store/$pack"
exits 9 godwit store check "$store" -o json
is ".altered == 1 and .faults[0].object == \"$pack\""
mv "$dir/kept" "$dir/store/$pack"
echo hello >"$dir/store/packs/readme"
exits 0 godwit store check "$store" -o json
is '.ok and .foreign == 1 and .faults[0].object == "packs/readme"'
rm "$dir/store/packs/readme"

echo "-- after a repair older points stay damaged: which, and how to be rid of them"
rm "$dir/store/$(cd "$dir/store" && find packs -type f -size +100k -newer "$dir/b.img" | head -n 1)"
exits 9 godwit store check "$store" -o json
is '.damaged_points == [{"replica": "b", "from": 1, "to": 1, "newest": true}] and .newest_damaged == 1'
exits 9 godwit store check "$store"
says out "Damaged: b@1, the newest of it. Send it again: godwit replica push VOLUME $store/b --repair"
exits 0 godwit replica push "$dir/b.img" "$store/b" --repair
exits 9 godwit store check "$store"
says out "Damaged: b@1; newer points are whole. Give it up: godwit store gc $store --give-up b@1 --yes"
says err 'GW-3039'
exits 2 godwit store gc "$store" --give-up b
exits 2 godwit store gc "$store" --give-up b@2
exits 2 godwit store gc "$store" --give-up a@99999999999999999999
exits 4 godwit store gc "$store" --give-up nobody@1
exits 0 godwit store gc "$store" --give-up b@1 -o json
is '.applied == false and .points_given_up == 1 and .items[0].what == "b@1"'
exits 0 godwit store gc "$store" --give-up b@1 --yes
exits 0 godwit store check "$store" --full -o json
is '.ok and .points_damaged == 0 and .damaged_points == []'

echo "-- nothing is deleted by a dry run, nor before its time"
exits 0 godwit store gc "$store" --keep-last 1 -o json
is '.applied == false and .points_given_up == 2 and .points_kept == 2'
exits 0 godwit replica show "$store/a" -o json
is '.items | length == 3'
exits 2 godwit store gc "$store" --older 5m --yes
exits 2 godwit store gc "$store" --save --yes
exits 0 godwit store gc "$store" --keep-last 1 --save --yes -o json
is '.applied and .points_given_up == 2 and .packs_condemned == 0 and .packs_young > 0'
exits 0 godwit replica show "$store/a" -o json
is '[.items[].seq] == [3]'
exits 0 godwit store show "$store" -o json
is '.policy.last == 1'
exits 0 godwit store show "$store" -o name
[ "$(cat "$dir/out")" = "$store" ] || fail 'show has no name'
exits 0 godwit store show "$store" -o csv
head -n 1 "$dir/out" | grep -q '^STORE,VAULT,' || fail 'show has no CSV'
exits 0 godwit key ls "$store"
says out 'keeps no copy'

echo "-- with nobody pushing it goes at once, and every point is still whole"
exits 0 godwit store gc "$store" --idle --yes -o json
is '.packs_deleted > 0 and .bytes_deleted > 3000000 and .policy.last == 1'
exits 0 godwit store usage "$store" -o json
is '.unneeded_packs == 0'
exits 0 godwit store check "$store" --full
exits 4 godwit replica pull "$store/a@1" "$dir/gone.img"
says err 'retention gave point 1'
[ ! -e "$dir/gone.img" ] || fail 'a refused pull leaves an empty image'
exits 4 godwit replica verify "$store/a@1" --full
says err 'retention gave point 1'
if command -v nbdkit >/dev/null && [ -e "$abs_top_builddir/nbdkit-godwit-plugin.so" ]; then
    exits 4 godwit replica serve "$store/a@1"
    says err 'retention gave point 1'
fi
exits 0 godwit replica pull "$store/b" "$dir/b.back"
cmp "$dir/b.img" "$dir/b.back" || fail 'b came back otherwise'
head -c 1000 /dev/urandom | dd of="$dir/a.img" conv=notrunc status=none
exits 0 godwit replica push "$dir/a.img" "$store/a"
exits 0 godwit replica verify "$store/a" --full --against "$dir/a.img"
echo ok
