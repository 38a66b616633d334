/* SPDX-License-Identifier: Apache-2.0 */
/* The last report on each side of each volume: one row, replaced by the next. */
#include "base/auto.h"
#include "base/text.h"
#include "planner/service/db_sql.h"
#include "planner/service/db_workload.h"

#include <stddef.h>
#include <string.h>

#include "base/banned.h"

/* What a row has beside its key; members and columns have the same names. */
#define COLUMNS(X)                                                                                 \
    X(host)                                                                                        \
    X(role)                                                                                        \
    X(state)                                                                                       \
    X(reason)                                                                                      \
    X(epoch)                                                                                       \
    X(seq)                                                                                         \
    X(digest)                                                                                      \
    X(taken_ms)                                                                                    \
    X(verified_ms)                                                                                 \
    X(size_bytes)                                                                                  \
    X(total_bytes)                                                                                 \
    X(done_bytes)                                                                                  \
    X(backlog_bytes)                                                                               \
    X(write_bytes_per_s)                                                                           \
    X(send_bytes_per_s)                                                                            \
    X(pass_s)                                                                                      \
    X(error)                                                                                       \
    X(reported_ms)                                                                                 \
    X(convergence)                                                                                 \
    X(bound)                                                                                       \
    X(limit_of)                                                                                    \
    X(limit_bytes_per_s)                                                                           \
    X(drain_bytes_per_s)                                                                           \
    X(need_bytes_per_s)                                                                            \
    X(eta_s)                                                                                       \
    X(point_lag_s)                                                                                 \
    X(target_lag_s)                                                                                \
    X(late_s)                                                                                      \
    X(point_kind)                                                                                  \
    X(consistent_error)                                                                            \
    X(consistent_ms)                                                                               \
    X(consistent_seq)                                                                              \
    X(running_s)                                                                                   \
    X(pass_eta_s)

static const struct column {
    char kind; /* as of db_sql.h */
    size_t at;
    size_t size;
} columns[] = {
#define MEMBER(name) (((struct db_replication *)NULL)->name)
#define ROW(name)                                                                                  \
    {                                                                                              \
        _Generic(MEMBER(name), uint64_t: 'u', double: 'f', char *: 't'),                           \
        offsetof(struct db_replication, name), sizeof(MEMBER(name)),                               \
    },
    COLUMNS(ROW)
#undef ROW
#undef MEMBER
};

#define NAME(name) ", " #name
#define MARK(name) ", ?"
static const char save_sql[] = "INSERT INTO replication (workload, volume, side" COLUMNS(
    NAME) ") VALUES (?, ?, ?" COLUMNS(MARK) ")";
static const char load_sql[] =
    "SELECT side" COLUMNS(NAME) " FROM replication WHERE workload = ? AND volume = ? AND side = ?";
#undef MARK
#undef NAME

enum { PARAMETER_FIRST = 4, COLUMN_FIRST = 1 };

static void bind(struct db_stmt *st, int i, const struct column *c, const struct db_replication *v)
{
    const char *from = (const char *)v + c->at;
    uint64_t u;
    double f;

    switch (c->kind) {
    case 'u':
        memcpy(&u, from, sizeof(u));
        db_bind_u64(st, i, u);
        break;
    case 'f':
        memcpy(&f, from, sizeof(f));
        db_bind_f64(st, i, f);
        break;
    default:
        db_bind_text(st, i, from);
    }
}

static void read_text(struct db_stmt *st, int col, char *out, size_t size)
{
    const char *text = db_text(st, col);

    (void)text_copy(out, size, text ? text : "");
}

static void read_column(struct db_stmt *st, int col, const struct column *c,
                        struct db_replication *v)
{
    char *to = (char *)v + c->at;
    uint64_t u;
    double f;

    switch (c->kind) {
    case 'u':
        u = db_u64(st, col);
        memcpy(to, &u, sizeof(u));
        break;
    case 'f':
        f = db_f64(st, col);
        memcpy(to, &f, sizeof(f));
        break;
    default:
        read_text(st, col, to, c->size);
    }
}

/* Delete and insert: an upsert of that many columns reads worse and does the same here. */
int db_workload_report_save(struct db *db, const char *workload, const struct db_replication *v,
                            struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    const char *side = workload_side_name(v->side);
    int r;

    r = db_sql_run(db, err,
                   "DELETE FROM replication WHERE workload = ? AND volume = ? AND side = ?", "ttt",
                   workload, v->volume, side);
    if (r == 0)
        r = db_sql_open(db, &st, err, save_sql, "ttt", workload, v->volume, side);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        bind(st, PARAMETER_FIRST + (int)i, &columns[i], v);
    return db_run(st, err);
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
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        read_column(st, COLUMN_FIRST + (int)i, &columns[i], ret);
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
