#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a test, and keeps what it took for `make check-times`.
#
#   timed.sh COMMAND...    the last word names the test
set -u
TIMEFORMAT="%R %U %S ${!#}"
code=0
{ time "$@" 2>&3 || code=$?; } 3>&2 2>>"${abs_top_builddir:?}/check.times"
exit $code
