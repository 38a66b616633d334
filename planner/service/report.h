/* SPDX-License-Identifier: Apache-2.0 */
/* Taking an agent's report: inventory, load, and the state of each replica. */
#ifndef GODWIT_PLANNER_SERVICE_REPORT_H
#define GODWIT_PLANNER_SERVICE_REPORT_H

#include "planner/service/service.h"

struct db_replication;

struct report_result {
    uint64_t report_s; /* when the next one is wanted */
};

/* Runs inside the caller's transaction. -EINVAL (GW_BAD_DOCUMENT). */
int report_take(struct service *svc, const char *identity, const struct js *body,
                struct report_result *ret, struct err *err);

/* Events when a volume stops to converge, or does so again, and when the lag that was asked for is
 * missed for long, or kept again. before is all zero when the side never reported. */
int report_note_convergence(struct service *svc, const char *workload,
                            const struct db_replication *before, const struct db_replication *now,
                            struct err *err);
/* How long a lag may be missed before that is an event. Pure. */
double report_late_after_s(double target_lag_s);

/* One R of a report. Pure. Side, host and time are the caller's. -EINVAL. */
int report_parse(const struct js *r, struct db_replication *ret, struct err *err);

#endif
