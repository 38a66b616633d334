# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Two agents' states without planner or network (tests/tool_agent.c), for tests that source this:
# a is the source, b the landing side, of workload shop with one volume.

dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-flow-XXXXXX")
trap 'rm -rf "$dir"' EXIT
PATH="${abs_top_builddir:?}:$PATH"
tool="$abs_top_builddir/tool_agent"
mkdir -p "$dir/store" "$dir/a" "$dir/b"
n=0

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

declare -A device=([a]="$dir/a.img" [b]="$dir/b.img") mount=([a]=null [b]=null)

key=$("$tool" vault "file://$dir/store" "$dir/key")

# config SIDE ROLE EPOCH [MORE]: MORE are members of the configuration, with a comma at the end
config() {
    local side=source
    [ "$1" = b ] && side=target
    cat >"$dir/$1.json" <<JSON
{${4:-} "vault": {"url": "file://$dir/store", "key": "$key", "region": null, "endpoint": null},
 "assignments": [{"workload": "shop", "side": "$side", "epoch": $3, "role": "$2",
  "interval_s": 1, "rate_bytes_per_s": 0, "paused": false,
  "hooks": {"start": [["sh", "-c", "echo start \$GODWIT_SIDE \$GODWIT_EPOCH >> $dir/hooks"]],
            "stop": [["sh", "-c", "echo stop \$GODWIT_SIDE \$GODWIT_EPOCH >> $dir/hooks"]],
            "traffic": {"to_target": ["echo moved"], "to_source": []},
            "health": [{"run": ["true"]}, {"name": "volume", "run": ["sh", "-c", "test -s \$GODWIT_VOLUME_DATA"]}]},
  "volumes": [{"name": "data", "replica": "shop/data", "device": "${device[$1]}", "mount": ${mount[$1]}}]}]}
JSON
}

before_order() {
    :
}

# order SIDE KIND EPOCH [ARGS]: prints nothing; the answer is in $dir/answer
order() {
    n=$((n + 1))
    printf '{"n": %d, "id": "op.%d.%s", "kind": "%s", "workload": "shop", "epoch": %d, "deadline": null, "args": %s}\n' \
        "$n" "$n" "$1" "$2" "$3" "${4:-{\}}" >"$dir/order.json"
    before_order "$1" "$2"
    "$tool" order "$dir/$1" "$dir/$1.json" "$dir/order.json" >"$dir/answer" 2>"$dir/log" ||
        fail "$2 on $1: $(cat "$dir/log")"
}

# overtaken round|order SIDE [FILE]: a fence of epoch 9 arrives when a hook writes to $dir/fifo; the
# hook itself would take a minute
overtaken() {
    local begun=$SECONDS
    [ -p "$dir/fifo" ] || mkfifo "$dir/fifo"
    printf '{"n": 900, "id": "op.900.%s", "kind": "fence", "workload": "shop", "epoch": 9, "deadline": null, "args": {}}\n' \
        "$2" >"$dir/later.json"
    "$tool" "$1" "$dir/$2" "$dir/$2.json" ${3+"$3"} "$dir/later.json" "$dir/fifo" >"$dir/answer" 2>"$dir/log" ||
        fail "$1 of $2: $(cat "$dir/log")"
    [ $((SECONDS - begun)) -lt 30 ] || fail "the order waited for a hook, $((SECONDS - begun)) s"
}

expect() {
    jq -e "$1" "$dir/answer" >/dev/null || fail "$1 of: $(cat "$dir/answer")"
}

expect_done() {
    expect '.state == "done"'
}

# What the planner would hear is in $dir/report.
round() {
    "$tool" round "$dir/$1" "$dir/$1.json" >"$dir/report" 2>"$dir/log" || fail "round of $1: $(cat "$dir/log")"
}

guard() {
    local rc=0
    godwit-agent guard shop --state-dir "$dir/$1" 2>/dev/null || rc=$?
    [ "$rc" = "$2" ] || fail "guard of $1 is $rc, not $2"
}

same() {
    cmp "$dir/a.img" "$dir/b.img" || fail "volumes differ: $1"
}

# decide EPOCH promote|abort STANDING: what then stands
decide() {
    local stands
    stands=$("$tool" decide "$dir/a.json" shop "$1" "$2" "$dir/final$1")
    [ "$stands" = "$3" ] || fail "epoch $1 stands as $stands"
}

writable() {
    [ -n "$(find "$dir/$1.img" -perm -200)" ]
}

write_some() {
    dd if=/dev/urandom of="$dir/$1.img" bs=4096 seek="$2" count=3 conv=notrunc status=none
}

# fence and final of SIDE at EPOCH; the answer is kept for apply and decide
fence_and_final() {
    order "$1" fence "$2"
    expect '.state == "done" and .result.writers == 0'
    guard "$1" 5
    ! writable "$1" || fail "the fenced image of $1 is writable"
    order "$1" final "$2"
    expect_done
    cp "$dir/answer" "$dir/final$2"
}

apply() {
    order "$1" apply "$2" "$(jq -c .result "$dir/final$2")"
}

# A source with data, and a landing side that follows it.
set_up() {
    head -c 3000000 /dev/urandom >"$dir/a.img"
    truncate -s 20000000 "$dir/a.img"
    config a push 0
    config b follow 0
    order a adopt 0
    expect_done
    round a
    round b
    same "after the seed"
}
