/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each pool is full at the growth there is, and how much later after each step: what does
 * nothing switched off, memory by what is used, peaks in the cloud, workloads gone by a plan. Pure.
 */
#ifndef GODWIT_PLANNER_ENGINE_RUNWAY_H
#define GODWIT_PLANNER_ENGINE_RUNWAY_H

struct err;
struct estate;
struct js;

struct runway_spec {
    const struct estate *now;
    const struct estate *before; /* the same fleet, earlier: growth is measured; or NULL */
    double growth_percent;       /* a year, where there is no before */
    double peak;                 /* how much higher a season's peak is than what was measured */
    const struct js *plan;       /* godwit.plan/1: who leaves when; or NULL */
    unsigned start_month;        /* year * 12 + month - 1 */
};

/* A godwit.runway/1 document (docs/cost.md). -EINVAL: before and now do not say when they were
 * measured, or in the wrong order. */
int runway_compute(const struct runway_spec *spec, struct js **ret, struct err *err);

/* When a step of that document is full, in words. */
const char *runway_full(const struct js *step);

#endif
