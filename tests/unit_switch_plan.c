/* SPDX-License-Identifier: Apache-2.0 */
/* Every path through a switch, walked: what may follow what, and how each path ends. */
#include "planner/service/switch_plan.h"
#include "planner/service/switch_time.h"

#include "base/auto.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

/* What the world looks like along a path, as the invariants of a switch see it. */
struct world {
    bool fenced;   /* the holder of this leg */
    bool promoted; /* in this leg */
    bool given_back;
    bool decided;
    unsigned holder; /* 0 = where the operation found it */
    unsigned depth;
};

static unsigned ends[SWITCH_HALFWAY + 1];

static void step_begins(struct world *w, struct switch_at at)
{
    switch (at.step) {
    case STEP_EPOCH:
        assert_false(w->fenced && !w->promoted);
        *w = (struct world){.holder = w->promoted ? 1 - w->holder : w->holder, .depth = w->depth};
        break;
    case STEP_FENCE:
        assert_false(w->decided);
        w->fenced = true;
        break;
    case STEP_FINAL:
    case STEP_APPLY:
        assert_true(w->fenced);
        assert_false(w->decided);
        break;
    case STEP_DECIDE:
    case STEP_DECIDE_ABORT:
        assert_true(w->fenced);
        w->decided = true;
        break;
    case STEP_PROMOTE:
        assert_true(w->decided);
        assert_false(w->given_back);
        w->promoted = true;
        break;
    case STEP_GIVE_BACK:
        assert_true(w->decided);
        assert_false(w->promoted);
        w->given_back = true;
        break;
    default:
        break;
    }
}

static void path_ends(const struct world *w, struct switch_at at, enum switch_state state)
{
    ends[state]++;
    assert_int_not_equal(state, SWITCH_RUNNING);
    if (at.kind == SWITCH_FINALIZE || at.kind == SWITCH_TEST)
        return;
    /* Nobody is left fenced without either having been promoted past or been given back. */
    if (w->fenced)
        assert_true(w->promoted || w->given_back);
    if (state == SWITCH_REFUSED)
        assert_false(w->fenced);
    if (state == SWITCH_DONE)
        assert_true(w->promoted && at.leg == 0);
    /* "rolled back" promises that the holder of the beginning holds again. */
    if (state == SWITCH_ROLLED_BACK)
        assert_true((at.leg == 0 && w->given_back) || (at.leg == 1 && w->promoted));
}

static void walk(struct switch_at at, struct world w)
{
    static const enum switch_outcome outcomes[] = {OUTCOME_OK, OUTCOME_FAILED, OUTCOME_OTHER};

    step_begins(&w, at);
    assert_true(++w.depth < 40);
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        struct switch_move move = switch_plan_next(at, outcomes[i]);
        struct world next = w;

        if (move.state != SWITCH_RUNNING)
            path_ends(&next, at, move.state);
        else if (move.at.step != at.step || move.at.leg != at.leg)
            walk(move.at, next);
    }
}

static void every_path_keeps_the_rules_of_a_switch(void **state)
{
    (void)state;
    for (int kind = SWITCH_CUTOVER; kind <= SWITCH_TEST; kind++)
        walk((struct switch_at){.kind = (enum switch_kind)kind, .step = STEP_PRECHECK},
             (struct world){0});
    assert_true(ends[SWITCH_DONE] > 0);
    assert_true(ends[SWITCH_ROLLED_BACK] > 0);
    assert_true(ends[SWITCH_HALFWAY] > 0);
    assert_true(ends[SWITCH_REFUSED] > 0);
}

static void a_failed_health_check_goes_back_at_the_next_epoch(void **state)
{
    struct switch_at at = {.kind = SWITCH_CUTOVER, .step = STEP_HEALTH};
    struct switch_move move = switch_plan_next(at, OUTCOME_FAILED);

    (void)state;
    assert_int_equal(move.state, SWITCH_RUNNING);
    assert_int_equal(move.at.step, STEP_EPOCH);
    assert_int_equal(move.at.leg, 1);
    at.leg = 1;
    assert_int_equal(switch_plan_next(at, OUTCOME_FAILED).state, SWITCH_HALFWAY);
}

static void the_decision_that_stands_wins(void **state)
{
    struct switch_at at = {.kind = SWITCH_ROLLBACK, .step = STEP_DECIDE};

    (void)state;
    assert_int_equal(switch_plan_next(at, OUTCOME_OTHER).at.step, STEP_GIVE_BACK);
    at.step = STEP_DECIDE_ABORT;
    assert_int_equal(switch_plan_next(at, OUTCOME_OTHER).at.step, STEP_PROMOTE);
}

static void an_undecided_register_is_asked_again(void **state)
{
    struct switch_at at = {.kind = SWITCH_CUTOVER, .step = STEP_DECIDE};

    (void)state;
    assert_true(switch_plan_redo_only(STEP_DECIDE));
    assert_int_equal(switch_plan_next(at, OUTCOME_FAILED).at.step, STEP_DECIDE);
    assert_false(switch_plan_abortable(at));
}

