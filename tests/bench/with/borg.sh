# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# borg: local, encrypted, zstd 3. Sourced by bench.sh.
: "${place:=}" "${volume:=}" "${round:=0}" "${what:=}"

borg_there() {
    command -v borg >/dev/null
}

borg_about() {
    echo "borg|$(borg --version)|repokey (AES-256-CTR, HMAC-SHA-256), --compression zstd,3, one thread: it has no more"
}

borg_can() {
    [ "$1" = local ]
}

borg_command() {
    args=(env BORG_PASSPHRASE=bench "BORG_BASE_DIR=$place/home" "BORG_REPO=$place/store" BORG_RELOCATED_REPO_ACCESS_IS_OK=yes borg)
}

borg_begin() {
    local args
    borg_command
    "${args[@]}" init -e repokey
}

borg_push() {
    local args
    borg_command
    measure "${args[@]}" create --compression zstd,3 "::${what// /-}" "$volume"
}

borg_restore() {
    local args
    borg_command
    mkdir "$place/back"
    args=(env -C "$place/back" "${args[@]:1}")
    measure "${args[@]}" extract --sparse '::1%-scattered'
    restored_whole "$place/back$volume"
    rm -rf "$place/back"
}

borg_verify() {
    local args
    borg_command
    measure "${args[@]}" check --verify-data
}
