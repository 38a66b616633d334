/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines that do the same work: of one workload, of one shape, with names that differ by a number
 * (web-01, web-02). Their load of the week says how many of them are needed in each hour. Only what
 * an owner tagged "scale" with "yes" is priced so; of the others it is said.
 */
#include "planner/engine/cost_model.h"

#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"

#include <stdlib.h>
#include <strings.h>

#include "base/banned.h"

static size_t stem(const char *name)
{
    size_t n = strcspn(name, ".");

    while (n > 0 && ((name[n - 1] >= '0' && name[n - 1] <= '9') || name[n - 1] == '-'))
        n--;
    return n;
}

static int by_work(const void *a, const void *b, void *ctx)
{
    const struct cost_model *m = ctx;
    const struct cost_host *x = &m->hosts[*(const size_t *)a], *y = &m->hosts[*(const size_t *)b];
    size_t xs = stem(x->host->name), ys = stem(y->host->name);
    int order = strncmp(x->host->name, y->host->name, num_min(xs, ys));

    if (x->workload != y->workload)
        return x->workload < y->workload ? -1 : 1;
    if (order != 0 || xs != ys)
        return order ? order : xs < ys ? -1 : 1;
    order = strcmp(x->shape ? x->shape->name : "", y->shape ? y->shape->name : "");
    return order ? order : strcmp(x->host->name, y->host->name);
}

static bool same_work(const struct cost_host *x, const struct cost_host *y)
{
    size_t n = stem(x->host->name);

    return x->workload == y->workload && x->shape == y->shape && n == stem(y->host->name) &&
           strncmp(x->host->name, y->host->name, n) == 0;
}

/* -- the week ---------------------------------------------------------------------------------- */

static const double *week_of(const struct cost_host *h)
{
    const struct estate_usage *cpu = h->host->usage[ESTATE_CPU_PERCENT];

    return cpu ? cpu->week : NULL;
}

/* Work of each hour, of all of them together; false: of one of them it is not known. */
static bool load_of(const struct cost_model *m, const struct cost_set *s, double load[COST_WEEK])
{
    for (size_t hour = 0; hour < COST_WEEK; hour++) {
        load[hour] = 0;
        for (size_t i = 0; i < s->n; i++) {
            const struct cost_host *h = &m->hosts[m->by_set[s->first + i]];
            const double *week = week_of(h);

            if (!week || week[hour] < 0)
                return false;
            load[hour] += week[hour] * (double)h->host->cores;
        }
    }
    return true;
}

/* As many as stand for the load, when all of them stand for the week's highest. */
static unsigned needed(double load, double peak, size_t n)
{
    unsigned k = 1;

    while (k < n && load * (double)n > (double)k * peak)
        k++;
    return k;
}

static void measure(struct cost_model *m, struct cost_set *s)
{
    double load[COST_WEEK], peak = 0;

    s->base = s->peak = (unsigned)s->n;
    s->known = load_of(m, s, load);
    for (size_t hour = 0; s->known && hour < COST_WEEK; hour++)
        peak = load[hour] > peak ? load[hour] : peak;
    if (peak <= 0)
        return;
    for (size_t i = 0; i < s->n; i++)
        m->hosts[m->by_set[s->first + i]].need_hours = 0;
    for (size_t hour = 0; hour < COST_WEEK; hour++) {
        unsigned k = needed(load[hour], peak, s->n);

        s->base = k < s->base ? k : s->base;
        for (size_t i = 0; i < k; i++)
            m->hosts[m->by_set[s->first + i]].need_hours++;
    }
}

static bool scales(const struct cost_model *m, const struct cost_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *tag = estate_tag(m->hosts[m->by_set[s->first + i]].host, "scale");

        if (!tag || strcasecmp(tag, "yes") != 0)
            return false;
    }
    return true;
}

void cost_sets(struct cost_model *m)
{
    size_t from = 0;

    m->sets_n = 0;
    for (size_t i = 0; i < m->hosts_n; i++)
        m->by_set[i] = i;
    if (m->hosts_n > 1)
        qsort_r(m->by_set, m->hosts_n, sizeof(*m->by_set), by_work, m);
    for (size_t i = 1; i <= m->hosts_n; i++) {
        struct cost_set *s = &m->sets[m->sets_n];

        if (i < m->hosts_n && same_work(&m->hosts[m->by_set[i]], &m->hosts[m->by_set[from]]))
            continue;
        *s = (struct cost_set){.first = from, .n = i - from};
        from = i;
        if (!m->hosts[m->by_set[s->first]].shape)
            continue;
        s->scales = scales(m, s);
        measure(m, s);
        m->sets_n++;
    }
}
