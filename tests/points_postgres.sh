# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# PostgreSQL as the database of flow_points.sh: one server on the file system that is frozen, another
# on each restored copy, which recovers by itself.
pg_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -n 1)
if ! [ -x "$pg_bin/postgres" ] || ! id postgres >/dev/null 2>&1; then
    skip 'no PostgreSQL server here'
fi

size_of_image() { echo 1G; }
place_of() { echo "host=${dir:?}/live dbname=postgres user=postgres"; }

as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }

# start_server DATA SOCKET_DIR
start_server() {
    install -d -o postgres -m 700 "$2"
    as_postgres "$pg_bin/pg_ctl" -D "$1" -w -t 60 -l "$2/log" \
        -o "-c listen_addresses= -c unix_socket_directories=$2 -c shared_buffers=32MB
            -c max_wal_size=96MB" \
        start >/dev/null || { cat "$2/log"; return 1; }
}

# pg_ctl waits for the file of the server's number to go; the server itself goes a moment later, and
# until then its directory cannot be unmounted.
stop_server() {
    local pid
    pid=$(head -n 1 "$1/postmaster.pid")
    as_postgres "$pg_bin/pg_ctl" -D "$1" -m fast stop >/dev/null
    tail --pid="$pid" -s 0.05 -f /dev/null
}

start_database() {
    install -d -o postgres -m 700 "$dir/mnt/pg"
    as_postgres "$pg_bin/initdb" -D "$dir/mnt/pg" --data-checksums -A trust >"$dir/said" 2>&1 ||
        fail 'initdb'
    start_server "$dir/mnt/pg" "$dir/live"
}

stop_database() { stop_server "$dir/mnt/pg"; }

# check_database MOUNT TAKEN_MS
check_database() {
    local place="host=$dir/copy dbname=postgres user=postgres" rc=0
    rm -f "$1/pg/postmaster.pid" # of the server that was running at that moment
    start_server "$1/pg" "$dir/copy" || return 1
    python3 "${abs_top_srcdir:?}/tests/points_writer.py" check postgres "$place" "${acks:?}" "$2" || rc=1
    "$pg_bin/pg_amcheck" --install-missing --heapallindexed -h "$dir/copy" -U postgres postgres \
        >"$dir/said" 2>&1 || rc=1
    "$pg_bin/pg_dump" -d "$place" -f /dev/null >>"$dir/said" 2>&1 || rc=1
    stop_server "$1/pg"
    return $rc
}
