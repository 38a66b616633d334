/* SPDX-License-Identifier: Apache-2.0 */
/* A fenced holder whose planner is gone: after the limit it may write abort into the vault itself.
 * If it wins it unfences; if it loses, or cannot reach the vault, it stays fenced. */
#ifndef GODWIT_AGENT_SELFABORT_H
#define GODWIT_AGENT_SELFABORT_H

#include "agent/workload.h"

/* From the workload's thread, every round. */
void selfabort_look(struct workload *w);
/* Is it time? Pure. */
bool selfabort_due(const struct ownership *o, uint64_t wall_ms, uint64_t silent_ms,
                   uint64_t limit_ms);

#endif
