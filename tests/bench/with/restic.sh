# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# restic: local and S3, always encrypted, compressed. Sourced by bench.sh.
: "${place:=}" "${volume:=}" "${store:=}" "${endpoint:=}"

restic_there() {
    command -v restic >/dev/null
}

restic_about() {
    echo "restic|$(restic version | cut -d' ' -f1,2)|repository 2, --compression auto (zstd), AES-256-CTR and Poly1305, all cores"
}

restic_can() {
    true
}

restic_command() {
    local where=$place/store
    [ "$store" = local ] || where=s3:$endpoint/bench-restic
    args=(env RESTIC_PASSWORD=bench "RESTIC_CACHE_DIR=$place/cache" restic -r "$where" -q --compression auto)
    [ "$store" != https ] || args+=(--cacert "$S3_CA_FILE")
}

restic_begin() {
    local args
    restic_command
    "${args[@]}" init --repository-version 2
}

restic_push() {
    local args
    restic_command
    measure "${args[@]}" backup "$volume"
}

restic_restore() {
    local args
    restic_command
    measure "${args[@]}" restore latest --target "$place/back"
    restored_whole "$place/back$volume"
    rm -rf "$place/back"
}

restic_verify() {
    local args
    restic_command
    measure "${args[@]}" check --read-data
}
