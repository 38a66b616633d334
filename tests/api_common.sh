# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A godwitd of its own on loopback, an operator and agents that are curl. Sourced, not run.
# shellcheck disable=SC2034,SC2120 # what is set here is for the tests that source this

: "${abs_top_srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${abs_top_builddir:=$abs_top_srcdir/build}"

for tool in curl jq openssl; do
    command -v "$tool" >/dev/null || {
        echo "skipped: $tool is not installed"
        exit 77
    }
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/godwit-api-XXXXXX")
state=$dir/state
planner_pid=
checks=0
out=$dir/out # where the last answer is; another file in a background shell

api_cleanup() {
    local rc=$?
    if [ -n "$planner_pid" ]; then
        kill "$planner_pid" 2>/dev/null || true
        wait "$planner_pid" 2>/dev/null || true
    fi
    if [ "$rc" -ne 0 ] && [ "$rc" -ne 77 ] && [ -f "$dir/log" ]; then
        echo "-- log of godwitd"
        tail -n 20 "$dir/log"
    fi
    rm -rf "$dir"
}
trap api_cleanup EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# within SECONDS COMMAND…: until it succeeds. Each question costs a handshake: what takes long is asked less often.
within() {
    local until=$((SECONDS + $1)) pauses=(0.05 0.05 0.1 0.1 0.2) asked=0
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep "${pauses[asked++]:-0.4}"
    done
}

planner_init() {
    godwitd --init --state-dir "$state" --listen 127.0.0.1:0 "$@" || fail "godwitd --init"
    printf 'Authorization: Bearer %s\n' "$(cat "$state/admin.token")" >"$dir/admin"
}

planner_answers() {
    [ -s "$dir/port" ] || { kill -0 "$planner_pid" 2>/dev/null && return 1; fail "godwitd ended"; }
}

planner_start() {
    rm -f "$dir/port"
    godwitd --state-dir "$state" --listen 127.0.0.1:0 --port-file "$dir/port" "$@" \
        >>"$dir/log" 2>&1 &
    planner_pid=$!
    within 20 planner_answers || fail "godwitd does not listen"
    server=https://127.0.0.1:$(cat "$dir/port")
}

planner_stop() { # SIGNAL
    kill "-${1:-TERM}" "$planner_pid"
    wait "$planner_pid" 2>/dev/null && rc=0 || rc=$?
    planner_pid=
}

# call METHOD PATH [BODY] [curl flags]: the answer is in $out, its status in $status
call() {
    local method=$1 path=$2 body=${3-}
    shift 2
    [ $# -eq 0 ] || shift
    local args=(-sS --cacert "$state/ca.pem" -X "$method" -o "$out" -w '%{http_code}')
    [ -z "$body" ] || args+=(-H 'Content-Type: application/json' --data-binary "$body")
    status=$(curl "${args[@]}" "$@" "$server$path") || status="curl $?"
}

# As the admin; as an agent of that name
api() {
    local method=$1 path=$2 body=${3-}
    shift 2
    [ $# -eq 0 ] || shift
    call "$method" "$path" "$body" -H "@$dir/admin" "$@"
}

agent() {
    local name=$1 method=$2 path=$3 body=${4-}
    shift 3
    [ $# -eq 0 ] || shift
    call "$method" "$path" "$body" --cert "$dir/$name.pem" --key "$dir/$name.key" "$@"
}

get() { # FILTER: of the last answer
    jq -r "$1" "$out"
}

# expect STATUS [FILTER]…: each filter must be true of the last answer
expect() {
    local want=$1 filter
    shift
    checks=$((checks + 1))
    [ "$status" = "$want" ] || fail "status $status instead of $want: $(head -c 600 "$out")"
    for filter in "$@"; do
        jq -e "$filter" "$out" >/dev/null || fail "not $filter: $(head -c 600 "$out")"
    done
}

# agent_key NAME: a key and a request in files
agent_key() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$dir/$1.key" 2>/dev/null
    openssl req -new -key "$dir/$1.key" -subj "/CN=$1" -out "$dir/$1.csr" 2>/dev/null
}

# enrol_body TOKEN NAME
enrol_body() {
    jq -n --arg token "$1" --arg name "$2" --rawfile csr "$dir/$2.csr" \
        '{token: $token, csr: $csr, name: $name, roles: ["source"], version: "test"}'
}

join_token() { # [BODY MEMBERS]
    api POST /v1/tokens "{\"kind\": \"join\"${1:+, $1}}"
    [ "$status" = 201 ] || fail "no token: $(cat "$out")"
    token=$(get .token)
}

enrol() { # NAME
    join_token ''
    agent_key "$1"
    call POST /v1/enrol "$(enrol_body "$token" "$1")"
    [ "$status" = 201 ] || fail "$1 did not enrol: $(cat "$out")"
    get .certificate >"$dir/$1.pem"
    identity=$(get .identity)
}

# workload NAME SOURCE TARGET [MEMBERS]
workload() {
    cat <<JSON
{"schema": "godwit.workload/1", "workload": "$1",
 "volumes": [{"name": "data", "source": {"host": "$2", "device": "/srv/$1.img"},
              "target": {"host": "$3", "device": "/srv/$1.img"}}]${4:+, $4}}
JSON
}

# replica WORKLOAD ROLE STATE [MEMBERS]: one R of a report
replica() {
    jq -cn --arg workload "$1" --arg role "$2" --arg state "$3" '{workload: $workload,
        volume: "data", role: $role, state: $state, reason: null, epoch: 0, seq: 1, digest: null,
        taken_at: null, verified_at: null, size_bytes: 1000, total_bytes: 1000, done_bytes: 1000,
        backlog_bytes: 0, write_bytes_per_s: 0, send_bytes_per_s: 0, pass_s: 0.5, error: null}'" + {${4-}}"
}

report() { # NAME R…
    local name=$1 IFS=,
    shift
    agent "$name" POST /v1/agent/report \
        "{\"version\": \"test\", \"inventory\": null, \"utilisation\": null, \"replication\": [$*]}"
}

now() { # [SECONDS]: RFC 3339, so many seconds from now
    date -u -d "${1:-0} seconds" +%Y-%m-%dT%H:%M:%SZ
}
