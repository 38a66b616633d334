#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No room includes a room above it, and includes carry their room ("base/buf.h").
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

# Room, then the rooms that it may include: docs/architecture.md, section "Rooms".
allowed='
base            base
inventory       base inventory
transport       base transport
planner/engine  base inventory planner/engine
planner/service base inventory transport planner/engine planner/service
agent           base inventory transport agent
cli             base inventory transport planner/engine cli
tests           base inventory transport planner/engine planner/service agent cli tests
'

# Lines "file:line:header" of all quoted includes, judged in one pass.
found=$(c_sources | xargs grep -nHoE '^[ \t]*#[ \t]*include[ \t]*"[^"]*"' |
    sed -E 's/^([^:]*):([0-9]+):.*"([^"]*)"$/\1:\2:\3/' |
    awk -F: -v allowed="$allowed" '
        function room_of(path) {
            if (path ~ /^planner\/(engine|service)\//)
                return substr(path, 1, index(substr(path, 9), "/") + 7)
            return substr(path, 1, index(path, "/") - 1)
        }
        BEGIN {
            n = split(allowed, rows, "\n")
            for (i = 1; i <= n; i++) {
                m = split(rows[i], words, /[ \t]+/)
                for (j = 2; j <= m; j++)
                    may[words[1], words[j]] = 1
                if (m)
                    known[words[1]] = 1
            }
        }
        {
            from = room_of($1)
            to = room_of($3)
            if (!(to in known))
                print $1 ":" $2 "\tincludes \"" $3 "\", which carries no room"
            else if (!((from, to) in may))
                print $1 ":" $2 "\tincludes \"" $3 "\": " from " may not see " to
        }')
while IFS=$'\t' read -r where what; do
    [ -z "$where" ] || complain "$where" "$what"
done <<<"$found"
finish 'See docs/architecture.md, section "Rooms".'
