/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts, the workloads that pay for them, and the machines that they are or run on. */
#include "planner/engine/cost_model.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"

#include <stdlib.h>

#include "base/banned.h"

static const uint64_t ppm = 1000000;

static int64_t rate(const struct cost_model *m, enum cost_rate which)
{
    return m->rates->value[which].micros;
}

/* -- workloads ----------------------------------------------------------------------------- */

/* Its place among them; hosts without one share the last. */
static size_t workload_of(const struct cost_model *m, const struct estate_host *h)
{
    const struct estate *e = m->spec->estate;
    const struct estate_workload *w = *h->workload ? estate_workload_find(e, h->workload) : NULL;

    return w ? w->index : estate_workloads(e);
}

/* -- boxes --------------------------------------------------------------------------------- */

/* "2024-10-31" as months after the start; dflt when nobody said. */
static long month_of(const struct cost_model *m, const char *date, long dflt)
{
    uint64_t year = 0, month = 0;
    char digits[5] = "";

    if (strlen(date) < 7)
        return dflt;
    memcpy(digits, date, 4);
    if (num_parse_u64(digits, 1970, 9999, &year, NULL) < 0)
        return dflt;
    memcpy(digits, date + 5, 2);
    digits[2] = '\0';
    if (num_parse_u64(digits[0] == '0' ? digits + 1 : digits, 1, 12, &month, NULL) < 0)
        return dflt;
    return (long)(year * 12 + month - 1) - (long)m->spec->start_month;
}

static int64_t price_of(const struct cost_model *m, const struct cost_box *b)
{
    __int128 whole = rate(m, RATE_SERVER_BASE);

    whole = whole * (__int128)b->share_ppm / (__int128)ppm;
    whole += (__int128)rate(m, RATE_SERVER_PER_CORE) * (__int128)b->cores *
             (b->host ? 1 : (__int128)ppm) / (b->host ? 1 : (__int128)rate(m, RATE_OVERCOMMIT));
    whole += (__int128)rate(m, RATE_SERVER_PER_GIB) * (__int128)b->gib;
    whole += (__int128)rate(m, RATE_SERVER_PER_GPU) * (__int128)b->gpus;
    return money_of(whole);
}

/* How long it has served and will. What nobody knows is taken as half its life. */
static void ages(const struct cost_model *m, const struct estate_host *h, struct cost_box *b)
{
    b->life = (long)cost_rate_count(m->rates, RATE_SERVER_LIFE);
    b->born = month_of(m, h->bought_on, -b->life / 2);
    b->refresh = month_of(m, h->refresh_on, b->born + b->life);
    if (b->refresh <= b->born)
        b->refresh = b->born + b->life;
}

static uint64_t gpus_of(const struct estate_host *h)
{
    return num_min(h->gpus, UINT8_MAX);
}

static void physical_box(const struct cost_model *m, const struct estate_host *h,
                         struct cost_box *b)
{
    *b = (struct cost_box){.share_ppm = ppm,
                           .cores = h->cores,
                           .gib = h->memory_bytes >> 30,
                           .gpus = gpus_of(h),
                           .host = h,
                           .rack = h->rack,
                           .hypervisor = h->kind == ESTATE_HYPERVISOR};
    b->micro_watts =
        h->watts ? (int64_t)num_min(h->watts, UINT32_MAX) * MONEY_UNIT
                 : rate(m, RATE_WATTS_BASE) +
                       rate(m, RATE_WATTS_PER_CORE) * (int64_t)num_min(h->cores, UINT16_MAX) +
                       rate(m, RATE_WATTS_PER_GPU) * (int64_t)b->gpus;
    ages(m, h, b);
    b->price = price_of(m, b);
}

