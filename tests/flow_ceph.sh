#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The store contract against a real Ceph gateway: http and https, path and virtual-host style.
# Then a real ext4 image there and back by the command line, a killed push included.
# Skips where the starter of a throw-away gateway is missing: CEPH_S3, ceph-s3 in PATH, or in a
# tools/ folder beside the source tree.
# FLOW_CEPH=all runs every combination, and schedules of faults between us and the gateway; without it
# one of each style, which takes seconds.
set -eu
: "${abs_top_srcdir:?}" "${abs_top_builddir:?}"

# shellcheck source=tests/s3_common.sh
. "$abs_top_srcdir/tests/s3_common.sh"

ceph=$(find_starter ceph-s3 "${CEPH_S3:-}")
if [ -z "$ceph" ]; then
    echo "SKIP: no starter of a Ceph gateway (set CEPH_S3)"
    exit 77
fi
need_tools radosgw ceph-osd ceph-mon curl

dir=$(mktemp -d)
stop() {
    "$ceph" stop --dir "$dir/c" >"$dir/stop.log" 2>&1 || cat "$dir/stop.log"
    rm -rf "$dir"
}
trap stop EXIT
"$ceph" start --dir "$dir/c" --die-with $$ >"$dir/env"
# shellcheck disable=SC1091
. "$dir/env"

bucket=godwit-contract
make_bucket $bucket
export GODWIT_TEST_S3_URL=s3://$bucket/contract AWS_CA_BUNDLE=$S3_CA_FILE

# scheme style: names below localhost resolve to the loopback without any name server
run() {
    local endpoint=$S3_ENDPOINT host=127.0.0.1 style=1
    [ "$1" = https ] && endpoint=$S3_ENDPOINT_TLS
    if [ "$2" = virtual ]; then
        host=s3.localhost style=0
    fi
    echo "== $1, $2 style"
    AWS_ENDPOINT_URL=${endpoint/127.0.0.1/$host} GODWIT_S3_PATH_STYLE=$style contract_store
}

# A gateway that goes away in the middle of a transfer and comes back is waited for.
restart() {
    local pid line
    echo "== gateway restarts under a transfer"
    mkfifo "$dir/out"
    GODWIT_S3_PATH_STYLE=1 store_bench "s3://$bucket/restart" 4 100 2 >"$dir/out" &
    pid=$!
    exec 3<"$dir/out"
    read -r line <&3
    [ "$line" = started ]
    "$ceph" gw-stop --dir "$dir/c"
    "$ceph" gw-start --dir "$dir/c"
    tee "$dir/rest" <&3
    wait "$pid"
    grep -q 'retries: [1-9]' "$dir/rest"
}

export AWS_ENDPOINT_URL=$S3_ENDPOINT GODWIT_S3_PATH_STYLE=1
there_and_back "s3://$bucket/idc/disk"
AWS_ENDPOINT_URL=$S3_ENDPOINT_TLS there_and_back "s3://$bucket/idc-tls/disk"

# The gateway behind the proxy that damages what passes.
schedules() {
    echo "== schedules of faults"
    GODWIT_TEST_S3_URL=s3://$bucket/faults GODWIT_TEST_S3_PORT=${S3_ENDPOINT##*:} \
        GODWIT_SCHEDULES=${GODWIT_SCHEDULES:-12} fault_s3_schedules
}

if [ "${FLOW_CEPH:-}" = all ]; then
    schedules
    restart
    run http path
    run http virtual
    run https path
    run https virtual
else
    run http virtual
    run https path
fi
