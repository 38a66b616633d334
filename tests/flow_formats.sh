#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/formats.md is enough: a reader that was written from it reads vaults that we made, with and
# without encryption, and refuses them when a byte is changed or the key is wrong.
set -eu

python=
for p in python3 /usr/bin/python3; do
    if "$p" -c 'import cryptography' 2> /dev/null; then
        python=$p
        break
    fi
done
if [ -z "$python" ] || ! command -v zstd > /dev/null; then
    echo "skipped: needs python3 with cryptography, and zstd"
    exit 77
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
reader=${abs_top_srcdir:?}/tests/read_vault.py

read_back() { # KEY SEQ IMAGE
    rm -f "$dir/out"
    "$python" "$reader" "$dir/vault" "$1" web-01/root "$2" "$dir/out" && cmp "$3" "$dir/out"
}

refused() { # WHAT COMMAND...
    what=$1
    shift
    if "$@" > "$dir/log" 2>&1; then
        echo "read in spite of $what"
        exit 1
    fi
}

for key in "$dir/key" -; do
    mkdir "$dir/vault"
    tool_vault "$dir/vault" "$key" "$dir/one" "$dir/two"
    read_back "$key" 1 "$dir/one"
    read_back "$key" 2 "$dir/two" > "$dir/said"
    grep -q '^unreadable 8192+512$' "$dir/said"
    [ "$(grep -c '^unreadable' "$dir/said")" = 2 ]
    "$python" "$reader" "$dir/vault" "$key" control shop 4 > "$dir/control"
    grep -q '"holder":"op-17"' "$dir/control"
    grep -q '"decision":"promote"' "$dir/control"

    refused "a point that is not there" read_back "$key" 3 "$dir/two"
    pack=$(find "$dir/vault/packs" -type f | sort | head -n 1)
    printf 'X' | dd of="$pack" bs=1 seek=60 conv=notrunc status=none
    refused "a changed byte" read_back "$key" 2 "$dir/two"
    rm -rf "$dir/vault"
done

mkdir "$dir/vault"
tool_vault "$dir/vault" "$dir/key2" "$dir/one" "$dir/two"
refused "a wrong key" read_back "$dir/key" 1 "$dir/one"
refused "no key" read_back - 1 "$dir/one"
