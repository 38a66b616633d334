/* SPDX-License-Identifier: Apache-2.0 */
/* What is forgotten after a time: events, answered orders, operations that ended. */
#ifndef GODWIT_PLANNER_SERVICE_DB_HISTORY_H
#define GODWIT_PLANNER_SERVICE_DB_HISTORY_H

#include "base/db.h"

struct err;

/* How far a walk over the tables has come; zero begins one. */
struct db_history {
    uint64_t event_n, order_n;
};

/*
 * One slice of a walk: looks at a few hundred rows, so that the loop is not held up, and deletes
 * those from before before_ms that nothing needs. *ret_more: it has not come to the end; when it
 * has, at is zero again. In one transaction.
 *
 * Never deleted, however old: whatever belongs to a workload with an open operation; the switches
 * of a workload that was finalized, with their journal and events; the newest operation and order
 * of each kind of a workload; orders without an answer; the newest event, whose number names the
 * next one.
 */
int db_history_forget(struct db *db, uint64_t before_ms, struct db_history *at, bool *ret_more,
                      struct err *err);

#endif
