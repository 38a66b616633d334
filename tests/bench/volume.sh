# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The volumes: an ext4 image of real files, a database's pages, noise. Sourced by bench.sh.
: "${dir:=}" "${data:=}" "${round:=0}" "${size_mib:=0}"
volume=$dir/volume

# Real programs, libraries, text and pictures of this machine, until a little more than half is full.
volume_files() {
    local want=$((size_mib * 55 / 100 << 20))
    mkdir "$dir/stage"
    # A fixed order that mixes all sorts: by a hash of the name.
    find /usr/bin /usr/lib /usr/share -xdev -type f -size -32M -readable -printf '%p %s\n' 2>/dev/null |
        LC_ALL=C sort -k1,1 -R --random-source=/dev/zero |
        awk -v want="$want" '{ size = $NF; sub(/ [0-9]+$/, ""); sum += int((size + 4095) / 4096) * 4096; if (sum > want) exit; print }' |
        tar -C / -cf - --verbatim-files-from -T - 2>/dev/null | tar -C "$dir/stage" -xf -
    PATH=$PATH:/usr/sbin:/sbin mke2fs -q -b 4096 -t ext4 -d "$dir/stage" "$dir/original-$data" "${size_mib}M" >/dev/null
    rm -rf "$dir/stage"
}

volume_make() {
    rm -f "$dir/original-$data"
    if [ "$data" = files ]; then
        volume_files
    else
        bench_data make "$data" "$dir/original-$data" "${size_mib}MiB" 1
    fi
}

# Filled as a device is: no holes that only images have.
volume_reset() {
    rm -f "$volume"
    cp --sparse=never "$dir/original-$data" "$volume"
}

volume_change() {
    local sort=rows
    [ "$data" != noise ] || sort=noise
    bench_data change $sort "$volume" "$1" $((round * 2 + ${#1})) >/dev/null
}
