/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet into pools, each packed by itself. */
#include "planner/engine/consolidate.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/consolidate_load.h"
#include "planner/engine/estate.h"
#include "planner/engine/share.h"
#include "planner/engine/replicas.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

/* Above so many hosts in one pool nobody looks for what may stay: bins^2 * machines. */
enum { PLACES_MAX = 256 };

static const char *const state_names[] = {
    [CONSOLIDATE_BUSY] = "busy",
    [CONSOLIDATE_IDLE] = "idle",
    [CONSOLIDATE_ZOMBIE] = "zombie",
    [CONSOLIDATE_OFF] = "off",
};

struct machine {
    const struct estate_host *host, *on; /* on: where it runs, or itself */
    enum consolidate_state state;
    bool carries, talked, packed;
    const char *pool;
    bool stuck; /* fits on none: it stays where it is, and nobody joins it */
    struct consolidate_load load;
};

struct work {
    const struct estate *e;
    const struct consolidate_policy *policy;
    struct machine *m;
    size_t n;
    size_t *by_pool; /* machines, pool by pool, like ones one after the other */
    struct share_item *items;
    struct share_bin *bins;
    size_t *item_of, *bin_of, *where; /* of the pool at hand */
    struct jsw *pools, *hosts, *moves, *free;
};

/* -- all of them ------------------------------------------------------------------------------ */

static void find_talkers(struct work *w)
{
    for (size_t i = 0; i < estate_talks(w->e); i++) {
        const struct estate_talk *t = estate_talk(w->e, i);

        if (t->from.host)
            w->m[t->from.host->index].talked = true;
        if (t->to.host)
            w->m[t->to.host->index].talked = true;
    }
}

static void find_machines(struct work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct machine *m = &w->m[i];
        const struct estate_host *on;

        m->host = estate_host(w->e, i);
        on = *m->host->runs_on ? estate_host_find(w->e, m->host->runs_on) : NULL;
        m->on = on ? on : m->host;
        w->m[m->on->index].carries |= m->on != m->host;
    }
    find_talkers(w);
    for (size_t i = 0; i < w->n; i++) {
        struct machine *m = &w->m[i];

        m->carries |= m->host->kind == ESTATE_HYPERVISOR;
        m->pool = consolidate_pool(m->on);
        m->state = consolidate_state(w->policy, m->host, estate_talks(w->e) > 0, m->talked);
        m->packed = !m->carries && (m->state == CONSOLIDATE_BUSY || m->state == CONSOLIDATE_IDLE) &&
                    (m->on != m->host || w->policy->servers);
        consolidate_load(m->host, &m->load);
    }
}

static int pool_order(const void *a, const void *b, void *ctx)
{
    const struct machine *m = ctx;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = strcmp(m[x].pool, m[y].pool);

    return order ? order : replicas_order(m[x].host, m[y].host);
}

/* -- one pool -----------------------------------------------------------------------------------
 */

struct pool {
    const char *name;
    size_t first, n;        /* in by_pool */
    size_t items_n, bins_n; /* machines to place, hosts to place them on */
    size_t before, after;   /* hosts in use */
    size_t fewest;          /* nobody could do with less */
    size_t unmeasured;
    double drift;
};

/* Not more than half of those that do the same work on one host: one that fails leaves others. */
static void keep_apart(struct work *w, const struct pool *p)
{
    size_t from = 0;

    for (size_t k = 1; k <= p->items_n; k++) {
        if (k < p->items_n && replicas_alike(w->m[w->item_of[k]].host, w->m[w->item_of[from]].host))
            continue;
        for (size_t i = from; i < k; i++) {
            w->items[i].kind = from;
            w->items[i].most = k - from > 1 ? (k - from + 1) / 2 : 0;
        }
        from = k;
    }
}

static void set_rooms(struct work *w, const struct pool *p)
{
    for (size_t b = 0; b < p->bins_n; b++) {
        const struct estate_host *h = w->m[w->bin_of[b]].host;

        w->bins[b] = (struct share_bin){
            (double)h->cores, (uint64_t)((double)h->memory_bytes * w->policy->memory_share)};
    }
}

