# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# PostgreSQL as the database of flow_points.sh: one server on the file system that is frozen, another
# on each restored copy, which recovers by itself. With POINTS_PGBENCH so many
# transactions a second of pgbench are beside the writer.
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
    # In one line: pg_ctl makes a shell command of it, and what is behind the end of a line is lost.
    as_postgres "$pg_bin/pg_ctl" -D "$1" -w -t 60 -l "$2/log" \
        -o "-c listen_addresses= -c unix_socket_directories=$2 -c shared_buffers=32MB -c max_wal_size=96MB" \
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
    [ -z "${POINTS_PGBENCH-}" ] || start_clients "$POINTS_PGBENCH"
}

# start_clients RATE: of pgbench. Their transactions keep sums equal that lie in four tables.
start_clients() {
    local to=(-h "$dir/live" -U postgres)
    "$pg_bin/pgbench" "${to[@]}" -q -i postgres 2>"$dir/said" || fail 'pgbench cannot begin'
    setpriv --pdeathsig KILL "$pg_bin/pgbench" "${to[@]}" -n -c 2 -R "$1" -T 86400 postgres >"$dir/clients" 2>&1 &
    clients=$!
}

clients=
stop_database() {
    if [ -n "$clients" ]; then
        kill "$clients" || fail "pgbench ended: $(tail -n 5 "$dir/clients")"
        wait "$clients" || true
    fi
    stop_server "$dir/mnt/pg"
}

# sums SOCKET_DIR: one line when what pgbench moved is nowhere lost, and how often it moved something.
sums() {
    psql -XqAt -h "$1" -U postgres postgres -c 'SELECT (SELECT sum(abalance) FROM pgbench_accounts),
        (SELECT sum(tbalance) FROM pgbench_tellers), (SELECT sum(bbalance) FROM pgbench_branches),
        (SELECT coalesce(sum(delta), 0) FROM pgbench_history), (SELECT count(*) FROM pgbench_history)' |
        awk -F'|' '{ equal = $1 == $2 && $2 == $3 && $3 == $4 }
            { print "   pgbench: " $5 " transactions, sums of " $1 (equal ? "" : ", " $2 ", " $3 " and " $4) }
            END { exit !equal }'
}

# check_database MOUNT TAKEN_MS
check_database() {
    local place="host=$dir/copy dbname=postgres user=postgres" rc=0
    rm -f "$1/pg/postmaster.pid" # of the server that was running at that moment
    start_server "$1/pg" "$dir/copy" || return 1
    python3 "${abs_top_srcdir:?}/tests/points_writer.py" check postgres "$place" "${acks:?}" "$2" || rc=1
    "$pg_bin/pg_amcheck" --install-missing --heapallindexed -h "$dir/copy" -U postgres postgres \
        >"$dir/said" 2>&1 || rc=1
    [ -z "${POINTS_PGBENCH-}" ] || sums "$dir/copy" || rc=1
    "$pg_bin/pg_dump" -d "$place" -f /dev/null >>"$dir/said" 2>&1 || rc=1
    stop_server "$1/pg"
    return $rc
}
