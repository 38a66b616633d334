/* SPDX-License-Identifier: Apache-2.0 */
/* Largest first into the fullest bin that holds it; then bins are emptied while others have room.
 * No result depends on libm. */
#include "planner/engine/share.h"

#include "base/auto.h"
#include "base/err.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

struct state {
    double sum[SHARE_SLOTS_MAX];
    double variance;
    uint64_t memory;
    size_t n;
};

struct sharing {
    const struct share_spec *spec;
    struct state *bins;
    size_t *order;     /* items, largest first */
    size_t *bin_order; /* bins, largest first */
    double *size;      /* of items, for the order */
    size_t *where;
};

/* -- one bin ------------------------------------------------------------------------------ */

static double peak_with(const struct share_spec *s, const struct state *b,
                        const struct share_item *item)
{
    double most = 0;

    for (size_t i = 0; i < s->slots; i++) {
        double v = b->sum[i] + (item ? (double)item->load[i] : 0);

        most = v > most ? v : most;
    }
    return most * (1 + s->drift) + s->z * sqrt(b->variance + (item ? item->variance : 0));
}

static bool holds(const struct share_spec *s, const struct share_bin *bin, const struct state *b,
                  const struct share_item *item, double *ret_left)
{
    double peak;

    if (item->memory > bin->memory - b->memory)
        return false;
    peak = peak_with(s, b, item);
    *ret_left = bin->cores - peak;
    return peak <= bin->cores;
}

static void put(const struct share_spec *s, struct state *b, const struct share_item *item,
                int sign)
{
    for (size_t i = 0; i < s->slots; i++)
        b->sum[i] += sign * (double)item->load[i];
    b->variance += sign * item->variance;
    b->memory = sign > 0 ? b->memory + item->memory : b->memory - item->memory;
    b->n += sign > 0 ? 1 : (size_t)-1;
    if (b->n == 0) /* nothing is left of what was rounded */
        *b = (struct state){0};
}

/* -- all of them -------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b, void *ctx)
{
    const double *size = ctx;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    if (size[x] != size[y])
        return size[x] > size[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static int by_cores(const void *a, const void *b, void *ctx)
{
    const struct share_bin *bins = ctx;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    if (bins[x].cores != bins[y].cores)
        return bins[x].cores > bins[y].cores ? -1 : 1;
    if (bins[x].memory != bins[y].memory)
        return bins[x].memory > bins[y].memory ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Of cores or memory, the larger part of the largest bin. */
static void order(struct sharing *p)
{
    const struct share_spec *s = p->spec;
    struct share_bin largest = {0};
    static const struct state empty;

    for (size_t i = 0; i < s->bins_n; i++) {
        p->bin_order[i] = i;
        largest.cores = s->bins[i].cores > largest.cores ? s->bins[i].cores : largest.cores;
        largest.memory = s->bins[i].memory > largest.memory ? s->bins[i].memory : largest.memory;
    }
    for (size_t i = 0; i < s->items_n; i++) {
        double cores = largest.cores > 0 ? peak_with(s, &empty, &s->items[i]) / largest.cores : 0;
        double memory =
            largest.memory > 0 ? (double)s->items[i].memory / (double)largest.memory : 0;

        p->order[i] = i;
        p->size[i] = cores > memory ? cores : memory;
    }
    qsort_r(p->order, s->items_n, sizeof(*p->order), by_size, p->size);
    qsort_r(p->bin_order, s->bins_n, sizeof(*p->bin_order), by_cores, (void *)(uintptr_t)s->bins);
}

/* Are there as many of its kind as may be? where: of all items. */
static bool crowded(const struct share_spec *s, const size_t *where, size_t bin, size_t item)
{
    const struct share_item *items = s->items;
    size_t n = 0;

    if (items[item].most == 0)
        return false;
    for (size_t i = item; i > 0 && items[i - 1].kind == items[item].kind; i--)
        n += where[i - 1] == bin;
    for (size_t i = item + 1; i < s->items_n && items[i].kind == items[item].kind; i++)
        n += where[i] == bin;
    return n >= items[item].most;
}

