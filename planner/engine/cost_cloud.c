/* SPDX-License-Identifier: Apache-2.0 */
/* The cloud's bill, from the cutover on; and as if all had been there from the beginning. */
#include "planner/engine/cost_model.h"

#include "base/num.h"
#include "planner/engine/estate.h"

#include "base/banned.h"

static const __int128 million = 1000000;

static __int128 rate(const struct cost_model *m, enum cost_rate which)
{
    return m->rates->value[which].micros;
}

static int64_t fallen(const struct cost_model *m, int64_t micros, size_t month)
{
    return money_part(micros, m->index[month], 1000000);
}

static int64_t windows(const struct cost_model *m, const struct cost_host *h)
{
    __int128 hours = (__int128)COST_HOURS * h->week_hours / COST_WEEK;

    /* A list that has licences in its prices is not paid for twice. */
    if (!h->shape || h->host->os_family != ESTATE_WINDOWS || m->spec->catalogue->windows)
        return 0;
    return money_of(rate(m, RATE_WINDOWS_VCPU_HOUR) * h->shape->vcpus * hours);
}

static void post_month(struct cost_model *m, const struct cost_host *h, enum cost_path path,
                       size_t from, size_t month)
{
    int64_t compute = cost_compute_month(m, h, from, month - from);
    int64_t block = fallen(m, h->disk_month, month), egress = fallen(m, h->egress_month, month);
    __int128 bill = (__int128)compute + block + egress;

    cost_post(m, path, COST_COMPUTE, h->workload, month, compute);
    cost_post(m, path, COST_BLOCK, h->workload, month, block);
    cost_post(m, path, COST_EGRESS, h->workload, month, egress);
    cost_post(m, path, COST_LICENCES, h->workload, month, windows(m, h));
    cost_post(m, path, COST_SUPPORT, h->workload, month,
              money_of(bill * rate(m, RATE_SUPPORT) / (100 * million)));
    cost_post(m, path, COST_PEOPLE, h->workload, month,
              money_of(rate(m, RATE_ADMIN) * million / rate(m, RATE_CLOUD_HOSTS_PER_ADMIN)));
}

void cost_cloud(struct cost_model *m)
{
    for (size_t i = 0; i < m->hosts_n; i++) {
        const struct cost_host *h = &m->hosts[i];

        for (size_t month = 0; month < m->months && !h->carries; month++) {
            if (month >= h->moves)
                post_month(m, h, COST_CLOUD, h->moves, month);
            post_month(m, h, COST_MOVED, 0, month);
        }
    }
}
