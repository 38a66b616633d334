/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How few machines the loads of one time need, and how that goes the next.
 *
 *   bench_share planetlab DIR     a day, judged on the next day there is; machines of 16 cores
 *   bench_share bitbrains DIR     the first fortnight, judged on the second; 32 cores, 512 GiB
 *
 * For each time: machines that the packing uses, the fewest that any packing could use of the time
 * that it is judged on (all of its load in one heap, and all memory), and the share of
 * machine-samples in which more was wanted than there was. A PlanetLab machine's 100% is taken as
 * one core.
 */
#include "base/auto.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/consolidate.h"
#include "planner/engine/share.h"
#include "tests/bench/series_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { DAY = 288, HOUR = 12 };

struct load {
    const float *past, *next; /* samples */
    double unit;              /* cores of a value */
    uint64_t memory;
    float slots[SHARE_SLOTS_MAX];
};

struct trace {
    const char *name;
    struct load *loads;
    size_t n, past_n, next_n, slots;
    struct share_bin bin;
};

/* Means of slots, and what is left to vary within them. */
static struct share_item item_of(struct load *l, size_t n, size_t slots)
{
    double sum[SHARE_SLOTS_MAX] = {0}, variance = 0;
    size_t seen[SHARE_SLOTS_MAX] = {0}, all = 0;

    for (size_t i = 0; i < n; i++) {
        if (!isnan(l->past[i])) {
            sum[i / HOUR % slots] += (double)l->past[i] * l->unit;
            seen[i / HOUR % slots]++;
        }
    }
    for (size_t s = 0; s < slots; s++)
        l->slots[s] = (float)(seen[s] ? sum[s] / (double)seen[s] : 0);
    for (size_t i = 0; i < n; i++) {
        double off = (double)l->past[i] * l->unit - (double)l->slots[i / HOUR % slots];

        if (isnan(l->past[i]))
            continue;
        variance += off * off;
        all++;
    }
    return (struct share_item){
        .load = l->slots, .variance = all ? variance / (double)all : 0, .memory = l->memory};
}

/* The share of machine-samples over; also the fewest machines for the whole of each sample. */
static double judge(const struct trace *t, const size_t *where, size_t bins, size_t *ret_fewest)
{
    auto_free double *sum = calloc(bins, sizeof(*sum));
    size_t over = 0, samples = 0;
    double most = 0, memory = 0;

    for (size_t s = 0; s < t->next_n && sum; s++) {
        double all = 0;

        for (size_t b = 0; b < bins; b++)
            sum[b] = 0;
        for (size_t i = 0; i < t->n; i++) {
            double v =
                isnan(t->loads[i].next[s]) ? 0 : (double)t->loads[i].next[s] * t->loads[i].unit;

            sum[where[i]] += v;
            all += v;
        }
        most = all > most ? all : most;
        for (size_t b = 0; b < bins; b++) {
            samples += sum[b] > 0;
            over += sum[b] > t->bin.cores;
        }
    }
    for (size_t i = 0; i < t->n; i++)
        memory += (double)t->loads[i].memory;
    *ret_fewest = (size_t)fmax(ceil(most / t->bin.cores),
                               t->bin.memory ? ceil(memory / (double)t->bin.memory) : 0);
    return samples ? (double)over / (double)samples : 0;
}

static int run(const struct trace *t, struct share_spec how, struct err *err)
{
    auto_free struct share_item *items = calloc(t->n + 1, sizeof(*items));
    auto_free struct share_bin *bins = calloc(t->n + 1, sizeof(*bins));
    auto_free size_t *where = calloc(t->n + 1, sizeof(*where));
    struct share_spec spec = {.items = items,
                              .bins = bins,
                              .items_n = t->n,
                              .bins_n = t->n,
                              .slots = t->slots,
                              .z = how.z,
                              .drift = how.drift};
    size_t used = 0, fewest = 0;
    double over;
    int r;

    if (how.drift < 0) {
        spec.z = consolidate_policy_default.z;
        spec.drift = consolidate_policy_default.drift +
                     consolidate_policy_default.drift_by_days * DAY / (double)t->past_n;
    }
    if (!items || !bins || !where)
        return err_set(err, -ENOMEM, "%zu loads: %m", t->n);
    for (size_t i = 0; i < t->n; i++) {
        items[i] = item_of(&t->loads[i], t->past_n, t->slots);
        bins[i] = t->bin;
    }
    r = share_fit(&spec, where, &used, err);
    if (r < 0)
        return r;
    over = judge(t, where, t->n, &fewest);
    printf("%-10s %5zu loads  %3zu machines, at least %3zu (%+zd)  over %.3f%%\n", t->name, t->n,
           used, fewest, (ssize_t)(used - fewest), 100 * over);
    return 0;
}

