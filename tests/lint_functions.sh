#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Functions have at most 60 lines, 6 parameters (struct err apart, which all have) and 4 levels of
# nesting; files have at most 600 lines.
# It relies on the format of lint_format: a function's braces, and only those, stand alone in
# column 0, and one level is four spaces.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

# shellcheck disable=SC2016 # awk expands it
found=$(c_sources | xargs awk '
    # Parameters in a signature: commas of its last top-level pair of parentheses, plus one.
    function parameters(text,    i, c, depth, n, any) {
        depth = n = any = 0
        for (i = 1; i <= length(text); i++) {
            c = substr(text, i, 1)
            if (c == "(" && depth++ == 0)
                n = any = 0
            else if (c == ")")
                depth--
            else if (c == "," && depth == 1)
                n++
            else if (depth == 1 && c !~ /[ \t]/)
                any = 1
        }
        return (any ? n + 1 : 0) - (text ~ /(struct err \*err|\.\.\.)\)[ \t]*$/)
    }
    FNR == 1 { signature = ""; start = 0 }
    FNR == 601 { print FILENAME ":601 the file has more than 600 lines" }
    /^\{$/ {
        start = FNR
        if (parameters(signature) > 6)
            print FILENAME ":" FNR - 1 " " parameters(signature) " parameters, more than 6"
        next
    }
    start && /^\}$/ {
        if (FNR - start - 1 > 60)
            print FILENAME ":" start " a function of " FNR - start - 1 " lines, more than 60"
        start = 0
        signature = ""
        next
    }
    start && /^ *(if|for|while|switch|do)( |$)/ && match($0, /[^ ]/) > 20 {
        print FILENAME ":" FNR " more than 4 levels"
    }
    !start && (/^$/ || /;$/ || /^\}/ || /^ ?\*/ || /^\/\*/ || /^#/) { signature = ""; next }
    !start { signature = signature " " $0 }
')
while IFS= read -r line; do
    [ -z "$line" ] || complain "${line%% *}" "${line#* }"
done <<<"$found"
finish 'Split by idea: a function decides the order of calls or does one thing.'
