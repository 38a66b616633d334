#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Memory does not grow with the volume: a volume of 1 GiB goes to an S3 service and back under a
# limit of its address space, and a sparse one of 256 GiB is pushed, looked at again, verified,
# pulled and compared, each within 64 MiB resident.
# FAULT_MEMORY=all: 1 GiB of noise, and 4 TiB.
set -eu
# shellcheck source=tests/s3_service.sh
. "${abs_top_srcdir:?run by make check}/tests/s3_service.sh"
[ -z "${GODWIT_TEST_SANITIZED-}" ] || skip 'sanitizers need terabytes of address space'
needs jq taskset

resident=$((64 << 20))
# Stacks of threads, two arenas of malloc, the programs' own libraries and the buffers of packs:
# reserved is more than resident. KiB.
address_space=$((448 << 10))

# within WHAT COMMAND...: under the limit, and with so much resident. Workers follow the cores.
within() {
    local what=$1 peak
    shift
    (ulimit -v $address_space && exec taskset -c "$cores" "$@" -o json) >"$dir/out" 2>"$dir/err" || fail "$what"
    peak=$(jq -r .cost.peak_rss_bytes "$dir/out")
    echo "$what: $((peak >> 20)) MiB resident, $(jq -r '.duration_s // "?"' "$dir/out") s, $(jq -r .cost.cpu_s "$dir/out") CPU s"
    [ "$peak" -le $resident ] || fail "$what needs $peak bytes"
}
cores=$(taskset -cp $$ | sed 's/.*: //; s/-/,/' | cut -d, -f1,2)

there_and_back() { # NAME STORE
    within "$1: seed" godwit replica push "$dir/$1.img" "$2/$1"
    within "$1: unchanged pass" godwit replica push "$dir/$1.img" "$2/$1"
    printf 'another' | dd of="$dir/$1.img" bs=1 seek=70000000 conv=notrunc status=none
    within "$1: small change" godwit replica push "$dir/$1.img" "$2/$1"
    within "$1: pull" godwit replica pull "$2/$1" "$dir/$1.back"
    within "$1: verification" godwit replica verify "$2/$1" --full --against "$dir/$1.back"
    rm -f "$dir/$1.back"
}

mkdir "$dir/store"
# Noise at one end, zeroes in the middle, text that compresses at the other.
noise=$((128 << 20)) sparse=256G
if [ "${FAULT_MEMORY:-}" = all ]; then
    noise=$((1 << 30)) sparse=4T
fi
truncate -s 1G "$dir/full.img"
head -c $noise /dev/urandom | dd of="$dir/full.img" bs=1M conv=notrunc status=none
if [ "${FAULT_MEMORY:-}" != all ]; then
    yes "all work and no play $dir" | head -c $((64 << 20)) |
        dd of="$dir/full.img" bs=1M seek=960 conv=notrunc status=none
fi
there_and_back full s3://bucket/vault
rm -f "$dir/full.img"

truncate -s $sparse "$dir/sparse.img"
for at in 0 1000 99999 262143; do
    head -c 3000000 /dev/urandom | dd of="$dir/sparse.img" bs=1M seek=$at conv=notrunc status=none
done
there_and_back sparse "file://$dir/store"
echo "godwit keeps within its memory"
