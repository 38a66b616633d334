/* SPDX-License-Identifier: Apache-2.0 */
/* Calendars and plans as rows. */
#include "planner/service/db_plan.h"

#include "base/buf.h"
#include "base/gw.h"
#include "planner/service/db_sql.h"

#include "base/banned.h"

int db_plan_calendar_add(struct db *db, const struct db_calendar *c, struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO calendar (id, name, kind, ical, created_ms)"
                      " VALUES (?, ?, ?, ?, ?)",
                      "ttttu", c->id, c->name, c->kind, c->ical, c->created_ms);
}

static struct db_calendar row_of(struct db_stmt *st)
{
    return (struct db_calendar){
        .id = db_text(st, 0),
        .name = db_text(st, 1),
        .kind = db_text(st, 2),
        .ical = db_text(st, 3),
        .created_ms = db_u64(st, 4),
    };
}

int db_plan_calendar_each(struct db *db, const char *after, uint64_t limit, db_plan_calendar_fn fn,
                          void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT id, name, kind, ical, created_ms FROM calendar WHERE id > ?"
                    " ORDER BY id LIMIT ?",
                    "tu", after ? after : "", limit);
    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        const struct db_calendar c = row_of(st);

        r = fn(arg, &c);
        if (r != 0)
            return r;
    }
    return r;
}

int db_plan_calendar_same(struct db *db, const struct db_calendar *calendar, db_plan_calendar_fn fn,
                          void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT id, name, kind, ical, created_ms FROM calendar"
                    " WHERE kind = ? AND ical = ? ORDER BY id LIMIT 1",
                    "tt", calendar->kind, calendar->ical);
    if (r == 0)
        r = db_step(st, err);
    if (r > 0) {
        const struct db_calendar c = row_of(st);
        int failed = fn(arg, &c);

        r = failed < 0 ? failed : 1;
    }
    return r;
}

int db_plan_calendar_id(struct db *db, const char *name_or_id, struct buf *ret_id, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    size_t n = 0;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT id FROM calendar WHERE id = ? OR name = ?"
                    " AND NOT EXISTS (SELECT 1 FROM calendar WHERE id = ?) ORDER BY id",
                    "ttt", name_or_id, name_or_id, name_or_id);
    while (r == 0 && (r = db_step(st, err)) > 0)
        r = buf_printf(ret_id, "%s%s", n++ > 0 ? ", " : "", db_text(st, 0));
    if (r < 0)
        return r;
    if (n > 1)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "%zu windows are called '%s': %s", n,
                          name_or_id, buf_cstr(ret_id));
    return n == 1 ? 0 : err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no window '%s'", name_or_id);
}

int db_plan_calendar_delete(struct db *db, const char *id, struct err *err)
{
    int r;

    r = db_sql_run(db, err, "DELETE FROM calendar WHERE id = ?", "t", id);
    if (r == 0 && db_changes(db) == 0)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no window '%s'", id);
    return r;
}

int db_plan_add(struct db *db, const struct db_plan *p, struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO plan (id, doc, input_hash, policy, created_ms)"
                      " VALUES (?, ?, ?, ?, ?)",
                      "ttttu", p->id, p->doc, p->input_hash, p->policy, p->created_ms);
}

int db_plan_each(struct db *db, const char *id, uint64_t before_ms, uint64_t limit, db_plan_fn fn,
                 void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT id, doc, input_hash, policy, created_ms, applied_ms FROM plan"
                    " WHERE (? IS NULL OR id = ?) AND created_ms < ?"
                    " ORDER BY created_ms DESC, id LIMIT ?",
                    "ttuu", id, id, before_ms, limit);
    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        const struct db_plan p = {
            .id = db_text(st, 0),
            .doc = db_text(st, 1),
            .input_hash = db_text(st, 2),
            .policy = db_text(st, 3),
            .created_ms = db_u64(st, 4),
            .applied_ms = db_u64(st, 5),
        };

        r = fn(arg, &p);
        if (r < 0)
            return r;
    }
    return r;
}

int db_plan_set_applied(struct db *db, const char *id, uint64_t now_ms, struct err *err)
{
    return db_sql_run(db, err, "UPDATE plan SET applied_ms = ? WHERE id = ? AND applied_ms = 0",
                      "ut", now_ms, id);
}
