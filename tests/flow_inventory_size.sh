#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A host's document is small: under 8 KiB compressed for usual hosts, and valid JSON.
set -eu
: "${abs_top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"

limit=8192
check() { # what document
    size=$(gzip -9 -c "$2" | wc -c)
    echo "$1: $(wc -c <"$2") bytes, $size compressed"
    [ "$size" -lt "$limit" ] || { echo "$1: more than $limit bytes compressed" >&2; exit 1; }
    grep -q '^{"schema":"godwit.inventory/1",.*}$' "$2"
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for tree in "$abs_top_srcdir"/tests/data/inventory/*.tree; do
    tool_inventory "$tree" >"$dir/doc"
    check "$(basename "$tree")" "$dir/doc"
done
tool_inventory >"$dir/doc"
check "this machine" "$dir/doc"

# What is not there is said, not guessed.
if tool_inventory "$dir/nothing" >"$dir/doc" 2>"$dir/err"; then
    echo "a tree that does not exist has an inventory" >&2
    exit 1
fi
grep -q 'No such file' "$dir/err"
