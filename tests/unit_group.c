/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of random graphs: connected, the same whatever the order, and what owners say is kept. */
#include "planner/engine/graph.h"
#include "planner/engine/group.h"
#include "planner/engine/leiden.h"
#include "planner/engine/wave_random.h"
#include "tests/unit.h"

#include <math.h>

#include "base/banned.h"

enum { NODES = 120, EDGES = 400 };

/* Two thirds of the edges stay within blocks of ten. */
static void random_edges(struct wave_random *r, struct graph_edge *edges)
{
    for (size_t i = 0; i < EDGES; i++) {
        uint32_t a = wave_random_below(r, NODES);
        uint32_t near = a / 10 * 10 + wave_random_below(r, 10);
        uint32_t b = i % 3 ? near : wave_random_below(r, NODES);
        int64_t weight = (int64_t)wave_random_below(r, 5000);

        edges[i] = (struct graph_edge){a, b, weight * GRAPH_ONE / (i % 3 ? 1 : 10)};
    }
}

static void shuffle(struct wave_random *r, struct graph_edge *edges)
{
    for (size_t i = EDGES - 1; i > 0; i--) {
        size_t k = wave_random_below(r, i + 1);
        struct graph_edge swapped = edges[i];

        edges[i] = edges[k];
        edges[k] = swapped;
    }
    for (size_t i = 0; i < EDGES; i += 2)
        edges[i] = (struct graph_edge){edges[i].b, edges[i].a, edges[i].weight};
}

/* Every node but the first of a community reaches a lower one of it, by what was reached before. */
static void assert_connected(const struct graph *g, const uint32_t *label, size_t n)
{
    bool reached[NODES] = {0}, known[NODES] = {0}, again = true;

    for (size_t v = 0; v < NODES; v++) {
        assert_true(label[v] < n);
        reached[v] = !known[label[v]];
        known[label[v]] = true;
    }
    while (again) {
        again = false;
        for (size_t v = 0; v < NODES; v++) {
            for (size_t i = g->first[v]; i < g->first[v + 1] && reached[v]; i++) {
                uint32_t w = g->other[i];

                again |= label[w] == label[v] && !reached[w];
                reached[w] |= label[w] == label[v];
            }
        }
    }
    for (size_t v = 0; v < NODES; v++)
        assert_true(reached[v]);
}

static void communities_are_connected_and_the_order_of_edges_is_nothing(void **state)
{
    struct wave_random r = {.state = 11};

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        struct graph_edge edges[EDGES], again[EDGES];
        auto_graph struct graph g = {0}, h = {0};
        uint32_t a[NODES + 1], b[NODES + 1];
        int64_t resolution = (1 + (int64_t)wave_random_below(&r, 2000)) * GRAPH_ONE;
        size_t n, m;

        random_edges(&r, edges);
        memcpy(again, edges, sizeof(edges));
        shuffle(&r, again);
        assert_ok(graph_build(NODES, NULL, edges, EDGES, &g, NULL));
        assert_ok(graph_build(NODES, NULL, again, EDGES, &h, NULL));
        assert_ok(leiden_find(&g, resolution, a, &n, NULL));
        assert_ok(leiden_find(&h, resolution, b, &m, NULL));
        assert_int_equal(n, m);
        assert_memory_equal(a, b, NODES * sizeof(*a));
        assert_connected(&g, a, n);
        assert_true(leiden_quality(&g, resolution, a) >= 0);
    }
}

/* Cliques in a ring: the classic that modularity merges. */
static void cliques_are_communities_however_many_there_are(void **state)
{
    struct graph_edge edges[NODES * 5];
    auto_graph struct graph g = {0};
    uint32_t label[NODES + 1];
    size_t n = 0, found = 0;

    (void)state;
    for (uint32_t v = 0; v < NODES; v++) {
        for (uint32_t w = v + 1; w < (v / 5 + 1) * 5; w++)
            edges[n++] = (struct graph_edge){v, w, GRAPH_ONE};
        if (v % 5 == 0)
            edges[n++] = (struct graph_edge){v, (v + 5) % NODES, GRAPH_ONE};
    }
    assert_ok(graph_build(NODES, NULL, edges, n, &g, NULL));
    assert_ok(leiden_find(&g, GRAPH_ONE / 2, label, &found, NULL));
    assert_int_equal(found, NODES / 5);
    for (uint32_t v = 0; v < NODES; v++)
        assert_int_equal(label[v], v / 5);
}

static void weights_are_the_cube_of_a_logarithm(void **state)
{
    static const uint64_t bytes[] = {1, 2, 1000, 1 << 20, (uint64_t)1 << 40, UINT64_MAX};

    (void)state;
    assert_int_equal(graph_weight_of(0), 0);
    for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
        double want = pow(log1p((double)bytes[i]), 3) * (double)GRAPH_ONE;

        assert_true(fabs((double)graph_weight_of(bytes[i]) - want) <= want * 0.001 + 1);
        assert_true(graph_weight_of(bytes[i]) >= graph_weight_of(bytes[i] / 2));
    }
}

