# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# rclone: S3 through its crypt layer; keeps one version. Sourced by bench.sh.
: "${place:=}" "${volume:=}" "${store:=}" "${endpoint:=}"

rclone_there() {
    command -v rclone >/dev/null
}

rclone_about() {
    echo "rclone|$(rclone version 2>/dev/null | head -n 1)|crypt over S3 (XSalsa20, Poly1305), parts of 16 MiB, 4 at once, one version, no compression"
}

rclone_can() {
    [ "$1" != local ]
}

rclone_run() {
    local secret ca=()
    secret=$(rclone obscure bench 2>/dev/null)
    [ "$store" != https ] || ca=(--ca-cert "$S3_CA_FILE")
    measure env -u AWS_CA_BUNDLE RCLONE_CONFIG_S3_TYPE=s3 RCLONE_CONFIG_S3_PROVIDER=Ceph \
        RCLONE_CONFIG_S3_ENV_AUTH=true RCLONE_CONFIG_S3_ENDPOINT="$endpoint" RCLONE_CONFIG_S3_FORCE_PATH_STYLE=true \
        RCLONE_CONFIG_SEC_TYPE=crypt RCLONE_CONFIG_SEC_REMOTE=s3:bench-rclone "RCLONE_CONFIG_SEC_PASSWORD=$secret" \
        rclone --config '' "${ca[@]}" --s3-chunk-size 16M --s3-upload-concurrency 4 --multi-thread-streams 4 "$@"
}

rclone_push() {
    rclone_run copyto "$volume" sec:volume
}

rclone_restore() {
    rclone_run copyto sec:volume "$place/back"
    restored_whole "$place/back"
}

rclone_verify() {
    rclone_run cryptcheck "$volume" sec:
}
