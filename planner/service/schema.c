/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner's tables. Portable SQL: BIGINT for numbers, TEXT for texts and documents, times in
 * milliseconds since 1970, 0 for "never". Rows that were released are never edited.
 */
#include "planner/service/schema.h"

#include "base/auto.h"
#include "planner/service/db_op.h"

#include "base/banned.h"

static const char access_sql[] =
    "CREATE TABLE token ("
    " id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT, scope TEXT, host TEXT,"
    " hash TEXT NOT NULL, uses_left BIGINT NOT NULL, created_ms BIGINT NOT NULL,"
    " created_by TEXT NOT NULL, expires_ms BIGINT NOT NULL, revoked_ms BIGINT NOT NULL DEFAULT 0);"
    "CREATE TABLE token_use ("
    " token TEXT NOT NULL REFERENCES token (id) ON DELETE CASCADE, csr_hash TEXT NOT NULL,"
    " identity TEXT NOT NULL, at_ms BIGINT NOT NULL, PRIMARY KEY (token, csr_hash));"
    "CREATE TABLE request ("
    " id TEXT NOT NULL, who TEXT NOT NULL, what_hash TEXT NOT NULL, status BIGINT NOT NULL,"
    " answer TEXT NOT NULL, at_ms BIGINT NOT NULL, PRIMARY KEY (who, id));"
    "CREATE INDEX request_at ON request (at_ms);"
    "CREATE TABLE event ("
    " n BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL,"
    " address TEXT NOT NULL, object TEXT NOT NULL, what TEXT NOT NULL);"
    "CREATE INDEX event_object ON event (object, n);";

static const char host_sql[] =
    "CREATE TABLE host ("
    " identity TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, roles TEXT NOT NULL,"
    " version TEXT NOT NULL, address TEXT NOT NULL DEFAULT '',"
    " quarantine TEXT NOT NULL DEFAULT '', enrolled_ms BIGINT NOT NULL,"
    " seen_ms BIGINT NOT NULL DEFAULT 0, reported_ms BIGINT NOT NULL DEFAULT 0,"
    " inventory TEXT, inventory_ms BIGINT NOT NULL DEFAULT 0,"
    " config_version BIGINT NOT NULL DEFAULT 0, config_hash TEXT NOT NULL DEFAULT '',"
    " certs_unseen BIGINT NOT NULL DEFAULT 0, cert_seq BIGINT NOT NULL DEFAULT 0,"
    " poll_address TEXT NOT NULL DEFAULT '', poll_before TEXT NOT NULL DEFAULT '',"
    " poll_flips BIGINT NOT NULL DEFAULT 0, poll_flip_ms BIGINT NOT NULL DEFAULT 0);"
    "CREATE TABLE host_cert ("
    " fingerprint TEXT PRIMARY KEY,"
    " identity TEXT NOT NULL REFERENCES host (identity) ON DELETE CASCADE,"
    " seq BIGINT NOT NULL, first_ms BIGINT NOT NULL, revoked BIGINT NOT NULL DEFAULT 0);"
    "CREATE INDEX host_cert_identity ON host_cert (identity, seq);"
    "CREATE TABLE load_raw (host TEXT NOT NULL REFERENCES host (identity) ON DELETE CASCADE,"
    " at_ms BIGINT NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (host, at_ms));"
    "CREATE TABLE load_open (host TEXT NOT NULL REFERENCES host (identity) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, subject TEXT NOT NULL, point_start_ms BIGINT NOT NULL,"
    " point TEXT NOT NULL, hour_start_ms BIGINT NOT NULL, hour TEXT NOT NULL,"
    " PRIMARY KEY (host, metric, subject));"
    "CREATE TABLE load_point (host TEXT NOT NULL REFERENCES host (identity) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, subject TEXT NOT NULL, start_ms BIGINT NOT NULL, n BIGINT NOT NULL,"
    " low DOUBLE PRECISION NOT NULL, mean DOUBLE PRECISION NOT NULL,"
    " high DOUBLE PRECISION NOT NULL, p95 DOUBLE PRECISION NOT NULL,"
    " PRIMARY KEY (host, metric, subject, start_ms));"
    "CREATE TABLE load_hour (host TEXT NOT NULL REFERENCES host (identity) ON DELETE CASCADE,"
    " metric TEXT NOT NULL, subject TEXT NOT NULL, start_ms BIGINT NOT NULL, doc TEXT NOT NULL,"
    " PRIMARY KEY (host, metric, subject, start_ms));";

static const char workload_sql[] =
    "CREATE TABLE workload ("
    " name TEXT PRIMARY KEY, doc TEXT NOT NULL, lifecycle TEXT NOT NULL, authority TEXT NOT NULL,"
    " holder TEXT NOT NULL, epoch BIGINT NOT NULL DEFAULT 0,"
    " settled_epoch BIGINT NOT NULL DEFAULT 0, wave TEXT NOT NULL DEFAULT '',"
    " start_ms BIGINT NOT NULL DEFAULT 0, tested_ms BIGINT NOT NULL DEFAULT 0,"
    " switched_ms BIGINT NOT NULL DEFAULT 0, released BIGINT NOT NULL DEFAULT 0,"
    " adopted BIGINT NOT NULL DEFAULT 0, paused BIGINT NOT NULL DEFAULT 0, interval_s BIGINT NOT "
    "NULL DEFAULT -1,"
    " rate_bytes_per_s BIGINT NOT NULL DEFAULT -1, created_ms BIGINT NOT NULL,"
    " changed_ms BIGINT NOT NULL);"
    "CREATE TABLE workload_host ("
    " workload TEXT NOT NULL REFERENCES workload (name) ON DELETE CASCADE,"
    " side TEXT NOT NULL, host TEXT NOT NULL, PRIMARY KEY (workload, side, host));"
    "CREATE INDEX workload_host_host ON workload_host (host);"
    "CREATE TABLE replication ("
    " workload TEXT NOT NULL REFERENCES workload (name) ON DELETE CASCADE,"
    " volume TEXT NOT NULL, side TEXT NOT NULL, host TEXT NOT NULL, role TEXT NOT NULL,"
    " state TEXT NOT NULL, reason TEXT, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, digest TEXT,"
    " taken_ms BIGINT NOT NULL, verified_ms BIGINT NOT NULL, size_bytes BIGINT NOT NULL,"
    " total_bytes BIGINT NOT NULL, done_bytes BIGINT NOT NULL, backlog_bytes BIGINT NOT NULL,"
    " write_bytes_per_s BIGINT NOT NULL, send_bytes_per_s BIGINT NOT NULL,"
    " pass_s DOUBLE PRECISION NOT NULL, error TEXT, reported_ms BIGINT NOT NULL,"
    " PRIMARY KEY (workload, volume, side));";

