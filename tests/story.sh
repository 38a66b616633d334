# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A whole site on loopback for tests: planner, source and landing agent, vault, and a workload whose
# ledger knows what was acknowledged. Source it, then story_up; everything lives below $story.
#
# Processes are restarted by story_start_X; story_keep_alive restarts those that were killed.

story_fail() {
    echo "FAILED: $*" >&2
    story_status '.state, .lifecycle, .authority, .gate.reasons, .volumes' >&2 || true
    sqlite3 -readonly "$story/planner/godwitd.db" "SELECT n, id, kind, epoch, state, error FROM ord ORDER BY n DESC LIMIT 8" >&2 2>&1 || true
    for log in planner source target; do
        echo "--- last lines of $log" >&2
        tail -n "${STORY_LOG_LINES:-12}" "$story/$log.log" >&2 || true
    done
    exit 1
}

story_needs() {
    local tool
    PATH=$PATH:/usr/sbin:/sbin
    for tool in "$@"; do
        command -v "$tool" >/dev/null || {
            echo "skip: $tool is not installed"
            exit 77
        }
    done
}

# -- processes -------------------------------------------------------------------

declare -A story_pid

story_end() {
    local name
    for name in "${!story_pid[@]}"; do
        kill -KILL "${story_pid[$name]}" 2>/dev/null || true
    done
    for name in source target; do
        godwit-demo-ledger stop --run-dir "$story/run-$name" 2>/dev/null || true
    done
    rm -rf "$story"
}

# story_spawn NAME [FAILPOINT] COMMAND...: the failpoint may be empty
story_spawn() {
    local name=$1 point=$2
    shift 2
    GODWIT_FAILPOINT="$point" GODWIT_FAILPOINT_COUNT="${story_count:+$story/count-$name}" \
        setsid "$@" >>"$story/$name.log" 2>&1 </dev/null &
    story_pid[$name]=$!
    disown 2>/dev/null || true # one that is dead already is no job
}

story_start() {
    local name=$1 point=${2:-}
    case $name in
        planner)
            story_spawn planner "$point" godwitd --state-dir "$story/planner" \
                --listen "127.0.0.1:$(cat "$story/port" 2>/dev/null || echo 0)" --port-file "$story/port"
            ;;
        *)
            story_spawn "$name" "$point" godwit-agent run --state-dir "$story/$name"
            ;;
    esac
}

story_alive() {
    kill -0 "${story_pid[$1]}" 2>/dev/null
}

story_kill() {
    kill -KILL "${story_pid[$1]}" 2>/dev/null || true
    while story_alive "$1"; do sleep 0.02; done
}

# Restart whatever died; prints the names.
story_keep_alive() {
    local name
    for name in "${!story_pid[@]}"; do
        if ! story_alive "$name"; then
            echo "$name" | tee -a "$story/restarts"
            story_start "$name"
        fi
    done
}

# story_until SECONDS WHAT COMMAND...: polls, less often what takes long, keeping everything alive
story_until() {
    local until=$((SECONDS + $1)) what=$2 pauses=(0.1 0.1 0.1 0.2) asked=0
    shift 2
    until "$@"; do
        [ $SECONDS -lt "$until" ] || story_fail "$what: not within its time"
        story_keep_alive >/dev/null
        sleep "${pauses[asked++]:-0.3}"
    done
}

# -- the API ------------------------------------------------------------------------

story_api() {
    local method=$1 path=$2
    shift 2
    curl -sS --max-time 20 --cacert "$story/planner/ca.pem" -X "$method" \
        -H "Authorization: Bearer $(cat "$story/planner/admin.token")" -H "Content-Type: application/json" \
        "https://127.0.0.1:$(cat "$story/port")$path" "$@"
}

story_status() {
    story_api GET /v1/status/ledger 2>/dev/null | jq -r "(.items[0]) | $1" 2>/dev/null
}

story_planner_answers() {
    [ -s "$story/port" ] && story_api GET /v1/version 2>/dev/null | grep -q '"api"'
}

story_gate_open() {
    [ "$(story_status .gate.open)" = true ]
}

# -- setting up -----------------------------------------------------------------------

# An ext4 image with files of this machine and a preallocated ledger; the map names its blocks.
story_make_volume() {
    local stage="$story/stage"
    mkdir -p "$stage"
    cp -r /usr/share/common-licenses "$stage/" 2>/dev/null || true
    head -c "$((${STORY_LEDGER_MIB:-4} << 20))" /dev/zero | tr '\0' '\245' >"$stage/ledger.dat"
    mke2fs -q -b 4096 -t ext4 -d "$stage" "$story/source.img" "${STORY_VOLUME:-16M}" >/dev/null 2>&1
    debugfs -R "blocks /ledger.dat" "$story/source.img" >"$story/map" 2>/dev/null
    rm -rf "$stage"
}

story_hook() {
    local side=$1 verb=$2
    if [ "$verb" = stop ]; then
        printf '["godwit-demo-ledger", "stop", "--run-dir", "%s"]' "$story/run-$side"
        return
    fi
    printf '["godwit-demo-ledger", "start", "--run-dir", "%s", "--side", "%s", "--volume", "%s", "--map", "%s", ' \
        "$story/run-$side" "$side" "$story/$side.img" "$story/map"
    printf '"--acks", "%s", "--every", "%s", "--guard", "godwit-agent", "--guard-state", "%s", "--workload", "ledger"]' \
        "$story/acks" "${STORY_EVERY:-20ms}" "$story/$side"
}

