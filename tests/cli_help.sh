#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What godwit says about itself: help of every verb, what it answers to typing errors, the forms of
# -o, completion, contexts. No planner is needed.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?run by make check}/tests/cli_common.sh"
needs jq

echo "-- every verb has help: a summary, an example with the verb in it, the flags of all"
exits 0 godwit help
verbs=$(sed -n '/^  godwit /d; s/^  \([a-z]*\( [a-z][a-z]*\)\{0,1\}\)  *.*/\1/p' "$dir/out")
[ "$(wc -l <<<"$verbs")" -gt 30 ] || fail "few verbs: $verbs"
asked=0
others=(watch wait detach confirm=x yes)
while read -r verb; do
    # shellcheck disable=SC2086 # a verb of two words is two
    exits 0 godwit $verb --help
    head -n 1 "$dir/out" | grep -q "^godwit $verb.*: [a-z]" || fail "no summary of $verb"
    sed -n '3p' "$dir/out" | grep -q "^  .*godwit .*" || fail "no example of $verb"
    says out --output
    [ ! -s "$dir/err" ] || fail "$verb --help says something on standard error"
    cp "$dir/out" "$dir/help"
    # A dry run that is not meant is the worst of them; of the others one after another.
    asked=$(((asked + 1) % 5))
    for flag in dry-run "${others[asked]}"; do
        grep -q -e "--${flag%=*}\\b" "$dir/help" && continue
        # shellcheck disable=SC2086
        exits 2 godwit $verb --server https://127.0.0.1:1 "--$flag"
        says err "godwit $verb takes no --${flag%=*}"
    done
done <<<"$verbs"

echo "-- a dry run that is not meant is never taken for the real thing"
mkdir "$dir/vault"
echo data >"$dir/volume"
exits 2 godwit replica push "$dir/volume" "file://$dir/vault/v" -n
[ -z "$(ls "$dir/vault")" ] || fail "push -n wrote"
exits 2 godwit replica pull "file://$dir/vault/v" "$dir/volume" --dry-run
exits 2 godwit demo --down -n
says err 'godwit demo takes no --dry-run'
exits 2 godwit demo --dry-run

echo "-- what does not arrive is a failure"
for words in help 'status --help' -V 'completion bash' 'token --help' 'help json'; do
    code=0
    # shellcheck disable=SC2086
    godwit $words >/dev/full 2>"$dir/err" || code=$?
    [ "$code" = 1 ] || fail "godwit $words >/dev/full ended with $code"
    says err 'standard output'
done

echo "-- a noun lists its verbs"
exits 0 godwit token --help
says out 'godwit token revoke'
! grep -q 'godwit host' "$dir/out" || fail "verbs of others"
exits 0 godwit status -w=5s --help

echo "-- typing errors: exit 2 and a suggestion, never a crash"
exits 2 godwit statsu
says err 'did you mean: godwit status'
exits 2 godwit token creat
says err "there is no verb 'token creat'; did you mean: godwit token create"
exits 2 godwit replica
says err 'push'
exits 2 godwit status --detailed-exitcod
says err '--detailed-exitcode'
exits 2 godwit status --color=purple
says err 'auto'
exits 2 godwit status -o xml
exits 2 godwit cutover
says err 'godwit cutover shop --dry-run'
exits 2 godwit status a b
says err "'b'"
exits 2 godwit ''
exits 2 godwit frobnicate
says err '  why  '
exits 2 godwit status --nonsense -o json
jq -e '.schema == "godwit.error/1" and .code == "GW-1001" and (.why | length) > 0 and .exit == 2' \
    "$dir/err" >/dev/null || fail "an early error is no document"
exits 2 godwit frobnicate --output=json
jq -e '.schema == "godwit.error/1"' "$dir/err" >/dev/null || fail "an unknown verb is no document"
exits 2 godwit status --watch=1ms
says err '200ms'
exits 2 godwit demo --port 70000
exits 2 godwit replica push a b --limit fast

echo "-- flags stand before or after the verb"
exits 0 godwit -o json explain GW-3011
cp "$dir/out" "$dir/first"
exits 0 godwit explain GW-3011 -o json
jq -e '.schema == "godwit.explain/1" and .code == "GW-3011" and .exit > 0 and (.next | type) == "array"' "$dir/out" >/dev/null ||
    fail "explain as JSON"
[ "$(jq -c 'del(.generated_at)' "$dir/out")" = "$(jq -c 'del(.generated_at)' "$dir/first")" ] ||
    fail "the place of a flag changes the answer"

echo "-- the forms of -o"
exits 0 godwit context add one --server https://127.0.0.1:1 --token-file /nowhere
exits 0 godwit context add two --server https://127.0.0.1:2
for form in table wide csv name yaml jsonl; do
    exits 0 godwit context ls -o "$form"
    says out two
done
exits 0 godwit context ls -o json
jq -e '.schema == "godwit.context-list/1" and (.items | length) == 2 and .items[0].current' \
    "$dir/out" >/dev/null || fail "contexts as JSON"
