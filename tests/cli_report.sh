#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# godwit plan report: one page, whole, nothing from elsewhere, safe whatever names there are, the same
# for the same input.
#
#   cli_report.sh [HOSTS]    300; make bench-report: 10,000, and how long that took
set -eu
# shellcheck source=tests/cli_common.sh
. "${abs_top_srcdir:?}/tests/cli_common.sh"
needs jq python3
export TZ=UTC
hosts=${1:-300}
prices=$abs_top_srcdir/tests/bench/report_prices.csv

# A page in which every element that is opened is closed, and which names nothing outside itself.
check_page() {
    python3 - "$1" <<'PY'
import html.parser, sys
VOID = {"meta", "path", "circle", "rect", "br"}
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.refs, self.charts, self.tables = [], set(), [], 0, 0
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        assert tag not in ("script", "link", "iframe", "img", "object"), tag
        assert not any(k.startswith("on") or k in ("src", "href") for k in a), attrs
        if "id" in a:
            assert a["id"] not in self.ids, a["id"]
            self.ids.add(a["id"])
        if tag == "svg":
            self.charts += 1
            assert a["role"] == "img"
            self.refs += a["aria-labelledby"].split()
        self.tables += tag == "table"
        if tag not in VOID:
            self.open.append(tag)
    def handle_startendtag(self, tag, attrs):
        pass
    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:], self.getpos())
        self.open.pop()
page = Page()
text = open(sys.argv[1], encoding="utf-8").read()
page.feed(text)
assert not page.open, page.open
assert all(r in page.ids for r in page.refs), page.refs
assert page.charts >= 3 and page.tables >= 8, (page.charts, page.tables)
assert "http" not in text.replace("http-equiv", ""), "something from elsewhere"
assert "@media print" in text and "prefers-color-scheme:dark" in text
PY
}

python3 "$abs_top_srcdir/tests/made_estate.py" "$hosts" >"$dir/fleet.json"
report=(godwit plan report --from "$dir/fleet.json" --catalog "$prices" --start 2027-01)

echo "-- a page of $hosts hosts"
begin=$SECONDS
exits 0 "${report[@]}" --html "$dir/report.html" -o json
is '.schema == "godwit.plan-report/1" and .hosts == '"$hosts"
echo "$((SECONDS - begin)) s"
[ "$((SECONDS - begin))" -lt 60 ] || fail "longer than a minute"
check_page "$dir/report.html" || fail "no good page"
exits 0 "${report[@]}" --html "$dir/again.html"
cmp -s "$dir/report.html" "$dir/again.html" || fail "the same input gave another page"

echo "-- with a plan and a blackout, and names that are no names"
python3 "$abs_top_srcdir/tests/made_estate.py" 40 >"$dir/small.json"
jq '.hosts[8].host = "<script>alert(1)</script>" | .hosts[9].workload = "a\" onload=\"x" | .hosts[10].owner = "&amp; <b>"' \
    "$dir/small.json" >"$dir/odd.json"
jq -n '{schema: "godwit.plan/1", waves: [{wave: "<1>", hosts: 3, bytes: 1e12 | floor, seed_from: "2027-03-01T00:00:00Z", cutover_from: "2027-03-09T02:00:00Z",
    cutover_until: "2027-03-09T04:00:00Z", risk: "low", workloads: [{workload: "app-0000"}]}, {wave: "2", hosts: 1, bytes: 1, seed_from: "2027-03-10T00:00:00Z",
    cutover_from: null, cutover_until: null, workloads: [{workload: "app-0001"}]}]}' >"$dir/plan.json"
printf 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20270303T000000Z\r\nDTEND:20270305T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' >"$dir/freeze.ics"
exits 0 godwit plan report --from "$dir/odd.json" --catalog "$prices" --plan "$dir/plan.json" --blackout "$dir/freeze.ics" \
    --title 'Us & <them>' --html "$dir/odd.html"
check_page "$dir/odd.html" || fail "no good page of odd names"
grep -q 'Us &amp; &lt;them&gt;' "$dir/odd.html" || fail "the title is not there"
grep -q 'class=black' "$dir/odd.html" || fail "no blackout is drawn"
grep -q 'wave &lt;1&gt;' "$dir/odd.html" || fail "no wave is drawn"
grep -q '&lt;script&gt;alert' "$dir/odd.html" || fail "the odd host is not there"

echo "-- a fleet of one host, and nothing"
printf 'host,cores,memory_bytes\na,2,4000000000\n' >"$dir/one.csv"
exits 0 godwit plan report --from "$dir/one.csv" --catalog "$prices" --html "$dir/one.html"
says out one.html
exits 2 "${report[@]}"
exits 2 "${report[@]}" --html "$dir/x.html" --growth much
exits 4 godwit plan report --from "$dir/none.json" --catalog "$prices" --html "$dir/x.html"
[ ! -e "$dir/x.html" ] || fail "a page of a failure"
echo "ok"
