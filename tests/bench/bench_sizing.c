/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How well sizes of one time fit the next.
 *
 *   bench_sizing planetlab DIR                a day, judged on the next day there is
 *   bench_sizing bitbrains DIR [PRICES.csv]   the first half, judged on the second
 *
 * For each rule: what is allocated in percent of what there was (bitbrains: of MHz), the share of
 * samples above it, and the share of machines with more than 1% of their samples above it. With a
 * price list (Alibaba's, cn-hangzhou): what the shapes cost beside the cheapest that fit the
 * machines as they were, and machines that ever use more memory than their shape has.
 *
 * The later pairs of planetlab are shown apart. Our rule was settled with all results in sight:
 * none of these is a blind test.
 */
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/text.h"
#include "inventory/rollup.h"
#include "planner/engine/catalogue_read.h"
#include "tests/bench/series_read.h"
#include "tests/bench/shape_rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { PLANETLAB_EARLIER = 4, DAY = 288, PRICES_MAX = 16 << 20 };

/* -- rules ----------------------------------------------------------------------------- */

typedef double (*rule_fn)(const struct rollup_hist *cpu, double days);

static double rule_ours(const struct rollup_hist *cpu, double days)
{
    struct size_use use = {.cpu_percent = cpu, .days = days, .vcpus = 1};

    return size_of(&size_policy_default, &use).cpu_percent;
}

static double rule_p99_7(const struct rollup_hist *cpu, double days)
{
    (void)days;
    return rollup_hist_quantile(cpu, 0.99) + 7;
}

static double rule_p95(const struct rollup_hist *cpu, double days)
{
    (void)days;
    return rollup_hist_quantile(cpu, 0.95) * 1.2;
}

static double rule_p99(const struct rollup_hist *cpu, double days)
{
    (void)days;
    return rollup_hist_quantile(cpu, 0.99);
}

static double rule_aws(const struct rollup_hist *cpu, double days)
{
    (void)days;
    return rollup_hist_quantile(cpu, 0.995) * 1.2;
}

static const struct {
    const char *name;
    rule_fn need;
} rules[] = {
    {"ours", rule_ours}, {"p99 + 7", rule_p99_7},        {"p95 x 1.2", rule_p95},
    {"p99", rule_p99},   {"AWS, p99.5 x 1.2", rule_aws},
};

/* -- judging --------------------------------------------------------------------------- */

struct score {
    double allocated, weight;
    size_t samples, over, machines, machines_over;
};

static void fill(struct rollup_hist *h, const float *v, size_t n, double unit, double most)
{
    for (size_t i = 0; i < n; i++) {
        if (!isnan(v[i]))
            (void)rollup_hist_add(h, fmin((double)v[i] * unit, most));
    }
}

/* One machine: sized on past, judged on next. unit makes percent of a value. */
static void judge(struct score *scores, struct shape_part past, struct shape_part next, double unit,
                  double weight)
{
    struct rollup_hist h = {0};

    fill(&h, past.values, past.n, unit, 100);
    for (size_t k = 0; k < ARRAY_LEN(rules) && h.n > 0; k++) {
        double need = fmin(100, rules[k].need(&h, (double)past.n / DAY));
        size_t samples = 0, over = 0;

        for (size_t i = 0; i < next.n; i++) {
            samples += isnan(next.values[i]) ? 0 : 1;
            over += !isnan(next.values[i]) && fmin(100, (double)next.values[i] * unit) > need;
        }
        scores[k].allocated += need * weight;
        scores[k].weight += weight;
        scores[k].samples += samples;
        scores[k].over += over;
        scores[k].machines++;
        scores[k].machines_over += over * 100 > samples;
    }
}

static void show(const char *what, const struct score *scores)
{
    printf("%s: %zu machines\n%-18s %10s %10s %10s\n", what, scores[0].machines, "rule",
           "allocated", "violating", "over 1%");
    for (size_t k = 0; k < ARRAY_LEN(rules); k++)
        printf("%-18s %9.2f%% %9.2f%% %9.2f%%\n", rules[k].name,
               scores[k].allocated / scores[k].weight,
               100 * (double)scores[k].over / (double)scores[k].samples,
               100 * (double)scores[k].machines_over / (double)scores[k].machines);
}

/* -- planetlab ------------------------------------------------------------------------- */

static int planetlab(const char *dir, struct err *err)
{
    static const char *const days[] = {"20110303", "20110306", "20110309", "20110322",
                                       "20110325", "20110403", "20110409", "20110411"};
    struct score all[ARRAY_LEN(rules)] = {0}, later[ARRAY_LEN(rules)] = {0};
    auto_series struct series past = {0};

    for (size_t d = 0; d < ARRAY_LEN(days); d++) {
        struct series day = {0};
        char path[4096];
        int r = text_print(path, sizeof(path), "%s/cpu_%s.csv.gz", dir, days[d]);

        if (r == 0)
            r = series_read(path, &day, err);
        if (r < 0)
            return r;
        for (size_t i = 0; i < past.n; i++) {
            const struct series_row *a = &past.rows[i], *b = series_find(&day, a->name);
            struct shape_part was = {a->values, a->n}, is = {b ? b->values : NULL, b ? b->n : 0};

            if (!b)
                continue;
            judge(all, was, is, 1, 1);
            if (d > PLANETLAB_EARLIER)
                judge(later, was, is, 1, 1);
        }
        series_done(&past);
        past = day;
    }
    show("planetlab, all days", all);
    show("planetlab, later pairs", later);
    return 0;
}

/* -- bitbrains ------------------------------------------------------------------------- */

struct bitbrains {
    struct series cpu, memory, vms;
    struct catalogue catalogue;
};

struct bitbrains_scores {
    struct score rules[ARRAY_LEN(rules)];
    struct shape_score shapes[SHAPE_RULES];
};

static void bitbrains_done(struct bitbrains *b)
{
    series_done(&b->cpu);
    series_done(&b->memory);
    series_done(&b->vms);
    catalogue_done(&b->catalogue);
}

/* vm: cores, MHz, KiB. */
static void bitbrains_machine(const struct series_row *cpu, const struct series_row *memory,
                              const struct series_row *vm, const struct catalogue *c,
                              struct bitbrains_scores *scores)
{
    static const double mib = 1 << 20;
    struct rollup_hist used = {0}, busy = {0};
    size_t half = cpu->n / 2;
    double has = (double)vm->values[2] * 1024, most = 0;
    struct shape_case m = {.use = {.cpu_percent = &busy,
                                   .memory_bytes = &used,
                                   .days = (double)half / DAY,
                                   .vcpus = (unsigned)vm->values[0],
                                   .memory_has_bytes = (uint64_t)has},
                           .past = {cpu->values, half},
                           .next = {cpu->values + half, cpu->n - half},
                           .unit = 0.1};

    judge(scores->rules, m.past, m.next, m.unit, (double)vm->values[1]);
    if (!c->n)
        return;
    fill(&busy, cpu->values, half, m.unit, 100);
    fill(&used, memory->values, half, mib, has);
    for (size_t i = half; i < memory->n; i++)
        most = isnan(memory->values[i]) ? most : fmax(most, (double)memory->values[i] * mib);
    m.next_memory_bytes = fmin(most, has);
    shape_rules_judge(c, &m, scores->shapes);
}

static int bitbrains_load(const char *dir, const char *prices, struct bitbrains *b, struct err *err)
{
    static const struct catalogue_spec spec = {.provider = "alibaba", .region = "cn-hangzhou"};
    const struct {
        const char *name;
        struct series *into;
    } files[] = {{"cpu_permille_20130803_28d.csv.gz", &b->cpu},
                 {"mem_used_mib_20130803_28d.csv.gz", &b->memory},
                 {"vms.csv", &b->vms}};
    auto_buf struct buf csv = {.max = PRICES_MAX};
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++) {
        char path[4096];

        r = text_print(path, sizeof(path), "%s/%s", dir, files[i].name);
        if (r == 0)
            r = series_read(path, files[i].into, err);
    }
    if (r == 0 && prices)
        r = fd_load(prices, PRICES_MAX, &csv, err);
    if (r == 0 && prices)
        r = catalogue_read_all(buf_slice(&csv), &spec, &b->catalogue, err);
    return r;
}

