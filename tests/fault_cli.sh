#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit replica push, pull and verify through tool_proxy, as an operator runs them: schedules of
# faults end with an exit code that the faults explain, and without faults all is well again; then
# one case for each code: 6 locked, 7 refused, 8 unreachable, 9 damaged.
#
#   fault_cli.sh [SEED...]    schedules of the proxy
set -eu
# shellcheck source=tests/s3_service.sh
. "${abs_top_srcdir:?run by make check}/tests/s3_service.sh"
needs jq
store=s3://bucket/idc

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

truncate -s 70M "$dir/disk.img"
write 3000 0
write 1000 66000
exits 0 godwit replica push "$dir/disk.img" $store/disk

echo "-- nobody answers: 8 (meanwhile the rest)"
proxy 0
kill $!
wait $! || true
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
until grep -q progress "$dir/slow"; do sleep 0.05; kill -0 $slow || fail "the slow push"; done
exits 6 godwit replica push "$dir/disk.img" $store/disk
says err "process $slow on"
kill -9 $slow
wait $slow 2>/dev/null || true
exits 0 godwit replica push "$dir/disk.img" $store/disk
exits 0 godwit replica verify $store/disk --full --against "$dir/disk.img"

echo "-- follow begins while the store is away: it waits, and says so; --wait ends that with 8"
proxy 0
kill $!
wait $! 2>/dev/null || true
exits 8 godwit replica follow $store/disk "$dir/standby.img" --once
exits 8 godwit replica follow $store/disk "$dir/standby.img" --wait=4s --interval 100ms
says err 'trying again'
godwit replica follow $store/disk "$dir/standby.img" --once --wait --interval 100ms >"$dir/out" 2>"$dir/log" &
follower=$!
until grep -q 'trying again' "$dir/log"; do sleep 0.05; kill -0 $follower || fail "follow did not wait"; done
TOOL_PROXY_PORT=$port helper tool_proxy 0 "$service" "$dir/faults"
wait $follower || fail "follow, when the store came back"
cmp "$dir/disk.img" "$dir/standby.img" || fail "follow brought something else"
direct

wait $gone
grep -q '^exit 8$' "$dir/gone" || fail "without a server: $(cat "$dir/gone")"
grep -q GW- "$dir/gone" || fail "without a server: no number"
! grep -q ' other$' "$dir/requests" || fail "an object was written again with other bytes"
echo ok
