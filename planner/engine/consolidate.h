/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which machines do nothing, which share a host, and which hosts that frees. Pure.
 *
 * Off: switched off. Zombie: idle, and nobody talks to it. Idle: its 99th percentile of CPU is
 * within a few percent. What is none of these and runs on a host is packed anew (share.h), each
 * pool by itself; nothing moves between pools.
 */
#ifndef GODWIT_PLANNER_ENGINE_CONSOLIDATE_H
#define GODWIT_PLANNER_ENGINE_CONSOLIDATE_H

#include <stdbool.h>

struct err;
struct estate;
struct estate_host;
struct js;

struct consolidate_policy {
    double idle_percent;         /* of its CPU, 99th percentile */
    double idle_bytes_per_s;     /* mean of its network, for a zombie */
    double z;                    /* deviations that a host has room for */
    double drift, drift_by_days; /* surcharge on means: drift + drift_by_days / days observed */
    double memory_share;         /* of a host's memory that may be given out */
    bool servers;                /* servers that carry nothing become virtual machines too */
};

/* 5, 1 KiB/s, 2, 0.05 + 0.2 / days, 0.95: docs/cost.md says where from. */
extern const struct consolidate_policy consolidate_policy_default;

enum consolidate_state { CONSOLIDATE_BUSY, CONSOLIDATE_IDLE, CONSOLIDATE_ZOMBIE, CONSOLIDATE_OFF };

/* talked: does anybody talk to it, or it to anybody? Only counts when talks were observed at all.
 */
enum consolidate_state consolidate_state(const struct consolidate_policy *policy,
                                         const struct estate_host *h, bool talks_seen, bool talked);

/* The pool that a host is of: its pool, cluster or site, or "". Lent. */
const char *consolidate_pool(const struct estate_host *h);

/* A godwit.consolidate/1 document (docs/cost.md). */
int consolidate_compute(const struct estate *e, const struct consolidate_policy *policy,
                        struct js **ret, struct err *err);

#endif
