#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every verb of godwit has its section in godwit(1), with its flags and an example; every section has
# its verb; and no advice that programs give names a verb that is not there.
set -eu
# shellcheck source=tests/lint_common.sh
. "${abs_top_srcdir:-$(dirname "$0")/..}/tests/lint_common.sh"

page=docs/godwit.1.scd
godwit=${abs_top_builddir:?}/godwit
[ -x "$godwit" ] || skip "$godwit is not built"

# "WORDS ARGS" of each row, by the summary; a summary stands behind column 51.
rows=$("$godwit" help | sed -n '/^  godwit /d; s/^  \([a-z].\{48\}\) .*/\1/p' | sed 's/ *$//')
# shellcheck disable=SC2001 # a pattern with a group
verbs=$(sed 's/^\([a-z]*\( [a-z][a-z]*\)\{0,1\}\).*/\1/' <<<"$rows" | LC_ALL=C sort)
[ "$(wc -l <<<"$verbs")" -gt 20 ] || complain cli/help.c 'the overview looks otherwise now'
sections=$(sed -n 's/^## godwit \([a-z]*\( [a-z][a-z]*\)\{0,1\}\).*/\1/p' "$page" | LC_ALL=C sort)

while read -r verb; do
    grep -qxF "$verb" <<<"$sections" || complain "$page" "no section for: godwit $verb"
done <<<"$verbs"
while read -r verb; do
    grep -qxF "$verb" <<<"$verbs" || complain "$page" "there is no verb: godwit $verb"
done <<<"$sections"

# section VERB: its text
section() {
    sed -n "/^## godwit $1\( [^a-z].*\)\{0,1\}\$/,/^#/{/^## godwit $1\( [^a-z].*\)\{0,1\}\$/d;/^#/d;p}" "$page"
}

while read -r verb; do
    text=$(section "$verb")
    grep -q "^godwit $verb\|^godwit .*$verb" <<<"$text" ||
        complain "$page" "no example of godwit $verb"
    # shellcheck disable=SC2086 # a verb of two words is two
    help=$("$godwit" $verb --help)
    flags=$(sed -n '/^Flags$/,/^Common flags$/s/^ *\(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' <<<"$help")
    while read -r flag; do
        [ -z "$flag" ] || grep -qF -e "--$flag*" <<<"$text" ||
            complain "$page" "godwit $verb lacks its --$flag"
    done <<<"$flags"
    while read -r flag; do
        [ -z "$flag" ] || grep -qx "$flag" <<<"$flags" ||
            complain "$page" "godwit $verb has no --$flag"
    done < <(sed -n 's/^\(\*-[a-z]\*, \)\{0,1\}\*--\([a-z-]*\)\*.*/\2/p' <<<"$text")
done <<<"$verbs"

# "godwit WORD WORD" in what programs print, in catalogue and advice: a verb, or a verb and a name.
firsts=$(cut -d' ' -f1 <<<"$verbs" | sort -u)
while IFS=: read -r file line words; do
    [ -n "$words" ] || continue
    read -r _ first second <<<"$words"
    if ! grep -qx "$first" <<<"$firsts"; then
        complain "$file:$line" "advice names a verb that is not there: $words"
    elif [ -n "$second" ] && ! grep -qxF "$first $second" <<<"$verbs" &&
        ! grep -qxF "$first" <<<"$verbs"; then
        complain "$file:$line" "advice names a verb that is not there: $words"
    fi
done < <(grep -nHoE '("|\\n|Next: |·  )godwit [a-z]+( [a-z]+)?' base/gw.c planner/service/*.c cli/*.c |
    grep -v 'cli/help.c:.*godwit moves' |
    sed -E 's/^([^:]*:[0-9]+):.*(godwit [a-z]+( [a-z]+)?)$/\1:\2/')
finish 'A verb is a row in cli/verbs.c, a section in docs/godwit.1.scd and a test.'
