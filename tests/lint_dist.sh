#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make dist` packs is what git knows. That it builds, installs and passes its tests with its
# sources read-only is what `make distcheck` shows, which takes as long as all of that does.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

command -v git >/dev/null || skip 'no git here'
[ -e .git ] || skip 'these sources are no clone: nothing to compare with'
unset MAKEFLAGS MFLAGS MAKELEVEL
top=$(mktemp -d "${TMPDIR:-/tmp}/godwit-dist-XXXXXX")
trap 'rm -rf "$top"' EXIT

make -s -C "$abs_top_builddir" distdir distdir="$top/godwit" >"$top/log" 2>&1 || {
    cat "$top/log"
    complain Makefile.am 'make distdir fails'
    finish ''
}
packed=$(cd "$top/godwit" && find . -type f -printf '%P\n' | LC_ALL=C sort)
# What is for those who work in the repository alone.
known=$(git -c safe.directory="$PWD" ls-files | grep -vxE '\.ci/.*|.*\.gitignore' | LC_ALL=C sort)
while IFS= read -r file; do
    [ -z "$file" ] || [ ! -e "$file" ] || complain "$file" 'is not packed: name it in a SOURCES or EXTRA_DIST'
done < <(LC_ALL=C comm -13 <(echo "$packed") <(echo "$known"))

finish ''
