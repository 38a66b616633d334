/* SPDX-License-Identifier: Apache-2.0 */
/* Steps are told apart by their number, which only grows. */
#include "planner/service/switch_time.h"

#include "base/num.h"

#include "base/banned.h"

void switch_time_look(struct switch_time *t, const struct db_op *op, uint64_t wall_ms,
                      uint64_t mono_ms)
{
    if (!t->stopped && op->frozen_ms > 0) {
        t->stopped = true;
        t->stopped_ran_ms = wall_ms - num_min(wall_ms, op->frozen_ms);
        t->stopped_mono_ms = mono_ms;
    }
    if (t->step_n == op->step_n)
        return;
    t->step_n = op->step_n;
    t->mono_ms = mono_ms;
    t->has_ms = op->step_deadline_ms - num_min(op->step_deadline_ms, op->step_started_ms);
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

uint64_t switch_time_stopped_ms(const struct switch_time *t, uint64_t mono_ms)
{
    return t->stopped ? t->stopped_ran_ms + (mono_ms - num_min(mono_ms, t->stopped_mono_ms)) : 0;
}
