/* SPDX-License-Identifier: Apache-2.0 */
/* A workload with the last reports on its volumes: what gate and status look at. */
#ifndef GODWIT_PLANNER_SERVICE_WORKLOAD_VIEW_H
#define GODWIT_PLANNER_SERVICE_WORKLOAD_VIEW_H

#include "planner/service/db_op.h"
#include "planner/service/db_workload.h"
#include "planner/service/gate.h"
#include "planner/service/host.h"

struct workload_view_volume {
    const struct workload_volume *volume;
    bool has_holder, has_other;
    struct db_replication holder, other; /* valid when has_… */
    bool applied;                        /* the other side has applied a point of this direction */
    double lag_s;                        /* when applied */
    uint64_t verified_ms;                /* in this direction, 0 = never */
};

struct workload_view {
    struct workload *workload;
    uint64_t now_ms;
    struct workload_view_volume *volumes; /* as many as the workload has */
    struct db_op op;                      /* the open operation, when has_op */
    bool has_op;
    struct db_op halfway; /* the last switch, when it ended so and nobody resolved it; else id "" */
    char quarantined[WORKLOAD_NAME_MAX]; /* a host of it, "" = none */
    char quarantine[HOST_TEXT_MAX];      /* and why */
    char adopt_failed[GATE_TEXT_MAX]; /* what the source's agent has against owning it, "" = nothing
                                       */
    char depends_open[WORKLOAD_NAME_MAX];
    char blackout[GATE_TEXT_MAX]; /* why no window is open now, "" = one is */
};

/* -ENOENT. */
int workload_view_load(struct service *svc, const char *name, struct workload_view **ret,
                       struct err *err);
void workload_view_free(struct workload_view *v);
static inline void workload_view_freep(struct workload_view **v)
{
    workload_view_free(*v);
}
#define auto_view AUTO(workload_view_freep)

/* Did that side report lately? */
bool workload_view_seen(const struct workload_view *v, const struct db_replication *report);

/* The gate of a view. limits may be NULL. */
int workload_view_gate(const struct workload_view *v, const struct gate_limits *limits,
                       struct gate_result *ret, struct err *err);

#endif
