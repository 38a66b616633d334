#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where docs/architecture.md parts a room into families of files, it tells all of them, each once, and no other.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

# Lines "ROOM/FAMILY": of the table, where a room is named in its first row only, and of the files.
told=$(sed -n '/^## Families/,/^## [^F]/p' docs/architecture.md | awk -F'|' '
    $2 ~ /`[a-z\/]+\/`/ { room = $2; gsub(/[` ]/, "", room) }
    room && NF > 4 {
        n = split($4, words, /[` ]+/)
        for (i = 1; i <= n; i++)
            if (words[i] != "")
                print room words[i]
    }' | LC_ALL=C sort)
[ -n "$told" ] || complain docs/architecture.md 'has no table of families'
parted=$(printf '%s\n' "$told" | sed 's,[^/]*$,,' | sort -u | paste -sd'|')
files=$(c_sources | grep -E "^($parted)[^/]*$")
there=$(printf '%s\n' "$files" | sed -E 's,/([^/_.]*)[^/]*$,/\1,' | LC_ALL=C sort -u)

while read -r family; do
    complain "$(grep -m 1 "^${family}[_.]" <<<"$files")" 'is of no family in docs/architecture.md'
done < <(LC_ALL=C comm -13 <(uniq <<<"$told") - <<<"$there")
while read -r family; do
    complain docs/architecture.md "names $family, of which there is no file"
done < <(LC_ALL=C comm -23 <(uniq <<<"$told") - <<<"$there")
while read -r family; do
    complain docs/architecture.md "names $family twice"
done < <(uniq -d <<<"$told")
finish 'See docs/architecture.md, section "Families".'
