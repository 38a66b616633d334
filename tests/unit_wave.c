/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The optimiser of the waves: random small problems against every plan there is, and one of
 * middle size for bytes that are the same every time. An argument is the number of random
 * problems, and more effort is made.
 */
#include "planner/engine/wave_check.h"
#include "planner/engine/wave_conflict.h"
#include "planner/engine/wave_merge.h"
#include "planner/engine/wave_rank.h"
#include "planner/engine/wave_solve.h"
#include "tests/unit.h"
#include "tests/wave_random_problem.h"

#include "base/banned.h"

static unsigned long rounds = 500;
static unsigned effort = 1;

/* -- every plan there is ------------------------------------------------------------- */

static bool next_plan(const struct wave_problem *p, uint32_t *plan)
{
    for (size_t g = 0; g < p->groups; g++) {
        if (++plan[g] < p->waves)
            return true;
        plan[g] = 0;
    }
    return false;
}

/* WAVE_NEVER: none keeps everything. */
static int64_t brute_force(const struct wave_problem *p)
{
    uint32_t plan[RANDOM_GROUPS] = {0};
    int64_t best = WAVE_NEVER;

    do {
        if (wave_check(p, plan, NULL, 0) == 0 && wave_objective(p, plan) < best)
            best = wave_objective(p, plan);
    } while (next_plan(p, plan));
    return best;
}

/* Whether there is one. */
static bool is_solved_best(unsigned long i)
{
    struct wave_solve_spec spec = {.seed = 1, .threads = 1, .effort = 1};
    struct random_problem problem;
    auto_wave_solution struct wave_solution s = {0};
    int64_t best;

    random_problem_make(&problem, i, RANDOM_GROUPS, 4);
    best = brute_force(&problem.p);
    assert_ok(wave_solve(&problem.p, &spec, &s, NULL));
    if ((s.verdict == WAVE_SOLVED) != (best < WAVE_NEVER))
        fail_msg("problem %lu: verdict %d, best %lld", i, s.verdict, (long long)best);
    assert_non_null(s.plan);
    if (best == WAVE_NEVER) {
        assert_int_equal(s.verdict, WAVE_IMPOSSIBLE);
        return false;
    }
    assert_int_equal(wave_check(&problem.p, s.plan, NULL, 0), 0);
    assert_true(wave_objective(&problem.p, s.plan) == s.cost);
    if (s.cost != best || s.bound != best)
        fail_msg("problem %lu: cost %lld, bound %lld, best %lld", i, (long long)s.cost,
                 (long long)s.bound, (long long)best);
    return true;
}

static void a_small_plan_is_the_best_there_is(void **state)
{
    unsigned long possible = 0;

    (void)state;
    for (unsigned long i = 0; i < rounds; i++)
        possible += is_solved_best(i);
    assert_true(possible > rounds / 4 && possible < rounds);
}

/* Found by make soak-waves: its best plan costs less than the dearest one earns. */
static void what_earns_more_than_it_can_cost_is_searched_to_the_end(void **state)
{
    (void)state;
    assert_true(is_solved_best(8342));
}

/* What bounds blocks of waves from below bounds the waves. */
static void merged_waves_cost_no_more(void **state)
{
    (void)state;
    for (unsigned long i = 0; i < rounds / 10 + 10; i++) {
        auto_wave_merged struct wave_merged m = {0};
        struct random_problem problem;
        int64_t best;

        random_problem_make(&problem, i, RANDOM_GROUPS, 4);
        best = brute_force(&problem.p);
        assert_ok(wave_merge(&problem.p, 2 + i % 2, &m, NULL));
        assert_int_equal(m.p.waves, 2);
        assert_ok(wave_validate(&m.p, NULL));
        if (best < WAVE_NEVER)
            assert_true(brute_force(&m.p) <= best);
    }
}

/* -- more groups than can be tried out ------------------------------------------------ */

