#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The volume digest of our code against volume_digest.py, which was written from docs/formats.md alone.
set -eu
: "${abs_top_srcdir:?run by make check}"

command -v python3 >/dev/null || { echo "skipped: needs python3"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

compare() {
    local ours theirs
    ours=$(tool_digest "$1")
    theirs=$(python3 "$abs_top_srcdir/tests/volume_digest.py" "$1")
    [ "$ours" = "$theirs" ] || { echo "$2: we say $ours, the definition says $theirs"; exit 1; }
}

for size in 0 1 511 4096 65535 65536 65537 131072 200000 1048576 67108864 67108865 140000001; do
    head -c "$size" /dev/urandom >"$dir/random"
    compare "$dir/random" "$size random bytes"
    truncate -s 0 "$dir/holes"
    truncate -s "$size" "$dir/holes"
    compare "$dir/holes" "a hole of $size bytes"
done
head -c 300000 /dev/urandom | dd of="$dir/holes" bs=1M seek=70 conv=notrunc status=none
compare "$dir/holes" "data between holes"
