/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What staying costs, what going costs, and what it costs once gone: month by month, by workload,
 * by head. Pure: the same input gives the same bytes.
 *
 *   stay    everything stays in the data centre
 *   move    the way there: what is still in the data centre, what running on both sides adds, what
 *           is in the cloud already
 *   moved   everything in the cloud from the first month on: where the way leads
 *
 * Every amount is posted once, to a head, a workload and a month; every sum is a sum of those.
 */
#ifndef GODWIT_PLANNER_ENGINE_COST_H
#define GODWIT_PLANNER_ENGINE_COST_H

#include <stdint.h>

struct catalogue;
struct cost_rates;
struct err;
struct estate;
struct js;

struct cost_spec {
    const struct estate *estate; /* settled */
    const struct catalogue *catalogue;
    const struct cost_rates *rates;
    unsigned start_month;  /* year * 12 + month - 1 */
    const struct js *plan; /* godwit.plan/1: when workloads move; NULL: evenly, in order of names */
};

/*
 * A godwit.cost/1 document (docs/cost.md). -EINVAL: rates and prices in two currencies and no
 * exchange between them (err names both), or a plan that is none; -EFBIG: more months or workloads
 * than there is room for.
 */
int cost_compute(const struct cost_spec *spec, struct js **ret, struct err *err);

#endif