static void plans_of_every_size_keep_everything_and_cost_no_less_than_the_bound(void **state)
{
    static const size_t sizes[] = {1, 2, 20, 49, 60, 120};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct random_problem problem;
        struct wave_solve_spec spec = {.seed = i, .threads = 2, .effort = effort};
        auto_wave_solution struct wave_solution s = {0};

        random_problem_make(&problem, 1000 + i, sizes[i], 7);
        assert_ok(wave_solve(&problem.p, &spec, &s, NULL));
        assert_non_null(s.plan);
        if (s.verdict != WAVE_SOLVED)
            continue;
        assert_int_equal(wave_check(&problem.p, s.plan, NULL, 0), 0);
        assert_true(wave_objective(&problem.p, s.plan) == s.cost);
        assert_true(s.bound <= s.cost);
    }
}

/* By rank alone: never more than the best plan, and that itself where lines and one limit are all
 * that there is. */
static void what_waits_is_bounded_by_rank(void **state)
{
    static const int64_t when[] = {0, 3, 4}, amount[] = {1, 1, 1}, limit[] = {1, 1, 1};
    static const int64_t cost[] = {0, 6, 8, 0, 15, 20, 7, -2, -5}; /* 2, 5 and -3 a day */
    const struct wave_resource hosts = {"hosts", 1, amount, limit};
    const struct wave_problem lines = {
        .groups = 3, .waves = 3, .cost = cost, .when = when, .resources = &hosts, .resources_n = 1};
    auto_wave_domain struct wave_domain d = {0};
    int64_t bound;

    (void)state;
    assert_ok(wave_domain_init(&d, &lines, NULL));
    assert_ok(wave_rank_bound(&lines, &d, &bound, NULL));
    assert_in_range(bound, 0, 1); /* the best is 6 + 0 - 5 = 1 */
    for (unsigned long i = 0; i < rounds; i++) {
        auto_wave_domain struct wave_domain of = {0};
        struct random_problem problem;
        int64_t best;

        random_problem_make(&problem, i, RANDOM_GROUPS, 4);
        best = brute_force(&problem.p);
        assert_ok(wave_domain_init(&of, &problem.p, NULL));
        if (of.empty)
            continue;
        assert_ok(wave_rank_bound(&problem.p, &of, &bound, NULL));
        if (bound > best)
            fail_msg("problem %lu: bound %lld, best %lld", i, (long long)bound, (long long)best);
    }
}

static void nothing_dearer_comes_out_than_what_is_known(void **state)
{
    unsigned tried = 0;

    (void)state;
    for (unsigned long i = 0; i < 8; i++) {
        struct random_problem problem;
        struct wave_solve_spec spec = {.seed = 1, .threads = 2, .effort = 2};
        auto_wave_solution struct wave_solution good = {0}, again = {0};

        random_problem_make(&problem, i, 20, 5);
        assert_ok(wave_solve(&problem.p, &spec, &good, NULL));
        if (good.verdict != WAVE_SOLVED)
            continue;
        spec = (struct wave_solve_spec){.seed = 2, .threads = 1, .effort = 1, .known = good.plan};
        assert_ok(wave_solve(&problem.p, &spec, &again, NULL));
        assert_int_equal(again.verdict, WAVE_SOLVED);
        assert_true(again.cost <= good.cost);
        assert_true(wave_objective(&problem.p, again.plan) == again.cost);
        tried++;
    }
    assert_true(tried > 0);
}

static void threads_and_repetition_change_nothing(void **state)
{
    static const unsigned threads[] = {1, 2, 4, 1};
    struct random_problem problem;
    auto_wave_solution struct wave_solution first = {0};

    (void)state;
    random_problem_make(&problem, 7, 90, 8);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        struct wave_solve_spec spec = {.seed = 3, .threads = threads[i], .effort = effort};
        auto_wave_solution struct wave_solution s = {0};

        assert_ok(wave_solve(&problem.p, &spec, &s, NULL));
        if (i == 0) {
            first = s;
            s.plan = NULL;
            continue;
        }
        assert_memory_equal(first.plan, s.plan, problem.p.groups * sizeof(*s.plan));
        assert_true(first.cost == s.cost && first.bound == s.bound);
    }
}

/* -- why there is none ---------------------------------------------------------------- */

