/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of like machines, what they would leave to the cloud at a peak, and what speaks against it.
 */
#include "planner/engine/burst.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/host_fit.h"
#include "planner/engine/money.h"
#include "planner/engine/replicas.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/banned.h"

enum { HOURS = 730, CHATTY_PER_S = 50 };
static const uint64_t day_ms = 86400000, state_bytes = (uint64_t)64 << 30;

struct set {
    const struct estate_host **hosts;
    size_t n, at_peak, added; /* machines; at the peak; more than there are now */
    unsigned base;
    size_t hours_above; /* of the week, in which more than the base is needed */
    struct replicas_week week;
    double path_bytes_per_s, connections_per_s;
};

struct work {
    const struct burst_policy *policy;
    const struct catalogue *catalogue;
    const struct estate_host **by_kind;
    double *bytes_per_s, *connections_per_s; /* of each host with others of the estate */
};

static int by_kind(const void *a, const void *b)
{
    return replicas_order(*(const struct estate_host *const *)a,
                          *(const struct estate_host *const *)b);
}

/* -- traffic --------------------------------------------------------------------------------- */

static void add_talk(struct work *w, const struct estate_talk *t)
{
    uint64_t span = t->until_ms > t->from_ms ? num_max(t->until_ms - t->from_ms, 1000) : day_ms;
    const struct estate_end *ends[] = {&t->from, &t->to};

    if (!t->from.host || !t->to.host || replicas_alike(t->from.host, t->to.host))
        return;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        w->bytes_per_s[ends[i]->host->index] += (double)t->bytes * 1000 / (double)span;
        w->connections_per_s[ends[i]->host->index] += (double)t->count * 1000 / (double)span;
    }
}

/* -- one set ----------------------------------------------------------------------------------- */

static void measure(const struct work *w, struct set *s)
{
    double by_peak = s->week.mean > 0 ? s->week.peak / s->week.mean : 1, share;

    s->base = (unsigned)s->n;
    for (size_t hour = 0; hour < ESTATE_WEEK; hour++) {
        unsigned k = replicas_needed(&s->week, hour, s->n);

        s->base = k < s->base ? k : s->base;
    }
    for (size_t hour = 0; hour < ESTATE_WEEK; hour++)
        s->hours_above += replicas_needed(&s->week, hour, s->n) > s->base;
    s->at_peak = (size_t)ceil((double)s->n * w->policy->peak);
    s->added = s->at_peak - s->base;
    share = (double)s->added / (double)s->at_peak;
    for (size_t i = 0; i < s->n; i++) {
        s->path_bytes_per_s += w->bytes_per_s[s->hosts[i]->index];
        s->connections_per_s += w->connections_per_s[s->hosts[i]->index];
    }
    /* At the peak as much more is said as is worked; what is in the cloud says its part of it. */
    s->path_bytes_per_s *= by_peak * w->policy->peak * share;
    s->connections_per_s *= by_peak * w->policy->peak * share;
}

static bool has_software(const struct estate_host *h, const char *const *names, size_t n)
{
    for (size_t i = 0; i < h->software_n; i++) {
        for (size_t k = 0; k < n; k++) {
            if (strcasestr(h->software[i].name, names[k]))
                return true;
        }
    }
    return false;
}

static void reason(struct jsw *w, const char *key, const char *text)
{
    jsw_obj(w, NULL);
    jsw_str(w, "what", key);
    jsw_str(w, "text", text);
    jsw_end(w);
}

static void write_needs(const struct set *s, struct jsw *w)
{
    static const char *const licensed[] = {"oracle",    "sqlserver", "mssql", "weblogic",
                                           "websphere", "db2",       "sap"};
    char text[200];

    jsw_arr(w, "needs");
    (void)text_print(text, sizeof(text), "%.1f Mbit/s between both sides at the peak",
                     s->path_bytes_per_s * 8 / 1e6);
    reason(w, "data path", text);
    if (s->connections_per_s > CHATTY_PER_S) {
        (void)text_print(
            text, sizeof(text),
            "%.0f connections a second cross: each waits for the line, so answers that "
            "can be kept near are",
            s->connections_per_s);
        reason(w, "latency", text);
    }
    if (s->hosts[0]->os_family == ESTATE_WINDOWS)
        reason(w, "licences", "Windows for the hours in the cloud");
    if (has_software(s->hosts[0], licensed, ARRAY_LEN(licensed)))
        reason(w, "licences", "its software is licensed by core: ask before adding machines");
    jsw_end(w);
}

