/* SPDX-License-Identifier: Apache-2.0 */
/* Demand and room of each pool, month by month. */
#include "planner/engine/runway.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/consolidate_load.h"
#include "planner/engine/estate.h"
#include "planner/engine/host_fit.h"
#include "planner/engine/replicas.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

enum { MONTHS = 240, POOLS_MAX = 4096 };
enum resource { CPU, MEMORY, DISK, RESOURCES };
/* Each has those before it in it. */
enum step { AS_IT_IS, STILL_OFF, SIZED, BURST, MOVED, STEPS };

static const char *const resource_names[] = {"cpu", "memory", "disk"};
static const char *const step_names[] = {"as it is", "off what does nothing", "sized by use",
                                         "peaks in the cloud", "moved by the plan"};

struct pool {
    const char *name;
    size_t hosts, machines;
    double room[RESOURCES];             /* 0: no list says */
    bool unknown[RESOURCES];            /* of one of its hosts: so is the sum */
    double load[ESTATE_WEEK], variance; /* of CPU, as it is */
    double demand[STEPS][RESOURCES];
    double leaves[RESOURCES][MONTHS]; /* what has moved until then */
    double growth[RESOURCES];         /* a month, of demand as it is; a share */
};

struct fleet {
    const struct estate *e;
    struct pool *pools;
    size_t n;
    size_t *pool_of; /* of each host; POOLS_MAX: in none */
    bool *carries, *talked;
};

/* -- a fleet in pools ------------------------------------------------------------------------ */

static int pool_named(struct fleet *f, const char *name, size_t *ret, struct err *err)
{
    for (size_t i = 0; i < f->n; i++) {
        if (text_equal(f->pools[i].name, name)) {
            *ret = i;
            return 0;
        }
    }
    if (f->n == POOLS_MAX)
        return err_set(err, -EFBIG, "more than %d pools", POOLS_MAX);
    if ((f->n & (f->n - 1)) == 0) {
        struct pool *more = reallocarray(f->pools, f->n ? f->n * 2 : 1, sizeof(*more));

        if (!more)
            return err_set(err, -ENOMEM, "pools: %m");
        f->pools = more;
    }
    f->pools[f->n] = (struct pool){.name = name};
    *ret = f->n++;
    return 0;
}

static void fleet_done(struct fleet *f)
{
    free(f->pools);
    free(f->pool_of);
    free(f->carries);
    free(f->talked);
}

static const struct estate_host *carrier(const struct fleet *f, const struct estate_host *h)
{
    const struct estate_host *on = *h->runs_on ? estate_host_find(f->e, h->runs_on) : NULL;

    return on ? on : h;
}

static int fleet_init(struct fleet *f, const struct estate *e, struct err *err)
{
    size_t n = estate_hosts(e);
    int r = 0;

    f->e = e;
    f->pool_of = calloc(n + 1, sizeof(*f->pool_of));
    f->carries = calloc(n + 1, sizeof(*f->carries));
    f->talked = calloc(n + 1, sizeof(*f->talked));
    if (!f->pool_of || !f->carries || !f->talked)
        return err_set(err, -ENOMEM, "%zu hosts by pool: %m", n);
    for (size_t i = 0; i < n; i++) {
        const struct estate_host *h = estate_host(e, i), *on = carrier(f, h);

        f->carries[on->index] |= on != h;
        f->carries[i] |= h->kind == ESTATE_HYPERVISOR;
    }
    for (size_t i = 0; i < estate_talks(e); i++) {
        const struct estate_talk *t = estate_talk(e, i);

        if (t->from.host)
            f->talked[t->from.host->index] = true;
        if (t->to.host)
            f->talked[t->to.host->index] = true;
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct estate_host *on = carrier(f, estate_host(e, i));

        f->pool_of[i] = POOLS_MAX;
        if (f->carries[on->index])
            r = pool_named(f, consolidate_pool(on), &f->pool_of[i], err);
    }
    return r;
}

/* -- demand ------------------------------------------------------------------------------------ */

static double cpu_of(const double *load, double variance)
{
    double most = 0;

    for (size_t h = 0; h < ESTATE_WEEK; h++)
        most = load[h] > most ? load[h] : most;
    return most + consolidate_policy_default.z * sqrt(variance > 0 ? variance : 0);
}