/* Irreducible: the rules are impossible together, and possible without any one of them. */
static void check_conflict(const struct random_problem *problem, const struct wave_conflict *c,
                           size_t without)
{
    struct random_problem part = *problem;
    bool allowed[RANDOM_GROUPS] = {0}, limited[RANDOM_RESOURCES][RANDOM_WAVES_MAX] = {0};

    random_problem_point(&part);
    part.p.orders_n = part.p.aparts_n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct wave_fault *rule = &c->rules[i];

        if (i == without)
            continue;
        allowed[rule->index % RANDOM_GROUPS] |= rule->rule == WAVE_RULE_ALLOWED;
        limited[rule->index % RANDOM_RESOURCES][rule->wave] |= rule->rule == WAVE_RULE_LIMIT;
        if (rule->rule == WAVE_RULE_ORDER)
            part.orders[part.p.orders_n++] = problem->orders[rule->index];
        if (rule->rule == WAVE_RULE_APART)
            part.aparts[part.p.aparts_n++] = problem->aparts[rule->index];
    }
    for (size_t i = 0; i < part.p.groups * part.p.waves; i++)
        part.cost[i] = allowed[i / part.p.waves] ? part.cost[i] : 0;
    for (size_t i = 0; i < RANDOM_RESOURCES * part.p.waves; i++) {
        if (!limited[i / part.p.waves][i % part.p.waves])
            part.limits[i / part.p.waves][i % part.p.waves] = WAVE_VALUE_MAX;
    }
    assert_int_equal(brute_force(&part.p) < WAVE_NEVER, without < c->n);
}

static void what_cannot_be_is_named_and_no_more_than_that(void **state)
{
    unsigned impossible = 0;

    (void)state;
    for (unsigned long i = 0; i < rounds / 10; i++) {
        struct random_problem problem;
        auto_wave_conflict struct wave_conflict c = {0};

        random_problem_make(&problem, i, RANDOM_GROUPS, 4);
        if (brute_force(&problem.p) < WAVE_NEVER) {
            assert_fails(-ENOENT, wave_conflict_find(&problem.p, &c, NULL));
            continue;
        }
        assert_ok(wave_conflict_find(&problem.p, &c, NULL));
        assert_true(c.n > 0);
        for (size_t without = 0; without <= c.n; without++)
            check_conflict(&problem, &c, without);
        impossible++;
    }
    assert_true(impossible > 0);
}

/* -- what is no problem ---------------------------------------------------------------- */

static void numbers_out_of_range_are_refused(void **state)
{
    struct wave_solve_spec spec = {.seed = 1};
    struct random_problem problem;
    struct wave_solution s;

    (void)state;
    random_problem_make(&problem, 1, 5, 4);
    problem.edges[0].a = 5;
    assert_fails(-EINVAL, wave_solve(&problem.p, &spec, &s, NULL));
    random_problem_make(&problem, 1, 5, 4);
    problem.orders[0].second = problem.orders[0].first;
    problem.p.orders_n = 1;
    assert_fails(-EINVAL, wave_solve(&problem.p, &spec, &s, NULL));
    random_problem_make(&problem, 1, 5, 4);
    problem.p.groups = 0;
    assert_fails(-EINVAL, wave_solve(&problem.p, &spec, &s, NULL));
    random_problem_make(&problem, 1, 5, 4);
    problem.amounts[0][0] = -1;
    assert_fails(-EINVAL, wave_solve(&problem.p, &spec, &s, NULL));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_plan_is_the_best_there_is),
        cmocka_unit_test(what_earns_more_than_it_can_cost_is_searched_to_the_end),
        cmocka_unit_test(plans_of_every_size_keep_everything_and_cost_no_less_than_the_bound),
        cmocka_unit_test(merged_waves_cost_no_more),
        cmocka_unit_test(what_waits_is_bounded_by_rank),
        cmocka_unit_test(nothing_dearer_comes_out_than_what_is_known),
        cmocka_unit_test(threads_and_repetition_change_nothing),
        cmocka_unit_test(what_cannot_be_is_named_and_no_more_than_that),
        cmocka_unit_test(numbers_out_of_range_are_refused),
    };

    if (argc > 1) {
        rounds = strtoul(argv[1], NULL, 10);
        effort = 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
