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

static void read_convergence(struct db_stmt *st, struct db_replication *v)
{
    read_text(st, 18, v->convergence, sizeof(v->convergence));
    read_text(st, 19, v->bound, sizeof(v->bound));
    read_text(st, 20, v->limit_of, sizeof(v->limit_of));
    v->limit_bytes_per_s = db_u64(st, 21);
    v->drain_bytes_per_s = db_u64(st, 22);
    v->need_bytes_per_s = db_u64(st, 23);
    v->eta_s = db_f64(st, 24);
    v->point_lag_s = db_f64(st, 25);
    v->target_lag_s = db_f64(st, 26);
    v->late_s = db_f64(st, 27);
    read_text(st, 28, v->point_kind, sizeof(v->point_kind));
    read_text(st, 29, v->consistent_error, sizeof(v->consistent_error));
    v->consistent_ms = db_u64(st, 30);
    v->consistent_seq = db_u64(st, 31);
}

static void read_row(struct db_stmt *st, struct db_replication *v)
{
    read_text(st, 0, v->host, sizeof(v->host));
    read_text(st, 1, v->role, sizeof(v->role));
    read_text(st, 2, v->state, sizeof(v->state));
    read_text(st, 3, v->reason, sizeof(v->reason));
    v->epoch = db_u64(st, 4);
    v->seq = db_u64(st, 5);
    read_text(st, 6, v->digest, sizeof(v->digest));
    v->taken_ms = db_u64(st, 7);
    v->verified_ms = db_u64(st, 8);
    v->size_bytes = db_u64(st, 9);
    v->total_bytes = db_u64(st, 10);
    v->done_bytes = db_u64(st, 11);
    v->backlog_bytes = db_u64(st, 12);
    v->write_bytes_per_s = db_u64(st, 13);
    v->send_bytes_per_s = db_u64(st, 14);
    v->pass_s = db_f64(st, 15);
    read_text(st, 16, v->error, sizeof(v->error));
    v->reported_ms = db_u64(st, 17);
    read_convergence(st, v);
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
    read_row(st, ret);
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
