#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy has nothing to say; .clang-tidy tells what it looks for.
#
#   lint_tidy.sh [FILE...]    only these
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

version=$(clang-tidy --version 2>/dev/null | sed -nE 's/.*version ([0-9]+)\..*/\1/p' | head -n 1)
[ -n "$version" ] || skip 'no clang-tidy here'
[ "$version" = 14 ] || skip "clang-tidy 14 decides, this is $version"
read_cppflags

# A few files each, so that both ends of the list take as long.
run() {
    # shellcheck disable=SC2016 # the inner shell expands it
    files_to_analyze "$@" |
        xargs -P 2 -n 8 bash -c 'n=$1; shift; clang-tidy --quiet "${@:n+1}" -- "${@:1:n}" 2>&1' \
            - "${#cppflags[@]}" "${cppflags[@]}"
}
while IFS= read -r line; do
    complain "${line%%: *}" "${line#*: }"
done < <(run "$@" | sed -nE "s|^($abs_top_srcdir/)?([^ ]+:[0-9]+):[0-9]+: (error\|warning): |\2: |p" |
    LC_ALL=C sort -u)
finish 'Mend it, or say beside it why not: NOLINTNEXTLINE(name-of-check): reason'
