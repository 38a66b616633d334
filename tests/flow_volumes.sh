#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A workload of three volumes on two hosts moves and comes back as one, whatever their sizes.
set -eu

# shellcheck source=tests/story.sh
. "${abs_top_srcdir:?}/tests/story.sh"

volumes=(a b c)

pair_document() {
    cat <<JSON
{"schema": "godwit.workload/1", "workload": "pair",
 "volumes": [
  {"name": "a", "source": {"host": "idc", "device": "$story/a.src", "mount": null},
   "target": {"host": "cloud", "device": "$story/a.dst", "mount": null}},
  {"name": "b", "source": {"host": "idc", "device": "$story/b.src", "mount": null},
   "target": {"host": "cloud", "device": "$story/b.dst", "mount": null}},
  {"name": "c", "source": {"host": "idc2", "device": "$story/c.src", "mount": null},
   "target": {"host": "cloud", "device": "$story/c.dst", "mount": null}}],
 "limits": {"max_lag_s": 60, "max_downtime_s": 60, "interval_s": 1, "require_test": false}}
JSON
}

pair_status() {
    story_api GET /v1/status/pair 2>/dev/null | jq -r ".items[0] | $1" 2>/dev/null
}

pair_gate_open() {
    [ "$(pair_status .gate.open)" = true ]
}

same_everywhere() {
    local v
    for v in "${volumes[@]}"; do
        cmp "$story/$v.src" "$story/$v.dst" || story_fail "volume $v differs: $1"
    done
}

# Change something near both ends of each volume of that side.
write_some() {
    local v size
    for v in "${volumes[@]}"; do
        size=$(stat -c %s "$story/$v.$1")
        head -c 700 /dev/urandom | dd of="$story/$v.$1" bs=1 seek="$2" conv=notrunc status=none
        head -c 99 /dev/urandom | dd of="$story/$v.$1" bs=1 seek=$((size - 99)) conv=notrunc status=none
    done
}

story_up
story_context
head -c 3333333 /dev/urandom >"$story/a.src"
truncate -s 70000001 "$story/b.src"
head -c 1234 /dev/urandom >"$story/c.src"
story_enrol source2 idc2 source
story_start source2
pair_document | story_api PUT /v1/workloads/pair -d @- | jq -e .workload >/dev/null || story_fail "the workload"
godwit sync start pair >/dev/null
story_until 60 "the gate of pair" pair_gate_open

write_some src 5
godwit cutover pair --confirm=pair >"$story/out" 2>&1 || story_fail "cutover: $(cat "$story/out")"
same_everywhere "after the cutover"
for name in source source2; do
    if godwit-agent guard pair --state-dir "$story/$name" 2>/dev/null; then
        story_fail "$name may write after the cutover"
    fi
done

write_some dst 300
story_until 60 "the way back" pair_gate_open
godwit rollback pair --confirm=pair >"$story/out" 2>&1 || story_fail "rollback: $(cat "$story/out")"
same_everywhere "after the rollback"
[ "$(pair_status .authority)" = source ] || story_fail "the source does not hold it"

# A host of the workload that is gone: the whole workload stays where it is.
story_kill source2
unset 'story_pid[source2]'
rc=0
timeout 60 godwit cutover pair --confirm=pair --max-downtime 2s >"$story/out" 2>&1 || rc=$?
case $rc in
    5 | 11 | 12) ;;
    *) story_fail "a cutover without one of its hosts ended with $rc: $(cat "$story/out")" ;;
esac
story_start source2
back_at_source() {
    [ "$(pair_status .authority)" = source ] && [ "$(pair_status .op)" = null ]
}
story_until 60 "the workload to be back" back_at_source
echo "three volumes on two hosts moved and came back as one"
