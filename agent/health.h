/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks of a workload: an HTTP status, an accepted connection, a program that ends with 0.
 */
#ifndef GODWIT_AGENT_HEALTH_H
#define GODWIT_AGENT_HEALTH_H

#include "agent/hook.h"
#include "base/clock.h"
#include "base/jsw.h"

#include <stdatomic.h>

struct health_run {
    struct hook_run hook;
    const struct clock *clock;
    const atomic_bool *stop;
    uint64_t deadline_mono_ms; /* checks are repeated until they pass or this moment */
    bool programs_only;        /* only the `run` checks: those of a test on scratch copies */
};

/*
 * Run every check of list until each passed or the deadline is over, and write them as elements
 * {"name", "ok", "text"} of the array that w has open. *ret_failed counts those that did not pass.
 * Fails only on -EINVAL (GW_BAD_DOCUMENT), -ECANCELED.
 */
int health_run(const struct health_run *run, const struct js *list, struct jsw *w,
               unsigned *ret_failed, struct err *err);

#endif
