/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail's rows. */
#include "planner/service/db_event.h"

#include "base/text.h"
#include "planner/service/db_sql.h"

#include "base/banned.h"

int db_event_add(struct db *db, const struct db_event *event, struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO event (n, at_ms, kind, who, address, object, what)"
                      " SELECT COALESCE(MAX(n), 0) + 1, ?, ?, ?, ?, ?, ? FROM event",
                      "uttttt", event->at_ms, event->kind, event->who, event->address,
                      event->object, event->text);
}

static int open_filtered(struct db *db, const struct db_event_filter *f, struct db_stmt **ret,
                         struct err *err)
{
    char prefix[80];
    int r;

    /* substr and not LIKE: what people type must not act as a pattern. */
    r = text_copy(prefix, sizeof(prefix), f->kind ? f->kind : "");
    if (r < 0)
        return err_set(err, -EINVAL, "a kind of event is at most %zu bytes", sizeof(prefix) - 1);
    return db_sql_open(
        db, ret, err,
        f->newest ? "SELECT n, at_ms, kind, who, address, object, what FROM"
                    " (SELECT * FROM event WHERE (? IS NULL OR object = ?)"
                    "  AND substr(kind, 1, length(?)) = ? AND at_ms >= ? AND n > ?"
                    "  ORDER BY n DESC LIMIT ?) AS e"
                    " ORDER BY n"
                  : "SELECT n, at_ms, kind, who, address, object, what FROM event"
                    " WHERE (? IS NULL OR object = ?) AND substr(kind, 1, length(?)) = ?"
                    " AND at_ms >= ? AND n > ? ORDER BY n LIMIT ?",
        "ttttuuu", f->object, f->object, prefix, prefix, f->since_ms, f->after, f->limit);
}

int db_event_each(struct db *db, const struct db_event_filter *filter, db_event_fn fn, void *arg,
                  struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = open_filtered(db, filter, &st, err);
    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        const struct db_event event = {
            .n = db_u64(st, 0),
            .at_ms = db_u64(st, 1),
            .kind = db_text(st, 2),
            .who = db_text(st, 3),
            .address = db_text(st, 4),
            .object = db_text(st, 5),
            .text = db_text(st, 6),
        };

        r = fn(arg, &event);
        if (r < 0)
            return r;
    }
    return r;
}
