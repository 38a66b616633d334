/* SPDX-License-Identifier: Apache-2.0 */
/* The lifecycle of a workload as facts decide it. Pure. */
#ifndef GODWIT_PLANNER_SERVICE_WORKLOAD_STATE_H
#define GODWIT_PLANNER_SERVICE_WORKLOAD_STATE_H

#include "planner/service/workload.h"

struct workload_facts {
    bool op_open; /* the switch machine drives it */
    bool applied; /* replication was started */
    bool released;
    bool tested; /* or needs no test */
    enum workload_authority authority;
    size_t volumes;
    size_t volumes_ready; /* the other side has applied a point */
    size_t hosts_missing; /* volumes with a host that has not enrolled */
};

/*
 * Where a workload stands after facts changed. While an operation is open, or when one stopped half
 * way (nobody has the right to write), it stays where it is.
 */
enum workload_lifecycle workload_state_next(enum workload_lifecycle now,
                                            const struct workload_facts *facts);

#endif
