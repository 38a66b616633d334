#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gcc's analyzer, which follows paths through a file, finds nothing but what analyzer_allowed lists.
#
#   lint_analyzer.sh [FILE...]    only these; "all" is tests and benchmarks, too
#
# Tests run under AddressSanitizer in every check, and reading them takes a third of the time: make
# check-soak does.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

: "${CC:=gcc}"
version=$($CC -dumpversion 2>/dev/null | cut -d. -f1)
$CC --version 2>/dev/null | grep -q 'Free Software' || skip 'the compiler is not gcc'
[ "$version" = 12 ] || skip "the list is of gcc 12, this is $version: each sees other paths"
read_cppflags
export CC

# One file: "SOURCE FUNCTION CHECK at WHERE: WHAT" for each finding. An assertion that fails ends a
# test by longjmp, and one that has no memory may end in any way: leaks of tests are
# AddressSanitizer's to find.
analyze() {
    local flags=(-O1 -fanalyzer -fdiagnostics-plain-output -fdiagnostics-path-format=none)
    case $1 in
    tests/*) flags+=(-Wno-analyzer-malloc-leak -Wno-analyzer-file-leak
        -Wno-analyzer-possible-null-argument -Wno-analyzer-possible-null-dereference) ;;
    esac
    LC_ALL=C $CC "${@:2}" "${flags[@]}" -S "$1" -o /dev/null 2>&1 | awk -v source="$1" '
        match($0, /([Ii]n function|inlined from) .[A-Za-z0-9_]+/) {
            name = substr($0, RSTART, RLENGTH)
            sub(/.* ./, "", name)
        }
        / error: / { print source, "-", "error", "at", $0; next }
        match($0, /\[-Wanalyzer-[a-z-]+\]$/) {
            print source, name, substr($0, RSTART + 3, RLENGTH - 4), "at", $0
        }'
}
export -f analyze

what_to_read() {
    case $* in
    '') files_to_analyze | grep -v '^tests/' ;;
    all) c_files ;;
    *) files_to_analyze "$@" ;;
    esac
}
mapfile -t sources < <(what_to_read "$@")
found=$(printf '%s\n' "${sources[@]}" |
    xargs -P 2 -I '{}' bash -c 'analyze "$@"' - '{}' "${cppflags[@]}" | LC_ALL=C sort -u)
allowed=$(what_is_allowed analyzer_allowed)
while read -r source name check _ what; do
    [ -z "$source" ] || grep -qx "$source $name $check" <<<"$allowed" ||
        complain "$source" "$name: $what"
done <<<"$found"
while read -r source name check; do
    [ ! -f "$source" ] || printf '%s\n' "${sources[@]}" | grep -qxF "$source" || continue
    grep -q "^$source $name $check at" <<<"$found" ||
        complain tests/analyzer_allowed "'$source $name $check' is not found any more: remove it"
done <<<"$allowed"
finish 'Mend it; or, when it is false, a line in tests/analyzer_allowed tells why.'
