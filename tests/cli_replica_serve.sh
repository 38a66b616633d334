#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit replica serve: what real clients read is the image, whole or at random; from the cache after
# a kill; and where the vault is damaged there is EIO and a line that names object and place.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs nbdkit nbdcopy nbdinfo mke2fs e2fsck jq
[ -e "$abs_top_builddir/nbdkit-godwit-plugin.so" ] || skip "built without the nbdkit plugin"
python=
for p in python3 /usr/bin/python3; do
    ! "$p" -c 'import nbd' 2>/dev/null || python=$p
done
[ -n "$python" ] || skip "no libnbd for python3 here"

export XDG_RUNTIME_DIR=$dir/run
mkdir "$dir/store" "$dir/run"
store=file://$dir/store

client() {
    "$python" "$abs_top_srcdir/tests/nbd_client.py" "$@" >"$dir/out" 2>"$dir/err" || fail "client $*"
}

# serve ARGS: started, and listening; uri and pid are set. It says so on a FIFO, so nobody waits in vain.
serve() {
    rm -f "$dir/fifo"
    mkfifo "$dir/fifo"
    godwit replica serve "$@" -o jsonl >"$dir/fifo" 2>"$dir/log" </dev/null &
    pid=$!
    line=$(grep -m 1 '"type":"event"' "$dir/fifo") || fail "serve $*"
    uri=$(jq -r .uri <<<"$line")
    [ "$(jq -r .schema <<<"$line")" = godwit.replica-serve/1 ] || fail "$line"
    [ "$(jq -r .pid <<<"$line")" = "$pid" ] || fail "another pid"
}
stop() {
    kill "-${1:-TERM}" "$pid"
    wait "$pid" 2>/dev/null || true
}

echo "-- an image of files and noise, of no whole sector, with two points"
mkdir "$dir/tree"
cp "$abs_top_builddir/godwit" "$abs_top_builddir/libgodwit_base.a" "$dir/tree"
truncate -s 64M "$dir/a.img"
mke2fs -q -F -t ext4 -d "$dir/tree" "$dir/a.img"
truncate -s $((100 * 1048576 + 777)) "$dir/a.img"
printf end | dd of="$dir/a.img" bs=1 seek=$((100 * 1048576 + 774)) conv=notrunc status=none
exits 0 godwit replica push "$dir/a.img" "$store//shop/a"
cp --sparse=always "$dir/a.img" "$dir/one.img"
for i in 3 700 701 9000 12000; do
    head -c 4096 /dev/urandom | dd of="$dir/a.img" bs=4096 seek=$i conv=notrunc status=none
done
exits 0 godwit replica push "$dir/a.img" "$store//shop/a"

echo "-- two clients at random, one that copies all, holes that are told"
serve "$store//shop/a"
[ "$uri" = "nbd+unix:///?socket=$dir/run/godwit/shop-a@2.sock" ] ||
    [ "$uri" = "nbd+unix:///?socket=$dir/run/shop-a@2.sock" ] || fail "$uri"
client reads "$uri" "$dir/a.img" 1
nbdcopy "$uri" "$dir/copy.img"
cmp "$dir/a.img" "$dir/copy.img" || fail "the copy differs"
[ "$(stat -c %b "$dir/copy.img")" -lt $((2 * $(stat -c %b "$dir/one.img"))) ] || fail "holes were copied"
nbdinfo --map --totals "$uri" >"$dir/out"
says out 'hole,zero'
nbdinfo --json "$uri" >"$dir/out"
jq -e '.exports[0] | ."export-size" == 104858377 and .is_read_only and .can_multi_conn' \
    "$dir/out" >/dev/null || fail "$(cat "$dir/out")"
exits 6 godwit replica serve "$store//shop/a"
says err 'being served already'
stop KILL

