/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a freeze owes: the thaw hooks of a workload and its file systems, kept in thaw.json of its
 * directory from before the first of them is frozen until they are thawed. Whoever dies in between
 * leaves the debt to the next agent (thaw_pay), or to the unit's ExecStopPost (thaw_left).
 */
#ifndef GODWIT_AGENT_THAW_H
#define GODWIT_AGENT_THAW_H

#include "base/err.h"

#include <stdint.h>

struct workload;

/* Durable on return; hooks: the freeze hooks are about to run, so those that thaw are owed, too. */
int thaw_owe(struct workload *w, bool hooks, struct err *err);
bool thaw_is_owed(const struct workload *w);
/*
 * Thaw what is still frozen, run the hooks that are owed, each within timeout_ms, as they were when
 * it was frozen, and forget the debt. 0 also when nothing is owed. A failure keeps it;
 * interruptible: -ECANCELED when the workload is wanted for something else meanwhile.
 */
int thaw_pay(struct workload *w, uint64_t timeout_ms, bool interruptible, struct err *err);
/* Thaw the file systems that an agent which is gone left frozen, of all workloads below state_dir;
 * the debts stay. Writes nothing: it may be the state directory that is frozen. */
int thaw_left(const char *state_dir, struct err *err);

#endif
