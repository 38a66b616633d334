/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a step of an operation has run, whatever becomes of the wall clock.
 *
 * While this process lives its monotonic clock counts, from the moment the step began or was found
 * after a restart. What passed before a restart only the wall clock can tell, and it is believed
 * within limits: no less than nothing, no more than all the time that the step has. So a clock that
 * was set makes a step end at the earliest at once and at the latest one whole time after the
 * restart, never later; and both are safe: what ends early is aborted or repeated.
 */
#ifndef GODWIT_PLANNER_SERVICE_SWITCH_TIME_H
#define GODWIT_PLANNER_SERVICE_SWITCH_TIME_H

#include "planner/service/db_op.h"

#include <stdbool.h>

struct switch_time {
    uint64_t step_n; /* of the step that it is about */
    uint64_t ran_ms; /* before mono_ms */
    uint64_t mono_ms;
    uint64_t has_ms; /* until its deadline */

    bool stopped;             /* the operation has stopped the writers, */
    uint64_t stopped_ran_ms;  /* so long before */
    uint64_t stopped_mono_ms; /* this moment */
};

/* Look at op's step: the first look at a step starts its time. */
void switch_time_look(struct switch_time *t, const struct db_op *op, uint64_t wall_ms,
                      uint64_t mono_ms);
uint64_t switch_time_ran_ms(const struct switch_time *t, uint64_t mono_ms);
bool switch_time_is_over(const struct switch_time *t, uint64_t mono_ms);

/* How long the writers were stopped since the first fence; 0 when they were not. */
uint64_t switch_time_stopped_ms(const struct switch_time *t, uint64_t mono_ms);

#endif