static void collect(struct work *w, struct pool *p)
{
    double days = 0;

    for (size_t k = 0; k < p->n; k++) {
        size_t i = w->by_pool[p->first + k];
        struct machine *m = &w->m[i];
        const struct estate_usage *cpu = m->host->usage[ESTATE_CPU_PERCENT];

        if (m->packed) {
            w->items[p->items_n] = (struct share_item){
                .load = m->load.slots, .variance = m->load.variance, .memory = m->load.memory};
            w->item_of[p->items_n++] = i;
            p->unmeasured += m->load.guessed;
            days += cpu && estate_usage_days(cpu) > 1 ? estate_usage_days(cpu) : 1;
        }
        if (m->carries || (m->packed && m->on == m->host)) {
            w->bin_of[p->bins_n++] = i;
        }
    }
    set_rooms(w, p);
    keep_apart(w, p);
    days = p->items_n ? days / (double)p->items_n : 1;
    p->drift = w->policy->drift + w->policy->drift_by_days / days;
}

static size_t hosts_in_use(const struct work *w, const struct pool *p)
{
    size_t n = 0;

    for (size_t b = 0; b < p->bins_n; b++) {
        for (size_t k = 0; k < p->items_n; k++) {
            if (w->m[w->item_of[k]].on == w->m[w->bin_of[b]].host) {
                n++;
                break;
            }
        }
    }
    return n;
}

static void write_host(struct work *w, const struct share_spec *spec, size_t bin, size_t *mine)
{
    const struct machine *host = &w->m[w->bin_of[bin]];
    struct share_fill fill;
    size_t n = 0;

    for (size_t k = 0; k < spec->items_n; k++) {
        if (w->where[k] == bin)
            mine[n++] = k;
    }
    if (n == 0) {
        jsw_obj(w->free, NULL);
        jsw_str(w->free, "host", host->host->name);
        jsw_str(w->free, "pool", host->pool);
        jsw_str(w->free, "rack", *host->host->rack ? host->host->rack : NULL);
        jsw_end(w->free);
        return;
    }
    fill = share_fill(spec, bin, mine, n);
    jsw_obj(w->hosts, NULL);
    jsw_str(w->hosts, "host", host->host->name);
    jsw_str(w->hosts, "pool", host->pool);
    jsw_u64(w->hosts, "machines", n);
    jsw_f64(w->hosts, "cpu_mean", round(fill.mean * 1000) / 1000);
    jsw_f64(w->hosts, "cpu_high", round(fill.high * 1000) / 1000);
    jsw_f64(w->hosts, "memory", round(fill.memory * 1000) / 1000);
    jsw_f64(w->hosts, "contention", round(fill.over * 1e6) / 1e6);
    jsw_arr(w->hosts, "holds");
    for (size_t i = 0; i < n; i++)
        jsw_str(w->hosts, NULL, w->m[w->item_of[mine[i]]].host->name);
    jsw_end(w->hosts);
    jsw_end(w->hosts);
}

static void write_moves(struct work *w, const struct pool *p)
{
    for (size_t k = 0; k < p->items_n; k++) {
        const struct machine *m = &w->m[w->item_of[k]];
        const struct estate_host *to =
            w->where[k] == SHARE_NOWHERE ? NULL : w->m[w->bin_of[w->where[k]]].host;

        if (to == m->on && !m->stuck)
            continue;
        jsw_obj(w->moves, NULL);
        jsw_str(w->moves, "host", m->host->name);
        jsw_str(w->moves, "from", m->on->name);
        jsw_str(w->moves, "to", m->stuck || !to ? NULL : to->name);
        if (m->stuck || !to)
            jsw_str(w->moves, "why",
                    m->on->cores == 0 || m->on->memory_bytes == 0
                        ? "stays: what its host has is not known"
                        : "stays: it fits on none of the pool's other hosts");
        jsw_end(w->moves);
    }
}

/* How many of bin's machines are on that host already. */
static size_t stays(const struct work *w, const struct pool *p, size_t bin, size_t host)
{
    size_t n = 0;

    for (size_t k = 0; k < p->items_n; k++)
        n += w->where[k] == bin && w->m[w->item_of[k]].on == w->m[w->bin_of[host]].host;
    return n;
}

/* Hosts of one size are alike: each heap goes to where most of it is already, so that less moves.
 */
static void keep_places(struct work *w, const struct pool *p)
{
    for (size_t a = 0; a < p->bins_n; a++) {
        size_t best = a, most = 0;

        for (size_t b = a; b < p->bins_n; b++) {
            size_t n =
                w->bins[a].cores == w->bins[b].cores && w->bins[a].memory == w->bins[b].memory
                    ? stays(w, p, b, a)
                    : 0;

            if (n > most) {
                most = n;
                best = b;
            }
        }
        for (size_t k = 0; best != a && k < p->items_n; k++) {
            if (w->where[k] == a || w->where[k] == best)
                w->where[k] = w->where[k] == a ? best : a;
        }
    }
}

