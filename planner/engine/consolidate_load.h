/* SPDX-License-Identifier: Apache-2.0 */
/* The load of one machine as share.h wants it. */
#ifndef GODWIT_PLANNER_ENGINE_CONSOLIDATE_LOAD_H
#define GODWIT_PLANNER_ENGINE_CONSOLIDATE_LOAD_H

#include "planner/engine/consolidate.h"
#include "planner/engine/estate.h"

struct consolidate_load {
    float slots[ESTATE_WEEK]; /* means in cores */
    double variance;          /* within an hour of the week */
    uint64_t memory;          /* the most that was used and a tenth, or all it has */
    bool guessed;             /* not measured: all it has */
};

void consolidate_load(const struct estate_host *host, struct consolidate_load *ret);

#endif
