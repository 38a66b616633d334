/* SPDX-License-Identifier: Apache-2.0 */
/* The data centre's bill: as long as everything stays, and as long as something is still there. */
#include "planner/engine/cost_model.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"

#include <stdlib.h>

#include "base/banned.h"

static const __int128 million = 1000000;

static __int128 rate(const struct cost_model *m, enum cost_rate which)
{
    return m->rates->value[which].micros;
}

/* -- one machine --------------------------------------------------------------------------- */

/* Is it being written off in that month? Between the end of its life and its replacement it is not.
 */
static bool in_life(const struct cost_box *b, long month)
{
    return month >= b->refresh || month < b->born + b->life;
}

static int64_t hardware(const struct cost_box *b, long month)
{
    return in_life(b, month) ? b->price / b->life : 0;
}

/* What is not written off yet when it goes. */
static int64_t remainder_of(const struct cost_box *b, long month)
{
    long left = b->born + b->life - month;

    if (month > b->refresh)
        left = (b->life - (month - b->refresh) % b->life) % b->life;
    else if (month == b->refresh)
        left = 0; /* its replacement is not bought */
    return left > 0 ? b->price / b->life * left : 0;
}

/* What a machine costs each month, however old it is. */
struct monthly {
    int64_t head[COST_HEADS];
};

static struct monthly monthly(const struct cost_model *m, const struct cost_box *b)
{
    struct monthly out = {0};
    __int128 kwh = (__int128)b->micro_watts * COST_HOURS * rate(m, RATE_PUE) / 1000 / million;

    out.head[COST_MAINTENANCE] =
        money_of((__int128)b->price * rate(m, RATE_MAINTENANCE) / (1200 * million));
    out.head[COST_POWER] = money_of(kwh * rate(m, RATE_KWH) / million);
    out.head[COST_PEOPLE] =
        money_of(rate(m, RATE_ADMIN) * (__int128)b->share_ppm / rate(m, RATE_IDC_HOSTS_PER_ADMIN));
    if (!*b->rack)
        out.head[COST_SPACE] =
            money_of(rate(m, RATE_RACK) * (__int128)b->share_ppm / rate(m, RATE_RACK_HOSTS));
    if (b->hypervisor) {
        __int128 cores = b->host
                             ? (__int128)b->cores * million
                             : (__int128)b->cores * million * million / rate(m, RATE_OVERCOMMIT);

        out.head[COST_LICENCES] = money_of(rate(m, RATE_HYPERVISOR_CORE) * cores / million);
    }
    return out;
}

static void post_both(struct cost_model *m, const struct cost_box *b, enum cost_head head,
                      size_t month, int64_t micros)
{
    struct cost_share among = {.hosts = m->by_box + b->first, .n = b->n};

    if (micros == 0)
        return;
    cost_post_shared(m, COST_STAY, head, among, month, micros);
    if (month < b->gone)
        cost_post_shared(m, COST_IDC, head, among, month, micros);
}

static void post_box(struct cost_model *m, const struct cost_box *b)
{
    struct monthly each = monthly(m, b);
    struct cost_share among = {.hosts = m->by_box + b->first, .n = b->n};

    for (size_t month = 0; month < m->months; month++) {
        post_both(m, b, COST_HARDWARE, month, hardware(b, (long)month));
        for (size_t h = 0; h < COST_HEADS; h++)
            post_both(m, b, (enum cost_head)h, month, each.head[h]);
    }
    if (b->gone >= m->months)
        return;
    cost_post_shared(m, COST_DUAL, COST_WRITE_OFF, among, b->gone, remainder_of(b, (long)b->gone));
    cost_post_shared(m, COST_DUAL, COST_DECOMMISSION, among, b->gone,
                     money_of(rate(m, RATE_DECOMMISSION) * (__int128)b->share_ppm / million));
}

/* -- what one host costs alone ------------------------------------------------------------- */