/* Bin of the host that carries it, or SHARE_NOWHERE. */
static size_t own_bin(const struct work *w, const struct pool *p, size_t item)
{
    for (size_t b = 0; b < p->bins_n; b++) {
        if (w->m[w->bin_of[b]].host == w->m[w->item_of[item]].on)
            return b;
    }
    return SHARE_NOWHERE;
}

/* Whether the hosts of what fits on none were open to others until now. */
static bool close_hosts_of_stuck(struct work *w, const struct pool *p)
{
    bool closed = false;

    for (size_t k = 0; k < p->items_n; k++) {
        struct machine *m = &w->m[w->item_of[k]];
        size_t own = w->where[k] == SHARE_NOWHERE && !m->stuck ? own_bin(w, p, k) : SHARE_NOWHERE;

        if (own == SHARE_NOWHERE)
            continue;
        m->stuck = true;
        closed |= w->bins[own].memory > 0;
        w->bins[own] = (struct share_bin){0};
    }
    return closed;
}

/* Those stay where they are: their hosts are not free. */
static void leave_stuck(struct work *w, const struct pool *p)
{
    for (size_t k = 0; k < p->items_n; k++) {
        size_t own = w->m[w->item_of[k]].stuck ? own_bin(w, p, k) : SHARE_NOWHERE;

        if (own != SHARE_NOWHERE)
            w->where[k] = own;
    }
}

static size_t hosts_needed(const struct work *w, const struct pool *p)
{
    size_t n = 0;

    for (size_t b = 0; b < p->bins_n; b++) {
        size_t k = 0;

        while (k < p->items_n && w->where[k] != b)
            k++;
        n += k < p->items_n;
    }
    return n;
}

/* Packed until nothing is put beside what fits on none. */
static int fit(struct work *w, const struct share_spec *spec, struct pool *p, struct err *err)
{
    int r;

    do {
        r = share_fit(spec, w->where, &p->after, err);
    } while (r == 0 && close_hosts_of_stuck(w, p));
    if (r == 0 && p->bins_n <= PLACES_MAX)
        keep_places(w, p);
    if (r == 0) {
        leave_stuck(w, p);
        p->after = hosts_needed(w, p);
    }
    set_rooms(w, p);
    return r;
}

static void write_pool(struct work *w, const struct pool *p)
{
    jsw_obj(w->pools, NULL);
    jsw_str(w->pools, "pool", p->name);
    jsw_u64(w->pools, "machines", p->items_n);
    jsw_u64(w->pools, "hosts", p->bins_n);
    jsw_u64(w->pools, "in_use", p->before);
    jsw_u64(w->pools, "needed", p->after);
    jsw_u64(w->pools, "at_least", p->fewest);
    jsw_u64(w->pools, "freed", p->bins_n - p->after);
    jsw_u64(w->pools, "unmeasured", p->unmeasured);
    jsw_end(w->pools);
}

static int one_pool(struct work *w, struct pool *p, struct err *err)
{
    auto_free size_t *mine = NULL;
    struct share_spec spec = {.items = w->items, .bins = w->bins, .slots = ESTATE_WEEK};
    int r;

    collect(w, p);
    if (p->bins_n == 0)
        return 0;
    spec.items_n = p->items_n;
    spec.bins_n = p->bins_n;
    spec.z = w->policy->z;
    spec.drift = p->drift;
    mine = calloc(p->items_n + 1, sizeof(*mine));
    if (!mine)
        return err_set(err, -ENOMEM, "a pool of %zu machines: %m", p->items_n);
    r = fit(w, &spec, p, err);
    if (r < 0)
        return r;
    p->before = hosts_in_use(w, p);
    p->fewest = num_min(share_bound(&spec), p->after);
    write_pool(w, p);
    for (size_t b = 0; b < p->bins_n; b++)
        write_host(w, &spec, b, mine);
    write_moves(w, p);
    return 0;
}