/* A virtual machine on nobody knows what: its part of a server like the rates say. */
static void virtual_box(const struct cost_model *m, const struct estate_host *h, struct cost_box *b)
{
    uint64_t cores = num_min(h->cores, UINT16_MAX);
    uint64_t per =
        (uint64_t)rate(m, RATE_OVERCOMMIT) / 1000 * (uint64_t)rate(m, RATE_SERVER_CORES) / 1000;

    *b = (struct cost_box){
        .cores = cores, .gib = h->memory_bytes >> 30, .gpus = gpus_of(h), .rack = ""};
    b->share_ppm = num_min(per ? cores * ppm * ppm / per : ppm, 16 * ppm);
    b->micro_watts = money_of((__int128)rate(m, RATE_WATTS_BASE) * (__int128)b->share_ppm / ppm +
                              (__int128)rate(m, RATE_WATTS_PER_CORE) * (__int128)cores * ppm /
                                  rate(m, RATE_OVERCOMMIT) +
                              (__int128)rate(m, RATE_WATTS_PER_GPU) * (__int128)b->gpus);
    b->hypervisor = true;
    ages(m, h, b);
    b->price = price_of(m, b);
}

/* The index of the host that h runs on, or its own. */
static size_t carrier(const struct cost_model *m, size_t i)
{
    const struct estate_host *h = m->hosts[i].host;
    const struct estate_host *on =
        *h->runs_on ? estate_host_find(m->spec->estate, h->runs_on) : NULL;

    return on ? on->index : i;
}

static void make_boxes(struct cost_model *m)
{
    for (size_t i = 0; i < m->hosts_n; i++) {
        size_t on = carrier(m, i);

        m->hosts[i].box = on;
        m->hosts[on].carries |= on != i;
    }
    for (size_t i = 0; i < m->hosts_n; i++) {
        struct cost_host *h = &m->hosts[i];

        h->carries |= h->host->kind == ESTATE_HYPERVISOR;
        if (h->box == i && h->host->kind == ESTATE_VIRTUAL && !h->carries)
            virtual_box(m, h->host, &m->boxes[i]);
        else
            physical_box(m, h->host, &m->boxes[i]);
    }
}

/* What runs on a machine pays for it; one that nothing runs on pays for itself. */
static bool pays(const struct cost_model *m, size_t i, const size_t *riders)
{
    const struct cost_host *h = &m->hosts[i];

    return h->box != i || !h->carries || riders[i] == 0;
}

static void order_by_box(struct cost_model *m)
{
    size_t *riders = m->by_set; /* not in use yet */
    size_t at = 0;

    for (size_t i = 0; i < m->hosts_n; i++)
        riders[m->hosts[i].box] += m->hosts[i].box != i;
    for (size_t i = 0; i < m->hosts_n; i++)
        m->boxes[m->hosts[i].box].n += pays(m, i, riders);
    for (size_t b = 0; b < m->boxes_n; b++) {
        m->boxes[b].first = at;
        at += m->boxes[b].n;
        m->boxes[b].n = 0;
    }
    for (size_t i = 0; i < m->hosts_n; i++) {
        struct cost_box *b = &m->boxes[m->hosts[i].box];

        if (!pays(m, i, riders))
            continue;
        m->by_box[b->first + b->n++] = i;
        m->all[m->all_n++] = i;
    }
}

int cost_hosts_init(struct cost_model *m, struct err *err)
{
    const struct estate *e = m->spec->estate;
    size_t n = estate_hosts(e), room = n ? n : 1;

    m->hosts_n = m->boxes_n = n;
    m->workloads_n = estate_workloads(e) + 1;
    m->hosts = calloc(room, sizeof(*m->hosts));
    m->boxes = calloc(room, sizeof(*m->boxes));
    m->by_box = calloc(room, sizeof(*m->by_box));
    m->by_set = calloc(room, sizeof(*m->by_set));
    m->all = calloc(room, sizeof(*m->all));
    m->sets = calloc(room, sizeof(*m->sets));
    if (!m->hosts || !m->boxes || !m->by_box || !m->by_set || !m->all || !m->sets)
        return err_set(err, -ENOMEM, "a bill of %zu hosts: %m", n);
    for (size_t i = 0; i < n; i++) {
        struct cost_host *h = &m->hosts[i];

        h->host = estate_host(e, i);
        h->workload = workload_of(m, h->host);
        h->weight = num_max(1, num_min(h->host->cores, UINT16_MAX));
    }
    make_boxes(m);
    order_by_box(m);
    return 0;
}

void cost_hosts_done(struct cost_model *m)
{
    free(m->hosts);
    free(m->boxes);
    free(m->by_box);
    free(m->by_set);
    free(m->all);
    free(m->sets);
}
