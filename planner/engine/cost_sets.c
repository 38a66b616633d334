/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines that do the same work and have the same shape. Their load of the week says how many of
 * them are needed in each hour. Only what an owner tagged "scale" with "yes" is priced so; of the
 * others it is said.
 */
#include "planner/engine/cost_model.h"

#include "base/err.h"
#include "base/text.h"
#include "planner/engine/replicas.h"

#include <stdlib.h>

#include "base/banned.h"

static const char *shape_name(const struct cost_host *h)
{
    return h->shape ? h->shape->name : "";
}

static int by_work(const void *a, const void *b, void *ctx)
{
    const struct cost_model *m = ctx;
    const struct cost_host *x = &m->hosts[*(const size_t *)a], *y = &m->hosts[*(const size_t *)b];
    int order = replicas_alike(x->host, y->host) ? strcmp(shape_name(x), shape_name(y)) : 0;

    return order ? order : replicas_order(x->host, y->host);
}

static void measure(struct cost_model *m, struct cost_set *s, const struct estate_host **hosts)
{
    struct replicas_week week;

    for (size_t i = 0; i < s->n; i++)
        hosts[i] = m->hosts[m->by_set[s->first + i]].host;
    s->scales = replicas_scale(hosts, s->n);
    s->known = replicas_week(hosts, s->n, &week);
    s->base = (unsigned)s->n;
    if (!s->known)
        return;
    for (size_t i = 0; i < s->n; i++)
        m->hosts[m->by_set[s->first + i]].need_hours = 0;
    for (size_t hour = 0; hour < COST_WEEK; hour++) {
        unsigned k = replicas_needed(&week, hour, s->n);

        s->base = k < s->base ? k : s->base;
        for (size_t i = 0; i < k; i++)
            m->hosts[m->by_set[s->first + i]].need_hours++;
    }
}

int cost_sets(struct cost_model *m, struct err *err)
{
    auto_free const struct estate_host **hosts = calloc(m->hosts_n + 1, sizeof(void *));
    size_t from = 0;

    if (!hosts)
        return err_set(err, -ENOMEM, "%zu hosts by their work: %m", m->hosts_n);
    m->sets_n = 0;
    for (size_t i = 0; i < m->hosts_n; i++)
        m->by_set[i] = i;
    if (m->hosts_n > 1)
        qsort_r(m->by_set, m->hosts_n, sizeof(*m->by_set), by_work, m);
    for (size_t i = 1; i <= m->hosts_n; i++) {
        const struct cost_host *first = &m->hosts[m->by_set[from]], *next = first;
        struct cost_set *s = &m->sets[m->sets_n];

        if (i < m->hosts_n)
            next = &m->hosts[m->by_set[i]];
        if (i < m->hosts_n && replicas_alike(first->host, next->host) &&
            first->shape == next->shape)
            continue;
        *s = (struct cost_set){.first = from, .n = i - from};
        from = i;
        if (!first->shape)
            continue;
        measure(m, s, hosts);
        m->sets_n++;
    }
    return 0;
}