static void post_host(struct cost_model *m, const struct cost_host *h)
{
    bool windows = h->host->os_family == ESTATE_WINDOWS;
    bool shares = h->host->kind == ESTATE_VIRTUAL;
    __int128 cores = (__int128)h->host->cores * million;
    int64_t disks = money_of(rate(m, RATE_IDC_DISK) * (__int128)h->data_gib), licence;

    if (shares)
        cores = cores * million / rate(m, RATE_OVERCOMMIT);
    licence = windows ? money_of(rate(m, RATE_WINDOWS_CORE) * cores / million) : 0;
    for (size_t month = 0; month < m->months; month++) {
        cost_post(m, COST_STAY, COST_DISKS, h->workload, month, disks);
        cost_post(m, COST_STAY, COST_LICENCES, h->workload, month, licence);
        if (month >= h->gone)
            continue;
        cost_post(m, COST_IDC, COST_DISKS, h->workload, month, disks);
        cost_post(m, COST_IDC, COST_LICENCES, h->workload, month, licence);
    }
}

/* -- racks, and what all share ------------------------------------------------------------- */

struct by_rack {
    const char *rack;
    size_t host;
    unsigned gone;
};

static int rack_order(const void *a, const void *b)
{
    const struct by_rack *x = a, *y = b;
    int order = strcmp(x->rack, y->rack);

    return order ? order : x->host < y->host ? -1 : x->host > y->host;
}

static void post_rack(struct cost_model *m, const struct by_rack *rows, size_t n, size_t *hosts)
{
    unsigned gone = 0;
    struct cost_share among = {.hosts = hosts, .n = n};

    for (size_t i = 0; i < n; i++) {
        hosts[i] = rows[i].host;
        gone = rows[i].gone > gone ? rows[i].gone : gone;
    }
    for (size_t month = 0; month < m->months; month++) {
        cost_post_shared(m, COST_STAY, COST_SPACE, among, month, money_of(rate(m, RATE_RACK)));
        if (month < gone)
            cost_post_shared(m, COST_IDC, COST_SPACE, among, month, money_of(rate(m, RATE_RACK)));
    }
}

/* Every rack that is known, by those that pay for machines in it. */
static int post_racks(struct cost_model *m, struct err *err)
{
    auto_free struct by_rack *rows = calloc(m->hosts_n + 1, sizeof(*rows));
    auto_free size_t *hosts = calloc(m->hosts_n + 1, sizeof(*hosts));
    size_t n = 0;

    if (!rows || !hosts)
        return err_set(err, -ENOMEM, "racks of %zu hosts: %m", m->hosts_n);
    for (size_t b = 0; b < m->boxes_n; b++) {
        const struct cost_box *box = &m->boxes[b];

        for (size_t i = 0; *box->rack && i < box->n; i++)
            rows[n++] = (struct by_rack){box->rack, m->by_box[box->first + i], box->gone};
    }
    if (n > 1)
        qsort(rows, n, sizeof(*rows), rack_order);
    for (size_t from = 0, i = 1; i <= n; i++) {
        if (i < n && text_equal(rows[i].rack, rows[from].rack))
            continue;
        post_rack(m, rows + from, i - from, hosts);
        from = i;
    }
    return 0;
}

int cost_site(struct cost_model *m, struct err *err)
{
    struct cost_share everybody = {.hosts = m->all, .n = m->all_n};

    for (size_t b = 0; b < m->boxes_n; b++) {
        if (m->boxes[b].n > 0)
            post_box(m, &m->boxes[b]);
    }
    for (size_t i = 0; i < m->hosts_n; i++)
        post_host(m, &m->hosts[i]);
    for (size_t month = 0; month < m->months; month++) {
        int64_t line = money_of(rate(m, RATE_IDC_LINE));

        cost_post_shared(m, COST_STAY, COST_LINE, everybody, month, line);
        if (month < m->last_gone)
            cost_post_shared(m, COST_IDC, COST_LINE, everybody, month, line);
    }
    return post_racks(m, err);
}
