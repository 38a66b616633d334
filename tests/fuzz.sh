#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fuzz targets under libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer: make fuzz.
#
#   fuzz.sh [TARGET...]    fuzz_key, …; all of them without one
#
# FUZZ_SECONDS (60) for each. The build and the corpora that grow are kept in build-fuzz; an input
# that ends a target lies there too: run ./TARGET on it, and put it into tests/data/TARGET.
set -eu
: "${abs_top_srcdir:?}" "${abs_top_builddir:?}"

command -v clang >/dev/null || {
    echo 'make fuzz needs clang (package clang)' >&2
    exit 1
}
sanitizers=address,undefined
dir=$abs_top_builddir/build-fuzz
if [ $# -eq 0 ]; then
    # fuzz_inventory damages whole hosts, by its own dice: it is no target of libFuzzer.
    for file in "$abs_top_srcdir"/tests/fuzz_*.c; do
        ! grep -qF '"tests/fuzz.h"' "$file" || set -- "$@" "$(basename "$file" .c)"
    done
fi
mkdir -p "$dir"
cd "$dir"
[ -e Makefile ] || "$abs_top_srcdir/configure" -q CC=clang CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,$sanitizers" \
    CPPFLAGS=-DGODWIT_LIBFUZZER LDFLAGS="-fsanitize=$sanitizers"
# Hardening as of gcc 12 is not clang 14's, and FORTIFY_SOURCE hides reads from the sanitizer.
make -s -j"${FUZZ_JOBS:-2}" WARN_CFLAGS= HARDEN_CFLAGS=-fPIC HARDEN_CPPFLAGS=-U_FORTIFY_SOURCE HARDEN_LDFLAGS= \
    LDFLAGS="-fsanitize=fuzzer,$sanitizers" "$@"
failed=0
for target; do
    echo "== $target, ${FUZZ_SECONDS:-60} s"
    mkdir -p "corpus/$target"
    ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 "./$target" \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=65536 -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
        -artifact_prefix="$target-" "corpus/$target" "$abs_top_srcdir/tests/data/$target" >"$target.log" 2>&1 || {
        failed=1
        echo "FAILED: $target"
        tail -n 30 "$target.log"
    }
    grep -E 'number_of_executed_units|new_units_added' "$target.log" || true
done
exit $failed
