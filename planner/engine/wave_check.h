/* SPDX-License-Identifier: Apache-2.0 */
/* Judges a plan from the problem alone: it shares no counting with what makes plans. */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_CHECK_H
#define GODWIT_PLANNER_ENGINE_WAVE_CHECK_H

#include "planner/engine/wave.h"

enum wave_rule { WAVE_RULE_ALLOWED, WAVE_RULE_ORDER, WAVE_RULE_APART, WAVE_RULE_LIMIT };

/* One constraint, or one that a plan breaks. */
struct wave_fault {
    enum wave_rule rule;
    size_t index; /* group; order; apart; resource */
    size_t wave;  /* of the group; window of the resource */
    int64_t over; /* LIMIT: how much more than the limit */
};

/* How many constraints plan breaks; the first max of them in faults (may be NULL with 0). */
size_t wave_check(const struct wave_problem *p, const uint32_t *plan, struct wave_fault *faults,
                  size_t max);

#endif
