/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host needs, from the histograms that are kept of it.
 *
 * CPU: a percentile, and points of what the host has. A percentile of one day is a guess about the
 * next; with more days it is a better one, so the points fall from margin + first_day to margin.
 * Memory: the most that was used, times a factor (what is short of memory fails, what is short of
 * CPU waits). Nothing is ever needed beyond what the host has: more was not there to be used.
 */
#ifndef GODWIT_PLANNER_ENGINE_SIZE_H
#define GODWIT_PLANNER_ENGINE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct rollup_hist;

/* One set of numbers for hosts as they come, one for those that must not wait. */
struct size_rule {
    double cpu_quantile;         /* in [0, 1] */
    double cpu_margin_points;    /* of what the host has, after many days */
    double cpu_first_day_points; /* as many more after one day, half after two, ... */
    double memory_factor;
    double flow_quantile; /* of disk and network throughput */
};

struct size_policy {
    struct size_rule usual, critical;
};

/* 97% + 7 + 5/days, 1.1; critical 99% + 7 + 5/days, 1.3. docs/planner.md says where from. */
extern const struct size_policy size_policy_default;

/* What is known of a host. A histogram may be NULL: not measured. */
struct size_use {
    const struct rollup_hist *cpu_percent; /* of vcpus, 0 .. 100 */
    const struct rollup_hist *memory_bytes;
    const struct rollup_hist *disk_bytes_per_s, *net_bytes_per_s;
    double days; /* how long was measured; below 1 counts as 1 */
    unsigned vcpus, gpus;
    uint64_t memory_has_bytes;
    bool critical;
};

struct size_need {
    double cpu_percent; /* of the host as it is; 100 when not measured */
    double vcpus;
    uint64_t memory_bytes, disk_bytes_per_s, net_bytes_per_s;
    unsigned gpus;
    bool cpu_measured, memory_measured; /* else what the host has stands for its need */
};

struct size_need size_of(const struct size_policy *policy, const struct size_use *use);

#endif
