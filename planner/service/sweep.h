/* SPDX-License-Identifier: Apache-2.0 */
/* What time itself brings: planned starts, verifications that are due, rows that are too old. */
#ifndef GODWIT_PLANNER_SERVICE_SWEEP_H
#define GODWIT_PLANNER_SERVICE_SWEEP_H

#include "planner/service/service.h"

struct workload;

int sweep_start(struct service *svc, struct loop_timer **ret, struct err *err);

/* Give the source's agents the right to write (orders "adopt") once they all have enrolled; 0 also
 * when they have not yet. Called when a workload is started; the sweep calls it again. */
int sweep_adopt(struct service *svc, const char *workload, struct err *err);

/* Order a verification from the agents of the side that follows, at most one a slot of time; args
 * are the order's, lent, or NULL. Writes the ids as elements into the open array of ids when that
 * is not NULL. */
int sweep_verify(struct service *svc, const struct workload *w, uint64_t slot,
                 const struct js *args, struct jsw *ids, struct err *err);
/* The same when the last verification is too old, or there is none of this direction. */
int sweep_verify_due(struct service *svc, const char *workload, struct err *err);
/* Tell the agents of both sides to forget w, before its row goes. */
int sweep_release(struct service *svc, const struct workload *w, struct err *err);

#endif
