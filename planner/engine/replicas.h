/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines that do the same work: of one workload, with names that differ by a number (web-01,
 * web-02), and how many of them each hour of the week needs.
 */
#ifndef GODWIT_PLANNER_ENGINE_REPLICAS_H
#define GODWIT_PLANNER_ENGINE_REPLICAS_H

#include "planner/engine/estate.h"

/* By workload, then by the name without its number, then by name; 0 only for the same host. */
int replicas_order(const struct estate_host *a, const struct estate_host *b);
bool replicas_alike(const struct estate_host *a, const struct estate_host *b);

/* Hosts of one kind and their week. */
struct replicas_week {
    double load[ESTATE_WEEK]; /* of all of them, in cores used */
    double peak, mean;
};
/* false: of one of them it is not known, or none ever works. */
bool replicas_week(const struct estate_host *const *hosts, size_t n, struct replicas_week *ret);
/* How many stand for that hour's load, when all of them stand for the highest. At least 1. */
unsigned replicas_needed(const struct replicas_week *week, size_t hour, size_t n);

/* All are tagged "scale" with "yes". */
bool replicas_scale(const struct estate_host *const *hosts, size_t n);

#endif
