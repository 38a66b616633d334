/* SPDX-License-Identifier: Apache-2.0 */
/* Many groups and waves: who talks ends up together, and who waits dearly comes first. */
#include "planner/engine/wave_line.h"

#include "planner/engine/wave_check.h"
#include "planner/engine/wave_solve.h"
#include "tests/unit.h"

#include "base/banned.h"

enum { WAVES = 40, SIZE = 8, GROUPS = WAVES * SIZE, EDGES = WAVES * (SIZE - 1) };

/* Knots of SIZE groups that talk in a row, the groups of a knot far from each other by number; a
 * wave has room for one knot. */
struct knots {
    struct wave_problem p;
    int64_t cost[GROUPS * WAVES], when[WAVES], amount[GROUPS], limit[WAVES];
    struct wave_edge edges[EDGES];
    struct wave_resource room;
};

static void make_knots(struct knots *k)
{
    memset(k, 0, sizeof(*k));
    for (size_t w = 0; w < WAVES; w++) {
        k->when[w] = (int64_t)w * 2;
        k->limit[w] = SIZE;
        for (uint32_t i = 0; i + 1 < SIZE; i++)
            k->edges[w * (SIZE - 1) + i] = (struct wave_edge){
                i * WAVES + (uint32_t)w, (i + 1) * WAVES + (uint32_t)w, 1000 + (int64_t)w};
    }
    for (size_t g = 0; g < GROUPS; g++)
        k->amount[g] = 1;
    k->room = (struct wave_resource){"hosts", 1, k->amount, k->limit};
    k->p = (struct wave_problem){.groups = GROUPS,
                                 .waves = WAVES,
                                 .cost = k->cost,
                                 .when = k->when,
                                 .edges = k->edges,
                                 .edges_n = EDGES,
                                 .resources = &k->room,
                                 .resources_n = 1};
}

static void line_of(const struct knots *k, uint32_t *plan)
{
    auto_wave_domain struct wave_domain d = {0};

    assert_ok(wave_domain_init(&d, &k->p, NULL));
    assert_ok(wave_line(&k->p, &d, plan, NULL));
}

static void who_talks_is_in_one_wave(void **state)
{
    struct knots k;
    uint32_t plan[GROUPS];

    (void)state;
    make_knots(&k);
    line_of(&k, plan);
    assert_int_equal(wave_check(&k.p, plan, NULL, 0), 0);
    assert_int_equal(wave_objective(&k.p, plan), 0);
}

/* One of each knot costs for every day that it waits, the later knots more. */
static void who_waits_dearly_comes_first(void **state)
{
    struct knots k;
    uint32_t plan[GROUPS];

    (void)state;
    make_knots(&k);
    for (size_t g = 0; g < WAVES; g++) {
        for (size_t w = 0; w < WAVES; w++)
            k.cost[g * WAVES + w] = k.when[w] * (int64_t)(g + 1);
    }
    line_of(&k, plan);
    for (size_t g = 0; g < WAVES; g++)
        assert_int_equal(plan[g], WAVES - 1 - g);
}

/* A pin is where it is, and the others of its knot are near it or nowhere worse. */
static void what_may_not_move_there_does_not(void **state)
{
    struct knots k;
    uint32_t plan[GROUPS];

    (void)state;
    make_knots(&k);
    for (size_t w = 0; w < WAVES; w++)
        k.cost[5 * WAVES + w] = w == 17 ? 0 : WAVE_NEVER;
    line_of(&k, plan);
    assert_int_equal(plan[5], 17);
}

/* Cuts alone put everything in the middle: spread in fractions, no talk crosses. */
static void the_solver_begins_with_it(void **state)
{
    struct wave_solve_spec spec = {.seed = 1, .threads = 1, .effort = 1};
    auto_wave_solution struct wave_solution s = {0};
    struct knots k;

    (void)state;
    make_knots(&k);
    assert_ok(wave_solve(&k.p, &spec, &s, NULL));
    assert_int_equal(s.verdict, WAVE_SOLVED);
    assert_int_equal(s.cost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_talks_is_in_one_wave),
        cmocka_unit_test(who_waits_dearly_comes_first),
        cmocka_unit_test(what_may_not_move_there_does_not),
        cmocka_unit_test(the_solver_begins_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
