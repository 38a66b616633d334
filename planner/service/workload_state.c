/* SPDX-License-Identifier: Apache-2.0 */
/* One function from facts to lifecycle, so that a restart finds the same answer. */
#include "planner/service/workload_state.h"

#include "base/banned.h"

static enum workload_lifecycle before_cutover(const struct workload_facts *f)
{
    if (!f->applied)
        return WORKLOAD_DISCOVERED;
    if (f->hosts_missing > 0)
        return WORKLOAD_PENDING_INSTALLATION;
    if (f->volumes_ready < f->volumes)
        return WORKLOAD_NOT_READY;
    return f->tested ? WORKLOAD_READY_FOR_CUTOVER : WORKLOAD_READY_FOR_TEST;
}

enum workload_lifecycle workload_state_next(enum workload_lifecycle now,
                                            const struct workload_facts *facts)
{
    if (facts->op_open || facts->authority == WORKLOAD_FROZEN || now == WORKLOAD_DECOMMISSIONED)
        return now;
    if (facts->released)
        return WORKLOAD_CUTOVER_COMPLETE;
    if (facts->authority == WORKLOAD_AT_TARGET)
        return WORKLOAD_AWAITING_COMMIT;
    return before_cutover(facts);
}