/* A pool has room for what is provisioned; who is off takes it as well. */
static void add_disks(struct pool *p, const struct estate_host *h, bool still, bool above_base)
{
    double used = (double)host_fit_data(h), size = fmax((double)estate_disk_bytes(h), used);
    const double disks[STEPS] = {size, still ? 0 : size, still ? 0 : used,
                                 still || above_base ? 0 : used, still || above_base ? 0 : used};

    for (size_t s = 0; s < STEPS; s++)
        p->demand[s][DISK] += disks[s];
}

/* A machine's part of each step: does it count, and by which memory? Of a set that scales, those
 * above the base do not count once peaks are in the cloud. */
static void add_machine(struct fleet *f, const struct estate_host *h, bool above_base)
{
    struct pool *p = &f->pools[f->pool_of[h->index]];
    struct consolidate_load l;
    enum consolidate_state state = consolidate_state(&consolidate_policy_default, h,
                                                     estate_talks(f->e) > 0, f->talked[h->index]);
    double peak = 0, memory[STEPS] = {0};

    add_disks(p, h, h->power == ESTATE_OFF || state == CONSOLIDATE_ZOMBIE, above_base);
    if (h->power == ESTATE_OFF)
        return;
    consolidate_load(h, &l);
    p->machines++;
    for (size_t s = 0; s < ESTATE_WEEK; s++) {
        p->load[s] += (double)l.slots[s];
        peak = (double)l.slots[s] > peak ? (double)l.slots[s] : peak;
    }
    p->variance += l.variance;
    memory[AS_IT_IS] = (double)h->memory_bytes;
    memory[STILL_OFF] = state == CONSOLIDATE_ZOMBIE ? 0 : memory[AS_IT_IS];
    memory[SIZED] = state == CONSOLIDATE_ZOMBIE ? 0 : (double)l.memory;
    memory[BURST] = memory[MOVED] = above_base ? 0 : memory[SIZED];
    for (size_t s = 0; s < STEPS; s++)
        p->demand[s][MEMORY] += memory[s];
    /* Of CPU, what a step takes away is taken from the peak of all. */
    p->demand[STILL_OFF][CPU] += state == CONSOLIDATE_ZOMBIE ? peak : 0;
    p->demand[BURST][CPU] += above_base && state != CONSOLIDATE_ZOMBIE ? peak : 0;
}

static int by_kind(const void *a, const void *b)
{
    return replicas_order(*(const struct estate_host *const *)a,
                          *(const struct estate_host *const *)b);
}

/* How many of them are needed all the time; all, unless an owner said that they scale. */
static size_t base_of(const struct estate_host *const *hosts, size_t n)
{
    struct replicas_week week;
    size_t base = n;

    if (n < 2 || !replicas_scale(hosts, n) || !replicas_week(hosts, n, &week))
        return n;
    for (size_t h = 0; h < ESTATE_WEEK; h++)
        base = num_min(base, replicas_needed(&week, h, n));
    return base;
}

static int add_machines(struct fleet *f, struct err *err)
{
    size_t n = estate_hosts(f->e), from = 0;
    auto_free const struct estate_host **all = calloc(n + 1, sizeof(void *));

    if (!all)
        return err_set(err, -ENOMEM, "%zu hosts by their work: %m", n);
    for (size_t i = 0; i < n; i++)
        all[i] = estate_host(f->e, i);
    if (n > 1)
        qsort(all, n, sizeof(void *), by_kind);
    for (size_t i = 1; i <= n; i++) {
        size_t base;

        if (i < n && replicas_alike(all[i], all[from]))
            continue;
        base = base_of(all + from, i - from);
        for (size_t k = from; k < i; k++) {
            if (f->pool_of[all[k]->index] < POOLS_MAX && !f->carries[all[k]->index])
                add_machine(f, all[k], k - from >= base);
        }
        from = i;
    }
    return 0;
}

