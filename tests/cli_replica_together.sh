#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit replica together: a program writes to one volume, then to another, over and over; the
# points are of one moment, so the second is never ahead of the first, and never two behind.
set -eu
if [ -z "${CLI_TOGETHER_PRIVATE-}" ] && [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    CLI_TOGETHER_PRIVATE=1 exec unshare -m --propagation private bash "$0" "$@"
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-cli-XXXXXX")
PATH="${abs_top_builddir:?}:$PATH"
export HOME="$dir" XDG_CONFIG_HOME="$dir/config" XDG_STATE_HOME="$dir/state"
unset GODWIT_CONFIG GODWIT_STORE_KEY GODWIT_OUTPUT GODWIT_PROGRESS
writer=

clean_up() {
    [ -z "$writer" ] || kill "$writer" 2>/dev/null || true
    umount "$dir/mnt-1" "$dir/mnt-2" "$dir/back-1" "$dir/back-2" 2>/dev/null || true
    rm -rf "$dir"
}
trap clean_up EXIT

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$dir/out" "$dir/err" >&2 2>/dev/null || true
    exit 1
}

# exits CODE COMMAND...: out and err are kept
exits() {
    local want=$1 code=0
    shift
    "$@" >"$dir/out" 2>"$dir/err" </dev/null || code=$?
    [ "$code" = "$want" ] || fail "$* ended with $code, not $want"
}

mkdir "$dir/store"
store=file://$dir/store
: >"$dir/image"
echo '-- what is no list of volumes'
exits 2 godwit replica together "$store"
exits 2 godwit replica together "$store" "$dir/image"
exits 2 godwit replica together "$store" "$dir/image=a" "$dir/image=a"
exits 2 godwit replica together "$store" "$dir/image=a@3"
exits 1 godwit replica together "$store" "$dir/none=a"
[ -z "$(ls "$dir/store")" ] || fail 'a vault was made for nothing'

[ -n "${CLI_TOGETHER_PRIVATE-}" ] || {
    echo 'skipped: needs root and mount namespaces'
    exit 77
}
mount -t bpf bpf /sys/fs/bpf 2>/dev/null || true
for i in 1 2; do
    truncate -s 32M "$dir/image-$i"
    mkdir "$dir/mnt-$i" "$dir/back-$i"
    dev[i]=$(losetup --find --show "$dir/image-$i" 2>/dev/null) || {
        echo 'skipped: no loop devices here'
        exit 77
    }
    eval "exec $((6 + i))<${dev[i]}"
    losetup -d "${dev[i]}"
    blockdev --setrw "${dev[i]}"
    mkfs.ext4 -q -F "${dev[i]}"
    mount "${dev[i]}" "$dir/mnt-$i"
done

setpriv --pdeathsig KILL python3 - "$dir/mnt-1/n" "$dir/mnt-2/n" <<'P' &
import os, sys
one, two = (os.open(p, os.O_RDWR | os.O_CREAT, 0o600) for p in sys.argv[1:])
for n in range(1, 10 ** 9):
    for fd in one, two:
        os.pwrite(fd, b"%9d\n" % n, 0)
        os.fsync(fd)
P
writer=$!
for _ in $(seq 500); do
    [ ! -s "$dir/mnt-2/n" ] || break
    read -rt 0.02 <> <(:) || true
done

for round in 1 2 3; do
    exits 0 godwit replica together "$store" "${dev[1]}=data" "${dev[2]}=wal" -o json --freeze 1s
    jq -e '.schema == "godwit.replica-together/1" and .freeze.file_systems == 2
        and ([.items[].point.kind] | unique) == ["file-system-consistent"]
        and ([.items[].point.taken_at] | unique | length) == 1' "$dir/out" >/dev/null || fail 'points'
    for i in 1 2; do
        name=$([ $i = 1 ] && echo data || echo wal)
        rm -f "$dir/copy-$i"
        exits 0 godwit replica pull "$store/$name" "$dir/copy-$i" --state-dir "$dir/pull-$i-$round"
        mount -o loop "$dir/copy-$i" "$dir/back-$i"
        n[i]=$(tr -d ' ' <"$dir/back-$i/n")
        umount "$dir/back-$i"
    done
    echo "   ${n[1]} and ${n[2]}"
    [ "${n[1]}" = "${n[2]}" ] || [ "${n[1]}" = $((n[2] + 1)) ] || fail "round $round: two moments"
done
kill "$writer"
wait "$writer" 2>/dev/null || true
writer=
echo "-- what stood still, in people's words"
said() { grep -q "$1" "$dir/out" || fail "not '$1': $(cat "$dir/out")"; }
exits 0 godwit replica push "${dev[1]}" "$store/alone" --consistent --freeze 1s
said '^1 file system stood still for [0-9]* ms while .* were read'
exits 0 godwit replica together "$store" "${dev[1]}=data" "${dev[2]}=wal" --freeze 1s
said '^2 file systems stood still for'
umount "$dir/mnt-1" "$dir/mnt-2"
exits 0 godwit replica push "${dev[1]}" "$store/alone" --consistent
said '^nothing is mounted from it: nothing had to stand still'
truncate -s 80M "$dir/scanned"
exits 5 godwit replica push "$dir/scanned" "$store/scanned" --consistent --snapshot never
grep -q "no tracker tells what of '$dir/scanned' changed" "$dir/err" || fail "$(cat "$dir/err")"
exec 7>&- 8>&-
echo 'always one moment'