/* Ten applications of ten hosts, and two hosts that everybody asks. */
static size_t data_centre(struct group_talk *talks)
{
    size_t n = 0;

    for (uint32_t h = 0; h < 100; h++) {
        talks[n++] = (struct group_talk){h, 100, 5000};
        talks[n++] = (struct group_talk){101, h, 5000};
        for (uint32_t k = 1; k < 4; k++)
            talks[n++] = (struct group_talk){h, h / 10 * 10 + (h + k) % 10, 50000000};
    }
    return n;
}

static void hubs_are_no_members(void **state)
{
    struct group_talk talks[500];
    struct group_input in = {.hosts = 102, .talks = talks, .talks_n = data_centre(talks)};
    auto_groups struct groups g = {0};

    (void)state;
    assert_ok(group_find(&in, &g, NULL));
    assert_int_equal(g.hubs, 2);
    assert_int_equal(g.n, 10);
    for (uint32_t h = 0; h < 100; h++)
        assert_int_equal(g.of[h], h / 10);
    assert_int_equal(g.of[100], GROUP_HUB);
    assert_int_equal(g.views[3].hosts, 10);
    assert_int_equal(g.views[3].confidence, GROUP_PERMILLE);
}

static void tags_tie_what_never_talks_and_lift_confidence(void **state)
{
    uint32_t tag[102] = {[3] = 7, [97] = 7};
    uint16_t observed[102];
    struct group_talk talks[500];
    struct group_input in = {.hosts = 102,
                             .talks = talks,
                             .talks_n = data_centre(talks),
                             .tag = tag,
                             .observed = observed};
    auto_groups struct groups g = {0};

    (void)state;
    for (size_t h = 0; h < 102; h++)
        observed[h] = 100;
    assert_ok(group_find(&in, &g, NULL));
    assert_int_equal(g.of[3], g.of[97]);
    assert_int_equal(g.views[g.of[50]].coverage, 100);
    assert_int_equal(g.views[g.of[50]].confidence, 100);
}

static void what_is_out_of_range_is_refused_and_nothing_is_fine(void **state)
{
    struct group_talk far = {0, 5, 1};
    uint16_t much[2] = {0, 1001};
    struct group_input in = {.hosts = 2, .talks = &far, .talks_n = 1}, none = {0};
    auto_groups struct groups g = {0};

    (void)state;
    assert_fails(-EINVAL, group_find(&in, &g, NULL));
    in = (struct group_input){.hosts = 2, .observed = much};
    assert_fails(-EINVAL, group_find(&in, &g, NULL));
    assert_ok(group_find(&none, &g, NULL));
    assert_int_equal(g.n, 0);
}

static void two_words_of_owners_are_two_groups(void **state)
{
    /* All talk to all, and host 4 most with 0, 5 most with 4, 6 with nobody more than with others.
     */
    const uint32_t tag[7] = {9, 9, 3, 3, 0, 0, 0};
    struct group_talk talks[32];
    struct group_input in = {.hosts = 7, .talks = talks, .tag = tag};
    auto_groups struct groups g = {0};

    (void)state;
    for (uint32_t a = 0; a < 7; a++) {
        for (uint32_t b = 0; b < a; b++)
            talks[in.talks_n++] = (struct group_talk){a, b, 1 << 20};
    }
    talks[in.talks_n++] = (struct group_talk){4, 0, 1 << 30};
    talks[in.talks_n++] = (struct group_talk){5, 4, 1 << 30};
    assert_ok(group_find(&in, &g, NULL));
    assert_int_equal(g.n, 2);
    assert_int_equal(g.of[0], g.of[1]);
    assert_int_equal(g.of[2], g.of[3]);
    assert_int_not_equal(g.of[0], g.of[2]);
    assert_int_equal(g.of[4], g.of[0]);
    assert_true(g.of[5] == g.of[0] || g.of[5] == g.of[2]);
    assert_int_not_equal(g.of[6], GROUP_HUB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(communities_are_connected_and_the_order_of_edges_is_nothing),
        cmocka_unit_test(cliques_are_communities_however_many_there_are),
        cmocka_unit_test(weights_are_the_cube_of_a_logarithm),
        cmocka_unit_test(hubs_are_no_members),
        cmocka_unit_test(tags_tie_what_never_talks_and_lift_confidence),
        cmocka_unit_test(what_is_out_of_range_is_refused_and_nothing_is_fine),
        cmocka_unit_test(two_words_of_owners_are_two_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
