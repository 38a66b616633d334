# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# godwit itself, as its user runs it. Sourced by bench.sh.
: "${abs_top_builddir:?}" "${place:=}" "${volume:=}" "${store:=}" "${endpoint:=}"

godwit_there() {
    [ -x "$abs_top_builddir/godwit" ]
}

godwit_about() {
    echo "godwit|$("$abs_top_builddir/godwit" --version | head -n 1)|all defaults: encrypted (AES-256-GCM), zstd by bottleneck, a worker a core, tracker scan"
}

godwit_can() {
    true
}

godwit_url() {
    if [ "$store" = local ]; then
        echo "file://$place/store"
    else
        echo "s3://bench-godwit/vault"
    fi
}

godwit_run() {
    local verb=$1
    shift
    XDG_CONFIG_HOME=$place/config AWS_ENDPOINT_URL=$endpoint GODWIT_S3_PATH_STYLE=1 AWS_CA_BUNDLE=${S3_CA_FILE:-} \
        measure "$abs_top_builddir/godwit" replica "$verb" "$@" -o json --progress=none
}

godwit_begin() {
    mkdir -p "$place/store"
}

godwit_push() {
    godwit_run push "$volume" "$(godwit_url)/bench" --state-dir "$place/state"
}

godwit_restore() {
    rm -rf "$place/back-state"
    godwit_run pull "$(godwit_url)/bench" "$place/back" --state-dir "$place/back-state"
    restored_whole "$place/back"
}

godwit_verify() {
    godwit_run verify "$(godwit_url)/bench" --full
}
