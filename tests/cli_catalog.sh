#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit catalog: providers' price lists to one catalogue and back, exact; nothing mixed in silence.
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?}/tests/cli_common.sh"
needs jq
lists=$abs_top_srcdir/tests/data/fuzz_catalogue

echo "-- AWS's own list"
exits 3 godwit catalog import "$lists/aws_ec2.json" --out "$dir/aws.json" -o json
is '.schema == "godwit.catalog-import/1" and .provider == "aws" and .currency == "USD" and .shapes == 4 and .sized == 4'
is '.refused == [{file: "'"$lists"'/aws_ec2.json", line: .refused[0].line, column: "memory", why: .refused[0].why}]'
is '.files[0].kind == "aws"'
jq -e '.schema == "godwit.catalogue/1" and (.shapes[] | select(.shape == "m7i.large") |
    .price_micros == 100800 and .reserved_1y_micros == 66700)' "$dir/aws.json" >/dev/null || fail "another catalogue"

echo "-- our own form is the same list"
exits 0 godwit catalog show "$dir/aws.json" -o json
cmp -s <(jq -S . "$dir/out") <(jq -S . "$dir/aws.json") || fail "show tells something else"
exits 4 godwit catalog import - # standard input is empty here
godwit catalog import - --out "$dir/again.json" <"$dir/aws.json" >/dev/null || fail "standard input"
cmp -s "$dir/again.json" "$dir/aws.json" || fail "another file from the same list"

echo "-- prices and sizes from two files"
exits 3 godwit catalog import "$lists/azure_prices.json" "$lists/azure_sizes.json" -o json
is '.shapes == 3 and .sized == 2 and .reserved == 1'
exits 3 godwit catalog import "$lists/azure_prices.json"
says out 'have no size'

echo "-- for people, and for programs"
exits 0 godwit catalog show "$lists/plain.csv"
says out '0.035'
says out 'egress internet: 0.05 a GiB above 50000 GiB'
exits 0 godwit catalog show "$lists/plain.csv" -o csv
[ "$(wc -l <"$dir/out")" = 3 ] || fail "not two shapes"

echo "-- two currencies, providers or regions are named"
printf 'provider,region,currency,price_date,sku,price_per_hour\na,b,USD,2026-01,x,1\na,b,EUR,2026-01,y,2\n' >"$dir/two.csv"
exits 2 godwit catalog show "$dir/two.csv"
says err "'EUR' beside 'USD'"
exits 0 godwit catalog show "$dir/two.csv" --currency EUR -o json
is '.currency == "EUR" and (.shapes | length) == 1'
exits 2 godwit catalog import "$lists/plain.csv" "$lists/aws_ec2.json"
says err "'aws' beside 'acme'"

echo "-- no price list"
echo '{"some": "document"}' >"$dir/other.json"
exits 2 godwit catalog show "$dir/other.json"
head -c 3000 "$lists/aws_ec2.json" >"$dir/cut.json"
exits 2 godwit catalog show "$dir/cut.json"
exits 4 godwit catalog show "$dir/not-there.json"
exits 4 godwit catalog show "$lists/aws_ec2.json" --region nowhere
exits 2 godwit catalog import
echo "ok"
