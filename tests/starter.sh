# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Where the starters of what is not of this project are: object stores, virtual machines. Sourced.
: "${abs_top_srcdir:?}"

# NAME VARIABLE'S-VALUE: where the starter is: said, in PATH, or in a tools/ folder beside the source tree. Nothing when
# there is none.
find_starter() {
    local at
    for at in "$2" "$(command -v "$1" || true)" "$abs_top_srcdir"/../*/tools/"$1"; do
        if [ -n "$at" ] && [ -x "$at" ]; then
            echo "$at"
            return
        fi
    done
}