/* The fullest bin in use that holds it, else (when one may be opened) the first that is not. */
static size_t choose(const struct sharing *p, size_t item, size_t not_this, bool may_open)
{
    const struct share_spec *s = p->spec;
    size_t best = SHARE_NOWHERE;
    double best_left = 0;

    for (size_t k = 0; k < s->bins_n; k++) {
        size_t bin = p->bin_order[k];
        double left;

        if (bin == not_this || (p->bins[bin].n == 0 && (!may_open || best != SHARE_NOWHERE)) ||
            !holds(s, &s->bins[bin], &p->bins[bin], &s->items[item], &left) ||
            crowded(s, p->where, bin, item))
            continue;
        if (p->bins[bin].n == 0)
            return bin;
        if (best == SHARE_NOWHERE || left < best_left) {
            best = bin;
            best_left = left;
        }
    }
    return best;
}

static void place_all(struct sharing *p)
{
    for (size_t k = 0; k < p->spec->items_n; k++) {
        size_t item = p->order[k], bin = choose(p, item, SHARE_NOWHERE, true);

        p->where[item] = bin;
        if (bin != SHARE_NOWHERE)
            put(p->spec, &p->bins[bin], &p->spec->items[item], 1);
    }
}

/* Everything in bin to others, or nothing. moved: room for the items. */
static bool empty_bin(struct sharing *p, size_t bin, size_t *moved)
{
    const struct share_spec *s = p->spec;
    size_t n = 0;

    for (size_t k = 0; k < s->items_n; k++) {
        size_t item = p->order[k], to;

        if (p->where[item] != bin)
            continue;
        to = choose(p, item, bin, false);
        if (to == SHARE_NOWHERE) {
            while (n > 0) {
                size_t back = moved[--n];

                put(s, &p->bins[p->where[back]], &s->items[back], -1);
                put(s, &p->bins[bin], &s->items[back], 1);
                p->where[back] = bin;
            }
            return false;
        }
        put(s, &p->bins[bin], &s->items[item], -1);
        put(s, &p->bins[to], &s->items[item], 1);
        p->where[item] = to;
        moved[n++] = item;
    }
    return true;
}

/* The same bins, each item to the one with the most room: nobody is full while others are not. What
 * does not come out stays as it was. */
static void spread(struct sharing *p, struct state *bins, size_t *where)
{
    const struct share_spec *s = p->spec;

    for (size_t k = 0; k < s->items_n; k++) {
        size_t item = p->order[k], best = SHARE_NOWHERE;
        double most = 0;

        for (size_t b = 0; b < s->bins_n && p->where[item] != SHARE_NOWHERE; b++) {
            double left;

            if (p->bins[b].n == 0 || !holds(s, &s->bins[b], &bins[b], &s->items[item], &left) ||
                (best != SHARE_NOWHERE && left <= most) || crowded(s, where, b, item))
                continue;
            best = b;
            most = left;
        }
        if (best == SHARE_NOWHERE && p->where[item] != SHARE_NOWHERE)
            return;
        where[item] = best;
        if (best != SHARE_NOWHERE)
            put(s, &bins[best], &s->items[item], 1);
    }
    memcpy(p->where, where, s->items_n * sizeof(*where));
}

/* -- the whole ----------------------------------------------------------------------------- */

static void sharing_done(struct sharing *p)
{
    free(p->bins);
    free(p->order);
    free(p->bin_order);
    free(p->size);
}

static int sharing_init(struct sharing *p, const struct share_spec *s, struct err *err)
{
    p->spec = s;
    p->bins = calloc(s->bins_n + 1, sizeof(*p->bins));
    p->order = calloc(s->items_n + 1, sizeof(*p->order));
    p->bin_order = calloc(s->bins_n + 1, sizeof(*p->bin_order));
    p->size = calloc(s->items_n + 1, sizeof(*p->size));
    if (p->bins && p->order && p->bin_order && p->size)
        return 0;
    return err_set(err, -ENOMEM, "%zu loads on %zu machines: %m", s->items_n, s->bins_n);
}

