# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For tests that mount: what follows this file runs in a mount namespace of its own, as root, with all of its files in
# $dir, a tmpfs of $own_mounts_size (1g), or for "disk" a directory below $TMPDIR, which is removed. Mounts, pins and loop
# devices end with it, whatever ends it. Sourced first of all, for the script is run anew.

: "${abs_top_builddir:?run by make check}"

skip() {
    echo "skipped: $1"
    exit 77
}

if [ -z "${OWN_MOUNTS_DIR-}" ]; then
    [ "$(id -u)" = 0 ] || skip 'needs root'
    unshare -m true 2>/dev/null || skip 'no mount namespaces here'
    OWN_MOUNTS_DIR=$(mktemp -d "${TMPDIR:-/tmp}/godwit-test-XXXXXX")
    trap 'rm -r "$OWN_MOUNTS_DIR"' EXIT
    export OWN_MOUNTS_DIR
    rc=0
    unshare -m --propagation private bash "$0" "$@" || rc=$?
    exit $rc
fi
dir=$OWN_MOUNTS_DIR
unset OWN_MOUNTS_DIR # a test that it runs has its own
[ "${own_mounts_size:-1g}" = disk ] || mount -t tmpfs -o size="${own_mounts_size:-1g}" none "$dir"
export XDG_STATE_HOME=$dir/xdg XDG_CONFIG_HOME=$dir/xdg

# attach IMAGE FD [OPTION...]: a loop device that goes with the descriptor; its name into $dev.
attach() {
    local image=$1 fd=$2
    shift 2
    dev=$(losetup --find --show "$@" "$image") || skip 'no loop devices here'
    eval "exec $fd<$dev"
    losetup -d "$dev"
    blockdev --setrw "$dev" # a fence that somebody tested on this number may still stand
}

# Tracing buffers alone are of the whole machine: those of this test, which whoever tracks by tracefs ends.
buffers() {
    local link name
    for link in /run/godwit/trace/*; do
        name=/sys/kernel/tracing/instances/${link##*/}
        if [[ $(readlink "$link") = "$dir"/* ]] && [ -d "$name" ]; then
            echo "$name"
        fi
    done
}
end_recording() {
    local name
    for name in $(buffers); do
        rmdir "$name"
        rm "/run/godwit/trace/${name##*/}"
    done
}