static bool write_against(const struct set *s, struct jsw *w)
{
    static const char *const keeps[] = {"postgres",  "mysql", "mariadb", "mongo",         "oracle",
                                        "cassandra", "redis", "kafka",   "elasticsearch", "mssql"};
    size_t n = 0;

    jsw_arr(w, "against");
    if (!replicas_scale(s->hosts, s->n)) {
        reason(w, "scale", "nobody said that it scales: an owner tags it scale=yes");
        n++;
    }
    if (has_software(s->hosts[0], keeps, ARRAY_LEN(keeps))) {
        reason(w, "state", "it keeps data of its own: added machines would need a copy");
        n++;
    } else if (host_fit_data(s->hosts[0]) > state_bytes) {
        reason(w, "state", "more than 64 GiB lie on each: starting one takes long");
        n++;
    }
    jsw_end(w);
    return n == 0;
}

/* The added machines, on demand, in the hours above the base. */
static void write_price(const struct work *w, const struct set *s, struct jsw *out)
{
    struct shape_choice choice;
    const struct catalogue_shape *shape;
    __int128 month;

    if (!w->catalogue ||
        host_fit_shape(&size_policy_default, w->catalogue, s->hosts[0], &choice, NULL) < 0)
        return;
    shape = choice.arm ? choice.arm : choice.x86;
    month = (__int128)shape->price_micros * HOURS * (__int128)s->hours_above / ESTATE_WEEK *
            (__int128)s->added;
    jsw_str(out, "shape", shape->name);
    jsw_i64(out, "month_micros", money_of(month));
    jsw_str(out, "currency", w->catalogue->currency);
}

static void write_set(const struct work *w, struct set *s, struct jsw *out)
{
    const struct estate_host *h = s->hosts[0];

    jsw_obj(out, NULL);
    jsw_str(out, "workload", *h->workload ? h->workload : NULL);
    jsw_str(out, "first_host", h->name);
    jsw_u64(out, "machines", s->n);
    jsw_u64(out, "base", s->base);
    jsw_u64(out, "at_peak", s->at_peak);
    jsw_u64(out, "in_cloud", s->added);
    jsw_u64(out, "hours_a_week", s->hours_above);
    jsw_u64(out, "cores_freed", (s->n - s->base) * h->cores);
    jsw_u64(out, "memory_freed_bytes",
            (s->n - s->base) * num_min(h->memory_bytes, (uint64_t)1 << 50));
    jsw_u64(out, "path_bytes_per_s", (uint64_t)fmin(s->path_bytes_per_s, 1e15));
    write_price(w, s, out);
    write_needs(s, out);
    jsw_bool(out, "ready", write_against(s, out));
    jsw_end(out);
}

/* -- all of them ---------------------------------------------------------------------------------
 */

static void each_set(const struct work *w, size_t n, struct jsw *out)
{
    size_t from = 0;

    for (size_t i = 1; i <= n; i++) {
        struct set s = {.hosts = w->by_kind + from, .n = i - from};

        if (i < n && replicas_alike(w->by_kind[i], w->by_kind[from]))
            continue;
        from = i;
        if (s.n < 2 || !replicas_week(s.hosts, s.n, &s.week) ||
            s.week.peak * w->policy->peak < s.week.mean * w->policy->gain)
            continue;
        measure(w, &s);
        if (s.added > 0)
            write_set(w, &s, out);
    }
}

static void work_done(struct work *w)
{
    free(w->by_kind);
    free(w->bytes_per_s);
    free(w->connections_per_s);
}

int burst_compute(const struct estate *e, const struct burst_policy *policy,
                  const struct catalogue *catalogue, struct js **ret, struct err *err)
{
    AUTO(work_done) struct work w = {.policy = policy, .catalogue = catalogue};
    size_t n = estate_hosts(e);
    auto_jsw struct jsw *out = NULL;
    int r = jsw_new(&out, err);

    if (r < 0)
        return r;
    w.by_kind = calloc(n + 1, sizeof(void *));
    w.bytes_per_s = calloc(n + 1, sizeof(*w.bytes_per_s));
    w.connections_per_s = calloc(n + 1, sizeof(*w.connections_per_s));
    if (!w.by_kind || !w.bytes_per_s || !w.connections_per_s)
        return err_set(err, -ENOMEM, "peaks of %zu hosts: %m", n);
    for (size_t i = 0; i < n; i++)
        w.by_kind[i] = estate_host(e, i);
    if (n > 1)
        qsort(w.by_kind, n, sizeof(void *), by_kind);
    for (size_t i = 0; i < estate_talks(e); i++)
        add_talk(&w, estate_talk(e, i));
    jsw_obj(out, NULL);
    jsw_str(out, "schema", "godwit.burst/1");
    jsw_f64(out, "peak", policy->peak);
    jsw_arr(out, "sets");
    each_set(&w, n, out);
    jsw_end(out);
    jsw_end(out);
    return jsw_take(out, ret, err);
}
