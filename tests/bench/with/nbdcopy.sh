# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# nbdcopy: a plain copy by several threads. Sourced by bench.sh.
: "${place:=}" "${volume:=}" "${what:=}"

nbdcopy_there() {
    command -v nbdcopy >/dev/null
}

nbdcopy_about() {
    echo "nbdcopy|$(nbdcopy --version | head -n 1)|defaults: a thread a core; a copy: no history, no compression, no encryption"
}

nbdcopy_can() {
    [ "$1" = local ]
}

nbdcopy_push() {
    mkdir -p "$place/store"
    measure_as copy nbdcopy nbdcopy "$volume" "$place/store/volume"
}

nbdcopy_restore() {
    truncate -s "$(stat -c %s "$volume")" "$place/back"
    measure_as copy nbdcopy nbdcopy "$place/store/volume" "$place/back"
    restored_whole "$place/back"
}
