/* SPDX-License-Identifier: Apache-2.0 */
/* The cheapest shape of a catalogue that a host fits in. */
#ifndef GODWIT_PLANNER_ENGINE_SHAPE_H
#define GODWIT_PLANNER_ENGINE_SHAPE_H

#include "planner/engine/catalogue.h"
#include "planner/engine/size.h"

/* What is not known of a shape stands in nobody's way, and is said. */
enum shape_unknown { SHAPE_DISK_UNKNOWN = 1, SHAPE_NET_UNKNOWN = 2 };

struct err;

struct shape_choice {
    const struct catalogue_shape *x86; /* lent from the catalogue; NULL: none fits */
    const struct catalogue_shape *arm; /* NULL unless asked for, and cheaper than x86 */
    unsigned unknown; /* enum shape_unknown of x86 (of arm when that stands alone) */
};

/*
 * Cheapest, then most memory, most vCPUs, name. A shape with GPUs is taken only by who needs them.
 * arm_runs: the software runs on Arm too, so that the cheapest Arm shape may be offered beside.
 * -ENOENT: nothing fits; err says which need is above what the catalogue has.
 */
int shape_choose(const struct catalogue *c, const struct size_need *need, bool arm_runs,
                 struct shape_choice *ret, struct err *err);

#endif
