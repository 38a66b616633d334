#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every source is as clang-format leaves it.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

# Other versions put some breaks elsewhere: the one of Debian 12 decides.
version=$(clang-format --version 2>/dev/null | sed -nE 's/.*version ([0-9]+)\..*/\1/p')
[ -n "$version" ] || skip 'no clang-format here'
[ "$version" = 14 ] || skip "clang-format 14 decides, this is $version"

while IFS= read -r where; do
    complain "$where" 'not as clang-format leaves it'
done < <(c_sources | xargs -P 2 -n 16 clang-format --dry-run 2>&1 |
    sed -nE 's/^([^ ]+:[0-9]+):[0-9]+: warning:.*/\1/p' | LC_ALL=C sort -u -t: -k1,1)
finish 'Run: clang-format -i FILE'
