# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the machine can do when a program does nothing else: zstd alone for what compresses, sha256sum
# for what only looks, dd for the copy. On S3 one curl beside zstd. Sourced by bench.sh.
: "${place:=}" "${volume:=}" "${store:=}" "${what:=}" "${endpoint:=}"

limits_there() {
    command -v zstd >/dev/null && command -v dd >/dev/null
}

limits_about() {
    echo "zstd|$(zstd --version | grep -oE 'v[0-9.]+')|-1 -T0, as godwit's level on a fast store; not encrypted"
    echo "zstd -3|$(zstd --version | grep -oE 'v[0-9.]+')|-3 -T0, as restic and borg compress"
    echo "dd|$(dd --version | head -n 1)|bs=1M, holes kept"
    echo "sha256sum|$(sha256sum --version | head -n 1)|one thread"
    echo "curl|$(curl --version | cut -d' ' -f1,2 | head -n 1)|one PUT or GET of what zstd made"
}

limits_can() {
    true
}

limits_push() {
    mkdir -p "$place/store"
    if [ "$what" != seed ]; then
        measure_as limit sha256sum sha256sum "$volume"
    elif [ "$store" = local ]; then
        measure_as limit 'zstd -3' zstd -q -3 -T0 -f "$volume" -o "$place/store/volume.zst"
        rm -f "$place/store/volume.zst"
        measure_as limit zstd zstd -q -1 -T0 -f "$volume" -o "$place/store/volume.zst"
        measure_as limit dd dd if="$volume" of="$place/copy" bs=1M conv=sparse status=none
        rm -f "$place/copy"
    else
        # shellcheck disable=SC2016
        limits_curl 'zstd -q -1 -T0 -f "$1" -o "$2/v.zst" && s3_curl -T "$2/v.zst" "$3/bench-limits/v"'
    fi
}

# One line of shell with s3_curl at hand; $1 volume, $2 place, $3 endpoint.
limits_curl() {
    export -f s3_curl
    # shellcheck disable=SC2016
    measure_as limit 'zstd, curl' bash -o pipefail -c "$1" _ "$volume" "$place" "$endpoint"
}

limits_restore() {
    # The newest version, as the others have it.
    if [ "$store" = local ]; then
        zstd -q -1 -T0 -f "$volume" -o "$place/store/volume.zst"
        measure_as limit zstd zstd -q -d --sparse -f "$place/store/volume.zst" -o "$place/back"
        restored_whole "$place/back"
        measure_as limit dd dd if="$volume" of="$place/back" bs=1M conv=sparse status=none
        rm -f "$place/back"
    else
        # shellcheck disable=SC2016
        limits_curl 's3_curl "$3/bench-limits/v" | zstd -q -d --sparse -f -o "$2/back"'
        rm -f "$place/back"
    fi
}

limits_verify() {
    if [ "$store" = local ]; then
        measure_as limit zstd zstd -q -t "$place/store/volume.zst"
    else
        # shellcheck disable=SC2016
        limits_curl 's3_curl "$3/bench-limits/v" | zstd -q -t'
    fi
}
