#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# NBD exports as volumes, and the dirty bitmaps of their servers: what a pass tells is the change, passes that
# die or fail forget nothing, and a bitmap that cannot be trusted is noticed. nbdkit, qemu-nbd with a persistent
# bitmap, and qemu-storage-daemon with its monitor; each is left out where it is not installed.
set -eu
: "${abs_top_builddir:?run by make check}"

skip() {
    echo "skipped: $1"
    exit 77
}

for need in nbdkit nbdinfo setpriv; do
    command -v $need >/dev/null || skip "no $need"
done
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait || true; rm -r "$dir"' EXIT
export XDG_STATE_HOME=$dir/xdg XDG_CONFIG_HOME=$dir/xdg
size=$((24 << 20))
tested=nbdkit

fail() {
    echo "FAILED: $1"
    exit 1
}

# served URI: until it answers.
served() {
    for _ in $(seq 200); do
        ! nbdinfo --size "$1" >/dev/null 2>&1 || return 0
        read -rt 0.05 <> <(:) || true
    done
    fail "no answer of $1"
}

# push URI NAME [OPTION...]: its document into $told, its digest must be that of the export.
push() {
    local uri=$1 name=$2
    shift 2
    told=$(godwit replica push "$uri" "file://$dir/vault/$name" -o json "$@" 2>"$dir/err") ||
        fail "push $uri: $(cat "$dir/err")"
}
want() {
    local got
    got=$(jq -r "$1" <<<"$told")
    [ "$got" = "$2" ] || fail "$3: $1 is '$got', not '$2'"
}
# equal URI: what was pushed last is what the export holds.
equal() {
    [ "$(jq -r .point.digest <<<"$told")" = "$(godwit replica digest "$1" | cut -d' ' -f1)" ] ||
        fail "the replica of $1 is not its export: $told"
}

# --- a volume to read and to write -------------------------------------------------------------------
truncate -s $size "$dir/image"
dd if=/dev/urandom of="$dir/image" bs=64k count=40 seek=33 conv=notrunc status=none
dd if=/dev/urandom of="$dir/image" bs=1 count=7777 seek=$((size - 7777)) conv=notrunc status=none
truncate -s +513 "$dir/image"
setpriv --pdeathsig TERM nbdkit -f -U "$dir/kit" file "$dir/image" &
kit="nbd+unix:///?socket=$dir/kit"
served "$kit"
push "$kit" kit
equal "$kit"
want .tracker scan 'nothing is known of it'
[ "$(jq -r .point.digest <<<"$told")" = "$(godwit replica digest "$dir/image" | cut -d' ' -f1)" ] ||
    fail 'the export is not its file'
! godwit replica push "$kit" "file://$dir/vault/kit" --tracker nbd 2>"$dir/err" || fail 'a tracker without a bitmap'
grep -q 'bitmap=NAME' "$dir/err" || fail "no advice: $(cat "$dir/err")"
# Back into another export, of a server that takes no odd ranges.
setpriv --pdeathsig TERM nbdkit -f -U "$dir/grain" --filter=blocksize-policy --filter=truncate memory $((size + 513)) \
    round-up=4096 blocksize-minimum=4096 blocksize-preferred=4096 blocksize-maximum=1M blocksize-error-policy=error &
grain="nbd+unix:///?socket=$dir/grain"
served "$grain"
godwit replica pull "file://$dir/vault/kit" "$grain" -q || fail 'a pull to an export'
[ "$(godwit replica digest "$grain" --size $((size + 513)) | cut -d' ' -f1)" = "$(jq -r .point.digest <<<"$told")" ] ||
    fail 'what was pulled is not what was pushed'
# Reads that fail now and then cost time; those that always do are named.
setpriv --pdeathsig TERM nbdkit -f -U "$dir/now" --filter=error pattern $size error-pread-rate=10% error=EIO \
    error-pread-file="$dir/fails" &
