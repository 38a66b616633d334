/* SPDX-License-Identifier: Apache-2.0 */
/* Steps are told apart by their number, which only grows. */
#include "planner/service/switch_time.h"

#include "base/num.h"

#include "base/banned.h"

void switch_time_look(struct switch_time *t, const struct db_op *op, uint64_t wall_ms,
                      uint64_t mono_ms)
{
    if (t->step_n == op->step_n)
        return;
    *t = (struct switch_time){.step_n = op->step_n,
                              .mono_ms = mono_ms,
                              .has_ms = op->step_deadline_ms -
                                        num_min(op->step_deadline_ms, op->step_started_ms)};
    t->ran_ms = num_min(wall_ms - num_min(wall_ms, op->step_started_ms), t->has_ms);
}

uint64_t switch_time_ran_ms(const struct switch_time *t, uint64_t mono_ms)
{
    return t->ran_ms + (mono_ms - num_min(mono_ms, t->mono_ms));
}

bool switch_time_is_over(const struct switch_time *t, uint64_t mono_ms)
{
    return switch_time_ran_ms(t, mono_ms) > t->has_ms;
}
