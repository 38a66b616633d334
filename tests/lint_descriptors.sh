#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No descriptor is left open, and no memory read that was never set: a few tests under valgrind, of
# those that open files, sockets and stores. Leaks of memory are AddressSanitizer's to find.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

command -v valgrind >/dev/null || skip 'no valgrind here'
[ -z "${GODWIT_TEST_SANITIZED-}" ] || skip 'valgrind cannot run what a sanitizer made'
cd "$abs_top_builddir"
compgen -G 'unit_*' >/dev/null || skip 'no C tests here: they need cmocka'
log=$(mktemp "${TMPDIR:-/tmp}/godwit-valgrind-XXXXXX")
trap 'rm -f "$log"' EXIT
programs=(contract_store unit_fd)
# Certificates take long to make under valgrind.
[ -z "${GODWIT_TEST_WHOLE-yes}" ] || programs+=(unit_cert unit_conf unit_vault)
[ $# -eq 0 ] || programs=("$@")
for name in "${programs[@]}"; do
    [ -x "$name" ] || {
        complain tests/lint.mk "does not have $name built"
        continue
    }
    valgrind -q --track-fds=yes --child-silent-after-fork=yes --error-exitcode=9 \
        --log-file="$log" "./$name" >/dev/null 2>&1 ||
        complain "$name" "fails under valgrind: $(head -n 20 "$log")"
    # Those that came from the parent, make's among them, are none of ours.
    open=$(sed 's/^==[0-9]*== *//' "$log" | awk '
        /^Open file descriptor|^Open AF_/ { what = $0; getline
            if ($0 !~ /inherited from parent/) print what, $0 }')
    [ -z "$open" ] || complain "$name" "leaves $open"
done
finish 'valgrind --track-fds=yes tells where it was opened.'
