#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit key: the vault's key is kept for people with keys of age, who get it back with godwit or with
# stock age; and what age wrote, godwit reads.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs age-keygen jq
mkdir "$dir/store" "$dir/plain"
store=file://$dir/store
key=$dir/config/godwit/vault.key
umask 077

for who in ann ben eve; do
    age-keygen -o "$dir/$who.txt" 2>/dev/null
done
ann=$(age-keygen -y "$dir/ann.txt")
ben=$(age-keygen -y "$dir/ben.txt")
eve=$(age-keygen -y "$dir/eve.txt")
head -c 3000000 /dev/urandom >"$dir/a.img"

echo "-- wrong recipients make nothing, neither vault nor key"
exits 2 godwit replica push "$dir/a.img" "$store/a" --recipient "$ann"
says err '2 at least'
exits 2 godwit replica push "$dir/a.img" "$store/a" --recipient "$ann" --recipient "$ann"
other=q # than the last of its letters
[ "${ben: -1}" != q ] || other=p
exits 2 godwit replica push "$dir/a.img" "$store/a" --recipient "$ann" --recipient "${ben%?}$other"
exits 2 godwit replica push "$dir/a.img" "file://$dir/plain/a" --no-encrypt --recipient "$ann" --recipient "$ben"
[ -z "$(find "$dir/store" "$dir/plain" -type f)" ] || fail 'something was made'
[ ! -e "$key" ] || fail 'a key was made'

echo "-- a vault made for two; the same again writes nothing"
exits 0 godwit replica push "$dir/a.img" "$store/a" --recipient "$ann" --recipient "$ben" -o json
is '.escrow | test("^escrow/[0-9a-f]{16}$")'
object=$dir/store/$(jq -r .escrow "$dir/out")
before=$(cksum "$object")
exits 0 godwit replica push "$dir/a.img" "$store/a" --recipient "$ben" --recipient "$ann"
[ "$before" = "$(cksum "$object")" ] || fail 'it was written anew'
exits 0 godwit key ls "$store" -o json
is '.items | length == 1 and .[0].recipients == 2 and .[0].state == "whole"'
exits 0 godwit store usage "$store" -o json
is '(.items[] | select(.what == "vault and keys") | .objects == 2) and (.items[] | select(.what == "foreign") | .objects == 0)'

echo "-- stock age reads it, each with their own; the key file comes back to the byte"
for who in ann ben; do
    age -d -i "$dir/$who.txt" -o "$dir/$who.key" "$object"
    cmp "$key" "$dir/$who.key" || fail "another key for $who"
done
! age -d -i "$dir/eve.txt" "$object" >/dev/null 2>&1 || fail 'eve reads it'

echo "-- godwit recovers it, with no key there, and does not replace one"
exits 2 godwit key recover "$store" -i "$dir/ann.txt"
says err 'exists and stays'
mv "$key" "$dir/lost"
exits 7 godwit replica show "$store/a"
exits 7 godwit key recover "$store" -i "$dir/eve.txt"
says err 'none of its 2 recipients'
[ ! -e "$key" ] || fail 'eve got a key'
exits 0 godwit key recover "$store" -i "$dir/ben.txt" -o json
is ".key_file == \"$key\""
cmp "$key" "$dir/lost" || fail 'another key'
[ "$(stat -c %a "$key")" = 600 ] || fail 'others can read it'
exits 0 godwit replica verify "$store/a" --full --against "$dir/a.img"

echo "-- more people later; a copy outside the vault"
exits 2 godwit key add "$store"
exits 0 godwit key add "$store" --recipient "$ann" --recipient "$eve" --copy "$dir/copy.age" -o json
is '.created and .recipients == 2'
exits 0 godwit key add "$store" --recipient "$eve" --recipient "$ann" -o json
is '.created == false'
exits 0 godwit key recover "$store" -i "$dir/eve.txt" --to "$dir/eve.key"
cmp "$key" "$dir/eve.key" || fail 'another key'
exits 0 godwit key recover "$store" -i "$dir/eve.txt" --from "$dir/copy.age" --to "$dir/eve2.key"
exits 7 godwit key recover "$store" -i "$dir/ben.txt" --from "$dir/copy.age" --to "$dir/ben2.key"
exits 0 env ID="$(cat "$dir/eve.txt")" godwit key recover "$store" -i env:ID --to "$dir/eve3.key"
exits 0 godwit store check "$store" -o json
is '.foreign == 0'
exits 0 godwit store gc "$store" --idle --yes
exits 0 godwit key ls "$store" -o json
is '.items | length == 2'

echo "-- what stock age wrote is read; a key of another vault is refused"
age -r "$ann" -r "$eve" -o "$dir/theirs.age" "$key"
exits 0 godwit key recover "$store" -i "$dir/ann.txt" --from "$dir/theirs.age" --to "$dir/k4"
cmp "$key" "$dir/k4" || fail 'another key'
age -a -r "$ann" -o "$dir/armored.age" "$key"
exits 2 godwit key recover "$store" -i "$dir/ann.txt" --from "$dir/armored.age" --to "$dir/k5"
says err armored
mkdir "$dir/other"
XDG_CONFIG_HOME="$dir/config2" exits 0 godwit replica push "$dir/a.img" "file://$dir/other/a"
age -r "$ann" -o "$dir/foreign.age" "$dir/config2/godwit/vault.key"
exits 7 godwit key recover "$store" -i "$dir/ann.txt" --from "$dir/foreign.age" --to "$dir/k6"
[ ! -e "$dir/k6" ] || fail 'a wrong key was written'

echo "-- damage is named, and the other object still helps"
python3 - "$object" <<'EOF'
import sys
with open(sys.argv[1], 'r+b') as f:
    body = bytearray(f.read())
    body[-1] ^= 1
    f.seek(0)
    f.write(body)
EOF
exits 0 godwit key recover "$store" -i "$dir/ann.txt" --to "$dir/k7"
exits 9 godwit key recover "$store" -i "$dir/ann.txt" --from "$object" --to "$dir/k8"
damaged() { # what stands there does not count, and what to do about it is said
    exits 9 godwit key ls "$store" -o json
    is '[.items[] | select(.state == "DAMAGED")] | length == 1'
    exits 9 godwit key add "$store" --recipient "$ann" --recipient "$ben"
    says err GW-3038
    says err 'remove that object'
}
cp "$object" "$dir/copy"
truncate -s -3 "$object" && damaged
cp "$dir/copy" "$object"
echo more >>"$object" && damaged
: >"$object" && damaged
rm "$object"
exits 0 godwit key add "$store" --recipient "$ann" --recipient "$ben"
exits 0 godwit key recover "$store" -i "$dir/ben.txt" --to "$dir/k8"
rm -r "$dir/store/escrow"
exits 4 godwit key recover "$store" -i "$dir/ann.txt" --to "$dir/k9"
echo ok
