/* SPDX-License-Identifier: Apache-2.0 */
/* Needs from histograms. Pure; no result depends on libm. */
#include "planner/engine/size.h"

#include "inventory/rollup.h"

#include "base/banned.h"

const struct size_policy size_policy_default = {
    .usual = {.cpu_quantile = 0.97,
              .cpu_margin_points = 7,
              .cpu_first_day_points = 5,
              .memory_factor = 1.1,
              .flow_quantile = 0.97},
    .critical = {.cpu_quantile = 0.99,
                 .cpu_margin_points = 7,
                 .cpu_first_day_points = 5,
                 .memory_factor = 1.3,
                 .flow_quantile = 0.99},
};

static bool measured(const struct rollup_hist *h)
{
    return h && h->n > 0;
}

static double cpu_percent(const struct size_rule *rule, const struct size_use *use)
{
    double days = use->days > 1 ? use->days : 1;
    double need = rollup_hist_quantile(use->cpu_percent, rule->cpu_quantile) +
                  rule->cpu_margin_points + rule->cpu_first_day_points / days;

    return need < 100 ? need : 100;
}

static uint64_t memory_bytes(const struct size_rule *rule, const struct size_use *use)
{
    double need = use->memory_bytes->max * rule->memory_factor;

    if (use->memory_has_bytes > 0 && need > (double)use->memory_has_bytes)
        return use->memory_has_bytes;
    return need < 0x1p63 ? (uint64_t)need : (uint64_t)1 << 63;
}

static uint64_t flow(const struct size_rule *rule, const struct rollup_hist *h)
{
    return measured(h) ? (uint64_t)rollup_hist_quantile(h, rule->flow_quantile) : 0;
}

struct size_need size_of(const struct size_policy *policy, const struct size_use *use)
{
    const struct size_rule *rule = use->critical ? &policy->critical : &policy->usual;
    struct size_need need = {.cpu_measured = measured(use->cpu_percent),
                             .memory_measured = measured(use->memory_bytes)};

    need.cpu_percent = need.cpu_measured ? cpu_percent(rule, use) : 100;
    need.vcpus = need.cpu_percent * use->vcpus / 100;
    need.memory_bytes = need.memory_measured ? memory_bytes(rule, use) : use->memory_has_bytes;
    need.disk_bytes_per_s = flow(rule, use->disk_bytes_per_s);
    need.net_bytes_per_s = flow(rule, use->net_bytes_per_s);
    need.gpus = use->gpus;
    return need;
}
