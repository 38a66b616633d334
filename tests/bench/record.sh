# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Measuring: one JSON object a line in $dir/samples, abouts and machine. Sourced by bench.sh.
: "${abs_top_srcdir:?}" "${here:=}" "${dir:=}" "${place:=}" "${volume:=}" "${data:=}" "${store:=}" "${what:=}" "${who:=}" "${round:=0}" "${size_mib:=0}" "${repeat:=0}"

# The bytes and the files (objects) that contender $who keeps by now.
stored() {
    if [ "$store" = local ]; then
        [ -d "$place/store" ] || mkdir "$place/store"
        find "$place/store" -type f -printf '%s\n' | awk '{ n++; b += $1 } END { printf "%d %d", b, n }'
    else
        s3_stored "$who"
    fi
}

# measure COMMAND...: run it as the present step of the present contender.
# EXTRA may hold more members for the sample, as '"level": 3'.
measure() {
    measure_as peer "$who" "$@"
}

# measure_as KIND NAME COMMAND...: KIND peer (keeps history) | copy (a mirror, no history) | limit
measure_as() {
    local kind=$1 name=$2 before after requests='' wall cpu rss rc=0
    shift 2
    sync "$volume"
    before=$(stored)
    [ "$store" = local ] || s3_mark
    bench_account "$place/account" "$@" >"$place/log" 2>"$place/errors" || rc=$?
    if [ $rc -ne 0 ]; then
        tail -n 5 "$place/errors" >&2
        return $rc
    fi
    [ "$store" = local ] || requests=", \"requests\": $(s3_requests)"
    after=$(stored)
    read -r wall cpu rss <"$place/account"
    printf '{"data": "%s", "store": "%s", "step": "%s", "who": "%s", "kind": "%s", "round": %d, "wall_s": %s, "cpu_s": %s, "peak_rss_bytes": %s, "stored_bytes": %d, "objects": %d%s%s}\n' \
        "$data" "$store" "$what" "$name" "$kind" "$round" "$wall" "$cpu" "$rss" \
        $((${after% *} - ${before% *})) $((${after#* } - ${before#* })) "$requests" "$(told)" >>"$dir/samples"
}

# What the program itself says it cost and found, when it says so in JSON.
told() {
    local told
    [ "$who" = godwit ] || return 0
    told=$(jq -c 'select(.cost) | .cost + {changed_bytes, sent_bytes}' "$place/log" 2>/dev/null) || return 0
    [ -z "$told" ] || printf ', "told": %s' "$told"
}

record_about() {
    "${1}_about" | while IFS='|' read -r name version settings; do
        jq -cn --arg n "$name" --arg v "$version" --arg s "$settings" '{name: $n, version: $v, settings: $s}'
    done >>"$dir/abouts"
}

record_machine() {
    jq -n --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
        --arg flags "$(grep -m1 -oE '\b(sha_ni|avx2|avx512f|vaes)\b' /proc/cpuinfo | sort -u | paste -sd ' ')" \
        --argjson cores "$(nproc)" --argjson memory "$(awk '/^MemTotal/ { print $2 * 1024 }' /proc/meminfo)" \
        --arg kernel "$(uname -r)" --arg fs "$(stat -f -c %T "$dir")" --arg load "$(cut -d' ' -f1-3 /proc/loadavg)" \
        --arg commit "$(git -C "$abs_top_srcdir" describe --always --dirty 2>/dev/null || true)" \
        --argjson size "$((size_mib << 20))" --argjson repeat "$repeat" \
        '{cpu: $cpu, flags: $flags, cores: $cores, memory_bytes: $memory, kernel: $kernel, filesystem: $fs,
          load_before: $load, commit: $commit, size_bytes: $size, repeat: $repeat}' >"$dir/machine"
}

record_document() {
    jq -n --slurpfile machine "$dir/machine" --slurpfile with "$dir/abouts" --slurpfile samples "$dir/samples" \
        --arg at "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --rawfile prices "$here/prices.csv" \
        '{schema: "godwit.bench/1", generated_at: $at, machine: $machine[0], with: $with,
          prices: ($prices | split("\n") | map(select(startswith("#") | not) | select(. != ""))[0]), samples: $samples}'
}
