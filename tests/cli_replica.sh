#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit replica: the data mover alone. Round trips of volumes of every shape, and what it says, with
# which exit code and which number of the catalogue, when something is wrong.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs jq
mkdir "$dir/store"
store=file://$dir/store

round_trip() { # NAME: volume NAME.img goes to the vault and comes back the same
    exits 0 godwit replica push "$dir/$1.img" "$store/$1"
    exits 0 godwit replica pull "$store/$1" "$dir/$1.back"
    cmp "$dir/$1.img" "$dir/$1.back" || fail "$1 came back otherwise"
    [ "$(godwit replica digest "$dir/$1.img" -o json | jq -r .digest)" = \
        "$(godwit replica show "$store/$1" -o json | jq -r '.items[-1].digest')" ] ||
        fail "the digest of $1 is not that of its point"
    exits 0 godwit replica verify "$store/$1" --full
}

echo "-- round trips: empty, one sector, odd, random, sparse, all zero"
: >"$dir/empty.img"
head -c 512 /dev/urandom >"$dir/sector.img"
head -c 1234567 /dev/urandom >"$dir/odd.img"
head -c 9437184 /dev/urandom >"$dir/random.img"
truncate -s 300M "$dir/sparse.img"
printf 'first' | dd of="$dir/sparse.img" conv=notrunc status=none
printf 'last' | dd of="$dir/sparse.img" bs=1 seek=314572796 conv=notrunc status=none
truncate -s 5M "$dir/zero.img"
for name in empty sector odd random sparse zero; do
    round_trip "$name"
done
[ "$(stat -c %b "$dir/sparse.back")" -lt 4096 ] || fail "holes became blocks"
exits 0 godwit replica ls "$store" -o name
[ "$(sort "$dir/out" | paste -sd ' ')" = "empty odd random sector sparse zero" ] || fail "ls"

echo "-- nothing changed is said so; a state directory that is damaged is named, with what to do"
exits 0 godwit replica push "$dir/odd.img" "$store/odd" --state-dir "$dir/own"
exits 0 godwit replica push "$dir/odd.img" "$store/odd" --state-dir "$dir/own"
says out "nothing changed since odd@1 "
echo '{' >"$dir/own/state.json"
exits 1 godwit replica push "$dir/odd.img" "$store/odd" --state-dir "$dir/own"
says err GW-3027
says err "Remove the directory"
rm -r "$dir/own"
exits 0 godwit replica push "$dir/odd.img" "$store/odd" --state-dir "$dir/own"

echo "-- the key was made for us, once, and said"
[ "$(stat -c %a "$dir/config/godwit/vault.key")" = 600 ] || fail "others can read the key"
mkdir "$dir/store2"
exits 0 godwit replica push "$dir/sector.img" "file://$dir/store2//shop/data"
! grep -q 'key was made' "$dir/err" || fail "a second key"
exits 0 godwit replica show "file://$dir/store2//shop/data"
exits 4 godwit replica show "file://$dir/store2/shop/data"
says err 'two slashes'

echo "-- a change of one sector is a small point; points can be gone back to"
cp "$dir/random.img" "$dir/before.img"
printf 'changed' | dd of="$dir/random.img" bs=1 seek=5000000 conv=notrunc status=none
exits 0 godwit replica push "$dir/random.img" "$store/random" -o json
is '.schema == "godwit.replica-push/1" and .point.seq == 2'
is '.changed_bytes > 0 and .changed_bytes <= 65536 and .sent_bytes < 131072'
is '.cost | .requests.put > 0 and .store_sent_bytes > 0 and .cpu_s > 0 and .peak_rss_bytes > 1048576'
exits 0 godwit replica push "$dir/random.img" "$store/random" -o json
is '.changed_bytes == 0'
exits 0 godwit replica push "$dir/random.img" "$store/random" --compact all -o json
is '.point.seq == 2 and .compacted_bytes == 0' # nothing lies scattered
for share in some 10 % 1001% -1%; do
    exits 2 godwit replica push "$dir/random.img" "$store/random" --compact $share
    says err GW-1002
