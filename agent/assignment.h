/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the planner wants of one workload on this host: volumes, role, hooks, checks.
 *
 * Parsed fully and checked from the A of docs/control-plane.md section 4; then never changed.
 */
#ifndef GODWIT_AGENT_ASSIGNMENT_H
#define GODWIT_AGENT_ASSIGNMENT_H

#include "agent/ownership.h"
#include "base/js.h"
#include "transport/rate_table.h"

#include <limits.h>

enum { ASSIGNMENT_NAME_MAX = 63, ASSIGNMENT_VOLUMES_MAX = CONTROL_VOLUMES_MAX };

struct assignment_volume {
    char name[ASSIGNMENT_NAME_MAX + 1];
    char replica[VAULT_REPLICA_NAME_MAX + 1];
    char device[PATH_MAX];
    char mount[PATH_MAX]; /* "" = none */
    uint64_t interval_ms; /* 0 = the workload's */
    uint64_t target_lag_ms;
    bool shrink;    /* a push may be of a smaller volume than the replica */
    bool overwrite; /* a first pull may destroy what the volume holds */
};

struct assignment {
    char workload[ASSIGNMENT_NAME_MAX + 1];
    char side[8]; /* "source" or "target" */
    uint64_t epoch;
    enum ownership_role role;
    uint64_t interval_ms;
    uint64_t target_lag_ms; /* passes begin so that what the store has is no older; 0 = every
                               interval */
    struct rate_table rate;
    uint64_t self_abort_ms;     /* 0 = the agent's default */
    uint64_t consistent_ms;     /* a consistent point every so often; 0 = none */
    uint64_t freeze_ms;         /* how long file systems may be frozen for one; 0 = the default */
    int compact;                /* as in struct replica_run */
    uint64_t scrub_bytes_per_s; /* beside the tracker; 0 = none */
    bool paused;
    size_t volumes_n;
    struct assignment_volume *volumes;
    const struct js *hooks; /* lent by doc, or NULL */
    struct js *doc;
};

/* doc is lent; the assignment keeps a reference. -EINVAL (GW_BAD_DOCUMENT) names the member. */
int assignment_parse(const struct js *doc, struct assignment **ret, struct err *err);
void assignment_free(struct assignment *a);
static inline void assignment_freep(struct assignment **a)
{
    assignment_free(*a);
}
#define auto_assignment AUTO(assignment_freep)

/* Nothing but the limit differs: what runs may go on. */
bool assignment_same_work(const struct js *a, const struct js *b);

/* The volume of that name, or NULL. */
const struct assignment_volume *assignment_volume(const struct assignment *a, const char *name);

#endif