now="nbd+unix:///?socket=$dir/now"
touch "$dir/fails"
served "$now"
push "$now" now 2>"$dir/err"
rm "$dir/fails"
equal "$now"
setpriv --pdeathsig TERM nbdkit -f -U "$dir/never" --filter=error pattern $size error-pread-rate=100% error=EIO &
never="nbd+unix:///?socket=$dir/never"
served "$never"
status=0
godwit replica push "$never" "file://$dir/vault/never" 2>"$dir/err" || status=$?
[ $status -eq 3 ] || fail "reads that fail end with $status: $(cat "$dir/err")"
grep -q GW-3035 "$dir/err" || fail "reads that fail: $(grep -v nbdkit "$dir/err")"

command -v qemu-io >/dev/null || { echo "tested: $tested; no qemu-utils"; exit 0; }

# end PID [SIGNAL]
end() {
    kill "${2:--TERM}" "$1"
    wait "$1" || true
}

# poke URI OFFSET LENGTH: other bytes there.
poke() { qemu-io -f raw "$1" -c "write -P $((RANDOM % 255 + 1)) $2 $3" >/dev/null || fail "write to $1"; }

# --- a bitmap that only grows ------------------------------------------------------------------------
qemu-img create -q -f qcow2 "$dir/grow.qcow2" $size
qemu-img bitmap --add "$dir/grow.qcow2" ours
serve_grow() {
    setpriv --pdeathsig TERM qemu-nbd -t -e 4 -k "$dir/grow" -f qcow2 -B ours "$dir/grow.qcow2" &
    grow_pid=$!
    served "$plain"
}
plain="nbd+unix:///?socket=$dir/grow"
grow="$plain&bitmap=ours"
serve_grow
poke "$plain" 3M 200k
push "$grow" grow
want .rescan 'it was not tracked before' 'the first pass'
equal "$plain"
poke "$plain" 9M 64k
push "$grow" grow --tracker nbd
want .tracker nbd 'a bitmap that grows'
want .rescan null 'a bitmap that grows'
want .changed_bytes 65536 'a bitmap that grows'
equal "$plain"
# Its server ends and comes back: the bitmap is in the image.
end $grow_pid
serve_grow
poke "$plain" 15M 64k
push "$grow" grow
want .rescan null 'a server that was started anew'
want .changed_bytes 65536 'a server that was started anew'
equal "$plain"
# Somebody clears it.
end $grow_pid
qemu-img bitmap --clear "$dir/grow.qcow2" ours
serve_grow
poke "$plain" 20M 64k
push "$grow" grow
[[ $(jq -r .rescan <<<"$told") == *'somebody cleared it'* ]] || fail "a cleared bitmap: $told"
equal "$plain"
# not_there URI REPLICA TEXT: what was named has to be there, whatever tracker is asked for, but for a scan
not_there() {
    local rc tracker
    for tracker in nbd auto; do
        rc=0
        godwit replica push "$1" "file://$dir/vault/$2" --tracker $tracker 2>"$dir/err" || rc=$?
        [ $rc = 2 ] || fail "$1 by $tracker: $rc, $(cat "$dir/err")"
        grep -q "$3" "$dir/err" || fail "$1 by $tracker: $(cat "$dir/err")"
    done
    push "$1" "$2" --tracker scan
    want .tracker scan "$1"
}
not_there "$plain&bitmap=other" grow "no bitmap 'other'"
tested="$tested, qemu-nbd"

command -v qemu-storage-daemon >/dev/null || { echo "tested: $tested; no qemu-storage-daemon"; exit 0; }

