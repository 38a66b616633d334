/* SPDX-License-Identifier: Apache-2.0 */
/* What shapes of a price list cost by several rules, beside those that fit machines as they are. */
#ifndef GODWIT_TESTS_BENCH_SHAPE_RULES_H
#define GODWIT_TESTS_BENCH_SHAPE_RULES_H

#include "planner/engine/catalogue.h"
#include "planner/engine/size.h"

enum { SHAPE_RULES = 10 };

/* Samples of one time; NAN where there is none. */
struct shape_part {
    const float *values;
    size_t n;
};

/* A machine: what was measured of it, and what came then. */
struct shape_case {
    struct size_use use;
    struct shape_part past, next; /* of CPU; unit makes percent of a value */
    double unit;
    double next_memory_bytes; /* the most */
};

struct shape_score {
    uint64_t before_micros, after_micros, arm_micros;
    size_t machines, short_of_memory, unplaced;
    double over; /* sum of the shares of samples above the shape, of machines */
};

void shape_rules_judge(const struct catalogue *c, const struct shape_case *m,
                       struct shape_score scores[static SHAPE_RULES]);
void shape_rules_show(const struct catalogue *c, const struct shape_score *scores);

#endif
