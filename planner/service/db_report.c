/* SPDX-License-Identifier: Apache-2.0 */
/* The last report on each side of each volume: one row, replaced by the next. */
#include "base/text.h"
#include "planner/service/db_sql.h"
#include "planner/service/db_workload.h"

#include "base/banned.h"

static const char save_sql[] =
    "INSERT INTO replication (workload, volume, side, host, role, state, reason, epoch, seq,"
    " digest, taken_ms, verified_ms, size_bytes, total_bytes, done_bytes, backlog_bytes,"
    " write_bytes_per_s, send_bytes_per_s, pass_s, error, reported_ms, convergence, bound,"
    " limit_of, limit_bytes_per_s, drain_bytes_per_s, need_bytes_per_s, eta_s, point_lag_s,"
    " target_lag_s, late_s, point_kind, consistent_error, consistent_ms, consistent_seq)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?, ?, ?, ?, ?, ?, ?)";

static const char load_sql[] =
    "SELECT host, role, state, reason, epoch, seq, digest, taken_ms, verified_ms, size_bytes,"
    " total_bytes, done_bytes, backlog_bytes, write_bytes_per_s, send_bytes_per_s, pass_s, error,"
    " reported_ms, convergence, bound, limit_of, limit_bytes_per_s, drain_bytes_per_s,"
    " need_bytes_per_s, eta_s, point_lag_s, target_lag_s, late_s, point_kind, consistent_error,"
    " consistent_ms, consistent_seq FROM replication WHERE workload = ? AND volume = ? AND side = "
    "?";

/* Delete and insert: an upsert of that many columns reads worse and does the same here. */
int db_workload_report_save(struct db *db, const char *workload, const struct db_replication *v,
                            struct err *err)
{
    const char *side = workload_side_name(v->side);
    int r;

    r = db_sql_run(db, err,
                   "DELETE FROM replication WHERE workload = ? AND volume = ? AND side = ?", "ttt",
                   workload, v->volume, side);
    if (r < 0)
        return r;
    return db_sql_run(db, err, save_sql, "tttttttuutuuuuuuuuftutttuuuffffttuu", workload, v->volume,
                      side, v->host, v->role, v->state, v->reason, v->epoch, v->seq, v->digest,
                      v->taken_ms, v->verified_ms, v->size_bytes, v->total_bytes, v->done_bytes,
                      v->backlog_bytes, v->write_bytes_per_s, v->send_bytes_per_s, v->pass_s,
                      v->error, v->reported_ms, v->convergence, v->bound, v->limit_of,
                      v->limit_bytes_per_s, v->drain_bytes_per_s, v->need_bytes_per_s, v->eta_s,
                      v->point_lag_s, v->target_lag_s, v->late_s, v->point_kind,
                      v->consistent_error, v->consistent_ms, v->consistent_seq);
}

static void read_text(struct db_stmt *st, int col, char *out, size_t size)
{
    const char *text = db_text(st, col);

    (void)text_copy(out, size, text ? text : "");
}

/* Columns in the order in which load_sql names them. */
struct row {
    struct db_stmt *st;
    int next;
};

static void next_text(struct row *row, char *out, size_t size)
{
    read_text(row->st, row->next++, out, size);
}

static uint64_t next_u64(struct row *row)
{
    return db_u64(row->st, row->next++);
}

static double next_f64(struct row *row)
{
    return db_f64(row->st, row->next++);
}

static void read_convergence(struct row *row, struct db_replication *v)
{
    next_text(row, v->convergence, sizeof(v->convergence));
    next_text(row, v->bound, sizeof(v->bound));
    next_text(row, v->limit_of, sizeof(v->limit_of));
    v->limit_bytes_per_s = next_u64(row);
    v->drain_bytes_per_s = next_u64(row);
    v->need_bytes_per_s = next_u64(row);
    v->eta_s = next_f64(row);
    v->point_lag_s = next_f64(row);
    v->target_lag_s = next_f64(row);
    v->late_s = next_f64(row);
    next_text(row, v->point_kind, sizeof(v->point_kind));
    next_text(row, v->consistent_error, sizeof(v->consistent_error));
    v->consistent_ms = next_u64(row);
    v->consistent_seq = next_u64(row);
}

static void read_row(struct row *row, struct db_replication *v)
{
    next_text(row, v->host, sizeof(v->host));
    next_text(row, v->role, sizeof(v->role));
    next_text(row, v->state, sizeof(v->state));
    next_text(row, v->reason, sizeof(v->reason));
    v->epoch = next_u64(row);
    v->seq = next_u64(row);
    next_text(row, v->digest, sizeof(v->digest));
    v->taken_ms = next_u64(row);
    v->verified_ms = next_u64(row);
    v->size_bytes = next_u64(row);
    v->total_bytes = next_u64(row);
    v->done_bytes = next_u64(row);
    v->backlog_bytes = next_u64(row);
    v->write_bytes_per_s = next_u64(row);
    v->send_bytes_per_s = next_u64(row);
    v->pass_s = next_f64(row);
    next_text(row, v->error, sizeof(v->error));
    v->reported_ms = next_u64(row);
    read_convergence(row, v);
}

int db_workload_report_load(struct db *db, const char *workload, const char *volume,
                            enum workload_side side, struct db_replication *ret, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err, load_sql, "ttt", workload, volume, workload_side_name(side));
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set(err, -ENOENT, "the %s side never reported on '%s'", workload_side_name(side),
                       volume);
    *ret = (struct db_replication){.side = side};
    (void)text_copy(ret->volume, sizeof(ret->volume), volume);
    read_row(&(struct row){.st = st}, ret);
    return 0;
}

int db_workload_report_troubles(struct db *db, uint64_t since_ms, uint64_t *ret_n,
                                char ret_one[static DB_WORKLOAD_TROUBLE_MAX], struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT count(*), min(workload || '/' || volume) FROM replication"
                    " WHERE error <> '' AND reported_ms > ?",
                    "u", since_ms);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    *ret_n = db_u64(st, 0);
    read_text(st, 1, ret_one, DB_WORKLOAD_TROUBLE_MAX);
    return 0;
}