# --- bitmaps of our own, through the monitor -----------------------------------------------------------
plain="nbd+unix:///disk?socket=$dir/nbd"
own="$plain&qmp=$dir/qmp"
serve_own() {
    setpriv --pdeathsig TERM qemu-storage-daemon --blockdev driver=file,filename="$1",node-name=file \
        --blockdev driver="$2",file=file,node-name=disk --nbd-server addr.type=unix,addr.path="$dir/nbd" \
        --export type=nbd,id=e,node-name=disk,name=disk,writable=on \
        --chardev socket,path="$dir/qmp",server=on,wait=off,id=c --monitor chardev=c &
    own_pid=$!
    served "$plain"
}
end_own() {
    end $own_pid "${1:--TERM}"
    rm -f "$dir/nbd" "$dir/qmp"
}
qemu-img create -q -f qcow2 "$dir/own.qcow2" $size
serve_own "$dir/own.qcow2" qcow2
not_there "$own&node=other" own "no block node 'other'"
not_there "$plain&qmp=$dir/other" own "monitor '$dir/other'"
poke "$plain" 1M 1M
push "$own" own --tracker nbd
want .rescan 'it was not tracked before' 'the first pass'
equal "$plain"
push "$own" own
want .changed_bytes 0 'nothing was written'
want .tracker nbd 'auto'
# A pass that ends anywhere, or fails, forgets nothing.
if [ "${GODWIT_TEST_FAILPOINTS:-}" = yes ]; then
    for at in track_freeze push_read push_point_before push_table_commit push_track_commit track_commit; do
        poke "$plain" "$((RANDOM % 200 + 100))k" 64k
        ! GODWIT_FAILPOINT=$at=kill godwit replica push "$own" "file://$dir/vault/own" -q 2>/dev/null || fail "survived $at"
        poke "$plain" "$((RANDOM % 200 + 3100))k" 64k
        ! GODWIT_FAILPOINT=push_read=err:EIO godwit replica push "$own" "file://$dir/vault/own" -q 2>/dev/null ||
            fail 'read errors'
        push "$own" own
        want .rescan null "after a pass that ended at $at"
        equal "$plain"
    done
fi
# A clean end of the server keeps the bitmap; a kill leaves it in doubt.
end_own
serve_own "$dir/own.qcow2" qcow2
poke "$plain" 12M 64k
push "$own" own
want .rescan null 'a server that was started anew'
want .changed_bytes 65536 'a server that was started anew'
equal "$plain"
end_own -KILL
serve_own "$dir/own.qcow2" qcow2
push "$own" own
[[ $(jq -r .rescan <<<"$told") == *'gone, or not whole'* ]] || fail "a server that was killed: $told"
equal "$plain"
# The image grows and shrinks, which its server cannot do while it serves; another one comes in its place.
larger=$((size + 5000 * 4096))
end_own
qemu-img resize -q "$dir/own.qcow2" $larger
serve_own "$dir/own.qcow2" qcow2
push "$own" own
want .point.size_bytes $larger 'an image that grew'
want .rescan 'the volume is of another size than the newest point' 'an image that grew'
equal "$plain"
poke "$plain" $((size + 1048576)) 64k
push "$own" own
want .rescan null 'an image that grew'
want .changed_bytes 65536 'an image that grew'
equal "$plain"
end_own
qemu-img resize -q --shrink "$dir/own.qcow2" $size
serve_own "$dir/own.qcow2" qcow2
status=0
godwit replica push "$own" "file://$dir/vault/own" -q 2>"$dir/err" || status=$?
[ $status -eq 5 ] || fail "an image that shrank: exit $status: $(cat "$dir/err")"
push "$own" own --shrink
want .rescan 'the volume is of another size than the newest point' 'an image that shrank'
equal "$plain"
end_own
cp "$dir/grow.qcow2" "$dir/another.qcow2"
serve_own "$dir/another.qcow2" qcow2
push "$own" own
[[ $(jq -r .rescan <<<"$told") == *'gone, or not whole'* ]] || fail "another image: $told"
equal "$plain"
end_own
serve_own "$dir/own.qcow2" qcow2
push "$own" own
equal "$plain"
n=$(qemu-img info -U --output=json "$dir/own.qcow2" | jq '[."format-specific".data.bitmaps[]?] | length')
[ "$n" -le 2 ] || fail "bitmaps of nobody stay: $n"
# An image that keeps no bitmaps: they live as long as the server.
end_own
truncate -s $size "$dir/raw"
serve_own "$dir/raw" raw
push "$own" raw
poke "$plain" 7M 128k
push "$own" raw
want .rescan null 'an image without bitmaps'
want .changed_bytes 131072 'an image without bitmaps'
equal "$plain"
end_own
serve_own "$dir/raw" raw
push "$own" raw
[[ $(jq -r .rescan <<<"$told") == *'gone, or not whole'* ]] || fail "a bitmap that was not kept: $told"
echo "tested: $tested, qemu-storage-daemon"
