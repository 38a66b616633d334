/* SPDX-License-Identifier: Apache-2.0 */
/* The order of things. */
#include "planner/engine/cost.h"

#include "base/err.h"
#include "planner/engine/cost_model.h"

#include <stdlib.h>

#include "base/banned.h"

static void model_free(struct cost_model **m)
{
    if (!*m)
        return;
    cost_hosts_done(*m);
    cost_ledger_done(&(*m)->ledger);
    free(*m);
}

int cost_post_all(struct cost_model *m, int64_t fall, struct err *err)
{
    m->fall = fall;
    cost_ledger_clear(&m->ledger);
    cost_terms(m);
    cost_cloud(m);
    cost_way(m);
    return cost_site(m, err);
}

int cost_compute(const struct cost_spec *spec, struct js **ret, struct err *err)
{
    AUTO(model_free) struct cost_model *m = calloc(1, sizeof(*m));
    int r;

    if (!m)
        return err_set(err, -ENOMEM, "a bill: %m");
    m->spec = spec;
    m->rates = spec->rates;
    m->months = cost_rate_count(spec->rates, RATE_MONTHS);
    r = cost_hosts_init(m, err);
    if (r == 0)
        r = cost_when(m, err);
    if (r == 0)
        r = cost_shapes(m, err);
    if (r == 0)
        r = cost_ledger_init(&m->ledger, m->months, m->workloads_n, err);
    if (r == 0)
        r = cost_sets(m, err);
    if (r < 0)
        return r;
    r = cost_post_all(m, m->rates->value[RATE_PRICES_FALL].micros, err);
    return r < 0 ? r : cost_write(m, ret, err);
}
