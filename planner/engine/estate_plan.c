/* SPDX-License-Identifier: Apache-2.0 */
/* Every member of the plan's input that a list can know. What it cannot know is left out. */
#include "planner/engine/estate_plan.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_group.h"
#include "planner/engine/host_fit.h"
#include "planner/engine/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { DAY_MS = 24 * 3600 * 1000, WHY_MAX = 256 };

/* Bytes that go from one workload to another in a day. */
struct flow {
    uint32_t from, to;
    double bytes_per_day;
};

struct writer {
    const struct estate *e;
    const struct estate_groups *g;
    struct jsw *w;
    struct flow *flows; /* by from, then to; each pair once */
    size_t flows_n;
    uint32_t *of;   /* [hosts] workload: groups, then hubs; UINT32_MAX none */
    uint32_t *hubs; /* hosts */
    size_t hubs_n;
};

/* -- traffic ------------------------------------------------------------------------------------
 */

static int by_ends(const void *a, const void *b)
{
    const struct flow *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

/* What was seen for less than a day is a day's: hours cannot be multiplied. */
static double per_day(const struct estate_talk *t)
{
    const uint64_t span = t->until_ms > t->from_ms ? t->until_ms - t->from_ms : 0;

    return (double)t->bytes / ((double)num_max(span, DAY_MS) / DAY_MS);
}

static int read_flows(struct writer *x, struct err *err)
{
    size_t n = 0, out = 0;

    x->flows = calloc(estate_talks(x->e) + 1, sizeof(*x->flows));
    if (!x->flows)
        return err_set(err, -ENOMEM, "traffic of a plan: %m");
    for (size_t i = 0; i < estate_talks(x->e); i++) {
        const struct estate_talk *t = estate_talk(x->e, i);
        uint32_t a = t->from.host ? x->of[t->from.host->index] : UINT32_MAX;
        uint32_t b = t->to.host ? x->of[t->to.host->index] : UINT32_MAX;

        if (a != b && a != UINT32_MAX && b != UINT32_MAX && t->bytes > 0)
            x->flows[n++] = (struct flow){a < b ? a : b, a < b ? b : a, per_day(t)};
    }
    if (n > 1)
        qsort(x->flows, n, sizeof(*x->flows), by_ends);
    for (size_t i = 0; i < n; i++) {
        if (out > 0 && by_ends(&x->flows[out - 1], &x->flows[i]) == 0)
            x->flows[out - 1].bytes_per_day += x->flows[i].bytes_per_day;
        else
            x->flows[out++] = x->flows[i];
    }
    x->flows_n = out;
    return 0;
}

static const char *name_of(const struct writer *x, uint32_t k)
{
    return k < x->g->found.n ? x->g->names[k] : x->g->hub_names[k - x->g->found.n];
}

static void write_talks(const struct writer *x, uint32_t k, size_t *at)
{
    jsw_arr(x->w, "talks");
    for (; *at < x->flows_n && x->flows[*at].from == k; (*at)++) {
        const double bytes = x->flows[*at].bytes_per_day;

        jsw_obj(x->w, NULL);
        jsw_str(x->w, "workload", name_of(x, x->flows[*at].to));
        jsw_u64(x->w, "bytes_per_day", bytes < 1e15 ? (uint64_t)bytes : (uint64_t)1e15);
        jsw_end(x->w);
    }
    jsw_end(x->w);
}

/* -- disks --------------------------------------------------------------------------------------
 */

static uint64_t rate(const struct estate_usage *u, double value)
{
    return u && value > 0 && value < 1e15 ? (uint64_t)value : 0;
}

struct volume {
    uint64_t bytes, writes, peak;
};

static struct volume volume_of(const struct estate_host *h)
{
    const struct estate_usage *u = h->usage[ESTATE_DISK_WRITES];
    struct volume v = {.bytes = host_fit_data(h)};

    if (!u)
        return v;
    v.writes = rate(u, u->mean);
    v.peak = rate(u, u->quantile[u->quantile[ESTATE_P99] >= 0 ? ESTATE_P99 : ESTATE_MAX]);
    v.peak = num_max(v.peak, v.writes);
    return v;
}

static void write_volume(struct jsw *w, const char *name, const struct volume *v)
{
    jsw_obj(w, NULL);
    jsw_str(w, "volume", name);
    jsw_u64(w, "size_bytes", v->bytes);
    jsw_u64(w, "write_bytes_per_s", v->writes);
    jsw_u64(w, "write_peak_bytes_per_s", v->peak);
    jsw_end(w);
}

/* One for each host, called by its name; of more hosts than a workload has volumes, one for all. */
static void write_volumes(const struct writer *x, const uint32_t *hosts, size_t n)
{
    struct volume all = {0};

    jsw_arr(x->w, "volumes");
    for (size_t i = 0; i < n; i++) {
        const struct estate_host *h = estate_host(x->e, hosts[i]);
        struct volume v = volume_of(h);

        all.bytes = num_min(all.bytes + v.bytes, INT64_MAX);
        all.writes += v.writes;
        all.peak += v.peak;
        if (n <= PLAN_VOLUMES_MAX)
            write_volume(x->w, h->name, &v);
    }
    if (n > PLAN_VOLUMES_MAX)
        write_volume(x->w, "all", &all);
    jsw_end(x->w);
}

static void write_unseen(const struct writer *x, const uint32_t *hosts, size_t n)
{
    char text[WHY_MAX];

    for (size_t i = 0; i < n; i++) {
        const struct estate_host *h = estate_host(x->e, hosts[i]);

        if (host_fit_data(h) > 0 || estate_disk_bytes(h) > 0)
            continue;
        (void)text_print(text, sizeof(text), "no list says what is on the disks of %.120s",
                         h->name);
        jsw_str(x->w, "unseen", text);
        return;
    }
    jsw_null(x->w, "unseen");
}

/* -- workloads ----------------------------------------------------------------------------------
 */

/* The owner's workload of a group: what its first tagged host names. */
static const struct estate_workload *owner_of(const struct writer *x, const uint32_t *hosts,
                                              size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *name = estate_host(x->e, hosts[i])->workload;

        if (*name)
            return estate_workload_find(x->e, name);
    }
    return NULL;
}

