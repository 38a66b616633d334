#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenStack Swift's S3 API: other code than Ceph's, and no create-only PUT (it answers 501). A real
# ext4 image there and back by the command line, a killed push included, and a push says what the
# store lacks. The store contract, as far as such a store can keep it.
# Skips where the starter of a throw-away Swift is missing: SWIFT_S3, swift-s3 in PATH, or in a
# tools/ folder beside the source tree.
set -eu
: "${abs_top_srcdir:?}" "${abs_top_builddir:?}"
# shellcheck source=tests/s3_common.sh
. "$abs_top_srcdir/tests/s3_common.sh"

swift=$(find_starter swift-s3 "${SWIFT_S3:-}")
if [ -z "$swift" ]; then
    echo "SKIP: no starter of a Swift (set SWIFT_S3)"
    exit 77
fi
need_tools swift-proxy-server swift-object-server swift-container-server swift-account-server \
    memcached curl

dir=$(mktemp -d)
stop() {
    "$swift" stop --dir "$dir/s" >"$dir/stop.log" 2>&1 || cat "$dir/stop.log"
    rm -rf "$dir"
}
trap stop EXIT
"$swift" start --dir "$dir/s" >"$dir/env"
# shellcheck disable=SC1091
. "$dir/env"

# By Swift's own API: curl takes the colon in this access key for its end.
bucket=godwit-flow
curl -sS --fail -D "$dir/auth" -o /dev/null -H "X-Auth-User: $AWS_ACCESS_KEY_ID" \
    -H "X-Auth-Key: $AWS_SECRET_ACCESS_KEY" "$S3_ENDPOINT/auth/v1.0"
field() {
    sed -n "s/^$1: *\([^\r]*\)\r*$/\1/Ip" "$dir/auth"
}
curl -sS --fail -X PUT -H "X-Auth-Token: $(field X-Auth-Token)" "$(field X-Storage-Url)/$bucket"
export AWS_ENDPOINT_URL=$S3_ENDPOINT GODWIT_S3_PATH_STYLE=1

echo "== what the store lacks is said, once, and written down"
head -c 3000000 /dev/urandom >"$dir/small.img"
export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
godwit replica push "$dir/small.img" "s3://$bucket/idc/small" -o json >"$dir/push.json" 2>"$dir/said"
[ "$(grep -c 'create-only' "$dir/said")" -eq 1 ]
grep -q '"create_only": *false' "$dir/push.json"
godwit replica pull "s3://$bucket/idc/small" "$dir/small.back"
cmp "$dir/small.img" "$dir/small.back"

there_and_back "s3://$bucket/idc/disk"

echo '== the store contract'
GODWIT_TEST_S3_URL=s3://$bucket/contract GODWIT_TEST_S3_CREATE_ONLY=no contract_store