# The workload's document. STORY_HEALTH, STORY_STOP_FIRST and STORY_START_FIRST put something of a test's own
# into it: checks, and hooks (JSON arrays) that run before those of the ledger on either side.
story_workload() {
    local stop=${STORY_STOP_FIRST:+$STORY_STOP_FIRST, } start=${STORY_START_FIRST:+$STORY_START_FIRST, }
    local health="[{\"run\": [\"test\", \"-s\", \"$story/acks\"]}]"
    cat <<JSON
{"schema": "godwit.workload/1", "workload": "ledger",
 "volumes": [{"name": "data", "source": {"host": "idc", "device": "$story/source.img", "mount": null},
              "target": {"host": "cloud", "device": "$story/target.img", "mount": null}}],
 "hooks": {"source": {"start": [$start$(story_hook source start)], "stop": [$stop$(story_hook source stop)]},
           "target": {"start": [$start$(story_hook target start)], "stop": [$stop$(story_hook target stop)]}},
 "health": ${STORY_HEALTH:-$health},
 "limits": {"max_lag_s": 60, "max_downtime_s": ${STORY_DOWNTIME:-60}, "interval_s": 1, "require_test": false,
            "self_abort_s": 900, "verify_max_age_s": 86400}}
JSON
}

# Write the document again with what the test has set meanwhile.
story_edit() {
    story_workload | story_api PUT /v1/workloads/ledger -d @- >"$story/put.json"
    jq -e .workload "$story/put.json" >/dev/null || story_fail "the workload: $(cat "$story/put.json")"
}

# The command line as an operator has it.
story_context() {
    mkdir -p "$story/config/godwit"
    cat >"$story/config/godwit/config" <<CONF
[context.default]
server = https://127.0.0.1:$(cat "$story/port")
ca_file = $story/planner/ca.pem
token_file = $story/planner/admin.token
CONF
    export XDG_CONFIG_HOME=$story/config XDG_STATE_HOME=$story/state XDG_DATA_HOME=$story/data
}

story_enrol() {
    local name=$1 host=$2 role=$3
    story_api POST /v1/tokens -d "{\"kind\": \"join\", \"ttl_s\": 600, \"uses\": 1, \"host\": \"$host\"}" |
        jq -r .token | godwit-agent enrol --state-dir "$story/$name" --name "$host" --roles "$role" \
        --server "https://127.0.0.1:$(cat "$story/port")" --join - >>"$story/$name.log" 2>&1 ||
        story_fail "enrolling $host"
}

story_up() {
    story_needs mke2fs debugfs e2fsck curl jq setsid
    story=$(mktemp -d "${TMPDIR:-/tmp}/godwit-story-XXXXXX")
    trap story_end EXIT
    : >"$story/restarts"
    touch "$story/planner.log" "$story/source.log" "$story/target.log"
    story_make_volume
    godwitd --init --state-dir "$story/planner" --listen 127.0.0.1:0 --store "file://$story/vault" \
        --client-file "$story/client.json" >>"$story/planner.log" 2>&1 || story_fail "init"
    story_start planner
    story_until 20 "the planner" story_planner_answers
    story_enrol source idc source
    story_enrol target cloud landing
    story_start source
    story_start target
    story_edit
    story_api POST /v1/workloads/ledger/sync -d '{"action": "start"}' >/dev/null
    story_until 20 "adoption" story_guard source
    story_api POST /v1/workloads/ledger/verify -d '{}' >/dev/null
    bash -c "$(story_hook source start | jq -r '@sh')" >>"$story/source.log" 2>&1 || story_fail "the ledger"
    story_until 60 "the gate" story_gate_open
}

# -- switching and proving ---------------------------------------------------------------

story_guard() {
    godwit-agent guard ledger --state-dir "$story/$1" >/dev/null 2>&1
}

# cutover or rollback; prints the operation's id
story_switch() {
    story_api POST "/v1/workloads/ledger/$1" -d "{\"request_id\": \"$2\", \"confirm\": \"ledger\"}" 2>/dev/null |
        jq -r '.id // empty' 2>/dev/null
}

story_op_ended() {
    local state
    state=$(story_api GET "/v1/ops/$1" 2>/dev/null | jq -r .state 2>/dev/null)
    [ -n "$state" ] && [ "$state" != null ] && [ "$state" != running ]
}

story_one_side() {
    local n=0 side
    for side in source target; do
        if story_guard "$side"; then n=$((n + 1)); fi
    done
    [ "$n" -eq 1 ]
}

story_writer() {
    local side
    for side in source target; do
        if story_guard "$side"; then echo "$side"; fi
    done
}

story_acks() {
    wc -l <"$story/acks"
}

# story_acks_above N
story_acks_above() {
    [ "$(story_acks)" -gt "$1" ]
}

# Exactly one side can write, it writes, and it holds every record that was acknowledged up to now.
story_prove() {
    local side before
    story_until 60 "exactly one side" story_one_side
    side=$(story_writer)
    before=$(story_acks)
    story_until 30 "records on the $side side" story_acks_above "$before"
    cp "$story/acks" "$story/acks.copy"
    debugfs -R "dump /ledger.dat $story/copy" "$story/$side.img" >/dev/null 2>&1
    godwit-demo-ledger check --copy "$story/copy" --acks "$story/acks.copy" >"$story/proof" 2>>"$story/$side.log" ||
        story_fail "the proof on the $side side: $(cat "$story/proof")"
    e2fsck -fn "$story/$side.img" >/dev/null 2>&1 || story_fail "the file system on the $side side"
}