static void an_abort_never_stops_the_way_back(void **state)
{
    struct switch_at at = {.kind = SWITCH_CUTOVER, .step = STEP_APPLY};

    (void)state;
    assert_true(switch_plan_abortable(at));
    assert_true(switch_plan_may_abort(at));
    at.step = STEP_EPOCH;
    assert_false(switch_plan_abortable(at));
    assert_true(switch_plan_may_abort(at));
    at.step = STEP_DECIDE;
    assert_false(switch_plan_may_abort(at));
    at.step = STEP_FENCE;
    at.leg = 1;
    assert_false(switch_plan_abortable(at));
    assert_false(switch_plan_may_abort(at));
    at = (struct switch_at){.kind = SWITCH_TEST, .step = STEP_TEST};
    assert_false(switch_plan_may_abort(at));
}

static void names_are_read_back(void **state)
{
    enum switch_step step;
    enum switch_kind kind;

    (void)state;
    for (int i = 0; i < STEP_COUNT; i++) {
        assert_true(switch_plan_step(switch_plan_step_name((enum switch_step)i), &step));
        assert_int_equal(step, i);
    }
    assert_true(switch_plan_kind("rollback", &kind));
    assert_int_equal(kind, SWITCH_ROLLBACK);
    assert_false(switch_plan_kind("sidegrade", &kind));
}

static const uint64_t noon = 1767225600000;

static struct db_op step_of(uint64_t n)
{
    return (struct db_op){.step_n = n, .step_started_ms = noon, .step_deadline_ms = noon + 120000};
}

static void a_step_has_its_time_whatever_the_wall_clock_does(void **state)
{
    struct switch_time t = {0};
    struct db_op op = step_of(1);

    (void)state;
    switch_time_look(&t, &op, noon, 7000);
    assert_false(switch_time_is_over(&t, 7000 + 120000));
    assert_true(switch_time_is_over(&t, 7000 + 120001));
    switch_time_look(&t, &op, noon + 86400000, 8000); /* set ahead, */
    assert_false(switch_time_is_over(&t, 8000));
    switch_time_look(&t, &op, noon - 86400000, 9000); /* and back */
    assert_int_equal(2000, switch_time_ran_ms(&t, 9000));
    op = step_of(2);
    switch_time_look(&t, &op, noon, 200000);
    assert_int_equal(0, switch_time_ran_ms(&t, 200000));
}

/* From the first fence on, over all steps. */
static void writers_are_stopped_as_long_as_they_are(void **state)
{
    struct switch_time t = {0};
    struct db_op op = step_of(1);

    (void)state;
    switch_time_look(&t, &op, noon, 7000);
    assert_int_equal(0, switch_time_stopped_ms(&t, 9000));
    op = step_of(2);
    op.frozen_ms = noon;
    switch_time_look(&t, &op, noon, 10000);
    op = step_of(3);
    op.frozen_ms = noon;
    switch_time_look(&t, &op, noon + 86400000, 25000); /* the wall clock was set */
    assert_int_equal(20000, switch_time_stopped_ms(&t, 30000));
    t = (struct switch_time){0}; /* another process */
    switch_time_look(&t, &op, noon + 40000, 10);
    assert_int_equal(41000, switch_time_stopped_ms(&t, 1010));
}

/* Another process: what passed before is known by the wall clock only. */
static void after_a_restart_a_step_has_what_is_left_and_never_more_than_all(void **state)
{
    const struct db_op op = step_of(3);
    struct switch_time t = {0};

    (void)state;
    switch_time_look(&t, &op, noon + 100000, 10);
    assert_false(switch_time_is_over(&t, 10 + 20000));
    assert_true(switch_time_is_over(&t, 10 + 20001));
    t = (struct switch_time){0};
    switch_time_look(&t, &op, noon - 3600000, 10); /* the clock went back */
    assert_false(switch_time_is_over(&t, 10 + 120000));
    assert_true(switch_time_is_over(&t, 10 + 120001));
    t = (struct switch_time){0};
    switch_time_look(&t, &op, noon + 3600000, 10);
    assert_false(switch_time_is_over(&t, 10)); /* one look first */
    assert_true(switch_time_is_over(&t, 11));
}

/* Nobody may come for a day: the history of the operation stays one that can be shown. */
static void a_step_that_never_ends_is_tried_less_and_less(void **state)
{
    uint64_t ms = 0;
    unsigned n = 0;

    (void)state;
    while (n < SWITCH_PLAN_ATTENTION)
        ms += switch_plan_redo_ms(n++);
    assert_in_range(ms, 1, 15000); /* the operator is called soon */
    for (; ms < 24 * 3600 * (uint64_t)1000; n++) {
        assert_true(switch_plan_redo_ms(n) >= switch_plan_redo_ms(n - 1));
        ms += switch_plan_redo_ms(n);
    }
    assert_in_range(n, 1000, 8000);
    assert_in_range(switch_plan_redo_ms(UINT_MAX), 1, 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_keeps_the_rules_of_a_switch),
        cmocka_unit_test(a_step_has_its_time_whatever_the_wall_clock_does),
        cmocka_unit_test(writers_are_stopped_as_long_as_they_are),
        cmocka_unit_test(after_a_restart_a_step_has_what_is_left_and_never_more_than_all),
        cmocka_unit_test(a_failed_health_check_goes_back_at_the_next_epoch),
        cmocka_unit_test(the_decision_that_stands_wins),
        cmocka_unit_test(an_undecided_register_is_asked_again),
        cmocka_unit_test(an_abort_never_stops_the_way_back),
        cmocka_unit_test(a_step_that_never_ends_is_tried_less_and_less),
        cmocka_unit_test(names_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
