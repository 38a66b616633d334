#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every row of routes[] has its heading in godwit-api(7) and is asked for by a test; every heading
# has its row.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

page=docs/godwit-api.7.scd
rows=$(sed -n 's|^ *{"\([A-Z]*\)", *"\(/v1/[^"]*\)".*|\1 \2|p' planner/service/api.c | sort)
[ -n "$rows" ] || complain planner/service/api.c 'no rows were found: the table looks otherwise now'
headings=$(sed -n 's/^## //p' "$page" | tr ',' '\n' | sed -n 's|^ *\([A-Z]*\) \(/v1/[^ ?]*\).*|\1 \2|p' | sort)

while read -r method path; do
    grep -qxF "$method $path" <<<"$headings" || complain "$page" "no heading for $method $path"
    # {parts} are anything in a test; agents' and operators' calls alike name the method first.
    shopt -s extglob
    pattern="($method|run) [\"']*(${path//\{+([a-z])\}/[^ /]+}|${path##*/})([\"'? ]|\$)"
    grep -qE "$pattern" tests/api_*.sh ||
        complain planner/service/api.c "no test asks for $method $path"
done <<<"$rows"
while read -r method path; do
    grep -qxF "$method $path" <<<"$rows" || complain "$page" "$method $path is not in routes[]"
done <<<"$headings"
finish 'A route is a row in planner/service/api.c, a heading in docs/godwit-api.7.scd and a test.'
