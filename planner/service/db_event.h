/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of table event: numbered from 1, never changed. */
#ifndef GODWIT_PLANNER_SERVICE_DB_EVENT_H
#define GODWIT_PLANNER_SERVICE_DB_EVENT_H

#include "base/db.h"

struct db_event {
    uint64_t n;
    uint64_t at_ms;
    const char *kind, *who, *address, *object, *text;
};

/* event->n is not looked at. */
int db_event_add(struct db *db, const struct db_event *event, struct err *err);

struct db_event_filter {
    const char *object; /* NULL = any */
    const char *kind;   /* a prefix; NULL = any */
    uint64_t after;
    uint64_t since_ms; /* what is older is left out */
    uint64_t limit;
    bool newest; /* the last ones, still ascending */
};
/* A negative return of fn ends the walk and is returned. */
typedef int (*db_event_fn)(void *arg, const struct db_event *event);
int db_event_each(struct db *db, const struct db_event_filter *filter, db_event_fn fn, void *arg,
                  struct err *err);

#endif
