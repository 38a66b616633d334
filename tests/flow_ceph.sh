#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The store contract against a real Ceph gateway: http and https, path and virtual-host style.
# Then a real ext4 image there and back by the command line, a killed push included.
# Skips where the starter of a throw-away gateway is missing: CEPH_S3, ceph-s3 in PATH, or in a
# tools/ folder beside the source tree.
# FLOW_CEPH=all runs every combination; without it one of each style, which takes seconds.
set -eu
: "${abs_top_srcdir:?}" "${abs_top_builddir:?}"

find_starter() {
    local at
    for at in "${CEPH_S3:-}" "$(command -v ceph-s3 || true)" \
        "$abs_top_srcdir"/../*/tools/ceph-s3; do
        if [ -n "$at" ] && [ -x "$at" ]; then
            echo "$at"
            return
        fi
    done
}

ceph=$(find_starter)
if [ -z "$ceph" ]; then
    echo "SKIP: no starter of a Ceph gateway (set CEPH_S3)"
    exit 77
fi
for tool in radosgw ceph-osd ceph-mon curl; do
    if ! PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null; then
        echo "SKIP: $tool is not installed"
        exit 77
    fi
done
if [ ! -x "$abs_top_builddir/contract_store" ]; then
    echo "SKIP: contract_store was not built (no cmocka)"
    exit 77
fi

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
empty=$(printf '' | sha256sum | cut -d' ' -f1)
curl -sS --fail --aws-sigv4 "aws:amz:$S3_REGION:s3" -H "x-amz-content-sha256: $empty" \
    --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -X PUT "$S3_ENDPOINT/$bucket"

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

same_volume() {
    cmp "$dir/disk.img" "$dir/back.img"
    e2fsck -fn "$dir/back.img" >/dev/null 2>&1
}

# URL: an ext4 image of real files, seeded, changed, pushed again after a kill -9, restored, read back.
there_and_back() {
    local url=$1 rc=0
    echo "== $url there and back"
    export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
    mkdir "$dir/stage"
    cp "$abs_top_builddir"/godwit* "$dir/stage/"
    mke2fs -q -b 4096 -t ext4 -d "$dir/stage" "$dir/disk.img" 64M >/dev/null
    rm -rf "$dir/stage"
    godwit replica push "$dir/disk.img" "$url"
    godwit replica pull "$url" "$dir/back.img"
    same_volume
    head -c 9000000 /dev/urandom | dd of="$dir/disk.img" bs=4096 seek=9000 conv=notrunc status=none
    if [ -n "${GODWIT_TEST_FAILPOINTS:-}" ]; then
        GODWIT_FAILPOINT=pack_put_done=kill bash -c '"$@"; exit $?' _ godwit replica push "$dir/disk.img" "$url" 2>/dev/null || rc=$?
        [ "$rc" -eq 137 ]
    fi
    godwit replica push "$dir/disk.img" "$url"
    godwit replica pull "$url" "$dir/back.img"
    cmp "$dir/disk.img" "$dir/back.img"
    godwit replica verify "$url" --full --against "$dir/back.img"
    rm -rf "$dir/disk.img" "$dir/back.img" "$dir/state"
}

export AWS_ENDPOINT_URL=$S3_ENDPOINT GODWIT_S3_PATH_STYLE=1
there_and_back "s3://$bucket/idc/disk"
AWS_ENDPOINT_URL=$S3_ENDPOINT_TLS there_and_back "s3://$bucket/idc-tls/disk"

if [ "${FLOW_CEPH:-}" = all ]; then
    restart
    run http path
    run http virtual
    run https path
    run https virtual
else
    run http virtual
    run https path
fi