static int all_pools(struct work *w, struct err *err)
{
    int r = 0;

    for (size_t i = 0; i < w->n; i++)
        w->by_pool[i] = i;
    if (w->n > 1)
        qsort_r(w->by_pool, w->n, sizeof(*w->by_pool), pool_order, w->m);
    for (size_t from = 0, i = 1; r == 0 && i <= w->n; i++) {
        struct pool p = {.name = w->m[w->by_pool[from]].pool, .first = from};

        if (i < w->n && text_equal(w->m[w->by_pool[i]].pool, p.name))
            continue;
        p.n = i - from;
        from = i;
        r = one_pool(w, &p, err);
    }
    return r;
}

/* -- the document -------------------------------------------------------------------------------
 */

static void write_still(const struct work *w, struct jsw *out)
{
    jsw_arr(out, "still");
    for (size_t i = 0; i < w->n; i++) {
        const struct machine *m = &w->m[i];
        const struct estate_usage *cpu = m->host->usage[ESTATE_CPU_PERCENT];

        if (m->state == CONSOLIDATE_BUSY || m->carries)
            continue;
        jsw_obj(out, NULL);
        jsw_str(out, "host", m->host->name);
        jsw_str(out, "state", state_names[m->state]);
        jsw_str(out, "workload", *m->host->workload ? m->host->workload : NULL);
        jsw_str(out, "owner", *m->host->owner ? m->host->owner : NULL);
        jsw_u64(out, "cores", m->host->cores);
        jsw_u64(out, "memory_bytes", m->host->memory_bytes);
        if (cpu && cpu->quantile[ESTATE_P99] >= 0)
            jsw_f64(out, "cpu_p99_percent", cpu->quantile[ESTATE_P99]);
        jsw_end(out);
    }
    jsw_end(out);
}

static int take_list(struct jsw *list, const char *key, struct jsw *out, struct err *err)
{
    auto_js struct js *v = NULL;
    int r;

    jsw_end(list);
    r = jsw_take(list, &v, err);
    if (r == 0)
        jsw_js(out, key, v);
    return r;
}

static int write_all(struct work *w, struct js **ret, struct err *err)
{
    auto_jsw struct jsw *out = NULL;
    int r = jsw_new(&out, err);

    if (r < 0)
        return r;
    jsw_obj(out, NULL);
    jsw_str(out, "schema", "godwit.consolidate/1");
    jsw_f64(out, "z", w->policy->z);
    jsw_f64(out, "idle_percent", w->policy->idle_percent);
    r = take_list(w->pools, "pools", out, err);
    write_still(w, out);
    if (r == 0)
        r = take_list(w->free, "freed", out, err);
    if (r == 0)
        r = take_list(w->hosts, "hosts", out, err);
    if (r == 0)
        r = take_list(w->moves, "moves", out, err);
    jsw_end(out);
    return r < 0 ? r : jsw_take(out, ret, err);
}

static void work_done(struct work *w)
{
    free(w->m);
    free(w->by_pool);
    free(w->items);
    free(w->bins);
    free(w->item_of);
    free(w->bin_of);
    free(w->where);
    jsw_free(w->pools);
    jsw_free(w->hosts);
    jsw_free(w->moves);
    jsw_free(w->free);
}

static int work_init(struct work *w, struct err *err)
{
    struct jsw **lists[] = {&w->pools, &w->hosts, &w->moves, &w->free};
    int r = 0;

    w->m = calloc(w->n + 1, sizeof(*w->m));
    w->by_pool = calloc(w->n + 1, sizeof(*w->by_pool));
    w->items = calloc(w->n + 1, sizeof(*w->items));
    w->bins = calloc(w->n + 1, sizeof(*w->bins));
    w->item_of = calloc(w->n + 1, sizeof(*w->item_of));
    w->bin_of = calloc(w->n + 1, sizeof(*w->bin_of));
    w->where = calloc(w->n + 1, sizeof(*w->where));
    if (!w->m || !w->by_pool || !w->items || !w->bins || !w->item_of || !w->bin_of || !w->where)
        return err_set(err, -ENOMEM, "%zu machines: %m", w->n);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(lists); i++) {
        r = jsw_new(lists[i], err);
        if (r == 0)
            jsw_arr(*lists[i], NULL);
    }
    return r;
}

int consolidate_compute(const struct estate *e, const struct consolidate_policy *policy,
                        struct js **ret, struct err *err)
{
    AUTO(work_done) struct work w = {.e = e, .policy = policy, .n = estate_hosts(e)};
    int r = work_init(&w, err);

    if (r < 0)
        return r;
    find_machines(&w);
    r = all_pools(&w, err);
    return r < 0 ? r : write_all(&w, ret, err);
}
