/* SPDX-License-Identifier: Apache-2.0 */
/* What the way costs: effort, and both sides at one time. */
#include "planner/engine/cost_model.h"

#include "base/num.h"
#include "planner/engine/estate.h"

#include "base/banned.h"

static const __int128 million = 1000000;

static __int128 rate(const struct cost_model *m, enum cost_rate which)
{
    return m->rates->value[which].micros;
}

static size_t begins(const struct cost_model *m, const struct cost_host *h)
{
    size_t dual = cost_rate_count(m->rates, RATE_DUAL_MONTHS);

    return h->moves > dual ? h->moves - dual : 0;
}

static void post_host(struct cost_model *m, const struct cost_host *h)
{
    int64_t days = money_of(rate(m, RATE_DAY) * rate(m, RATE_DAYS_PER_HOST) / million);

    if (h->carries || h->moves >= m->months)
        return;
    cost_post(m, COST_DUAL, COST_EFFORT, h->workload, begins(m, h), days);
    for (size_t month = begins(m, h); month < h->gone && month < m->months; month++) {
        cost_post(m, COST_DUAL, COST_VAULT, h->workload, month,
                  money_part(h->vault_month, m->index[month], 1000000));
        if (month < h->moves) {
            __int128 compute = cost_compute_month(m, h, h->moves, 0);

            cost_post(m, COST_DUAL, COST_LANDING, h->workload, month,
                      money_of(compute * rate(m, RATE_LANDING) / million +
                               money_part(h->disk_month, m->index[month], 1000000)));
        }
    }
}

/* Once for each workload that moves, with its first host. */
static void post_workloads(struct cost_model *m)
{
    int64_t days = money_of(rate(m, RATE_DAY) * rate(m, RATE_DAYS_PER_WORKLOAD) / million);

    for (size_t w = 0; w + 1 < m->workloads_n; w++) {
        const struct estate_workload *load = estate_workload(m->spec->estate, w);
        const struct cost_host *h = load->hosts_n ? &m->hosts[load->hosts[0]->index] : NULL;

        if (h && h->moves < m->months)
            cost_post(m, COST_DUAL, COST_EFFORT, w, begins(m, h), days);
    }
}

void cost_way(struct cost_model *m)
{
    struct cost_share everybody = {.hosts = m->all, .n = m->all_n};
    size_t dual = cost_rate_count(m->rates, RATE_DUAL_MONTHS);
    size_t first = m->first_move > dual ? m->first_move - dual : 0, last = 0;

    for (size_t i = 0; i < m->hosts_n; i++) {
        post_host(m, &m->hosts[i]);
        if (m->hosts[i].gone < COST_NEVER && m->hosts[i].gone > last)
            last = m->hosts[i].gone;
    }
    post_workloads(m);
    for (size_t month = first; month < last && month < m->months; month++) {
        cost_post_shared(m, COST_DUAL, COST_LINK, everybody, month, money_of(rate(m, RATE_LINK)));
        cost_post_shared(m, COST_DUAL, COST_EFFORT, everybody, month,
                         money_of(rate(m, RATE_PROGRAMME)));
    }
}
