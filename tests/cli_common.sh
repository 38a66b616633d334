# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What tests that run godwit share: a home of their own below $dir, words for what a command answers,
# and an end that leaves neither files nor processes. Sourced, not run.
: "${abs_top_srcdir:?run by make check}" "${abs_top_builddir:?}"

# skip WHY
skip() {
    echo "SKIP: $1"
    exit 77
}

# needs TOOL...
needs() {
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip "no $tool here"
    done
}

fail() {
    echo "FAILED: $*" >&2
    tail -n 20 "$dir/out" "$dir/err" "$dir/log" >&2 2>/dev/null || true
    exit 1
}

# run COMMAND...: out and err are kept, its exit code is in $code
run() {
    code=0
    "$@" >"$dir/out" 2>"$dir/err" </dev/null || code=$?
}

# exits CODE COMMAND...
exits() {
    local want=$1
    shift
    run "$@"
    [ "$code" = "$want" ] || fail "$* ended with $code, not $want"
}

# says FILE TEXT: of what the last command left in $dir
says() {
    grep -qF -e "$2" "$dir/$1" || fail "$1 lacks '$2'"
}

# is JQ: of the document in out
is() {
    jq -e "$1" "$dir/out" >/dev/null || fail "not $1"
}

end_jobs() {
    {
        jobs -p | xargs -r kill -KILL || true
        wait
    } 2>/dev/null # where bash tells of each
}

end() {
    end_jobs
    rm -rf "$dir"
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-test-XXXXXX")
trap end EXIT
PATH=$abs_top_builddir:$PATH:/usr/sbin:/sbin
# What the caller has set does not reach the test, but for the switches of make check.
for name in "${!GODWIT_@}" "${!AWS_@}"; do
    [[ $name == GODWIT_TEST_* ]] || unset "$name"
done
unset name LISTEN_FDS LISTEN_PID
export HOME=$dir XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/state
