#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# No mutable variable of static life, neither of a file nor of a function, but the few listed here.
# The compiler's own answer is read: what an object file has in .data and .bss can be written.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

command -v objdump >/dev/null || skip 'no objdump here'
[ -z "${GODWIT_TEST_SANITIZED-}" ] || skip 'sanitizers add variables of their own'

# Source, variable. What is added here needs a reason beside it in its source: the sink, what tests
# set before main, what a library wants set up once, the memory that all stores of a name share, what a
# signal's handler tells the program.
allowed='
base/log.c sink
base/fail.c table
base/conf.c once
base/cert_tls.c hook_index
base/cert_tls.c hook_once
base/crypto.c algorithms
base/crypto.c algorithms_once
base/sha256.c there
base/sha256.c there_once
base/http.c curl_is_ready
base/http.c curl_once
transport/nbdkit_plugin.c plugin
transport/nbdkit_plugin.c plugin_state
transport/store_mem.c registry
transport/store_mem.c registry_lock
agent/main.c stop_flag
cli/demo_ledger_main.c stopped
cli/main.c stop_flag
cli/progress.c asked
cli/progress.c interrupted
planner/service/main.c stop_flag
'

# base/libgodwit_base_a-log.o, agent/main.o -> base/log.c, agent/main.c
source_of() {
    local dir=${1%/*} name=${1##*/}
    name=${name#*-}
    echo "$dir/${name%.o}.c"
}

cd "$abs_top_builddir"
objects=$(find base inventory transport planner agent cli -name '*.o' 2>/dev/null | LC_ALL=C sort)
[ -n "$objects" ] || complain . 'nothing is built, so nothing can be checked'
while IFS= read -r object; do
    source=$(source_of "$object")
    [ -f "$abs_top_srcdir/$source" ] || continue # left over from a source that is gone
    while read -r name; do
        name=${name%%.*} # of a function: the compiler appends a number
        [ -z "$name" ] || grep -qx "$source $name" <<<"$allowed" ||
            complain "$source" "'$name' is a mutable variable"
    done < <(objdump -t "$object" |
        awk 'NF >= 4 && $(NF-2) ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)(\.[a-z].*)?$/ &&
             $(NF-2) !~ /^\.data\.rel\.ro/ && $NF !~ /^\./ { print $NF }')
done <<<"$objects"
finish 'Pass it in. Only the log sink, the failpoints and the stop flags may be global.'
