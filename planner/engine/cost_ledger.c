/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts added up by head, by workload and by both: three sums of the same postings. */
#include "planner/engine/cost_model.h"

#include "base/err.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static size_t at_head(const struct cost_ledger *l, enum cost_path p, enum cost_head h, size_t m)
{
    return ((size_t)p * COST_HEADS + (size_t)h) * l->months + m;
}

static size_t at_workload(const struct cost_ledger *l, enum cost_path p, size_t w, size_t m)
{
    return ((size_t)p * l->workloads + w) * l->months + m;
}

static size_t at_both(const struct cost_ledger *l, enum cost_path p, size_t w, enum cost_head h)
{
    return ((size_t)p * l->workloads + w) * COST_HEADS + (size_t)h;
}

int cost_ledger_init(struct cost_ledger *l, size_t months, size_t workloads, struct err *err)
{
    *l = (struct cost_ledger){.months = months, .workloads = workloads};
    l->by_head = calloc((size_t)COST_PATHS * COST_HEADS * months, sizeof(int64_t));
    l->by_workload = calloc((size_t)COST_PATHS * workloads, months * sizeof(int64_t));
    l->by_both = calloc((size_t)COST_PATHS * workloads, COST_HEADS * sizeof(int64_t));
    if (l->by_head && l->by_workload && l->by_both)
        return 0;
    cost_ledger_done(l);
    return err_set(err, -ENOMEM, "a bill of %zu workloads and %zu months: %m", workloads, months);
}

void cost_ledger_done(struct cost_ledger *l)
{
    free(l->by_head);
    free(l->by_workload);
    free(l->by_both);
    *l = (struct cost_ledger){0};
}

void cost_ledger_clear(struct cost_ledger *l)
{
    memset(l->by_head, 0, (size_t)COST_PATHS * COST_HEADS * l->months * sizeof(int64_t));
    memset(l->by_workload, 0, COST_PATHS * l->workloads * l->months * sizeof(int64_t));
    memset(l->by_both, 0, COST_PATHS * l->workloads * COST_HEADS * sizeof(int64_t));
}

int64_t cost_ledger_head(const struct cost_ledger *l, enum cost_path p, enum cost_head h, size_t m)
{
    return l->by_head[at_head(l, p, h, m)];
}

int64_t cost_ledger_workload(const struct cost_ledger *l, enum cost_path p, size_t w, size_t m)
{
    return l->by_workload[at_workload(l, p, w, m)];
}

int64_t cost_ledger_both(const struct cost_ledger *l, enum cost_path p, size_t w, enum cost_head h)
{
    return l->by_both[at_both(l, p, w, h)];
}

int64_t cost_ledger_month(const struct cost_ledger *l, enum cost_path p, size_t m)
{
    int64_t sum = 0;

    for (size_t h = 0; h < COST_HEADS; h++)
        sum = money_add(sum, cost_ledger_head(l, p, (enum cost_head)h, m));
    return sum;
}

int64_t cost_ledger_total(const struct cost_ledger *l, enum cost_path p)
{
    int64_t sum = 0;

    for (size_t m = 0; m < l->months; m++)
        sum = money_add(sum, cost_ledger_month(l, p, m));
    return sum;
}

static void add(int64_t *to, int64_t micros)
{
    *to = money_add(*to, micros);
}

void cost_post(struct cost_model *m, enum cost_path path, enum cost_head head, size_t workload,
               size_t month, int64_t micros)
{
    struct cost_ledger *l = &m->ledger;

    if (m->rates->off[head] || month >= l->months)
        return;
    add(&l->by_head[at_head(l, path, head, month)], micros);
    add(&l->by_workload[at_workload(l, path, workload, month)], micros);
    add(&l->by_both[at_both(l, path, workload, head)], micros);
}

void cost_post_shared(struct cost_model *m, enum cost_path path, enum cost_head head,
                      struct cost_share among, size_t month, int64_t micros)
{
    uint64_t all = 0, before = 0;
    int64_t given = 0;

    for (size_t i = 0; i < among.n; i++)
        all += m->hosts[among.hosts[i]].weight;
    for (size_t i = 0; i < among.n && all > 0; i++) {
        const struct cost_host *h = &m->hosts[among.hosts[i]];
        int64_t until;

        before += h->weight;
        until = money_part(micros, before, all);
        cost_post(m, path, head, h->workload, month, until - given);
        given = until;
    }
}