static int planetlab(const char *dir, struct share_spec how, struct err *err)
{
    static const char *const days[] = {"20110303", "20110306", "20110309", "20110322",
                                       "20110325", "20110403", "20110409", "20110411"};
    auto_series struct series past = {0};
    int r = 0;

    for (size_t d = 0; r == 0 && d < ARRAY_LEN(days); d++) {
        struct series day = {0};
        struct trace t = {.name = days[d],
                          .past_n = DAY,
                          .next_n = DAY,
                          .slots = 24,
                          .bin = {.cores = 16, .memory = 1}};
        char path[4096];

        r = text_print(path, sizeof(path), "%s/cpu_%s.csv.gz", dir, days[d]);
        if (r == 0)
            r = series_read(path, &day, err);
        t.loads = calloc(past.n + 1, sizeof(*t.loads));
        for (size_t i = 0; r == 0 && t.loads && i < past.n; i++) {
            const struct series_row *b = series_find(&day, past.rows[i].name);

            if (b && b->n == DAY && past.rows[i].n == DAY)
                t.loads[t.n++] =
                    (struct load){.past = past.rows[i].values, .next = b->values, .unit = 0.01};
        }
        if (r == 0 && t.n > 0)
            r = run(&t, how, err);
        free(t.loads);
        series_done(&past);
        past = day;
    }
    return r;
}

struct bitbrains {
    struct series cpu, vms, memory;
};

static void bitbrains_done(struct bitbrains *b)
{
    series_done(&b->cpu);
    series_done(&b->vms);
    series_done(&b->memory);
}

/* Largest use of memory in the first half, and a tenth: what sizing says. */
static uint64_t memory_of(const struct series_row *used)
{
    double most = 0;

    for (size_t i = 0; i < used->n / 2; i++)
        most = isnan(used->values[i]) ? most : fmax(most, (double)used->values[i]);
    return (uint64_t)(most * 1.1) << 20;
}

static int bitbrains(const char *dir, struct share_spec how, struct err *err)
{
    AUTO(bitbrains_done) struct bitbrains b = {0};
    const struct {
        const char *name;
        struct series *into;
    } files[] = {{"cpu_permille_20130803_28d.csv.gz", &b.cpu},
                 {"mem_used_mib_20130803_28d.csv.gz", &b.memory},
                 {"vms.csv", &b.vms}};
    struct trace t = {
        .name = "bitbrains", .slots = 168, .bin = {.cores = 32, .memory = (uint64_t)512 << 30}};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++) {
        char path[4096];

        r = text_print(path, sizeof(path), "%s/%s", dir, files[i].name);
        if (r == 0)
            r = series_read(path, files[i].into, err);
    }
    if (r < 0)
        return r;
    t.loads = calloc(b.cpu.n + 1, sizeof(*t.loads));
    for (size_t i = 0; t.loads && i < b.cpu.n; i++) {
        const struct series_row *row = &b.cpu.rows[i];
        const struct series_row *vm = series_find(&b.vms, row->name);
        const struct series_row *memory = series_find(&b.memory, row->name);

        if (!vm || vm->n != 3 || !memory)
            continue;
        t.past_n = row->n / 2;
        t.next_n = row->n - t.past_n;
        t.loads[t.n++] = (struct load){.past = row->values,
                                       .next = row->values + t.past_n,
                                       .unit = 0.001 * (double)vm->values[0],
                                       .memory = memory_of(memory)};
    }
    r = run(&t, how, err);
    free(t.loads);
    return r;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct share_spec how = {.drift = -1};
    int r = -EINVAL;

    if ((argc > 3 && num_parse_f64(argv[3], &how.z, &err) < 0) ||
        (argc > 4 && num_parse_f64(argv[4], &how.drift, &err) < 0))
        argc = 0;
    if (argc >= 3 && text_equal(argv[1], "planetlab"))
        r = planetlab(argv[2], how, &err);
    else if (argc >= 3 && text_equal(argv[1], "bitbrains"))
        r = bitbrains(argv[2], how, &err);
    else
        (void)err_set(&err, -EINVAL, "usage: bench_share planetlab|bitbrains DIR [Z DRIFT]");
    if (r < 0)
        fprintf(stderr, "bench_share: %s\n", err.text);
    return r < 0;
}