done
exits 0 godwit replica pull "$store/random@1" "$dir/random.back"
cmp "$dir/before.img" "$dir/random.back" || fail "point 1"
exits 0 godwit replica pull "$store/random" "$dir/random.back" -o json
is '.schema == "godwit.replica-pull/1" and .received_bytes < 1048576'
is '.cost | .requests.get > 0 and .store_received_bytes > 0'
cmp "$dir/random.img" "$dir/random.back" || fail "point 2"

if [ -n "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    echo "-- a machine that packs wrongly: once is put right, twice is told and nothing is sent"
    seq 1 300000 >"$dir/text.img"
    GODWIT_FAILPOINT=pack_wrong:3=err:EIO exits 0 godwit replica push "$dir/text.img" "$store/text" --paranoid -o json
    is '.repacked_units == 1 and .point.seq == 1'
    seq 2 300001 >"$dir/text.img"
    GODWIT_FAILPOINT='pack_wrong:*=err:EIO' exits 9 godwit replica push "$dir/text.img" "$store/text"
    says err GW-3019
    exits 0 godwit replica show "$store/text" -o json
    is '[.items[].seq] == [1]'
    exits 0 godwit replica push "$dir/text.img" "$store/text" --level -3 -o json
    is '.repacked_units == 0 and .point.seq == 2'
    is '.tracker == "scan" and (.rescan | contains("no block device"))'
    exits 0 godwit replica show "$store/text" -o json
    is '[.items[] | .tracker == "scan" and .all_read] == [true, true]'
    exits 0 godwit replica show "$store/text"
    says out TRACKER
    says out ' scan '
    exits 0 godwit replica verify "$store/text" --full
    exits 0 godwit replica verify "$store/text@1" --full

    echo "-- sectors that a pass sent by themselves do not cut a restore into small writes"
    head -c 8388608 /dev/urandom >"$dir/cut.img"
    exits 0 godwit replica push "$dir/cut.img" "$store/pieces"
    for at in {3..2000..50}; do
        head -c 4096 /dev/urandom | dd of="$dir/cut.img" bs=4096 seek="$at" conv=notrunc status=none
    done
    exits 0 godwit replica push "$dir/cut.img" "$store/pieces"
    GODWIT_FAILPOINT=pull_write=count GODWIT_FAILPOINT_COUNT=$dir/writes exits 0 godwit replica pull "$store/pieces" "$dir/pieces.back"
    cmp "$dir/cut.img" "$dir/pieces.back" || fail "pieces were put together wrongly"
    [ "$(wc -l <"$dir/writes")" -le 12 ] || fail "$(wc -l <"$dir/writes") writes for 8 MiB"
    rm "$dir/cut.img"
fi

if [ "${GODWIT_TEST_FAILPOINTS-}" = yes ] && godwit replica digest nbd://127.0.0.1:1/x 2>&1 | grep -q aio_connect; then
    echo "-- a host without libnbd"
    GODWIT_FAILPOINT=dl_open=err:EIO exits 4 godwit replica digest nbd://127.0.0.1:1/x
    says err libnbd0
fi

echo "-- a volume that lost its end is no newest point, unless it is said to be"
head -c 100000 /dev/urandom >"$dir/cut.img"
exits 0 godwit replica push "$dir/cut.img" "$store/cut"
truncate -s 99999 "$dir/cut.img"
exits 5 godwit replica push "$dir/cut.img" "$store/cut"
says err GW-3025
says err 'has 99999 bytes'
truncate -s 0 "$dir/cut.img"
exits 5 godwit replica push "$dir/cut.img" "$store/cut"
exits 0 godwit replica push "$dir/cut.img" "$store/cut" --shrink -o json
is '.point.size_bytes == 0'
exits 0 godwit replica pull "$store/cut@1" "$dir/cut.back"
[ "$(stat -c %s "$dir/cut.back")" = 100000 ] || fail "the older point is not whole"

echo "-- what is not there"
exits 4 godwit replica show "$store/nobody"
says err GW-3015
exits 4 godwit replica pull "$store/random@99" "$dir/x"
exits 1 godwit replica push "$dir/no-such.img" "$store/x"
says err GW-3020
exits 2 godwit replica push "$dir/odd.img" "$store/random@2"
exits 2 godwit replica push "$dir/odd.img" "$store/odd" --freeze 1s # and not --consistent: a fuzzy point
exits 2 godwit replica push "$dir/odd.img" "$store/odd" --snapshot always
exits 2 godwit replica push "$dir/odd.img" ftp://somewhere/x
says err GW-3004
mkdir "$dir/none"
exits 4 godwit replica ls "file://$dir/none"
says err GW-3017
exits 4 godwit replica pull "file://$dir/none/x" "$dir/x"
says err GW-3017

echo "-- a store that was emptied and made anew"
mkdir "$dir/anew"
exits 0 godwit replica push "$dir/odd.img" "file://$dir/anew/odd"
chmod -R u+w "$dir/anew"
rm -rf "${dir:?}/anew"/*
exits 5 godwit replica push "$dir/odd.img" "file://$dir/anew/odd"
says err GW-3018
says err "$dir/state"
exits 0 godwit replica push "$dir/odd.img" "file://$dir/anew/odd" --state-dir "$dir/anew-state"

echo "-- a program gets the whole digest"
exits 0 godwit replica show "$store/random" -o csv
grep -qE ',[0-9a-f]{64}.?$' "$dir/out" || fail "a digest was cut: $(cat "$dir/out")"

echo "-- the wrong key, and none"
cp "$dir/config/godwit/vault.key" "$dir/good.key"
mkdir "$dir/store3"
exits 0 godwit replica push "$dir/sector.img" "file://$dir/store3/s" --no-encrypt
rm "$dir/config/godwit/vault.key"
exits 7 godwit replica pull "$store/random" "$dir/x"
says err GW-3011
says err "$dir/config/godwit/vault.key"
exits 7 godwit replica push "$dir/sector.img" "$store/another"
says err "$dir/config/godwit/vault.key"
[ ! -e "$dir/config/godwit/vault.key" ] || fail "a key was made that is not the vault's"
exits 7 godwit replica push "$dir/sector.img" "file://$dir/store3/s"
says err --no-encrypt
mkdir "$dir/store4"
exits 0 godwit replica push "$dir/sector.img" "file://$dir/store4/s"
exits 7 godwit replica show "$store/random"
says err GW-3011
exits 7 godwit replica show "$store/random" --no-encrypt
exits 7 godwit replica show "file://$dir/store3/s"
says err GW-3033
says err --no-encrypt
exits 7 godwit replica show "$store/random" --key-file "$dir/nothing"
says err GW-1008

echo "-- a file that does not say how long it is is no image"
exits 1 godwit replica push /proc/self/status "file://$dir/store3/status" --no-encrypt
says err 'is no image'
exits 1 godwit replica digest /proc/self/status
exits 0 godwit replica show "$store/random" --key-file "$dir/good.key"
(cd "$dir" && exits 0 godwit replica show "$store/random" --key-file good.key)
exits 7 godwit replica show "$store/random" --key-file cmd:false
says err GW-1008
exits 0 env GODWIT_STORE_KEY="file:$dir/good.key" "$abs_top_builddir/godwit" replica show "$store/random"
chmod 644 "$dir/good.key"
code=0
godwit replica show "$store/random" --key-file "$dir/good.key" >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" -ne 0 ] || fail "a key that all can read"
says err 'chmod 600'
chmod 600 "$dir/good.key"
export GODWIT_STORE_KEY="file:$dir/good.key"

echo "-- a vault of a later format is not touched"
cp -r "$dir/store" "$dir/newer"
sed -i '1s/godwit vault 1/godwit vault 2/' "$dir/newer/vault"
exits 9 godwit replica push "$dir/odd.img" "file://$dir/newer/odd"
says err 'altered format number'
sed -i "5s/.*/sum $(head -n 4 "$dir/newer/vault" | sha256sum | cut -d' ' -f1)/" "$dir/newer/vault"
exits 2 godwit replica push "$dir/odd.img" "file://$dir/newer/odd"
says err GW-3010

echo "-- a typo makes no vault; what ended is a row in CSV"
exits 1 godwit replica push "$dir/missing.img" "file://$dir/typo/x"
[ ! -e "$dir/typo" ] || fail "a push of nothing made a vault"
exits 0 godwit replica push "$dir/random.img" "$store/csv" -o csv
[ "$(wc -l <"$dir/out")" = 2 ] || fail "CSV of a push: $(cat "$dir/out")"
grep -q '^csv,1,' "$dir/out" || fail "CSV of a push: $(cat "$dir/out")"
exits 0 godwit replica push "$dir/random.img" "$store/csv" -o name
[ "$(cat "$dir/out")" = csv ] || fail "name of a push: $(cat "$dir/out")"
exits 0 godwit replica digest "$dir/random.img" -o name
[[ "$(cat "$dir/out")" =~ ^[0-9a-f]{64}$ ]] || fail "name of a digest: $(cat "$dir/out")"
exits 0 godwit replica show "$store/csv@1" -o json
is '.items[0].parent == null'
exits 2 godwit replica verify "$store/csv" --full --sample 50%
exits 2 godwit replica verify "$store/csv" --sample 0%
exits 2 godwit replica bogus
says err 'godwit replica takes one of'

echo "-- damage is found and named: exit 9"
mkdir "$dir/damaged"
exits 0 godwit replica push "$dir/random.img" "file://$dir/damaged/random"
pack=$(find "$dir/damaged/packs" -type f -size +100k | head -n 1)
chmod u+w "$pack"
truncate -s -1000 "$pack"
exits 9 godwit replica verify "file://$dir/damaged/random" --full -o json
is '.schema == "godwit.replica-verify/1" and .ok == false and (.faults | length) > 0 and .cost.requests.get > 0'
is '.faults[0].object | startswith("packs/")'
is '.faults[0] | has("offset") and has("lba") and has("length")'
code=0
godwit replica pull "file://$dir/damaged/random" "$dir/damaged.img" >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" -ne 0 ] || fail "a truncated pack was restored from"
exits 0 godwit replica push "$dir/random.img" "file://$dir/damaged/random"
exits 9 godwit replica verify "file://$dir/damaged/random" --full
says out 'DIFFERS'
exits 0 godwit replica verify "$store/random"
says out 'no fault in a sample of 5%'
exits 0 godwit replica verify "$store/random" --full
says out 'whole (100% read back)'
exits 0 godwit replica push "$dir/random.img" "file://$dir/damaged/random" --repair -o json
is '.point.seq == 2 and .changed_bytes > 0'
exits 0 godwit replica verify "file://$dir/damaged/random" --full
exits 0 godwit replica pull "file://$dir/damaged/random" "$dir/repaired.img"
cmp "$dir/random.img" "$dir/repaired.img" || fail "a repaired replica came back otherwise"
cp "$dir/random.img" "$dir/other.img"
printf 'X' | dd of="$dir/other.img" bs=1 seek=3000000 conv=notrunc status=none
exits 9 godwit replica verify "$store/random" --against "$dir/other.img"
says out 'random@2  DIFFERS'
truncate -s 9000000 "$dir/other.img"
exits 9 godwit replica verify "$store/random" --against "$dir/other.img" -o json
is '.point == 2 and (.faults | length) == 2'
is '.faults[0].what == "differs" and .faults[0].offset == 2998272'
is '.faults[1].what == "missing" and .faults[1].offset == 9000000 and .faults[1].length == 437184'
exits 0 godwit replica verify "$store/random" --against "$dir/random.img"

if [ "$(id -u)" != 0 ]; then
    echo "-- a volume that cannot be read"
    cp "$dir/odd.img" "$dir/secret.img"
    chmod 000 "$dir/secret.img"
    exits 1 godwit replica push "$dir/secret.img" "$store/secret"
fi
exits 1 godwit replica push "$dir" "$store/directory"

echo "-- progress for programs, and a limit that limits"
head -c 6291456 /dev/urandom >"$dir/slow.img"
exits 0 godwit replica push "$dir/slow.img" "$store/slow" --limit 4MiB --progress json -o json
is '.duration_s > 0.8 and .bound == "limit" and (.time_share | add > 0.99 and add < 1.01)'
jq -se 'length > 0 and all(.[]; .type == "progress")' "$dir/err" >/dev/null || fail "progress"

echo "-- a timetable, and what is none"
exits 0 godwit replica push "$dir/slow.img" "$store/slow" --limit '08:00-20:00 500MiB/s, none'
exits 2 godwit replica push "$dir/slow.img" "$store/slow" --limit '8:00-20:00 500MiB/s'
says err "hours are two times"
exits 2 godwit replica push "$dir/slow.img" "$store/slow" --limit 0
says err "would never end"
exits 4 godwit replica push "$dir/slow.img" "$store/slow" --limit "file:$dir/no-limit"

echo "-- streams are a number or found out"
exits 0 godwit replica push "$dir/slow.img" "$store/one" --streams 1
exits 0 godwit replica pull "$store/one" "$dir/one.back" --streams 16
cmp "$dir/slow.img" "$dir/one.back" || fail "one stream came back otherwise"
exits 0 godwit replica push "$dir/slow.img" "$store/one" --streams auto
for n in 0 17 some; do
    exits 2 godwit replica push "$dir/slow.img" "$store/one" --streams "$n"
    says err --streams
done

echo "-- a limit in a file is changed while the push runs; a mistake in it changes nothing"
head -c 25165824 /dev/urandom >"$dir/slow.img"
printf '# by day\n64KiB/s\n' >"$dir/limit"
godwit replica push "$dir/slow.img" "$store/slow2" --limit "file:$dir/limit" --progress json -o json \
    >"$dir/out" 2>"$dir/slow.err" &
pusher=$!
until grep -q progress "$dir/slow.err"; do kill -0 $pusher; sleep 0.05; done
echo 'fast, please' >"$dir/limit"
until grep -q 'what counted before counts on' "$dir/slow.err"; do kill -0 $pusher; sleep 0.05; done
echo none >"$dir/limit"
wait $pusher || fail "the push under a limit that changed"
is '.duration_s < 120'

echo "-- killed on its way, it goes on"
if [ -n "${GODWIT_TEST_FAILPOINTS:-}" ]; then
    head -c 40000000 /dev/urandom >"$dir/killed.img"
    for point in pack_put push_pack_durable page_put point_put; do
        bash -c 'GODWIT_FAILPOINT=$1=kill "$2" replica push "$3" "$4"; exit $?' _ "$point" \
            "$abs_top_builddir/godwit" "$dir/killed.img" "$store/$point" >"$dir/out" 2>"$dir/err" &&
            fail "$point did not kill"
        exits 4 godwit replica show "$store/$point"
        exits 0 godwit replica push "$dir/killed.img" "$store/$point"
        exits 0 godwit replica pull "$store/$point" "$dir/killed.back"
        cmp "$dir/killed.img" "$dir/killed.back" || fail "after $point"
    done
else
    echo "   (no failpoints in this build)"
fi
echo "ok"
