# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# A throw-away Ceph gateway, and what it counts. Sourced by bench.sh. It is found as tests/flow_ceph.sh
# finds it: CEPH_S3, ceph-s3 in PATH, or a tools/ folder beside the source tree.
: "${abs_top_srcdir:?}" "${dir:=}" "${store:=}" "${size_mib:=0}"

s3_find() {
    local at
    for at in "${CEPH_S3:-}" "$(command -v ceph-s3 || true)" "$abs_top_srcdir"/../*/tools/ceph-s3; do
        if [ -n "$at" ] && [ -x "$at" ]; then
            echo "$at"
            return
        fi
    done
}

# The stores of $1 that are to be had; the gateway runs when there is use for it.
s3_start_if_wanted() {
    local tool found='' ceph
    ceph=$(s3_find)
    case $1 in
    *http*) ;;
    *) found=unwanted ;;
    esac
    for tool in radosgw ceph-osd ceph-mon curl; do
        PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || found=${found:-no}
    done
    if [ -z "$ceph" ] || [ -n "$found" ]; then
        [ "$found" = unwanted ] || say 'without S3: no Ceph gateway here (ceph-mon, ceph-osd, radosgw, and CEPH_S3)'
        tr ' ' '\n' <<<"$1" | grep -v http || true
        return
    fi
    "$ceph" start --dir "$dir/c" --size $((size_mib / 128 + 8)) --die-with $$ >"$dir/s3.env"
    echo "$1"
}

s3_stop() {
    [ ! -d "$dir/c" ] || "$(s3_find)" stop --dir "$dir/c" >/dev/null 2>&1 || true
}

# A fresh bucket for contender $1, and $endpoint.
s3_bucket() {
    # shellcheck disable=SC2034 # for the contenders
    case $store in
    https) endpoint=$S3_ENDPOINT_TLS ;;
    *) endpoint=$S3_ENDPOINT ;;
    esac
    "$(s3_find)" admin --dir "$dir/c" bucket rm --bucket="bench-$1" --purge-objects >/dev/null 2>&1 || true
    s3_curl -X PUT "$S3_ENDPOINT/bench-$1"
}

s3_curl() {
    curl -sS --fail --aws-sigv4 "aws:amz:$S3_REGION:s3" --cacert "$S3_CA_FILE" \
        -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$@"
}

s3_stored() {
    "$(s3_find)" admin --dir "$dir/c" bucket stats --bucket="bench-$1" 2>/dev/null |
        jq -r '.usage["rgw.main"] // {} | "\(.size // 0) \(.num_objects // 0)"'
}

s3_mark() {
    s3_lines=$(wc -l <"$dir/c/log/client.rgw.log")
}

# The log of accesses is written behind: a request of our own is in it when all before it are.
s3_log_flushed() {
    local mark=flushed-$SRANDOM i
    curl -s -o /dev/null "$S3_ENDPOINT/$mark" || true
    for ((i = 0; i < 500; i++)); do
        ! tail -n +$((s3_lines + 1)) "$dir/c/log/client.rgw.log" | grep -q "$mark" || return 0
        sleep 0.01
    done
}

# What came since the mark, from the gateway's log of accesses; uploads of parts are PUTs as well.
s3_requests() {
    s3_log_flushed
    tail -n +$((s3_lines + 1)) "$dir/c/log/client.rgw.log" | grep -v '/flushed-' |
        sed -n 's/.* beast: .*"\([A-Z]*\) \([^ "]*\) HTTP.*/\1 \2/p' |
        awk '$1 == "GET" && ($2 ~ /[?&](list-type|prefix|delimiter|max-keys|location)/) { $1 = "LIST" } { n[$1]++ }
             END { printf "{\"put\": %d, \"get\": %d, \"head\": %d, \"list\": %d, \"delete\": %d}",
                   n["PUT"] + n["POST"], n["GET"], n["HEAD"], n["LIST"], n["DELETE"] }'
}
