/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How well groups are found in data centres that are made up, of which the answer is known.
 *
 *   bench_groups HOSTS [COVERAGE [TAGS [SEED [RESOLUTION]]]]     percent; 100, 0, 1 when not said
 *
 * Applications of 4 to 30 hosts: a ring, and three more partners of each host, 1 MiB to 4 GiB.
 * Between applications 1.5 talks of each host, 256 B to 4 MiB, and in twenty one as large as
 * inside. Hubs, one for 2,500 hosts and four more, each with three of ten hosts. Of all talks
 * COVERAGE percent are seen; of the hosts TAGS percent have their owner's tag.
 */
#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "planner/engine/graph.h"
#include "planner/engine/group.h"
#include "planner/engine/wave_random.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { HOSTS_PER_HUB = 2500, HUBS_LEAST = 4, APP_LEAST = 4, APP_SPREAD = 27, PARTNERS = 3 };

struct world {
    struct wave_random random;
    size_t hosts, hubs, cap; /* hubs are the last ones */
    unsigned coverage, tags;
    uint32_t *app, *tag;
    uint16_t *observed;
    struct group_talk *talks;
    size_t n;
};

static void talk(struct world *w, uint32_t a, uint32_t b, unsigned bits, unsigned spread)
{
    unsigned shift = bits + wave_random_below(&w->random, spread);
    uint64_t bytes = (uint64_t)1 << shift;

    bytes += wave_random_u64(&w->random) % bytes;
    if (a != b && w->n < w->cap && wave_random_below(&w->random, 100) < w->coverage)
        w->talks[w->n++] = (struct group_talk){a, b, bytes};
}

static void make_app(struct world *w, uint32_t first, uint32_t n, uint32_t app)
{
    for (uint32_t h = first; h < first + n; h++) {
        w->app[h] = app;
        w->tag[h] = wave_random_below(&w->random, 100) < w->tags ? app : 0;
        talk(w, h, first + (h - first + 1) % n, 20, 12);
        for (unsigned k = 0; k < PARTNERS; k++)
            talk(w, h, first + wave_random_below(&w->random, n), 20, 12);
    }
}

static void make_noise(struct world *w)
{
    size_t members = w->hosts - w->hubs;

    for (size_t i = 0; i < members * 3 / 2; i++) {
        uint32_t a = wave_random_below(&w->random, members);
        uint32_t b = wave_random_below(&w->random, members);

        if (wave_random_below(&w->random, 20) == 0)
            talk(w, a, b, 20, 12);
        else
            talk(w, a, b, 8, 14);
    }
    for (uint32_t hub = (uint32_t)members; hub < w->hosts; hub++) {
        for (uint32_t h = 0; h < members; h++) {
            if (wave_random_below(&w->random, 10) < 3)
                talk(w, hub, h, 10, 8);
        }
    }
}

static int world_make(struct world *w, struct err *err)
{
    uint32_t members, app = 0;

    w->hubs = HUBS_LEAST + w->hosts / HOSTS_PER_HUB;
    w->cap = w->hosts * (PARTNERS + 3) + w->hubs * w->hosts / 2;
    w->app = calloc(w->hosts, sizeof(*w->app));
    w->tag = calloc(w->hosts, sizeof(*w->tag));
    w->observed = calloc(w->hosts, sizeof(*w->observed));
    w->talks = calloc(w->cap, sizeof(*w->talks));
    if (!w->app || !w->tag || !w->observed || !w->talks)
        return err_set(err, -ENOMEM, "%zu hosts: %m", w->hosts);
    members = (uint32_t)(w->hosts - w->hubs);
    for (uint32_t h = 0; h < members;) {
        uint32_t n = APP_LEAST + wave_random_below(&w->random, APP_SPREAD);

        n = n < members - h ? n : members - h;
        make_app(w, h, n, ++app);
        h += n;
    }
    make_noise(w);
    for (size_t h = 0; h < w->hosts; h++)
        w->observed[h] = (uint16_t)(w->coverage * 10);
    return 0;
}

static void world_done(struct world *w)
{
    free(w->app);
    free(w->tag);
    free(w->observed);
    free(w->talks);
}

/* -- judging --------------------------------------------------------------------------- */

struct pair {
    uint32_t app, group;
};

