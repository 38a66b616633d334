/* SPDX-License-Identifier: Apache-2.0 */
/* Forgetting by slices: each walk goes along a table's numbers, however many rows of it are kept.
 */
#include "planner/service/db_history.h"

#include "base/auto.h"
#include "planner/service/db_sql.h"

#include "base/banned.h"

enum { SLICE = 200 };

#define NOT_OPEN(workload)                                                                         \
    " AND NOT EXISTS (SELECT 1 FROM op AS o WHERE o.workload = " workload " AND o.ended_ms = 0)"
#define NOT_FINAL(workload)                                                                        \
    " AND NOT EXISTS (SELECT 1 FROM op AS f WHERE f.workload = " workload                          \
    " AND f.kind = 'finalize' AND f.state = 'done')"

/* One slice of a table whose rows have ascending numbers. */
struct walk {
    const char *last_of_slice; /* after, before_ms, SLICE: the last number of the next rows */
    const char *forget;        /* after, last, before_ms */
};

static const struct walk events = {
    "SELECT max(n) FROM (SELECT n FROM event WHERE n > ? AND at_ms < ? ORDER BY n LIMIT ?) AS s",
    "DELETE FROM event WHERE n > ? AND n <= ? AND at_ms < ?"
    " AND n < (SELECT max(n) FROM event)" NOT_OPEN("event.object") " AND (substr(kind, 1, 3) <> "
                                                                   "'op.' OR (1 = 1" NOT_FINAL(
                                                                       "event.object") "))"};

static const struct walk orders = {
    "SELECT max(n) FROM (SELECT n FROM ord WHERE n > ? AND created_ms < ? ORDER BY n LIMIT ?) AS s",
    "DELETE FROM ord WHERE n > ? AND n <= ? AND ended_ms < ?"
    " AND state IN ('done', 'failed', 'void')"
    " AND n < (SELECT max(n) FROM ord AS o WHERE o.workload = ord.workload AND o.kind = "
    "ord.kind)" NOT_OPEN("ord.workload")};

static int forget_slice(struct db *db, const struct walk *walk, uint64_t before_ms, uint64_t *at,
                        bool *ret_more, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    uint64_t last = 0;
    int r;

    r = db_sql_open(db, &st, err, walk->last_of_slice, "uuu", *at, before_ms, (uint64_t)SLICE);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    last = db_u64(st, 0);
    db_reset(st);
    if (last == 0)
        return 0; /* it stays at the end until the other walks are there */
    r = db_sql_run(db, err, walk->forget, "uuu", *at, last, before_ms);
    if (r < 0)
        return r;
    *at = last;
    *ret_more = true;
    return 0;
}

#define OLD_OPERATIONS                                                                             \
    "SELECT id FROM op WHERE started_ms < ? AND ended_ms > 0 AND ended_ms < ?"                     \
    " AND EXISTS (SELECT 1 FROM op AS o WHERE o.workload = op.workload AND o.kind = op.kind"       \
    "  AND o.started_ms > op.started_ms)"                                                          \
    " AND (kind = 'test' OR (1 = 1" NOT_FINAL("op.workload") "))" NOT_OPEN(                        \
        "op.workload") " ORDER BY started_ms, id LIMIT ?"

/* Few, and people made them: no walk, but last of all, since what is kept is looked at again. */
static int forget_operations(struct db *db, uint64_t before_ms, bool *ret_more, struct err *err)
{
    int r;

    r = db_sql_run(db, err, "DELETE FROM op_step WHERE op IN (" OLD_OPERATIONS ")", "uuu",
                   before_ms, before_ms, (uint64_t)SLICE);
    if (r == 0)
        r = db_sql_run(db, err, "DELETE FROM op WHERE id IN (" OLD_OPERATIONS ")", "uuu", before_ms,
                       before_ms, (uint64_t)SLICE);
    if (r == 0)
        *ret_more = db_changes(db) > 0;
    return r;
}

static int forget(struct db *db, uint64_t before_ms, struct db_history *at, bool *ret_more,
                  struct err *err)
{
    int r;

    r = forget_slice(db, &events, before_ms, &at->event_n, ret_more, err);
    if (r == 0)
        r = forget_slice(db, &orders, before_ms, &at->order_n, ret_more, err);
    return r < 0 || *ret_more ? r : forget_operations(db, before_ms, ret_more, err);
}

int db_history_forget(struct db *db, uint64_t before_ms, struct db_history *at, bool *ret_more,
                      struct err *err)
{
    struct db_history next = *at;
    bool more = false;
    int r = db_begin(db, err);

    if (r < 0)
        return r;
    r = forget(db, before_ms, &next, &more, err);
    if (r == 0)
        r = db_commit(db, err);
    if (r < 0) {
        db_rollback(db);
        return r;
    }
    *at = more ? next : (struct db_history){0};
    *ret_more = more;
    return 0;
}
