/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads as rows. The right to write moves in db_workload_move and nowhere else. */
#include "planner/service/db_workload.h"

#include "base/text.h"
#include "planner/service/db_sql.h"

#include "base/banned.h"

static const char load_sql[] =
    "SELECT doc, lifecycle, authority, holder, epoch, settled_epoch, wave, start_ms, tested_ms,"
    " switched_ms, released, paused, interval_s, rate_bytes_per_s, rate_table FROM workload"
    " WHERE name = ?";

/* A word that this program does not know was not written by it. */
static int damaged(const char *what, struct err *err)
{
    return err_set_gw(err, GW_DB_DAMAGED, -EUCLEAN, "%s is a word that was never written", what);
}

static int read_row(struct db_stmt *st, struct workload *w, struct err *err)
{
    if (!workload_lifecycle_parse(db_text(st, 1), &w->lifecycle))
        return damaged("lifecycle", err);
    if (!workload_authority_parse(db_text(st, 2), &w->authority))
        return damaged("authority", err);
    w->holder = text_equal(db_text(st, 3), "target") ? WORKLOAD_TARGET : WORKLOAD_SOURCE;
    w->epoch = db_u64(st, 4);
    w->settled_epoch = db_u64(st, 5);
    (void)text_copy(w->wave, sizeof(w->wave), db_text(st, 6));
    w->start_ms = db_u64(st, 7);
    w->tested_ms = db_u64(st, 8);
    w->switched_ms = db_u64(st, 9);
    w->released = db_i64(st, 10) != 0;
    w->control.paused = db_i64(st, 11) != 0;
    w->control.interval_s = db_i64(st, 12);
    w->control.rate_bytes_per_s = db_i64(st, 13);
    (void)text_copy(w->control.rate_table, sizeof(w->control.rate_table), db_text(st, 14));
    return 0;
}

int db_workload_load(struct db *db, const char *name, struct workload *ret, struct buf *doc,
                     struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err, load_sql, "t", name);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no workload '%s'", name);
    (void)buf_str(doc, db_text(st, 0));
    r = buf_failed(doc, err);
    return r < 0 ? r : read_row(st, ret, err);
}

int db_workload_add(struct db *db, const struct workload *w, const char *doc, uint64_t now_ms,
                    struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO workload (name, doc, lifecycle, authority, holder, created_ms,"
                      " changed_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                      "tttttuu", w->name, doc, workload_lifecycle_name(w->lifecycle),
                      workload_authority_name(w->authority), workload_side_name(w->holder), now_ms,
                      now_ms);
}

int db_workload_set_doc(struct db *db, const char *name, const char *doc, uint64_t now_ms,
                        struct err *err)
{
    return db_sql_run(db, err, "UPDATE workload SET doc = ?, changed_ms = ? WHERE name = ?", "tut",
                      doc, now_ms, name);
}

int db_workload_set_hosts(struct db *db, const struct workload *w, struct err *err)
{
    int r;

    r = db_sql_run(db, err, "DELETE FROM workload_host WHERE workload = ?", "t", w->name);
    for (int side = 0; r == 0 && side < 2; side++)
        for (size_t i = 0; r == 0 && i < w->hosts_n[side]; i++)
            r = db_sql_run(
                db, err, "INSERT INTO workload_host (workload, side, host) VALUES (?, ?, ?)", "ttt",
                w->name, workload_side_name((enum workload_side)side), w->hosts[side][i].name);
    return r;
}

int db_workload_delete(struct db *db, const char *name, struct err *err)
{
    return db_sql_run(db, err, "DELETE FROM workload WHERE name = ?", "t", name);
}

static int move_settled(struct db *db, const char *name, const struct workload_move *m,
                        uint64_t now_ms, struct err *err)
{
    return db_sql_run(db, err,
                      "UPDATE workload SET authority = ?, holder = ?, epoch = ?,"
                      " settled_epoch = ?, switched_ms = ?"
                      " WHERE name = ? AND authority = ? AND epoch = ?",
                      "ttuuuttu", workload_authority_name(m->to),
                      m->to == WORKLOAD_AT_TARGET ? "target" : "source", m->to_epoch, m->to_epoch,
                      now_ms, name, workload_authority_name(m->from), m->from_epoch);
}

