/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes as a document: each number that led to a shape stands beside it. */
#include "planner/engine/estate_size.h"

#include "base/err.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/host_fit.h"
#include "planner/engine/money.h"
#include "planner/engine/software.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

#define SIZES_SCHEMA "godwit.sizes/1"

enum { WHY_MAX = 256 };

struct sums {
    uint64_t sized, unsized, cores, vcpus, memory, shape_memory;
    uint64_t windows; /* hosts that run it */
    int64_t price, arm_saves;
};

/* -- why -------------------------------------------------------------------------------------- */

static void why(struct jsw *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void why(struct jsw *w, const char *fmt, ...)
{
    char text[WHY_MAX];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    jsw_str(w, NULL, text);
}

static void write_cpu_why(struct jsw *w, const struct estate_host *h, const struct size_need *need)
{
    const struct estate_usage *u = h->usage[ESTATE_CPU_PERCENT];

    if (!need->cpu_measured) {
        why(w, "%s: its %llu cores are taken as they are",
            u ? "of CPU only a mean is known" : "CPU was not measured",
            (unsigned long long)h->cores);
        return;
    }
    why(w, "CPU: %.0f%% of %llu cores are needed, %.1f vCPUs%s", need->cpu_percent,
        (unsigned long long)h->cores, need->vcpus,
        u->buckets_n ? "" : " (from the quantiles that the source tells)");
    if (estate_usage_days(u) > 0 && estate_usage_days(u) < 7)
        why(w, "measured for %.1f days: a week says more", estate_usage_days(u));
}

static void write_why(struct jsw *w, const struct estate_host *h, const struct size_need *need)
{
    char bytes[NUM_TEXT_MAX], has[NUM_TEXT_MAX];

    jsw_arr(w, "why");
    write_cpu_why(w, h, need);
    num_format_bytes(need->memory_bytes, false, bytes);
    num_format_bytes(h->memory_bytes, false, has);
    if (need->memory_measured)
        why(w, "memory: %s of %s are needed", bytes, has);
    else
        why(w, "memory was not measured: its %s are taken as they are", has);
    if (host_fit_is_critical(h))
        why(w, "tagged critical: the stricter rule");
    if (need->gpus)
        why(w, "it has %u GPUs", need->gpus);
    if (h->power == ESTATE_OFF)
        why(w, "it is powered off: is it needed at all?");
    jsw_end(w);
}

/* -- hosts ------------------------------------------------------------------------------------ */

static void write_need(struct jsw *w, const struct size_need *need)
{
    jsw_obj(w, "need");
    jsw_f64(w, "cpu_percent", (double)(uint64_t)(need->cpu_percent * 10 + 0.5) / 10);
    jsw_f64(w, "cpu_share", (double)(uint64_t)(need->cpu_percent * 10 + 0.5) / 1000);
    jsw_f64(w, "vcpus", (double)(uint64_t)(need->vcpus * 100 + 0.5) / 100);
    jsw_u64(w, "memory_bytes", need->memory_bytes);
    jsw_u64(w, "disk_bytes_per_s", need->disk_bytes_per_s);
    jsw_u64(w, "net_bytes_per_s", need->net_bytes_per_s);
    jsw_u64(w, "gpus", need->gpus);
    jsw_bool(w, "cpu_measured", need->cpu_measured);
    jsw_bool(w, "memory_measured", need->memory_measured);
    jsw_end(w);
}

static void write_shape(struct jsw *w, const char *key, const struct catalogue_shape *s,
                        const struct catalogue *c)
{
    char price[MONEY_TEXT_MAX];

    if (!s) {
        jsw_null(w, key);
        return;
    }
    jsw_obj(w, key);
    jsw_str(w, "name", s->name);
    jsw_u64(w, "vcpus", s->vcpus);
    jsw_u64(w, "memory_bytes", s->memory_bytes);
    jsw_u64(w, "gpus", s->gpus);
    jsw_u64(w, "micros_per_hour", s->price_micros);
    jsw_str(w, "price_per_hour",
            *c->currency ? money_exact(money_of((__int128)s->price_micros), price) : NULL);
    jsw_str(w, "price_date", *s->date ? s->date : NULL);
    jsw_end(w);
}

static void add_up(struct sums *sums, const struct estate_host *h,
                   const struct shape_choice *choice)
{
    const struct catalogue_shape *s = choice->x86 ? choice->x86 : choice->arm;

    sums->sized++;
    sums->windows += h->os_family == ESTATE_WINDOWS;
    sums->cores += h->cores;
    sums->memory = num_min(sums->memory + h->memory_bytes, INT64_MAX);
    sums->vcpus += s->vcpus;
    sums->shape_memory = num_min(sums->shape_memory + s->memory_bytes, INT64_MAX);
    sums->price = money_add(sums->price, money_of((__int128)s->price_micros));
    if (choice->arm && choice->x86)
        sums->arm_saves = money_add(sums->arm_saves, money_of((__int128)choice->x86->price_micros -
                                                              choice->arm->price_micros));
}

static void write_head(struct jsw *w, const struct estate_host *h)
{
    jsw_str(w, "host", h->name);
    jsw_str(w, "workload", *h->workload ? h->workload : NULL);
    jsw_u64(w, "cores", h->cores);
    jsw_u64(w, "memory_bytes", h->memory_bytes);
}

static void write_sized(struct jsw *w, const struct estate_size_spec *spec,
                        const struct estate_host *h, const struct shape_choice *choice)
{
    const struct size_need need = host_fit_need(spec->policy, h);
    const char *arm_why = "";

    jsw_obj(w, NULL);
    write_head(w, h);
    write_need(w, &need);
    write_shape(w, "shape", choice->x86 ? choice->x86 : choice->arm, spec->catalogue);
    write_shape(w, "arm_shape", choice->x86 ? choice->arm : NULL, spec->catalogue);
    if (!host_fit_runs_on_arm(h))
        (void)software_runs_on_arm(h, &arm_why);
    jsw_str(w, "not_on_arm", *arm_why ? arm_why : NULL);
    jsw_arr(w, "unknown");
    if (choice->unknown & SHAPE_DISK_UNKNOWN)
        jsw_str(w, NULL, "the list does not say how fast the shape's disks are");
    if (choice->unknown & SHAPE_NET_UNKNOWN)
        jsw_str(w, NULL, "the list does not say how fast the shape's network is");
    jsw_end(w);
    write_why(w, h, &need);
    jsw_end(w);
}

static int write_hosts(struct jsw *w, const struct estate_size_spec *spec, struct sums *sums,
                       struct jsw *unsized)
{
    for (size_t i = 0; i < estate_hosts(spec->estate); i++) {
        const struct estate_host *h = estate_host(spec->estate, i);
        struct shape_choice choice;
        struct err reason = {0};
        int r;

        if (h->kind == ESTATE_HYPERVISOR)
            continue;
        r = host_fit_shape(spec->policy, spec->catalogue, h, &choice, &reason);
        if (r == -ENOMEM)
            return r;
        if (r == 0) {
            add_up(sums, h, &choice);
            write_sized(w, spec, h, &choice);
            continue;
        }
        sums->unsized++;
        jsw_obj(unsized, NULL);
        write_head(unsized, h);
        jsw_str(unsized, "why", reason.text);
        jsw_end(unsized);
    }
    return 0;
}

static void write_sums(struct jsw *w, const struct sums *s, const struct catalogue *c)
{
    char price[MONEY_TEXT_MAX], saves[MONEY_TEXT_MAX];

    jsw_obj(w, "sum");
    jsw_u64(w, "hosts", s->sized);
    jsw_u64(w, "windows_hosts", s->windows);
    jsw_u64(w, "cores", s->cores);
    jsw_u64(w, "vcpus", s->vcpus);
    jsw_u64(w, "memory_bytes", s->memory);
    jsw_u64(w, "shape_memory_bytes", s->shape_memory);
    jsw_i64(w, "micros_per_hour", s->price);
    jsw_str(w, "price_per_hour", *c->currency ? money_exact(s->price, price) : NULL);
    jsw_str(w, "arm_saves_per_hour", *c->currency ? money_exact(s->arm_saves, saves) : NULL);
    jsw_end(w);
}

static void write_catalogue(struct jsw *w, const struct catalogue *c)
{
    jsw_obj(w, "catalogue");
    jsw_str(w, "provider", c->provider);
    jsw_str(w, "region", *c->region ? c->region : NULL);
    jsw_str(w, "currency", *c->currency ? c->currency : NULL);
    jsw_str(w, "date", *catalogue_date(c) ? catalogue_date(c) : NULL);
    jsw_bool(w, "windows", c->windows);
    jsw_end(w);
}

int estate_size_write(const struct estate_size_spec *spec, struct js **ret, size_t *ret_unsized,
                      struct err *err)
{
    auto_jsw struct jsw *w = NULL, *unsized = NULL;
    auto_js struct js *left = NULL;
    struct sums sums = {0};
    int r = jsw_new(&w, err);

    if (r == 0)
        r = jsw_new(&unsized, err);
    if (r < 0)
        return r;
    jsw_arr(unsized, NULL);
    jsw_obj(w, NULL);
    jsw_str(w, "schema", SIZES_SCHEMA);
    write_catalogue(w, spec->catalogue);
    jsw_arr(w, "hosts");
    r = write_hosts(w, spec, &sums, unsized);
    jsw_end(w);
    jsw_end(unsized);
    if (r == 0)
        r = jsw_take(unsized, &left, err);
    if (r < 0)
        return r;
    jsw_js(w, "unsized", left);
    write_sums(w, &sums, spec->catalogue);
    jsw_end(w);
    if (ret_unsized)
        *ret_unsized = sums.unsized;
    return jsw_take(w, ret, err);
}
