#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cppcheck has nothing to say but what tests/cppcheck_allowed lists.
#
#   lint_cppcheck.sh [FILE...]    only these
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

version=$(cppcheck --version 2>/dev/null | sed -nE 's/^Cppcheck ([0-9]+\.[0-9]+).*/\1/p')
[ -n "$version" ] || skip 'no cppcheck here'
[ "$version" = 2.10 ] || skip "the list is of cppcheck 2.10, this is $version"
read_cppflags

# What it cannot know: the headers of the system, which it does not read, and with them the macros
# that configure found; __GNUC__, by which our own headers choose.
# shellcheck disable=SC2054 # the commas are cppcheck's
args=(--quiet -j 2 --enable=warning,style,performance,portability --inline-suppr --std=c11 -I.
    -D__GNUC__=12 --template='{file}:{line}: {message} [{id}]')
for flag in "${cppflags[@]}"; do
    case $flag in -DHAVE_LIB* | -DGODWIT_* | -DPACKAGE_*) args+=("$flag") ;; esac
done
list=$(mktemp "${TMPDIR:-/tmp}/godwit-lint-XXXXXX")
trap 'rm -f "$list"' EXIT
files_to_analyze "$@" >"$list"

# The name of an allowed line and its file: "file check".
found=$(cppcheck "${args[@]}" --suppressions-list=tests/cppcheck_suppressions \
    --file-list="$list" 2>&1 || true)
while IFS= read -r line; do
    [ -z "$line" ] || complain "${line%%: *}" "${line#*: }"
done <<<"$found"
finish 'Mend it; or, when it is false, a line in tests/cppcheck_suppressions tells why.'
