/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's one context: what its threads share. Each member is either constant after main has
 * set it up, atomic, or an object with a lock of its own.
 *
 * Threads: main (signals), work (the long poll), answer, report, and one a workload, which does
 * everything that touches the workload's volumes, so that nothing there ever races.
 */
#ifndef GODWIT_AGENT_AGENT_H
#define GODWIT_AGENT_AGENT_H

#include "agent/enrol.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdatomic.h>

struct answers;
struct fleet;
struct rate;
struct vaultref;

enum { AGENT_SELF_ABORT_DEFAULT_MS = 900 * 1000, AGENT_INSTANCE_MAX = 96 };

struct agent {
    const struct clock *clock;
    const struct rng *rng;
    const char *state_dir;
    struct enrol_identity *identity;
    char instance[AGENT_INSTANCE_MAX]; /* of this process: HOST:PID:RANDOM */
    uint64_t self_abort_ms;
    atomic_bool stop;                 /* everything ends */
    _Atomic uint64_t contact_mono_ms; /* when the planner last answered, or the start */
    struct rate *rate;                /* of this host, shared by its workloads; or NULL */
    struct vaultref *vault;
    struct answers *answers;
    struct fleet *fleet; /* every workload here */
};

/* contact_mono_ms is now. */
void agent_contact(struct agent *a);
/* Names this process, so that the planner can tell it from a copy of this agent. */
void agent_name_instance(struct agent *a);

#endif