echo "-- an older point on a port; a socket that a kill left is taken over"
serve "$store//shop/a@1" --port 0
[[ $uri == nbd://127.0.0.1:* ]] || fail "$uri"
nbdcopy "$uri" "$dir/copy.img"
cmp "$dir/one.img" "$dir/copy.img" || fail "point 1 differs"
truncate -s 64M "$dir/copy.img"
e2fsck -fn "$dir/copy.img" >"$dir/out" 2>&1 || fail "the file system of point 1"
stop
serve "$store//shop/a" --socket "$dir/run/godwit/shop-a@2.sock"
stop KILL
[ -S "$dir/run/godwit/shop-a@2.sock" ] || fail "no socket is left by a kill"
serve "$store//shop/a" --socket "$dir/run/godwit/shop-a@2.sock"

echo "-- who ends removes its socket, by TERM or INT, and nobody else's"
stop
[ ! -e "$dir/run/godwit/shop-a@2.sock" ] || fail "the socket is left"
serve "$store//shop/a" --socket "$dir/s"
first=$pid
rm "$dir/s"
serve "$store//shop/a" --socket "$dir/s"
kill -TERM "$first"
wait "$first" 2>/dev/null || true
[ -S "$dir/s" ] || fail "the socket of another was removed"
nbdinfo --size "$uri" >"$dir/out"
stop
[ ! -e "$dir/s" ] || fail "the second socket is left"

echo "-- what a client writes with --cow is its own, and gone with the server"
serve "$store//shop/a" --port 0 --cow --streams 4 --limit 1GiB --path-style
client write "$uri"
stop
serve "$store//shop/a" --port 0
client reads "$uri" "$dir/a.img" 3
stop

echo "-- killed, the cache is kept: the data need not be in the vault to be read again"
serve "$store//shop/a@1" --port 0 --cache "$dir/cache"
client rest "$uri" "$dir/one.img" "$dir/lost"
exits 6 godwit replica serve "$store//shop/a" --port 0 --cache "$dir/cache"
says err 'used by another process'
stop KILL
mv "$dir/store/packs" "$dir/packs"
serve "$store//shop/a@1" --port 0 --cache "$dir/cache"
client reads "$uri" "$dir/one.img" 5
client rest "$uri" "$dir/one.img" "$dir/lost"
[ ! -s "$dir/lost" ] || fail "the cache lacks $(wc -l <"$dir/lost") pieces"
stop KILL
mv "$dir/packs" "$dir/store/packs"

echo "-- a cache that rots costs a fetch, never a byte"
for f in "$dir"/cache/*.units; do
    size=$(stat -c %s "$f")
    for ((at = 5000; at < size; at += 150000)); do
        printf 'rot' | dd of="$f" bs=1 seek="$at" conv=notrunc status=none
    done
done
serve "$store//shop/a@1" --port 0 --cache "$dir/cache"
client rest "$uri" "$dir/one.img" "$dir/lost"
[ ! -s "$dir/lost" ] || fail "rot in the cache became errors"
stop

echo "-- a prefetch fills the cache with nobody reading"
serve "$store//shop/a@1" --port 0 --cache "$dir/cache2" --prefetch
bytes() { du -sb "$dir/cache2" | cut -f 1; }
want=$(($(du -sb "$dir/cache" | cut -f 1) / 2))
for ((i = 0; i < 600 && $(bytes) < want; i++)); do
    nbdinfo --size "$uri" >/dev/null
done
[ "$(bytes)" -ge "$want" ] || fail "only $(bytes) bytes in the cache"
stop

echo "-- damage: EIO there, the truth everywhere else, and a line that says what and where"
mkdir "$dir/bad"
cp -r "$dir/store/." "$dir/bad"
pack=$(find "$dir/bad/packs" -type f -size +300k -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-)
chmod u+w "$pack"
printf 'XXXX' | dd of="$pack" bs=1 seek=150000 conv=notrunc status=none
serve "file://$dir/bad//shop/a" --port 0
client rest "$uri" "$dir/a.img" "$dir/lost"
lost=$(wc -l <"$dir/lost")
[[ $lost -gt 0 && $lost -le 8 ]] || fail "$lost pieces were lost"
says log "packs/"
says log "$(basename "$pack")"
grep -qE "LBA [0-9]+ of 'shop/a@2', packs/" "$dir/log" || fail "no place in the log"
stop

echo "-- 1 TiB, sparse: at hand at once, in bounded memory"
truncate -s 1T "$dir/huge.img"
printf 'first' | dd of="$dir/huge.img" conv=notrunc status=none
for i in 5 300 777 1000; do
    head -c 300000 /dev/urandom | dd of="$dir/huge.img" bs=1M seek=$((i * 1000)) conv=notrunc status=none
done
exits 0 godwit replica push "$dir/huge.img" "$store/huge"
serve "$store/huge" --port 0
client reads "$uri" "$dir/huge.img" 9
rss=$(awk '/VmHWM/ {print $2}' "/proc/$pid/status")
[ "$rss" -lt 131072 ] || fail "$rss KiB of memory"
stop

echo "-- what is wrong is said at the start"
exits 2 godwit replica serve "$store/huge" --port 0 --socket "$dir/x"
exits 2 godwit replica serve "$store/huge" --prefetch
exits 4 godwit replica serve "$store/nobody"
exits 4 godwit replica serve "$store/huge@9"
exits 6 godwit replica serve "$store/huge" --socket "$dir/a.img"
exits 7 godwit replica serve "$store/huge" --no-encrypt
mkdir "$dir/bin"
ln -s "$abs_top_builddir/godwit" "$dir/bin/godwit"
code=0
PATH=$dir/bin godwit replica serve "$store/huge" >"$dir/out" 2>"$dir/err" || code=$?
if [ -x /usr/sbin/nbdkit ]; then
    echo "   (nbdkit is where it is always found)"
else
    [ "$code" = 4 ] || fail "without nbdkit it ended with $code"
    says err 'apt install nbdkit'
fi
echo "ok"
