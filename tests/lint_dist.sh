#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `make dist` packs is what git knows, and it builds out of tree with its sources read-only.
# `make distcheck` runs all the tests of such a tree too, which takes as long as they do.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

command -v git >/dev/null || skip 'no git here'
[ -e .git ] || skip 'these sources are no clone: nothing to compare with'
unset MAKEFLAGS MFLAGS MAKELEVEL
top=$(mktemp -d "${TMPDIR:-/tmp}/godwit-dist-XXXXXX")
trap 'chmod -R u+w "$top"; rm -rf "$top"' EXIT

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

chmod -R a-w "$top/godwit"
mkdir "$top/build"
cd "$top/build"
# -O1: whether it compiles, not how well; FORTIFY_SOURCE wants some.
if ! { ../godwit/configure -q --enable-developer CFLAGS=-O1 && make -s -j2 all; } >"$top/log" 2>&1; then
    tail -n 40 "$top/log"
    complain Makefile.am 'what is packed does not build'
fi
make -s install DESTDIR="$top/root" >"$top/log" 2>&1 || {
    tail -n 20 "$top/log"
    complain Makefile.am 'what is packed does not install'
}
for program in bin/godwit sbin/godwitd sbin/godwit-agent; do
    [ -x "$top/root/usr/local/$program" ] || complain Makefile.am "installs no $program"
done
finish ''