static const char planning_sql[] =
    "CREATE TABLE calendar ("
    " id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, ical TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL);"
    "CREATE TABLE plan ("
    " id TEXT PRIMARY KEY, doc TEXT NOT NULL, input_hash TEXT NOT NULL, policy TEXT NOT NULL,"
    " created_ms BIGINT NOT NULL, applied_ms BIGINT NOT NULL DEFAULT 0);";

static const char limit_sql[] =
    "ALTER TABLE workload ADD COLUMN rate_table TEXT NOT NULL DEFAULT '';";

/* What is asked of a workload must not read what became of all others. */
static const char history_sql[] = "CREATE INDEX op_by_workload ON op (workload, started_ms, id);"
                                  "CREATE INDEX ord_by_workload ON ord (workload, kind, n);";

static const char listed_sql[] =
    "ALTER TABLE host ADD COLUMN short_name TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE host ADD COLUMN uuid_hash TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE host ADD COLUMN machine_hash TEXT NOT NULL DEFAULT '';"
    "UPDATE host SET short_name = lower(name);"
    "CREATE INDEX host_short_name ON host (short_name);"
    "CREATE INDEX host_uuid_hash ON host (uuid_hash);"
    "CREATE INDEX host_machine_hash ON host (machine_hash);"
    "CREATE TABLE listing ("
    " list TEXT PRIMARY KEY, import TEXT NOT NULL UNIQUE, imported_ms BIGINT NOT NULL,"
    " imported_by TEXT NOT NULL);"
    "CREATE TABLE listed_host ("
    " import TEXT NOT NULL, list TEXT NOT NULL, row_key TEXT NOT NULL, name TEXT NOT NULL,"
    " name_key TEXT NOT NULL, short_name TEXT NOT NULL, id TEXT NOT NULL,"
    " uuid_hash TEXT NOT NULL, uuid_swapped TEXT NOT NULL, doc TEXT NOT NULL,"
    " PRIMARY KEY (import, row_key));"
    "CREATE INDEX listed_host_row ON listed_host (row_key);"
    "CREATE INDEX listed_host_name ON listed_host (name_key);"
    "CREATE INDEX listed_host_short ON listed_host (short_name);"
    "CREATE INDEX listed_host_list ON listed_host (list);"
    "CREATE TABLE listed_part ("
    " import TEXT NOT NULL, list TEXT NOT NULL, row_key TEXT NOT NULL, doc TEXT NOT NULL,"
    " PRIMARY KEY (import, row_key));";

/* Doubles are below 0 where the agent said nothing. */
static const char convergence_sql[] =
    "ALTER TABLE replication ADD COLUMN convergence TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE replication ADD COLUMN bound TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE replication ADD COLUMN limit_of TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE replication ADD COLUMN point_kind TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE replication ADD COLUMN consistent_error TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE replication ADD COLUMN consistent_ms BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE replication ADD COLUMN consistent_seq BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE replication ADD COLUMN limit_bytes_per_s BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE replication ADD COLUMN drain_bytes_per_s BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE replication ADD COLUMN need_bytes_per_s BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE replication ADD COLUMN eta_s DOUBLE PRECISION NOT NULL DEFAULT -1;"
    "ALTER TABLE replication ADD COLUMN point_lag_s DOUBLE PRECISION NOT NULL DEFAULT -1;"
    "ALTER TABLE replication ADD COLUMN target_lag_s DOUBLE PRECISION NOT NULL DEFAULT -1;"
    "ALTER TABLE replication ADD COLUMN late_s DOUBLE PRECISION NOT NULL DEFAULT -1;";

static const char instance_sql[] =
    "ALTER TABLE host ADD COLUMN poll_instance TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE host ADD COLUMN poll_instance_before TEXT NOT NULL DEFAULT '';";

/* Of hosts that were forgotten before their orders were. */
static const char gone_sql[] = "UPDATE ord SET state = 'void' WHERE state IN ('open', 'running')"
                               " AND host NOT IN (SELECT identity FROM host);";

/* Below 0 where no pass runs, as above. */
static const char running_sql[] =
    "ALTER TABLE replication ADD COLUMN running_s DOUBLE PRECISION NOT NULL DEFAULT -1;"
    "ALTER TABLE replication ADD COLUMN pass_eta_s DOUBLE PRECISION NOT NULL DEFAULT -1;";

const struct db_migration schema_steps[] = {
    {access_sql},  {host_sql},   {workload_sql},    {planning_sql}, {db_op_schema}, {limit_sql},
    {history_sql}, {listed_sql}, {convergence_sql}, {instance_sql}, {running_sql},  {gone_sql},
};

const size_t schema_steps_n = ARRAY_LEN(schema_steps);