static int bitbrains(const char *dir, const char *prices, struct err *err)
{
    AUTO(bitbrains_done) struct bitbrains b = {0};
    struct bitbrains_scores scores = {0};
    int r = bitbrains_load(dir, prices, &b, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < b.cpu.n; i++) {
        const struct series_row *memory = series_find(&b.memory, b.cpu.rows[i].name);
        const struct series_row *vm = series_find(&b.vms, b.cpu.rows[i].name);

        if (memory && vm && vm->n == 3)
            bitbrains_machine(&b.cpu.rows[i], memory, vm, &b.catalogue, &scores);
    }
    show("bitbrains, second half", scores.rules);
    if (b.catalogue.n)
        shape_rules_show(&b.catalogue, scores.shapes);
    return 0;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int r = -EINVAL;

    if (argc == 3 && text_equal(argv[1], "planetlab"))
        r = planetlab(argv[2], &err);
    else if ((argc == 3 || argc == 4) && text_equal(argv[1], "bitbrains"))
        r = bitbrains(argv[2], argc == 4 ? argv[3] : NULL, &err);
    else
        (void)err_set(&err, -EINVAL, "usage: bench_sizing planetlab|bitbrains DIR [PRICES.csv]");
    if (r < 0)
        fprintf(stderr, "bench_sizing: %s\n", err.text);
    return r < 0;
}
