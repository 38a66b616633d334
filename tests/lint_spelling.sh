#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No misspelt word in sources and documents.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

command -v codespell >/dev/null || skip 'no codespell here'

# Words of ours that the list takes for slips.
words=fo,ro,te,ot,ser,sav,nd,hda,ans,fpr,clen,mis,inout,unparseable,2st,inflight

while IFS= read -r line; do
    complain "${line%%: *}" "${line#*: }"
done < <({
    files '*.c' '*.h' '*.sh' '*.mk' '*.py' '*.js' '*.html' '*.css' '*.sql'
    find docs packaging -type f ! -name '*.json' ! -name '*.svg'
    find . -maxdepth 1 -type f \( -name '*.md' -o -name 'configure.ac' -o -name 'Makefile.am' \)
} | xargs codespell -L "$words" 2>&1)
finish 'Correct it, or add a word of ours to tests/lint_spelling.sh.'
