#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, and twice in a row.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

: "${CC:=gcc}"
# One compiler at a time would take most of a lint's patience: two at once.
check() {
    printf '#include "%s"\n#include "%s"\n' "$1" "$1" |
        $CC -std=gnu17 -D_GNU_SOURCE -w -Werror=implicit -fsyntax-only -I. -x c - 2>&1 |
        sed "s|^|$1: |"
}
export -f check
export CC
found=$(headers | xargs -P 2 -I '{}' bash -c 'check {}')
if [ -n "$found" ]; then
    echo "$found"
    complain tests/lint_headers.sh "headers that do not compile alone"
fi
finish 'Include what the header needs, or forward-declare it.'