static int measure(struct fleet *f, double peak, struct err *err)
{
    int r = add_machines(f, err);

    for (size_t i = 0; i < estate_hosts(f->e); i++) {
        const struct estate_host *h = estate_host(f->e, i);

        if (!f->carries[i] || f->pool_of[i] == POOLS_MAX)
            continue;
        f->pools[f->pool_of[i]].hosts++;
        f->pools[f->pool_of[i]].room[CPU] += (double)h->cores;
        f->pools[f->pool_of[i]].room[MEMORY] +=
            (double)h->memory_bytes * consolidate_policy_default.memory_share;
        f->pools[f->pool_of[i]].room[DISK] += (double)estate_disk_bytes(h);
        f->pools[f->pool_of[i]].unknown[CPU] |= h->cores == 0;
        f->pools[f->pool_of[i]].unknown[MEMORY] |= h->memory_bytes == 0;
    }
    for (size_t i = 0; i < f->n; i++) {
        struct pool *p = &f->pools[i];
        double all = cpu_of(p->load, p->variance) * peak;
        double still = p->demand[STILL_OFF][CPU] * peak, burst = p->demand[BURST][CPU] * peak;

        for (size_t k = 0; k < RESOURCES; k++)
            p->room[k] = p->unknown[k] ? 0 : p->room[k];
        p->demand[AS_IT_IS][CPU] = all;
        p->demand[STILL_OFF][CPU] = p->demand[SIZED][CPU] = fmax(0, all - still);
        p->demand[BURST][CPU] = p->demand[MOVED][CPU] = fmax(0, all - still - burst);
    }
    return r;
}

/* -- growth --------------------------------------------------------------------------------------
 */

static uint64_t measured_at(const struct estate *e)
{
    uint64_t last = 0;

    for (size_t i = 0; i < estate_hosts(e); i++) {
        const struct estate_usage *u = estate_host(e, i)->usage[ESTATE_CPU_PERCENT];

        last = u && u->until_ms > last ? u->until_ms : last;
    }
    return last;
}

static int grow(struct fleet *now, const struct runway_spec *spec, struct err *err)
{
    AUTO(fleet_done) struct fleet before = {0};
    uint64_t from, until;
    double months;
    int r;

    for (size_t i = 0; i < now->n; i++) {
        for (size_t k = 0; k < RESOURCES; k++)
            now->pools[i].growth[k] = spec->growth_percent / 1200;
    }
    if (!spec->before)
        return 0;
    from = measured_at(spec->before);
    until = measured_at(spec->now);
    if (from == 0 || until <= from)
        return err_set(err, -EINVAL,
                       "the earlier fleet was not measured before this one (\"until\" "
                       "of cpu_percent)");
    months = (double)(until - from) / (730.0 * 3600 * 1000);
    r = fleet_init(&before, spec->before, err);
    if (r == 0)
        r = measure(&before, spec->peak, err);
    for (size_t i = 0; r == 0 && i < now->n; i++) {
        struct pool *p = &now->pools[i];

        for (size_t k = 0; k < before.n; k++) {
            for (size_t s = 0; text_equal(before.pools[k].name, p->name) && s < RESOURCES; s++) {
                double was = before.pools[k].demand[AS_IT_IS][s], is = p->demand[AS_IT_IS][s];

                p->growth[s] = is > 0 ? (is - was) / is / months : 0;
            }
        }
    }
    return r;
}

/* -- who leaves -----------------------------------------------------------------------------------
 */

static size_t month_of(const struct runway_spec *spec, const char *time)
{
    uint64_t ms;
    unsigned month;

    if (!time || text_parse_time(time, &ms, NULL) < 0)
        return MONTHS;
    month = (unsigned)((time[0] - '0') * 1000 + (time[1] - '0') * 100 + (time[2] - '0') * 10 +
                       (time[3] - '0')) *
                12 +
            (unsigned)((time[5] - '0') * 10 + (time[6] - '0')) - 1;
    return month > spec->start_month ? num_min(month - spec->start_month, MONTHS) : 0;
}

static void leave(struct fleet *f, const char *workload, size_t month)
{
    const struct estate_workload *w = estate_workload_find(f->e, workload);

    for (size_t i = 0; w && i < w->hosts_n; i++) {
        struct consolidate_load l;
        struct pool *p;
        double peak = 0;

        if (f->pool_of[w->hosts[i]->index] == POOLS_MAX || f->carries[w->hosts[i]->index])
            continue;
        p = &f->pools[f->pool_of[w->hosts[i]->index]];
        consolidate_load(w->hosts[i], &l);
        for (size_t s = 0; s < ESTATE_WEEK; s++)
            peak = (double)l.slots[s] > peak ? (double)l.slots[s] : peak;
        for (size_t t = month; t < MONTHS; t++) {
            p->leaves[CPU][t] += peak;
            p->leaves[MEMORY][t] += (double)l.memory;
            p->leaves[DISK][t] += (double)host_fit_data(w->hosts[i]);
        }
    }
}