exits 0 godwit context ls -o name
[ "$(cat "$dir/out")" = "one
two" ] || fail "names of contexts"
exits 0 godwit context ls -o csv
head -n 1 "$dir/out" | grep -q '^CONTEXT,' || fail "csv has no header"
GODWIT_OUTPUT=json exits 0 godwit context ls
jq -e .items "$dir/out" >/dev/null || fail "GODWIT_OUTPUT does nothing"
GODWIT_OUTPUT=bogus exits 2 godwit context ls
says err GODWIT_OUTPUT
GODWIT_PROGRESS=bogus exits 2 godwit context ls
says err GODWIT_PROGRESS
exits 0 godwit context ls -o jsonl
jq -se 'map(.type) == ["version", "result"] and .[1].exit == 0 and (.[1].items | length) == 2' "$dir/out" >/dev/null ||
    fail "the records of a list"
exits 2 godwit context lss -o jsonl
jq -se 'map(.type) == ["version", "result"] and .[1].exit == 2 and .[1].error.code == "GW-1001"' "$dir/out" >/dev/null ||
    fail "the records of a usage error"
jq -e '.code == "GW-1001"' "$dir/err" >/dev/null || fail "a usage error as a document"
exits 0 godwit --version -o json
jq -e '.libraries | .libcurl and .libcrypto and .libzstd and .jansson' "$dir/out" >/dev/null || fail "versions of libraries"
exits 0 godwit context ls --color=never
! grep -q $'\033' "$dir/out" || fail "colours although never"

echo "-- contexts"
exits 0 godwit context use two
exits 0 godwit context ls -o json
jq -e '.items[1].current' "$dir/out" >/dev/null || fail "use does nothing"
exits 4 godwit context use three
exits 4 godwit context rm three
exits 2 godwit context add bad --server http://127.0.0.1
exits 2 godwit context add bad --server https://127.0.0.1 --ca-pin short
exits 2 godwit context add ../bad --server https://127.0.0.1
exits 0 godwit config show --origin
says out "$dir/config/godwit/config:"
says out /nowhere
[ "$(stat -c %a "$dir/config/godwit/config")" = 600 ] || fail "others can read the configuration"
exits 0 godwit context add two --server https://127.0.0.1:2 --token-file /another
exits 2 godwit context add two --server https://127.0.0.1:3
says err 'godwit context rm two'
echo '# mine' >>"$XDG_CONFIG_HOME/godwit/config"
for i in {1..20}; do
    godwit context add "c$i" --server https://127.0.0.1:9 >/dev/null &
done
wait
for i in {1..20}; do
    exits 0 godwit context rm "c$i"
done
grep -qx '# mine' "$XDG_CONFIG_HOME/godwit/config" || fail "a comment of the user is gone"
sed -i '/^# mine$/d' "$XDG_CONFIG_HOME/godwit/config"
exits 0 godwit context rm two
exits 0 godwit context rm one
[ ! -e "$dir/config/godwit" ] || fail "an empty configuration is left"

echo "-- no planner: said with what to do, in words and as JSON"
exits 2 godwit status
says err 'GW-1006'
says err 'godwit demo'
exits 2 godwit status -o json
jq -e '.schema == "godwit.error/1" and .code == "GW-1006" and .exit == 2 and (.next | length) > 1 and
    all(.next[]; contains("\n") | not)' \
    "$dir/err" >/dev/null || fail "the error is no document"
exits 8 godwit status --server https://127.0.0.1:1
says err 'https://127.0.0.1:1'
exits 2 godwit status --config "$dir/no-such-file"
says err GW-1003
exits 2 env -u HOME -u XDG_CONFIG_HOME -u XDG_STATE_HOME "$abs_top_builddir/godwit" init --listen 127.0.0.1:0
exits 2 env -u HOME -u XDG_CONFIG_HOME -u XDG_STATE_HOME "$abs_top_builddir/godwit" replica push "$0" "file://$dir/vault/v"
exits 2 godwit replica push a b --limit 0
exits 2 godwit cutover shop
says err '--confirm=shop'

echo "-- completion is made from the tables"
for shell in bash zsh fish; do
    exits 0 godwit completion "$shell"
    while read -r verb; do
        says out "${verb##* }"
    done <<<"$verbs"
    says out detailed-exitcode
done
exits 2 godwit completion tcsh
godwit completion bash >"$dir/completion"
# shellcheck disable=SC2016 # the inner shell expands it
bash -euc '. "$1"; compopt() { :; }
    COMP_WORDS=(godwit replica pu); COMP_CWORD=2; _godwit; [ "${COMPREPLY[*]}" = "push pull" ]
    COMP_WORDS=(godwit -o js); COMP_CWORD=2; _godwit; [ "${COMPREPLY[*]}" = "json jsonl" ]
    COMP_WORDS=(godwit cutover --max-l); COMP_CWORD=2; _godwit; [ "${COMPREPLY[*]}" = "--max-lag=" ]' \
    _ "$dir/completion" || fail "completion of bash"

echo "-- topics and versions"
exits 0 godwit help exit-codes
says out '12 stopped half-way'
exits 4 godwit help nothing
exits 4 godwit explain GW-9998
exits 2 godwit explain one
exits 0 godwit --version -o json
jq -e '.schema == "godwit.version/1"' "$dir/out" >/dev/null || fail "no version document"
exits 0 godwit
says out 'godwit demo'
echo "ok"
