#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every source begins with its licence and its purpose, and every .c ends its includes with the
# banned names. Programs for the kernel (*.bpf.c) have no libc to ban.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

licence='SPDX-License-Identifier: Apache-2.0'

while IFS= read -r file; do
    { IFS= read -r first && IFS= read -r second; } <"$file" || true
    [ "$first" = "/* $licence */" ] || complain "$file:1" "must be /* $licence */"
    [[ $second == '/*'* ]] || complain "$file:2" 'must begin the comment that says what it is for'
done < <(c_sources)

while IFS= read -r file; do
    case $(head -n 2 "$file") in
    *"# $licence"*) ;;
    *) complain "$file:1" "must have # $licence in its first two lines" ;;
    esac
done < <(scripts; find . -maxdepth 1 -name 'Makefile.am'; files '*.mk' '*.py')

while IFS= read -r file; do
    last=$(grep -nE '^[ \t]*#[ \t]*include' "$file" | tail -n 1)
    [[ $last == *'#include "base/banned.h"' ]] ||
        complain "$file:${last%%:*}" 'the last include must be "base/banned.h"'
done < <(c_files)
finish 'See docs/style.md.'
