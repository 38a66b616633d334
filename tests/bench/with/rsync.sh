# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# rsync: a mirror beside the volume, by its delta algorithm. Sourced by bench.sh.
: "${place:=}" "${volume:=}"

rsync_there() {
    command -v rsync >/dev/null
}

rsync_about() {
    echo "rsync|$(rsync --version | sed -n '1s/  */ /gp')|--inplace --no-whole-file; a mirror: no history, no compression, no encryption"
}

rsync_can() {
    [ "$1" = local ]
}

rsync_push() {
    mkdir -p "$place/store"
    measure_as copy rsync rsync --inplace --no-whole-file "$volume" "$place/store/volume"
}

rsync_restore() {
    measure_as copy rsync rsync --whole-file --sparse "$place/store/volume" "$place/back"
    restored_whole "$place/back"
}
