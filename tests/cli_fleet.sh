#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Verbs over lists of other tools, with no planner: what is read, what is refused, what comes out.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?}/tests/cli_common.sh"
needs jq
export TZ=UTC
lists=$abs_top_srcdir/tests/data/fuzz_import

echo "-- groups: owners' words, and who talks to whom"
exits 3 godwit groups --from "$lists/plain.csv" --from "$lists/plain-talks.csv" -o json
is '.schema == "godwit.groups/1" and .hosts == 4'
is '[.groups[].group] | sort == ["ldap", "ml", "shop"]'
is '.groups[] | select(.group == "shop") | .hosts == ["shop-db-01", "shop-web-01"] and .confidence == 1'
is '.links[0] | .from == "shop" and .to == "ldap" and .bytes == 1000'
says err "plain.csv:5: bought_on '2023-13-01': not a date"
says err 'plain.csv:6: host a host without a name (the row is left out)'
says err 'plain-talks.csv:5:'
cp "$dir/out" "$dir/first.json"
exits 3 godwit groups --from "$lists/plain-talks.csv" --from "$lists/plain.csv" -o json
cmp -s "$dir/out" "$dir/first.json" || fail 'the order of files changed the groups'

echo "-- groups: a table, CSV, a graph"
exits 0 godwit groups --from "$lists/godwit-estate.json"
says out 'shop'
says out 'groups of 2 hosts'
exits 0 godwit groups --from "$lists/godwit-estate.json" -o csv
says out 'GROUP,HOSTS,TAGGED'
exits 0 godwit groups --from "$lists/godwit-estate.json" -o dot
says out 'digraph groups {'
exits 2 godwit cost -o dot
exits 3 godwit groups --from "$lists/plain.csv" --tag env -o json
is '[.groups[].group] | length == 3'

echo "-- what is read: folders, standard input, a format that is said"
mkdir "$dir/center"
cp "$lists"/migration-center-*.csv "$dir/center"
exits 3 godwit groups --from "$dir/center" -o json
is '.hosts == 2'
cp "$lists/godwit-estate.json" "$dir/in"
code=0
godwit groups --from - -o json <"$dir/in" >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 0 ] || fail "standard input ended with $code"
is '.hosts == 2'
exits 2 godwit groups --from "$lists/mgn.csv" --format rvtools
exits 2 godwit groups --from "$lists/mgn.csv" --format abacus
says err "abacus"
exits 2 godwit groups
printf 'a,b\n1,2\n' >"$dir/unknown.csv"
exits 2 godwit groups --from "$dir/unknown.csv"
says err 'no format that is known here'
