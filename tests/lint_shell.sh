#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every script passes shellcheck.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

command -v shellcheck >/dev/null || skip 'no shellcheck here'

# SC1090, SC1091: files that are sourced by a name made at run time.
scripts | xargs -P 2 -n 4 shellcheck -x -P . -e SC1090,SC1091 || complain tests/lint_shell.sh 'see above'
finish 'Each SC number is explained at https://www.shellcheck.net/wiki/'