static int leave_by_plan(struct fleet *f, const struct runway_spec *spec, struct err *err)
{
    const struct js *waves = js_member(spec->plan, "waves");
    int r = spec->plan ? js_check_schema(spec->plan, "godwit.plan/1", err) : 0;

    for (size_t i = 0; r == 0 && i < js_len(waves); i++) {
        const struct js *list = js_member(js_at(waves, i), "workloads");
        size_t month = month_of(spec, js_str(js_at(waves, i), "cutover_from", NULL));

        for (size_t k = 0; k < js_len(list) && month < MONTHS; k++)
            leave(f, js_str(js_at(list, k), "workload", ""), month);
    }
    return r;
}

/* -- the answer
 * ------------------------------------------------------------------------------------ */

/* The first month in which more is wanted than there is; MONTHS: none. */
static size_t full_at(const struct pool *p, enum step step, enum resource *ret_what)
{
    for (size_t t = 0; t < MONTHS; t++) {
        for (size_t k = 0; k < RESOURCES; k++) {
            double left = p->demand[step][k] - (step == MOVED ? p->leaves[k][t] : 0);

            if (p->room[k] <= 0)
                continue;
            if (fmax(0, left) * (1 + p->growth[k] * (double)t) > p->room[k]) {
                *ret_what = (enum resource)k;
                return t;
            }
        }
    }
    return MONTHS;
}

static void write_step(const struct runway_spec *spec, const struct pool *p, enum step step,
                       struct jsw *w)
{
    enum resource what = CPU;
    size_t t = full_at(p, step, &what);
    unsigned month = spec->start_month + (unsigned)t;
    char text[32];

    (void)text_print(text, sizeof(text), "%04u-%02u", month / 12 % 10000, month % 12 + 1);
    jsw_obj(w, NULL);
    jsw_str(w, "step", step_names[step]);
    jsw_str(w, "full", t < MONTHS ? text : NULL);
    if (t < MONTHS)
        jsw_u64(w, "months", t);
    jsw_str(w, "by", t < MONTHS ? resource_names[what] : NULL);
    for (size_t k = 0; k < RESOURCES; k++) {
        (void)text_print(text, sizeof(text), "%s_used", resource_names[k]);
        if (p->room[k] <= 0)
            jsw_null(w, text);
        else
            jsw_f64(w, text, round(p->demand[step][k] / p->room[k] * 1000) / 1000);
    }
    jsw_end(w);
}

static void write_pool(const struct runway_spec *spec, const struct pool *p, struct jsw *w)
{
    jsw_obj(w, NULL);
    jsw_str(w, "pool", p->name);
    jsw_u64(w, "hosts", p->hosts);
    jsw_u64(w, "machines", p->machines);
    jsw_u64(w, "cores", (uint64_t)p->room[CPU]);
    jsw_u64(w, "memory_bytes", (uint64_t)p->room[MEMORY]);
    jsw_u64(w, "disk_bytes", (uint64_t)p->room[DISK]);
    for (size_t k = 0; k < RESOURCES; k++) {
        char key[32];

        (void)text_print(key, sizeof(key), "%s_growth_percent", resource_names[k]);
        jsw_f64(w, key, round(p->growth[k] * 120000) / 100);
    }
    jsw_arr(w, "steps");
    for (size_t s = 0; s < STEPS; s++) {
        if (s != MOVED || spec->plan)
            write_step(spec, p, (enum step)s, w);
    }
    jsw_end(w);
    jsw_end(w);
}

const char *runway_full(const struct js *step)
{
    bool known = js_f64(step, "cpu_used", -1) >= 0 && js_f64(step, "memory_used", -1) >= 0;

    return js_str(step, "full", known ? "not in 20 years" : "not known");
}

int runway_compute(const struct runway_spec *spec, struct js **ret, struct err *err)
{
    AUTO(fleet_done) struct fleet f = {0};
    auto_jsw struct jsw *w = NULL;
    int r = fleet_init(&f, spec->now, err);

    if (r == 0)
        r = measure(&f, spec->peak, err);
    if (r == 0)
        r = grow(&f, spec, err);
    if (r == 0)
        r = leave_by_plan(&f, spec, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.runway/1");
    jsw_str(w, "growth", spec->before ? "measured" : "assumed");
    jsw_f64(w, "peak", spec->peak);
    jsw_arr(w, "pools");
    for (size_t i = 0; i < f.n; i++)
        write_pool(spec, &f.pools[i], w);
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}