/* Whoever depends on a name depends on the groups of its hosts; a name of nobody is nothing to wait
 * for (import_check tells of it). */
static void write_depends(const struct writer *x, const struct estate_workload *load, uint32_t self)
{
    jsw_arr(x->w, "depends");
    for (size_t i = 0; load && i < load->depends_n; i++) {
        const struct estate_workload *other = estate_workload_find(x->e, load->depends[i].on);
        uint32_t to = other && other->hosts_n ? x->of[other->hosts[0]->index] : UINT32_MAX;

        if (to != UINT32_MAX && to != self)
            jsw_str(x->w, NULL, name_of(x, to));
    }
    jsw_end(x->w);
}

static void write_workload(const struct writer *x, uint32_t k, const uint32_t *hosts, size_t n,
                           size_t *flow)
{
    const struct estate_workload *load = owner_of(x, hosts, n);

    jsw_obj(x->w, NULL);
    jsw_str(x->w, "workload", name_of(x, k));
    jsw_arr(x->w, "hosts");
    for (size_t i = 0; i < n; i++)
        jsw_str(x->w, NULL, estate_host(x->e, hosts[i])->name);
    jsw_end(x->w);
    write_depends(x, load, k);
    if (load && load->wave >= 1 && load->wave <= PLAN_WAVES_MAX)
        jsw_u64(x->w, "wave", load->wave);
    else
        jsw_null(x->w, "wave");
    jsw_bool(x->w, "moved", false);
    write_unseen(x, hosts, n);
    write_volumes(x, hosts, n);
    write_talks(x, k, flow);
    jsw_end(x->w);
}

static int number_hosts(struct writer *x, struct err *err)
{
    const size_t hosts = estate_hosts(x->e), groups = x->g->found.n;

    x->of = calloc(hosts + 1, sizeof(*x->of));
    x->hubs = calloc(hosts + 1, sizeof(*x->hubs));
    if (!x->of || !x->hubs)
        return err_set(err, -ENOMEM, "a plan of %zu hosts: %m", hosts);
    for (uint32_t h = 0; h < hosts; h++) {
        x->of[h] = x->g->found.of[h];
        if (estate_host(x->e, h)->kind == ESTATE_HYPERVISOR) {
            x->of[h] = UINT32_MAX;
        } else if (x->of[h] == GROUP_HUB) {
            x->of[h] = (uint32_t)(groups + x->hubs_n);
            x->hubs[x->hubs_n++] = h;
        }
    }
    return 0;
}

static void write_all(const struct writer *x, uint64_t now_ms)
{
    const struct estate_groups *g = x->g;
    size_t flow = 0;

    jsw_obj(x->w, NULL);
    jsw_str(x->w, "schema", "godwit.plan-input/1");
    jsw_time(x->w, "now", now_ms);
    jsw_u64(x->w, "link_bytes_per_s", 0);
    jsw_arr(x->w, "calendars");
    jsw_end(x->w);
    jsw_arr(x->w, "workloads");
    for (uint32_t k = 0; k < g->found.n; k++) {
        if (*g->names[k])
            write_workload(x, k, g->members + g->first[k], g->first[k + 1] - g->first[k], &flow);
    }
    for (size_t i = 0; i < x->hubs_n; i++)
        write_workload(x, (uint32_t)(g->found.n + i), &x->hubs[i], 1, &flow);
    jsw_end(x->w);
    jsw_end(x->w);
}

int estate_plan_input(const struct estate *e, const struct estate_groups *g, uint64_t now_ms,
                      struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    struct writer x = {.e = e, .g = g};
    int r = jsw_new(&w, err);

    x.w = w;
    if (r == 0)
        r = number_hosts(&x, err);
    if (r == 0)
        r = read_flows(&x, err);
    if (r == 0) {
        write_all(&x, now_ms);
        r = jsw_take(w, ret, err);
    }
    free(x.flows);
    free(x.of);
    free(x.hubs);
    return r;
}
