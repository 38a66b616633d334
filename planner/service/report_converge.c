/* SPDX-License-Identifier: Apache-2.0 */
/* What reports say of convergence and of lags, as events: each is told when it begins and when it
 * ends. That it does not flap is the agent's business. */
#include "planner/service/report.h"

#include "base/num.h"
#include "base/text.h"
#include "planner/service/db_workload.h"
#include "planner/service/event.h"

#include "base/banned.h"

enum { LATE_TARGETS = 5, LATE_LEAST_S = 60 };

double report_late_after_s(double target_lag_s)
{
    return target_lag_s * LATE_TARGETS > LATE_LEAST_S ? target_lag_s * LATE_TARGETS : LATE_LEAST_S;
}

static bool diverges(const struct db_replication *r)
{
    return text_equal(r->convergence, "not_converging");
}

static int note_converging(struct service *svc, const char *workload,
                           const struct db_replication *before, const struct db_replication *now,
                           struct err *err)
{
    char writes[NUM_TEXT_MAX], sends[NUM_TEXT_MAX];

    if (!now->convergence[0] || diverges(before) == diverges(now))
        return 0;
    num_format_bytes(now->write_bytes_per_s, false, writes);
    num_format_bytes(now->drain_bytes_per_s, false, sends);
    if (!diverges(now))
        return event_note(svc, "replication.converging", now->host, workload, err,
                          "%s converges again: %s/s are written, %s/s are sent", now->volume,
                          writes, sends);
    return event_note(svc, "replication.not_converging", now->host, workload, err,
                      "%s does not converge: %s/s are written, %s/s are sent%s%s", now->volume,
                      writes, sends, now->bound[0] ? "; bounded by " : "", now->bound);
}

static bool is_late(const struct db_replication *r)
{
    return r->target_lag_s >= 0 && r->late_s >= report_late_after_s(r->target_lag_s);
}

static int note_late(struct service *svc, const char *workload, const struct db_replication *before,
                     const struct db_replication *now, struct err *err)
{
    char lag[NUM_TEXT_MAX], target[NUM_TEXT_MAX], late[NUM_TEXT_MAX];

    if (is_late(before) == is_late(now) || now->target_lag_s < 0)
        return 0;
    num_format_duration(now->point_lag_s < 0 ? 0 : (uint64_t)(now->point_lag_s * 1000), lag);
    num_format_duration((uint64_t)(now->target_lag_s * 1000), target);
    num_format_duration((uint64_t)(now->late_s * 1000), late);
    if (is_late(now))
        return event_note(svc, "replication.late", now->host, workload, err,
                          "%s misses its lag of %s since %s; now it is %s", now->volume, target,
                          late, lag);
    return event_note(svc, "replication.on_time", now->host, workload, err,
                      "%s keeps its lag of %s again", now->volume, target);
}

int report_note_convergence(struct service *svc, const char *workload,
                            const struct db_replication *before, const struct db_replication *now,
                            struct err *err)
{
    int r = note_converging(svc, workload, before, now, err);

    return r == 0 ? note_late(svc, workload, before, now, err) : r;
}