int share_fit(const struct share_spec *spec, size_t *ret, size_t *ret_used, struct err *err)
{
    AUTO(sharing_done) struct sharing p = {.where = ret};
    auto_free size_t *moved = calloc(spec->items_n + 1, sizeof(*moved));
    auto_free struct state *even = calloc(spec->bins_n + 1, sizeof(*even));
    int r = moved && even ? sharing_init(&p, spec, err) : err_set(err, -ENOMEM, "loads: %m");
    size_t used = 0;

    if (r < 0)
        return r;
    for (size_t i = 0; i < spec->items_n; i++)
        ret[i] = SHARE_NOWHERE;
    order(&p);
    place_all(&p);
    /* The last that were opened hold what was left over. */
    for (size_t k = spec->bins_n; k-- > 0;) {
        if (p.bins[p.bin_order[k]].n > 0)
            (void)empty_bin(&p, p.bin_order[k], moved);
    }
    for (size_t b = 0; b < spec->bins_n; b++)
        used += p.bins[b].n > 0;
    for (size_t i = 0; i < spec->items_n; i++)
        moved[i] = SHARE_NOWHERE;
    spread(&p, even, moved);
    *ret_used = used;
    return 0;
}

size_t share_bound(const struct share_spec *spec)
{
    double sum[SHARE_SLOTS_MAX] = {0}, most = 0, memory = 0;
    size_t *bins = calloc(spec->bins_n + 1, sizeof(*bins));
    size_t by_load = 0, by_memory = 0;

    if (!bins)
        return 0;
    for (size_t i = 0; i < spec->items_n; i++) {
        for (size_t t = 0; t < spec->slots; t++)
            sum[t] += (double)spec->items[i].load[t];
        memory += (double)spec->items[i].memory;
    }
    for (size_t t = 0; t < spec->slots; t++)
        most = sum[t] > most ? sum[t] : most;
    for (size_t i = 0; i < spec->bins_n; i++)
        bins[i] = i;
    qsort_r(bins, spec->bins_n, sizeof(*bins), by_cores, (void *)(uintptr_t)spec->bins);
    for (; by_load < spec->bins_n && most > 0; by_load++)
        most -= spec->bins[bins[by_load]].cores;
    /* Memory by the largest machines by cores: exact where they are of one kind. */
    for (; by_memory < spec->bins_n && memory > 0; by_memory++)
        memory -= (double)spec->bins[bins[by_memory]].memory;
    free(bins);
    return by_load > by_memory ? by_load : by_memory;
}

/* -- how full ------------------------------------------------------------------------------- */

/* The upper tail of the normal distribution, linear between tenths. */
static double tail(double z)
{
    static const double at[] = {0.5,     0.46017, 0.42074, 0.38209, 0.34458, 0.30854, 0.27425,
                                0.24196, 0.21186, 0.18406, 0.15866, 0.13567, 0.11507, 0.0968,
                                0.08076, 0.06681, 0.0548,  0.04457, 0.03593, 0.02872, 0.02275,
                                0.01786, 0.0139,  0.01072, 0.0082,  0.00621, 0.00466, 0.00347,
                                0.00256, 0.00187, 0.00135, 0.00097, 0.00069, 0.00048, 0.00034,
                                0.00023, 0.00016, 0.00011, 0.00007, 0.00005, 0.00003};
    size_t step;

    if (z < 0)
        return 1 - tail(-z);
    step = z < 4 ? (size_t)(z * 10) : ARRAY_LEN(at) - 1;
    if (step + 1 >= ARRAY_LEN(at))
        return 0;
    return at[step] + (at[step + 1] - at[step]) * (z * 10 - (double)step);
}

struct share_fill share_fill(const struct share_spec *spec, size_t bin, const size_t *items,
                             size_t n)
{
    const struct share_bin *b = &spec->bins[bin];
    struct share_fill fill = {0};
    struct state s = {0};
    double deviation;

    for (size_t i = 0; i < n; i++)
        put(spec, &s, &spec->items[items[i]], 1);
    deviation = sqrt(s.variance);
    for (size_t t = 0; t < spec->slots && b->cores > 0; t++) {
        double room = b->cores - s.sum[t];

        fill.mean = s.sum[t] / b->cores > fill.mean ? s.sum[t] / b->cores : fill.mean;
        fill.over += (deviation > 0 ? tail(room / deviation) : room < 0) / (double)spec->slots;
    }
    fill.high = b->cores > 0 ? fill.mean * (1 + spec->drift) + spec->z * deviation / b->cores : 0;
    fill.memory = b->memory > 0 ? (double)s.memory / (double)b->memory : 0;
    return fill;
}
