#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit-agent without a planner: verbs, flags against the manual, exit codes, bad input.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs jq
page=$abs_top_srcdir/docs/godwit-agent.8.scd

# answers CODE TEXT COMMAND...: the exit code, and what standard error says
answers() {
    local want=$1 text=$2
    shift 2
    exits "$want" "$@"
    [ -z "$text" ] || says err "$text"
}

agent() {
    godwit-agent "$@" --state-dir "$dir/state"
}

# -- every verb and flag has its place in the manual, and the other way round
godwit-agent -h >"$dir/help"
sed -n 's/^ *-\{0,1\}[a-zA-Z]\{0,1\} *--\([a-z-]*\).*/\1/p' "$dir/help" | sort >"$dir/flags"
grep -v '^\*--.*\*enrol\|SYNOPSIS' "$page" | sed -n '/^# FLAGS/,/^# HOOKS/p' | grep '^\*-' |
    grep -o '\*--[a-z-]*\*' | tr -d '*' | sed 's/^--//' | sort >"$dir/paged"
[ "$(wc -l <"$dir/flags")" -ge 10 ] || fail "help has no flags"
diff "$dir/flags" "$dir/paged" || fail "flags and manual differ"
for verb in run enrol inventory guard status; do
    grep -q "^  $verb " "$dir/help" || fail "help lacks $verb"
    grep -q "^\*$verb\*" "$page" || fail "the manual lacks $verb"
done

# -- without a planner
godwit-agent inventory -o json | jq -e '.schema == "godwit.inventory/1" and (.host.name | length) > 0' >"$dir/out" ||
    fail "inventory"
agent status -o json | jq -e '.schema == "godwit.agent-status/1" and .identity == null and .workloads == []' \
    >"$dir/out" || fail "status"

# -- the guard: only an owner without a fence passes
record() {
    mkdir -p "$dir/state/workloads/shop"
    printf '%s' "$1" >"$dir/state/workloads/shop/ownership.json"
}
answers 5 "no record" agent guard shop
record '{"max_epoch": 3, "owns": true, "fenced_epoch": 0, "role": "push"}'
answers 0 "" agent guard shop
record '{"max_epoch": 3, "owns": true, "fenced_epoch": 3, "role": "push"}'
answers 5 "fenced" agent guard shop
record '{"max_epoch": 3, "owns": false, "fenced_epoch": 0, "role": "follow"}'
answers 5 "the other side" agent guard shop
record '{"max_epoch": 3, "owns": true'
answers 5 "no readable record" agent guard shop
record ''
answers 5 "no readable record" agent guard shop
answers 2 "name of a workload" agent guard
answers 2 "name of a workload" agent guard ../shop
answers 2 "one argument too many" agent guard shop shop

# -- usage
answers 2 "did you mean 'guard'" agent guar
answers 2 "no verb 'dance'" agent dance
answers 2 "--state-dir" godwit-agent run --sate-dir "$dir/state"
answers 2 "--join FILE" agent enrol
answers 2 "" agent run --self-abort soon
answers 2 "" agent status -o xml

# -- enrolment that cannot be
printf 'gw1.nonsense\n' >"$dir/token"
chmod 644 "$dir/token"
answers 7 "" agent enrol --server 127.0.0.1:1 --join "$dir/token"
chmod 600 "$dir/token"
answers 7 "gw1.<pin>.<id>.<secret>" agent enrol --server 127.0.0.1:1 --join "$dir/token" --name one
grep -q nonsense "$dir/err" && fail "the token was printed"
printf 'gw1.%064d.id.secret' 0 >"$dir/token"
answers 8 "" agent enrol --server 127.0.0.1:1 --join "$dir/token" --name one
answers 2 "https" agent enrol --server http://127.0.0.1:1 --join "$dir/token" --name one
answers 2 "cannot be the name" agent enrol --server 127.0.0.1:1 --join "$dir/token" --name 'a b'
answers 4 "godwit-agent enrol --server" agent run
[ -z "$(find "$dir/state" -type f -perm /077 ! -name ownership.json)" ] || fail "state that others can read"

# -- one agent a state directory
printf '{"identity": "h-1", "server": "https://127.0.0.1:1", "name": "one", "roles": "source"}' \
    >"$dir/state/agent.json"
record '{"max_epoch": 3, "owns": true, "fenced_epoch": 0, "role": "push"}'
exec 9>"$dir/state/lock"
flock 9
answers 6 "state directory" agent run
exec 9>&-
record '{"max_epoch": 3, "owns": true'
# It ends for want of a planner, not of that one workload.
answers 8 "GW-4109" agent run --once
(umask 077 && echo '-----BEGIN PRIVATE KEY-----' >"$dir/state/agent.pem")
answers 8 "GW-2007" agent run --once
answers 8 "enrol --again" agent run --once
# The command line that joined serves for every start after, when its token's file is long gone.
answers 8 "GW-2007" agent run --once --server https://127.0.0.1:1 --join "$dir/gone"
answers 2 "is enrolled already" agent enrol --server https://127.0.0.1:1 --join "$dir/gone"
echo "as it should be"
