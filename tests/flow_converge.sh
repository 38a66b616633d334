#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A volume that is written faster than its limit lets out does not converge, and says what bounds it
# and what it would take; when the limit is lifted it catches up. A lag that was asked for is kept
# with fewer passes than could be made. A planner, two agents, a writer that keeps its rate.
set -eu

# shellcheck source=tests/api_common.sh
. "$(dirname "$0")/api_common.sh"
PATH="$abs_top_builddir:$PATH"
helpers=()

end_helpers() {
    for pid in "${helpers[@]}"; do
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    helpers=()
}
trap 'end_helpers; api_cleanup' EXIT

mkdir "$dir/store"
planner_init --store "file://$dir/store"
planner_start
for side in source landing; do
    join_token ''
    printf '%s\n' "$token" >"$dir/token"
    chmod 600 "$dir/token"
    godwit-agent enrol --state-dir "$dir/$side" --server "$server" --join "$dir/token" \
        --name "$side-1" --roles "$side" 2>"$dir/$side.log" || fail "enrol $side"
    godwit-agent run --state-dir "$dir/$side" --server "$server" >>"$dir/$side.log" 2>&1 &
    helpers+=($!)
done

# document MEMBERS: with limits
document() {
    jq -n --arg dir "$dir" --argjson limits "{$1}" '{schema: "godwit.workload/1", workload: "shop",
        volumes: [{name: "data", source: {host: "source-1", device: "\($dir)/a.img"},
                   target: {host: "landing-1", device: "\($dir)/b.img"}}],
        limits: ({max_lag_s: 60, interval_s: 1} + $limits)}'
}

is() { # FILTER of the volume
    api GET /v1/status/shop
    jq -e ".items[0] | (.volumes[0] + {warnings}) | $1" "$out" >/dev/null
}

# writer KIB: so many KiB at new places three times a second, noise, until it is killed
writer() {
    local at=0
    while :; do
        head -c "$(($1 << 10))" /dev/urandom |
            dd of="$dir/a.img" bs="$1K" seek="$at" conv=notrunc status=none
        at=$(((at + 1) % 200))
        read -r -t 0.3 <> <(:) || true
    done
}

truncate -s 40M "$dir/a.img"
api PUT /v1/workloads/shop "$(document '"target_lag_s": 3')"
expect 201
api POST /v1/workloads/shop/sync '{"action": "start"}'
within 30 is '.convergence == "steady"' || fail "no first copy: $(cat "$out")"

echo '-- written faster than the limit'
api POST /v1/workloads/shop/sync '{"action": "limit", "rate_bytes_per_s": 65536}'
writer 150 &
helpers+=($!)
# A pass that takes too long is enough to know; what is written is known when it has ended.
within 90 is '.convergence == "not_converging" and .bound == "limit" and .write_bytes_per_s > .drain_bytes_per_s' ||
    fail "it converges: $(cat "$out")"
is '.state == "lagging" and .eta_s == null and .limit_bytes_per_s == 65536 and .need_bytes_per_s > 65536
    and (.warnings[0] | (.text | contains("your limit of 64.0 KiB/s; it takes at least"))
        and (.next[0] | test("^godwit sync limit shop [1-9][0-9]*MiB/s$")))' || fail "status: $(cat "$out")"
api GET '/v1/events?kind=replication.not_converging'
expect 200 '.items | length == 1'
# The same in words, on the command line.
export XDG_CONFIG_HOME=$dir/config XDG_STATE_HOME=$dir/config
godwit context add here --server "$server" --ca-file "$state/ca.pem" --token-file "$state/admin.token" >/dev/null
says() { grep -qE "$1" "$dir/said" || fail "not '$1': $(cat "$dir/said")"; }
godwit sync ls >"$dir/said"
says '^shop +data +source-1 +lagging +not_converging +limit '
godwit sync show shop --explain >"$dir/said"
says '^data +lagging +not_converging +limit '
says '^data: not_converging, most of the time goes to the limit$'
says ' newly change, .* of it leave while a pass runs$'
says 'to catch up it takes at least .*; the limit is 64.0 KiB/s$'
says 'its newest point is fuzzy$'
within 60 is '.running_s >= 10 and .done_bytes > 0' || fail "no pass is under way: $(cat "$out")"
godwit sync show shop >"$dir/said"
says '^data: a pass runs since [0-9]+s: .* of .* looked at'
godwit sync show shop -o json >"$dir/said"
jq -e '.schema == "godwit.sync/1" and .items[0].workload == "shop" and .items[0].bound == "limit"' "$dir/said" >/dev/null ||
    fail "sync show -o json: $(cat "$dir/said")"

echo '-- without it, it catches up'
api POST /v1/workloads/shop/sync '{"action": "limit", "rate_bytes_per_s": null}'
within 90 is '.convergence != "not_converging"' || fail "it does not converge: $(cat "$out")"
within 60 is '.convergence == "steady" and .state == "in sync"' || fail "it is not steady: $(cat "$out")"
api GET '/v1/events?kind=replication.converging'
expect 200 '.items | length == 1'
api GET '/v1/events?kind=replication.not_converging'
expect 200 '.items | length == 1'

echo '-- a lag that is asked for'
api PUT /v1/workloads/shop "$(document '"target_lag_s": 6')"
expect 200
within 20 is '.target_lag_s == 6 and .late_s == 0' || fail "no target: $(cat "$out")"
first=$(get '.items[0].volumes[0].pushed_seq')
begun=$SECONDS
within 60 is ".pushed_seq >= $((first + 3))" || fail "no points: $(cat "$out")"
is '.late_s < 3 and .convergence != "not_converging"' || fail "it is late: $(cat "$out")"
# Each second would do as well; what was asked for is less work.
[ $((SECONDS - begun)) -ge 9 ] || fail "3 points in $((SECONDS - begun)) s"

echo '-- a pause, and on'
api POST /v1/workloads/shop/sync '{"action": "pause"}'
is '.state == "paused" and .convergence == null' || fail "paused: $(cat "$out")"
api POST /v1/workloads/shop/sync '{"action": "resume"}'
end_writer=${helpers[2]}
kill "$end_writer"
within 30 is '.state == "in sync" and .convergence == "steady"' || fail "after a pause: $(cat "$out")"
echo "$checks checks"
