# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# casync: local chunks, zstd, no encryption. Sourced by bench.sh.
: "${place:=}" "${volume:=}"

casync_there() {
    command -v casync >/dev/null
}

casync_about() {
    echo "casync|$(casync --version | head -n 1)|--compression=zstd, chunks of 64 KiB on average, not encrypted: it cannot, one thread"
}

casync_can() {
    [ "$1" = local ]
}

casync_push() {
    mkdir -p "$place/store"
    measure casync make --compression=zstd --store="$place/store/chunks" "$place/store/volume.caibx" "$volume"
}

casync_restore() {
    measure casync extract --store="$place/store/chunks" "$place/store/volume.caibx" "$place/back"
    restored_whole "$place/back"
}

casync_verify() {
    measure casync digest --store="$place/store/chunks" "$place/store/volume.caibx"
}
