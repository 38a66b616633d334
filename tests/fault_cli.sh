#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit replica push, pull and verify through tool_proxy, as an operator runs them: schedules of
# faults end with an exit code that the faults explain, and without faults all is well again; then
# one case for each code: 6 locked, 7 refused, 8 unreachable, 9 damaged.
#
#   fault_cli.sh [SEED...]    schedules of the proxy
set -eu
: "${abs_top_builddir:?}"

skip() {
    echo "SKIP: $1"
    exit 77
}
command -v jq >/dev/null || skip 'no jq'
[ -x "$abs_top_builddir/tool_proxy" ] || skip 'tool_proxy was not built'

PATH=$abs_top_builddir:$PATH
dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-fault-cli-XXXXXX")
pids=()
stop() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait
    rm -rf "$dir"
}
trap stop EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
unset GODWIT_CONFIG GODWIT_STORE_KEY GODWIT_OUTPUT GODWIT_PROGRESS AWS_PROFILE AWS_SESSION_TOKEN
unset AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
export AWS_ACCESS_KEY_ID=AKIATEST AWS_SECRET_ACCESS_KEY=secret AWS_REGION=home-1 GODWIT_S3_PATH_STYLE=1

fail() {
    echo "FAILED: $*" >&2
    tail -n 5 "$dir/out" "$dir/err" >&2 2>/dev/null || true
    exit 1
}

# helper COMMAND...: started; $port is what it listens at, $! it
helper() {
    "$@" >"$dir/port" &
    pids+=($!)
    read -r port <"$dir/port"
}

# proxy SEED [KEY OFFSET BIT]: what is asked goes through it from now on
proxy() {
    local seed=$1
    shift
    helper tool_proxy "$seed" "$service" "$dir/faults" "$@"
    export AWS_ENDPOINT_URL=http://127.0.0.1:$port
}

direct() {
    export AWS_ENDPOINT_URL=http://127.0.0.1:$service
}

# run COMMAND...: its exit code in $code
run() {
    code=0
    "$@" >"$dir/out" 2>"$dir/err" </dev/null || code=$?
}

# exits CODE COMMAND...
exits() {
    local want=$1
    shift
    run "$@"
    [ "$code" = "$want" ] || fail "$* ended with $code, not $want"
}

says() {
    grep -qF -e "$2" "$dir/$1" || fail "$1 lacks '$2'"
}

met() {
    grep -qE " ($1) " "$dir/faults"
}

# through COMMAND...: ends well, or with a number of the catalogue and a code that the faults explain
through() {
    run "$@"
    echo "   $3: $code"
    [ "$code" = 0 ] && return
    says err GW-
    case $code in
    8) met '.*' ;;
    7) met 'expired|skewed|flip-head' ;;
    9) met 'flip-down|flip-head' ;;
    2) met flip-head ;;
    *) false ;;
    esac || fail "$* ended with $code, which no fault explains"
}

write() { # KIB AT-KIB
    head -c $(($1 << 10)) /dev/urandom | dd of="$dir/disk.img" bs=1K seek="$2" conv=notrunc status=none
}

mkdir "$dir/bodies"
mkfifo "$dir/port"
helper tool_s3 "$dir/bodies" bucket "$dir/requests"
service=$port
store=s3://bucket/idc
truncate -s 70M "$dir/disk.img"
write 3000 0
write 1000 66000
direct
exits 0 godwit replica push "$dir/disk.img" $store/disk

echo "-- nobody answers: 8 (meanwhile the rest)"
proxy 0
kill "${pids[-1]}"
wait "${pids[-1]}" || true
(
    code=0
    godwit replica verify $store/disk --full >"$dir/gone.out" 2>"$dir/gone" || code=$?
    echo "exit $code" >>"$dir/gone"
) &
gone=$!

seeds=("$@")
[ $# -gt 0 ] || seeds=(2 3 10 26 41)
for seed in "${seeds[@]}"; do
    echo "-- schedule $seed"
    write 900 $((seed * 997 % 60000))
    proxy "$seed"
    through godwit replica push "$dir/disk.img" $store/disk
    through godwit replica pull $store/disk "$dir/back.img"
    through godwit replica verify $store/disk --full
    direct
    exits 0 godwit replica push "$dir/disk.img" $store/disk
    exits 0 godwit replica pull $store/disk "$dir/back.img"
    cmp "$dir/disk.img" "$dir/back.img" || fail "schedule $seed: the volume came back otherwise"
    exits 0 godwit replica verify $store/disk --full --against "$dir/disk.img"
done

echo "-- a byte that rots: 9, and its object is named"
pack=$(awk '$1 == "PUT" && $2 == 200 && $4 ~ /packs\// && $3 > 500000 { key = $4 } END { print key }' "$dir/requests")
proxy 0 "$pack" 300000 5
exits 9 godwit replica verify $store/disk --full -o json
jq -e --arg pack "${pack#idc/}" '.ok == false and ([.faults[].object] | unique) == [$pack]' "$dir/out" >/dev/null ||
    fail "verify does not name $pack alone"
exits 9 godwit replica pull $store/disk "$dir/fresh.img" --state-dir "$dir/fresh"
says err "${pack#idc/}"
proxy 0 idc/vault 13 1 # godwit vault 1 -> 3
exits 9 godwit replica pull $store/disk "$dir/fresh.img" --state-dir "$dir/fresh"
says err 'format number'
direct
exits 0 godwit replica pull $store/disk "$dir/fresh.img" --state-dir "$dir/fresh"
cmp "$dir/disk.img" "$dir/fresh.img" || fail "a pull that met damage did not go on"

echo "-- who may not: 7"
proxy 0
AWS_SECRET_ACCESS_KEY=another exits 7 godwit replica push "$dir/disk.img" $store/disk
says err GW-
AWS_SECRET_ACCESS_KEY=another exits 7 godwit replica pull $store/disk "$dir/back.img"
AWS_SECRET_ACCESS_KEY=another exits 7 godwit replica verify $store/disk

echo "-- somebody pushes already: 6, and who"
write 4000 30000
godwit replica push "$dir/disk.img" $store/disk --limit 64KiB --progress json >"$dir/slow.out" 2>"$dir/slow" &
slow=$!
pids+=("$slow")
until grep -q progress "$dir/slow"; do kill -0 $slow || fail "the slow push"; done
exits 6 godwit replica push "$dir/disk.img" $store/disk
says err "process $slow on"
kill -9 $slow
wait $slow 2>/dev/null || true
exits 0 godwit replica push "$dir/disk.img" $store/disk
exits 0 godwit replica verify $store/disk --full --against "$dir/disk.img"

wait $gone
grep -q '^exit 8$' "$dir/gone" || fail "without a server: $(cat "$dir/gone")"
grep -q GW- "$dir/gone" || fail "without a server: no number"
! grep -q ' other$' "$dir/requests" || fail "an object was written again with other bytes"
echo ok