/* The holder stays who it was: an abort gives the right back to it. */
static int move_frozen(struct db *db, const char *name, const struct workload_move *m,
                       struct err *err)
{
    return db_sql_run(db, err,
                      "UPDATE workload SET authority = ?, epoch = ?"
                      " WHERE name = ? AND authority = ? AND epoch = ?",
                      "tuttu", workload_authority_name(m->to), m->to_epoch, name,
                      workload_authority_name(m->from), m->from_epoch);
}

int db_workload_move(struct db *db, const char *name, const struct workload_move *move,
                     uint64_t now_ms, struct err *err)
{
    int r;

    r = move->to == WORKLOAD_FROZEN ? move_frozen(db, name, move, err)
                                    : move_settled(db, name, move, now_ms, err);
    if (r == 0 && db_changes(db) == 0)
        return err_set_gw(err, GW_API_CONFLICT, -EEXIST,
                          "the right to write of '%s' is not %s at epoch %llu any more", name,
                          workload_authority_name(move->from),
                          (unsigned long long)move->from_epoch);
    return r;
}

int db_workload_set_lifecycle(struct db *db, const char *name, enum workload_lifecycle to,
                              struct err *err)
{
    return db_sql_run(db, err, "UPDATE workload SET lifecycle = ? WHERE name = ?", "tt",
                      workload_lifecycle_name(to), name);
}

int db_workload_set_tested(struct db *db, const char *name, uint64_t wall_ms, struct err *err)
{
    return db_sql_run(db, err, "UPDATE workload SET tested_ms = ? WHERE name = ?", "ut", wall_ms,
                      name);
}

int db_workload_set_released(struct db *db, const char *name, struct err *err)
{
    return db_sql_run(db, err, "UPDATE workload SET released = 1 WHERE name = ?", "t", name);
}

int db_workload_set_start(struct db *db, const char *name, uint64_t start_ms, const char *wave,
                          struct err *err)
{
    return db_sql_run(db, err,
                      "UPDATE workload SET start_ms = ?, wave = COALESCE(?, wave) WHERE name = ?",
                      "utt", start_ms, wave, name);
}

int db_workload_set_adopted(struct db *db, const char *name, struct err *err)
{
    return db_sql_run(db, err, "UPDATE workload SET adopted = 1 WHERE name = ?", "t", name);
}

int db_workload_set_control(struct db *db, const char *name, const struct workload_control *c,
                            struct err *err)
{
    return db_sql_run(db, err,
                      "UPDATE workload SET paused = ?, interval_s = ?, rate_bytes_per_s = ?,"
                      " rate_table = ? WHERE name = ?",
                      "iiitt", (int64_t)c->paused, c->interval_s, c->rate_bytes_per_s,
                      c->rate_table, name);
}

static int walk_names(struct db_stmt *st, db_workload_fn fn, void *arg, struct err *err)
{
    int r;

    while ((r = db_step(st, err)) > 0) {
        r = fn(arg, db_text(st, 0));
        if (r < 0)
            return r;
    }
    return r;
}

int db_workload_each_due(struct db *db, uint64_t now_ms, uint64_t limit, db_workload_fn fn,
                         void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT name FROM workload WHERE start_ms > 0 AND start_ms <= ?"
                    " AND adopted = 0 AND released = 0 ORDER BY start_ms, name LIMIT ?",
                    "uu", now_ms, limit);
    return r < 0 ? r : walk_names(st, fn, arg, err);
}

int db_workload_each(struct db *db, const char *host, const char *after, uint64_t limit,
                     db_workload_fn fn, void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT name FROM workload WHERE name > ? AND (? IS NULL OR name IN"
                    " (SELECT workload FROM workload_host WHERE host = ?)) ORDER BY name LIMIT ?",
                    "tttu", after ? after : "", host, host, limit);
    return r < 0 ? r : walk_names(st, fn, arg, err);
}