static int by_pair(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->app != y->app)
        return x->app < y->app ? -1 : 1;
    return x->group < y->group ? -1 : x->group > y->group;
}

static double choose2(double n)
{
    return n * (n - 1) / 2;
}

/* The adjusted Rand index (Hubert and Arabie, 1985) of the hosts that are in truth no hubs. */
static double rand_index(const struct world *w, const struct groups *g)
{
    size_t n = w->hosts - w->hubs;
    auto_free struct pair *pairs = calloc(n + 1, sizeof(*pairs));
    auto_free uint32_t *apps = calloc(w->hosts + 2, sizeof(*apps));
    auto_free uint32_t *found = calloc(w->hosts + 2, sizeof(*found));
    double both = 0, a = 0, b = 0, expected;
    size_t run = 1;

    if (!pairs || !apps || !found)
        return 0;
    for (size_t h = 0; h < n; h++) {
        uint32_t of = g->of[h] == GROUP_HUB ? (uint32_t)g->n : g->of[h];

        pairs[h] = (struct pair){w->app[h], of};
        apps[w->app[h]]++;
        found[of]++;
    }
    qsort(pairs, n, sizeof(*pairs), by_pair);
    for (size_t i = 1; i <= n; i++, run++) {
        if (i < n && by_pair(&pairs[i], &pairs[i - 1]) == 0)
            continue;
        both += choose2((double)run);
        run = 0;
    }
    for (size_t i = 0; i < w->hosts + 2; i++) {
        a += choose2(apps[i]);
        b += choose2(found[i]);
    }
    expected = a * b / choose2((double)n);
    return (both - expected) / ((a + b) / 2 - expected);
}

static void show(const struct world *w, const struct groups *g, uint64_t took_ms)
{
    size_t right = 0;
    double cut = 0, all = 0;

    for (size_t h = w->hosts - w->hubs; h < w->hosts; h++)
        right += g->of[h] == GROUP_HUB;
    for (size_t i = 0; i < w->n; i++) {
        uint32_t a = g->of[w->talks[i].a], b = g->of[w->talks[i].b];

        all += (double)w->talks[i].bytes;
        cut += a != b && a != GROUP_HUB && b != GROUP_HUB ? (double)w->talks[i].bytes : 0;
    }
    printf("%zu hosts, %zu talks, coverage %u%%, tags %u%%: %zu groups, ARI %.3f, byte cut %.4f, "
           "hubs found %zu, right %zu of %zu, %.2f s\n",
           w->hosts, w->n, w->coverage, w->tags, g->n, rand_index(w, g), cut / all, g->hubs, right,
           w->hubs, (double)took_ms / 1000);
}

int main(int argc, char **argv)
{
    AUTO(world_done) struct world w = {0};
    auto_groups struct groups g = {0};
    uint64_t args[5] = {0, 100, 0, 1, 0}, start_ms;
    static const uint64_t least[5] = {100, 1, 0, 0, 0};
    static const uint64_t most[5] = {GRAPH_NODES_MAX, 100, 100, 1000000, 100000};
    struct err err = {0};
    int r = 0;

    for (int i = 1; i < argc && i <= 5 && r == 0; i++)
        r = num_parse_u64(argv[i], least[i - 1], most[i - 1], &args[i - 1], &err);
    if (r < 0 || argc < 2 || argc > 6) {
        fprintf(stderr, "usage: bench_groups HOSTS [COVERAGE [TAGS [SEED [RESOLUTION]]]]\n");
        return 2;
    }
    w.hosts = args[0];
    w.coverage = (unsigned)args[1];
    w.tags = (unsigned)args[2];
    w.random.state = args[3];
    r = world_make(&w, &err);
    start_ms = clock_mono_ms(&clock_system);
    if (r == 0) {
        struct group_input in = {.hosts = w.hosts,
                                 .talks = w.talks,
                                 .talks_n = w.n,
                                 .tag = w.tag,
                                 .observed = w.observed,
                                 .resolution = (unsigned)args[4]};

        r = group_find(&in, &g, &err);
    }
    if (r == 0)
        show(&w, &g, clock_mono_ms(&clock_system) - start_ms);
    else
        fprintf(stderr, "bench_groups: %s\n", err.text);
    return r < 0;
}
