/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a filled estate in order: the same facts make the same estate, in whatever order they
 * came. */
#include "planner/engine/estate_priv.h"

#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* -- lists of a host ------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
    return strcmp(((const struct estate_address *)a)->text,
                  ((const struct estate_address *)b)->text);
}

static int by_disk(const void *a, const void *b)
{
    return strcmp(((const struct estate_disk *)a)->name, ((const struct estate_disk *)b)->name);
}

static int by_nic(const void *a, const void *b)
{
    return strcmp(((const struct estate_nic *)a)->name, ((const struct estate_nic *)b)->name);
}

static int by_tag(const void *a, const void *b)
{
    return strcmp(((const struct estate_tag *)a)->key, ((const struct estate_tag *)b)->key);
}

static int by_software(const void *a, const void *b)
{
    const struct estate_software *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : strcmp(x->version, y->version);
}

static int by_depend(const void *a, const void *b)
{
    return strcmp(((const struct estate_depend *)a)->on, ((const struct estate_depend *)b)->on);
}

/* qsort of nothing must not see NULL. */
static void sort(void *items, size_t n, size_t size, int (*by)(const void *, const void *))
{
    if (n > 1)
        qsort(items, n, size, by);
}

static void sort_host(struct estate_host *h)
{
    sort(h->addresses, h->addresses_n, sizeof(*h->addresses), by_address);
    sort(h->disks, h->disks_n, sizeof(*h->disks), by_disk);
    sort(h->nics, h->nics_n, sizeof(*h->nics), by_nic);
    sort(h->tags, h->tags_n, sizeof(*h->tags), by_tag);
    sort(h->software, h->software_n, sizeof(*h->software), by_software);
}

static int by_host(const void *a, const void *b)
{
    return strcmp((*(struct estate_host *const *)a)->name, (*(struct estate_host *const *)b)->name);
}

/* -- talks ------------------------------------------------------------------------------------ */

static void join(const struct estate *e, struct estate_end *end)
{
    if (!end->host && *end->address)
        end->host = estate_host_find(e, end->address);
}

static int compare_ends(const struct estate_end *a, const struct estate_end *b)
{
    if (a->host && b->host)
        return a->host->index < b->host->index ? -1 : a->host->index > b->host->index;
    if (a->host || b->host)
        return a->host ? -1 : 1;
    return strcmp(a->address, b->address);
}

static int by_talk(const void *a, const void *b)
{
    const struct estate_talk *x = a, *y = b;
    int order = compare_ends(&x->from, &y->from);

    if (order == 0)
        order = compare_ends(&x->to, &y->to);
    if (order == 0 && x->port != y->port)
        order = x->port < y->port ? -1 : 1;
    if (order == 0)
        order = strcmp(x->from_process, y->from_process);
    return order ? order : strcmp(x->to_process, y->to_process);
}

/* What stays of two talks that are one must not depend on which of them came first. */
static int by_talk_and_row(const void *a, const void *b)
{
    const struct estate_talk *x = a, *y = b;
    int order = by_talk(a, b);

    if (order == 0)
        order = strcmp(x->to.address, y->to.address);
    if (order == 0 && x->source.file != y->source.file)
        order = x->source.file < y->source.file ? -1 : 1;
    if (order == 0 && x->source.row != y->source.row)
        order = x->source.row < y->source.row ? -1 : 1;
    return order;
}

static uint64_t add_up(uint64_t a, uint64_t b)
{
    uint64_t sum = INT64_MAX;

    return num_add(a, b, &sum) ? num_min(sum, INT64_MAX) : INT64_MAX;
}

static void merge_talk(struct estate_talk *into, const struct estate_talk *t)
{
    into->bytes = add_up(into->bytes, t->bytes);
    into->count = add_up(into->count, t->count);
    if (t->from_ms > 0 && (into->from_ms == 0 || t->from_ms < into->from_ms))
        into->from_ms = t->from_ms;
    into->until_ms = num_max(into->until_ms, t->until_ms);
}

static void settle_talks(struct estate *e)
{
    size_t n = 0;

    for (size_t i = 0; i < e->talks_n; i++) {
        join(e, &e->talks[i].from);
        join(e, &e->talks[i].to);
    }
    sort(e->talks, e->talks_n, sizeof(*e->talks), by_talk_and_row);
    for (size_t i = 0; i < e->talks_n; i++) {
        if (n > 0 && by_talk(&e->talks[n - 1], &e->talks[i]) == 0)
            merge_talk(&e->talks[n - 1], &e->talks[i]);
        else
            e->talks[n++] = e->talks[i];
    }
    e->talks_n = n;
}

/* What listens on a host runs on it. */
static void settle_software(struct estate *e)
{
    for (size_t i = 0; i < e->talks_n; i++) {
        const struct estate_talk *t = &e->talks[i];

        if (t->to.host && t->to.host->software_n < ESTATE_LIST_MAX)
            estate_software_add(e, t->to.host, t->to_process, "", t->source);
    }
}

/* -- workloads -------------------------------------------------------------------------------- */

static int by_workload(const void *a, const void *b)
{
    return strcmp((*(struct estate_workload *const *)a)->name,
                  (*(struct estate_workload *const *)b)->name);
}

static void settle_workloads(struct estate *e)
{
    for (size_t i = 0; i < e->workloads_n; i++)
        e->workloads[i]->hosts_n = 0;
    for (size_t i = 0; i < e->hosts_n; i++) {
        struct estate_host *h = e->hosts[i];
        struct estate_workload *w = estate_workload_add(e, h->workload, h->source[ESTATE_WORKLOAD]);

        if (w && ESTATE_ROOM_P(e, w->hosts, w->hosts_n, ESTATE_HOSTS_MAX, "hosts of a workload"))
            w->hosts[w->hosts_n++] = h;
    }
    for (size_t i = 0; i < e->workloads_n; i++) {
        struct estate_workload *w = e->workloads[i];

        sort(w->depends, w->depends_n, sizeof(*w->depends), by_depend);
        sort(w->tags, w->tags_n, sizeof(*w->tags), by_tag);
    }
    sort((void *)e->workloads, e->workloads_n, sizeof(void *), by_workload);
    for (size_t i = 0; i < e->workloads_n; i++)
        e->workloads[i]->index = i;
}

int estate_settle(struct estate *e, struct err *err)
{
    sort((void *)e->hosts, e->hosts_n, sizeof(void *), by_host);
    for (size_t i = 0; i < e->hosts_n; i++)
        e->hosts[i]->index = i;
    settle_talks(e);
    settle_software(e);
    for (size_t i = 0; i < e->hosts_n; i++)
        sort_host(e->hosts[i]);
    settle_workloads(e);
    return estate_failed(e, err);
}
