#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The names in gw.h, the rows in gw.c, the names used in sources and the numbers in documents agree.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

# "NAME NUMBER" of enum gw, and NAME of enum gw_exit.
declared=$(sed -n '/^enum gw {/,/^};/p' base/gw.h | sed -nE 's/^ +(GW_[A-Z_0-9]+) = ([0-9]+),.*/\1 \2/p')
exits=$(sed -n '/^enum gw_exit {/,/^};/p' base/gw.h | sed -nE 's/^ +(GW_[A-Z_]+) = .*/\1/p')
rows=$(sed -nE 's/^ +\{(GW_[A-Z_0-9]+), GW_EXIT_.*/\1/p' base/gw.c)
[ "$(wc -l <<<"$declared")" -gt 50 ] || complain base/gw.h 'this test does not understand it any more'

while read -r name number; do
    [ "$name" = GW_NONE ] || grep -qx "$name" <<<"$rows" || complain base/gw.c "no row for $name"
    [ "$(grep -c " $number\$" <<<"$declared")" = 1 ] || complain base/gw.h "$number is there twice"
done <<<"$declared"
while read -r name; do
    grep -q "^$name " <<<"$declared" || complain base/gw.c "a row for $name, which gw.h lacks"
done <<<"$rows"

# Names in strings are variables of tests; GW_ may also begin a macro that its file defines.
while IFS=: read -r file name; do
    [ -n "$file" ] || continue
    grep -q "^$name " <<<"$declared" || grep -qx "$name" <<<"$exits" ||
        grep -qE "^#define $name\b" "$file" ||
        complain "$file" "$name is not in base/gw.h"
done < <(c_sources | xargs sed -s -E 's/"([^"\\]|\\.)*"//g; F' |
    awk '/^[a-z]+\/[^ ]*\.[ch]$/ { file = $0; next }
         { while (match($0, /(^|[^A-Za-z0-9_])GW_[A-Z0-9_]+/)) {
               name = substr($0, RSTART, RLENGTH); sub(/^[^G]/, "", name)
               print file ":" name
               $0 = substr($0, RSTART + RLENGTH) } }' | LC_ALL=C sort -u)

while IFS=: read -r file line number; do
    [ -z "$file" ] || grep -q " ${number#GW-}\$" <<<"$declared" ||
        complain "$file:$line" "$number is not in the catalogue"
done < <(grep -rnoE --include='*.md' --include='*.scd' '\bGW-[0-9]{4}\b' docs README.md || true)
finish 'A name in gw.h has a row in gw.c; numbers are a contract and never reused.'
