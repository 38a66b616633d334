/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of calendar and plan. */
#ifndef GODWIT_PLANNER_SERVICE_DB_PLAN_H
#define GODWIT_PLANNER_SERVICE_DB_PLAN_H

#include "base/db.h"

struct buf;

struct db_calendar {
    const char *id, *name, *kind, *ical;
    uint64_t created_ms;
};
/* All of them count, for the gate as for a plan: a blackout that is not looked at forbids nothing.
 */
#define DB_PLAN_CALENDARS_MAX ((uint64_t)100000)
int db_plan_calendar_add(struct db *db, const struct db_calendar *calendar, struct err *err);
/* By id. A non-zero return of fn ends the walk and is returned. */
typedef int (*db_plan_calendar_fn)(void *arg, const struct db_calendar *calendar);
int db_plan_calendar_each(struct db *db, const char *after, uint64_t limit, db_plan_calendar_fn fn,
                          void *arg, struct err *err);
/* The window that has this kind and text: 1 when there is one, and fn was called with it, else 0.
 */
int db_plan_calendar_same(struct db *db, const struct db_calendar *calendar, db_plan_calendar_fn fn,
                          void *arg, struct err *err);
int db_plan_calendar_delete(struct db *db, const char *id, struct err *err); /* -ENOENT */
/* The id that name_or_id means. -ENOENT, or -EINVAL (GW_BAD_VALUE) when several have that name. */
int db_plan_calendar_id(struct db *db, const char *name_or_id, struct buf *ret_id, struct err *err);

struct db_plan {
    const char *id, *doc, *input_hash, *policy;
    uint64_t created_ms, applied_ms;
};
int db_plan_add(struct db *db, const struct db_plan *plan, struct err *err);
/* Newest first, older than `before` (id NULL = all); the one of that id otherwise. */
typedef int (*db_plan_fn)(void *arg, const struct db_plan *plan);
int db_plan_each(struct db *db, const char *id, uint64_t before_ms, uint64_t limit, db_plan_fn fn,
                 void *arg, struct err *err);
int db_plan_set_applied(struct db *db, const char *id, uint64_t now_ms, struct err *err);

#endif
