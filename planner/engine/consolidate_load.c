/* SPDX-License-Identifier: Apache-2.0 */
/* What one machine does: nothing, little, or a load by the hour of the week. */
#include "planner/engine/consolidate_load.h"

#include "base/auto.h"

#include "base/banned.h"

const struct consolidate_policy consolidate_policy_default = {
    .idle_percent = 5,
    .idle_bytes_per_s = 1024,
    .z = 2,
    .drift = 0.05,
    .drift_by_days = 0.2,
    .memory_share = 0.95,
};

enum consolidate_state consolidate_state(const struct consolidate_policy *policy,
                                         const struct estate_host *h, bool talks_seen, bool talked)
{
    const struct estate_usage *cpu = h->usage[ESTATE_CPU_PERCENT], *net = h->usage[ESTATE_NET_RATE];
    double high = cpu ? cpu->quantile[ESTATE_P99] : -1;
    bool silent = net && net->mean >= 0 ? net->mean <= policy->idle_bytes_per_s
                                        : talks_seen; /* it would have been seen */

    if (h->power == ESTATE_OFF)
        return CONSOLIDATE_OFF;
    if (high < 0 && cpu)
        high = cpu->quantile[ESTATE_MAX];
    if (high < 0 || high > policy->idle_percent)
        return CONSOLIDATE_BUSY;
    return silent && !talked ? CONSOLIDATE_ZOMBIE : CONSOLIDATE_IDLE;
}

const char *consolidate_pool(const struct estate_host *h)
{
    const char *name = *h->pool ? h->pool : *h->cluster ? h->cluster : h->site;

    return *name ? name : "(no pool)";
}

/* What the week does not say of how it varies. From the highest quantile that is known. */
static double variance(const struct estate_host *host, const struct consolidate_load *l)
{
    static const struct {
        enum estate_quantile q;
        double z;
    } known[] = {{ESTATE_P95, 1.645}, {ESTATE_P99, 2.326}, {ESTATE_P90, 1.282}, {ESTATE_MAX, 3.5}};
    const struct estate_usage *cpu = host->usage[ESTATE_CPU_PERCENT];
    double cores = (double)host->cores, mean = 0, week = 0, all = 0;

    if (l->guessed)
        return 0;
    for (size_t h = 0; h < ESTATE_WEEK; h++)
        mean += (double)l->slots[h] / ESTATE_WEEK;
    for (size_t h = 0; h < ESTATE_WEEK; h++)
        week += ((double)l->slots[h] - mean) * ((double)l->slots[h] - mean) / ESTATE_WEEK;
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        double above = cpu->quantile[known[i].q] * cores / 100 - mean;

        if (cpu->quantile[known[i].q] < 0)
            continue;
        all = above > 0 ? above * above / (known[i].z * known[i].z) : 0;
        break;
    }
    return all > week ? all - week : 0;
}

static uint64_t memory(const struct estate_host *host)
{
    const struct estate_usage *used = host->usage[ESTATE_MEMORY_USED];
    double most = used ? used->quantile[ESTATE_MAX] : -1;

    if (most < 0 || most * 1.1 >= (double)host->memory_bytes)
        return host->memory_bytes;
    return (uint64_t)(most * 1.1);
}

/* Means of the week in cores; without them the mean of all, without that all it has. */
void consolidate_load(const struct estate_host *host, struct consolidate_load *ret)
{
    const struct estate_usage *cpu = host->usage[ESTATE_CPU_PERCENT];
    double cores = (double)host->cores;

    ret->guessed = !cpu || cpu->mean < 0;
    for (size_t h = 0; h < ESTATE_WEEK; h++) {
        double percent = 100;

        if (cpu && cpu->mean >= 0)
            percent = cpu->week && cpu->week[h] >= 0 ? cpu->week[h] : cpu->mean;
        ret->slots[h] = (float)(percent * cores / 100);
    }
    ret->variance = variance(host, ret);
    ret->memory = memory(host);
}
