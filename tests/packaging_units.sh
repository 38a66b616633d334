#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The systemd units: systemd reads every line of them, and finds them as closed as they are meant.
set -eu

command -v systemd-analyze >/dev/null || {
    echo "skip: systemd-analyze is not installed"
    exit 77
}
dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-units-XXXXXX")
trap 'rm -rf "$dir"' EXIT

failed=0
# unit NAME PROGRAM EXPOSURE: at most so exposed, in tenths
unit() {
    sed -E "s,^(ExecStart|ExecStopPost)=[^ ]*,\1=${abs_top_builddir:?}/$2," \
        "$abs_top_builddir/packaging/$1.service" >"$dir/$1.service"
    if ! systemd-analyze verify --man=no "$dir/$1.service" >"$dir/out" 2>&1 || [ -s "$dir/out" ]; then
        echo "FAILED: $1: $(cat "$dir/out")"
        failed=1
    fi
    if ! systemd-analyze security --offline=true --no-pager --threshold="$3" "$dir/$1.service" \
        >"$dir/out" 2>&1; then
        echo "FAILED: $1: $(tail -n 1 "$dir/out")"
        failed=1
    fi
}
# What is frozen is thawed however the agent ends, and what the workload runs is not killed with it.
for line in KillMode=process 'ExecStopPost=.*/godwit-agent thaw'; do
    grep -qx "$line" "$abs_top_builddir/packaging/godwit-agent.service" || {
        echo "FAILED: godwit-agent: no $line"
        failed=1
    }
done
unit godwitd godwitd 15
unit godwit-agent godwit-agent 55
exit "$failed"
