#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A store that offers HTTP/2 (nghttpx in front of tool_s3): it is spoken, the volume comes back the
# same, streams have connections of their own, a limit holds, and GODWIT_S3_HTTP2=0 declines it.
set -eu
# shellcheck source=tests/s3_service.sh
. "${abs_top_srcdir:?run by make check}/tests/s3_service.sh"
needs nghttpx openssl python3 jq
store=s3://bucket/idc

mkfifo "$dir/front"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/key.pem" -out "$dir/cert.pem" \
    -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
# shellcheck disable=SC2016 # the words are nghttpx's
python3 "$abs_top_srcdir/tests/tls_front.py" "-b127.0.0.1,$service" --workers=1 --accesslog-file="$dir/log" \
    --accesslog-format='$alpn $remote_port $method $status' "$dir/key.pem" "$dir/cert.pem" \
    >"$dir/front" 2>"$dir/front.err" &
read -r port <"$dir/front"
export AWS_ENDPOINT_URL=https://127.0.0.1:$port AWS_CA_BUNDLE=$dir/cert.pem

# spoken NAME METHOD: every request was spoken so, and there were such
spoken() {
    grep -q "^$1 [0-9]* $2 20" "$dir/log" || fail "no $2 by $1"
    ! grep -qv "^$1 " "$dir/log" || fail "something else than $1 was spoken"
}

echo "== there and back by HTTP/2"
truncate -s 80M "$dir/disk.img"
head -c 24000000 /dev/urandom | dd of="$dir/disk.img" conv=notrunc status=none
head -c 3000000 /dev/urandom | dd of="$dir/disk.img" bs=1M seek=70 conv=notrunc status=none
godwit replica push "$dir/disk.img" $store/disk --streams 4
godwit replica pull $store/disk "$dir/back.img" --streams 4
cmp "$dir/disk.img" "$dir/back.img"
spoken h2 PUT
spoken h2 GET
[ "$(grep ' PUT ' "$dir/log" | cut -d' ' -f2 | sort -u | wc -l)" -gt 1 ] || fail "all streams shared a connection"

echo "== a limit, by pauses of its streams"
head -c 6291456 /dev/urandom | dd of="$dir/disk.img" bs=1M seek=40 conv=notrunc status=none
godwit replica push "$dir/disk.img" $store/disk --limit 4MiB -o json >"$dir/out"
jq -e '.duration_s > 0.8' "$dir/out" >/dev/null || fail "no limit: $(cat "$dir/out")"
godwit replica pull $store/disk "$dir/back.img" --limit 16MiB
cmp "$dir/disk.img" "$dir/back.img"
godwit replica verify $store/disk --full --against "$dir/disk.img"
spoken h2 PUT

echo "== not trusted"
code=0
AWS_CA_BUNDLE='' godwit replica show $store/disk >"$dir/out" 2>&1 || code=$?
[[ $code == 7 && $(cat "$dir/out") == *GW-3005*certificate*--ca-file* ]] ||
    fail "a certificate of nobody: $code $(cat "$dir/out")"

echo "== declined"
: >"$dir/log"
export GODWIT_S3_HTTP2=0
head -c 3000000 /dev/urandom | dd of="$dir/disk.img" bs=1M seek=50 conv=notrunc status=none
godwit replica push "$dir/disk.img" $store/disk
godwit replica pull $store/disk "$dir/back.img"
cmp "$dir/disk.img" "$dir/back.img"
spoken http/1.1 PUT
spoken http/1.1 GET
code=0
GODWIT_S3_HTTP2=perhaps godwit replica show $store/disk >"$dir/out" 2>&1 || code=$?
[ $code = 2 ] || fail "GODWIT_S3_HTTP2=perhaps ended with $code"
echo ok
