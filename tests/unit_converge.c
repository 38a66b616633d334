/* SPDX-License-Identifier: Apache-2.0 */
/* Whether replication gets there: passes of a made volume that is written at a steady rate and
 * drained at another. */
#include "tests/unit.h"

#include "agent/converge.h"

#include "base/banned.h"

#define MIB ((uint64_t)1 << 20)

static const struct converge_target target = {.lag_ms = 15000, .fixed = true};
static const struct converge_target loose = {.lag_ms = 15000};

/* A volume that changes at write bytes a second, passes that begin every gap_ms or when the one
 * before is over, and take base_ms and what the line needs at drain; half of it is sent. */
struct world {
    struct converge c;
    const struct converge_target *target;
    uint64_t write, drain, base_ms, gap_ms;
    uint64_t took_ms; /* of the last pass */
};

static void passes(struct world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct converge_pass p = {.since_ms = w->took_ms > w->gap_ms ? w->took_ms : w->gap_ms};

        p.changed_bytes = w->write * p.since_ms / 1000;
        p.took_ms = w->base_ms + p.changed_bytes * 1000 / w->drain;
        p.sent_bytes = p.changed_bytes / 2;
        p.shares[SPENT_LIMIT] = 1;
        w->took_ms = p.took_ms;
        converge_pass(&w->c, &p, w->target);
    }
}

static enum converge_state judged(const struct world *w)
{
    return converge_judge(
        &w->c, &(struct converge_now){.seeded = true, .lag_ms = w->took_ms + w->gap_ms}, w->target);
}

static struct world begin(uint64_t write, uint64_t drain)
{
    return (struct world){
        .target = &loose, .write = write, .drain = drain, .base_ms = 50, .gap_ms = 5000};
}

static void a_first_copy_is_a_seed(void **state)
{
    struct converge c = {0};

    (void)state;
    assert_int_equal(CONVERGE_UNKNOWN, converge_judge(&c, &(struct converge_now){0}, &loose));
    assert_int_equal(CONVERGE_SEEDING,
                     converge_judge(&c, &(struct converge_now){.running_ms = 1}, &loose));
    assert_null(converge_name(CONVERGE_UNKNOWN));
    assert_string_equal("seeding", converge_name(CONVERGE_SEEDING));
    assert_string_equal("not_converging", converge_name(CONVERGE_NOT));
}

/* As much is written as the pass looks at: it is not said of the first minutes, and not of a
 * working set that is small beside what was looked at since. */
static void a_first_copy_that_is_outrun_is_told_before_it_ends(void **state)
{
    struct converge c = {0};
    struct converge_now now = {
        .running_ms = 60 * 1000, .done_bytes = 100 * MIB, .written_bytes = 120 * MIB};

    (void)state;
    assert_int_equal(CONVERGE_SEEDING, converge_judge(&c, &now, &loose));
    now.running_ms = 121 * 1000;
    assert_int_equal(CONVERGE_NOT, converge_judge(&c, &now, &loose));
    now.done_bytes = 200 * MIB;
    assert_int_equal(CONVERGE_SEEDING, converge_judge(&c, &now, &loose));
    now.written_bytes = 0;
    now.done_bytes = 0;
    assert_int_equal(CONVERGE_SEEDING, converge_judge(&c, &now, &loose));
}

/* Likewise a later pass, however long the time is in which its data came. */
static void a_later_pass_that_is_outrun_is_told_before_it_ends(void **state)
{
    struct converge c = {0};
    struct converge_now now = {.seeded = true,
                               .lag_ms = 1000,
                               .since_ms = 300 * 1000,
                               .running_ms = 200 * 1000,
                               .done_bytes = 100 * MIB,
                               .written_bytes = 99 * MIB};

    (void)state;
    assert_int_equal(CONVERGE_NOT, converge_judge(&c, &now, &target));
    now.written_bytes = 50 * MIB;
    assert_int_equal(CONVERGE_STEADY, converge_judge(&c, &now, &target));
    now.written_bytes = 99 * MIB;
    assert_int_equal(
        CONVERGE_STEADY,
        converge_judge(&c, &now, &(struct converge_target){.lag_ms = 3600 * 1000, .fixed = true}));
    assert_int_equal(CONVERGE_STEADY, converge_judge(&c, &now, &loose));
}

static void what_drains_faster_than_it_is_written_is_steady(void **state)
{
    struct world w = begin(2 * MIB, 20 * MIB);

    (void)state;
    passes(&w, 5);
    assert_int_equal(CONVERGE_STEADY, judged(&w));
    assert_in_range(converge_write_rate(&w.c), 2 * MIB - 9, 2 * MIB);
    assert_in_range(converge_drain_rate(&w.c), 18 * MIB, 20 * MIB);
    assert_in_range(converge_send_rate(&w.c), 9 * MIB, 10 * MIB);
    /* Half of what is written goes over the line. */
    assert_in_range(converge_need_rate(&w.c), 3 * MIB / 2 - 9, 3 * MIB / 2);
}

/* An hour of seeding, then passes that shrink by half. */
static void after_a_long_seed_it_converges_and_says_when(void **state)
{
    struct world w = begin(10 * MIB, 20 * MIB);
    double before_s = 1e9;

    (void)state;
    w.took_ms = 3600 * 1000;
    for (int i = 0; i < 7; i++) {
        double eta_s;

        passes(&w, 1);
        assert_int_equal(CONVERGE_CONVERGING, judged(&w));
        eta_s = converge_eta_s(&w.c, w.write * w.took_ms / 1000);
        assert_true(eta_s > 0 && eta_s < before_s);
        before_s = eta_s;
    }
    passes(&w, 4);
    assert_int_equal(CONVERGE_STEADY, judged(&w));
}

static void what_is_written_faster_than_it_drains_never_gets_there(void **state)
{
    struct world w = begin(8 * MIB, 2 * MIB);
    enum spent_on on = SPENT_DISK;

    (void)state;
    passes(&w, 1);
    assert_int_equal(CONVERGE_NOT, judged(&w)); /* it took four times the time of its data */
    passes(&w, 3);
    assert_int_equal(CONVERGE_NOT, judged(&w));
    assert_true(converge_eta_s(&w.c, 100 * MIB) < 0);
    assert_true(converge_bound(&w.c, &on));
    assert_int_equal(SPENT_LIMIT, on);
}

static void a_little_too_slow_takes_several_passes_to_be_told(void **state)
{
    struct world w = begin(6 * MIB, 5 * MIB);

    (void)state;
    w.took_ms = 20000;
    passes(&w, 2);
    assert_int_equal(CONVERGE_CONVERGING, judged(&w));
    passes(&w, 1);
    assert_int_equal(CONVERGE_NOT, judged(&w));
}

static void more_room_lets_it_converge_again(void **state)
{
    struct world w = begin(8 * MIB, 2 * MIB);
    unsigned n = 0;

    (void)state;
    passes(&w, 4);
    assert_int_equal(CONVERGE_NOT, judged(&w));
    w.drain = 40 * MIB;
    for (; n < 10 && judged(&w) == CONVERGE_NOT; n++)
        passes(&w, 1);
    assert_in_range(n, 2, 4);
    passes(&w, 6);
    assert_int_equal(CONVERGE_STEADY, judged(&w));
}

/* A rate right at the edge, with passes that swing around it. */
static void at_the_edge_it_does_not_flap(void **state)
{
    struct world w = begin(5 * MIB, 5 * MIB);
    enum converge_state was = CONVERGE_UNKNOWN;
    unsigned changes = 0;

    (void)state;
    w.took_ms = 60000;
    w.target = &target;
    for (int i = 0; i < 200; i++) {
        w.drain = (i % 3 == 0 ? 46 : i % 3 == 1 ? 50 : 54) * MIB / 10;
        passes(&w, 1);
        changes += (judged(&w) == CONVERGE_NOT) != (was == CONVERGE_NOT);
        was = judged(&w);
        if (w.took_ms > 600000 || w.took_ms < 20000)
            w.took_ms = 60000;
    }
    assert_true(changes <= 1);
}

/* Reading the whole volume takes half a minute, whatever was written. */
static void a_floor_is_told_only_when_less_was_asked_for(void **state)
{
    struct world w = begin(MIB, 100 * MIB);

    (void)state;
    w.base_ms = 30000;
    converge_pass(&w.c, &(struct converge_pass){.took_ms = 30000}, &loose); /* of a new agent */
    passes(&w, 20);
    assert_int_equal(CONVERGE_CONVERGING, judged(&w)); /* as good as it gets, and no worse */
    w.target = &target;
    passes(&w, 3);
    assert_int_equal(CONVERGE_NOT, judged(&w));
    w.target = &loose; /* the wish is taken back */
    passes(&w, 3);
    assert_int_equal(CONVERGE_CONVERGING, judged(&w));
}

static void a_pass_under_way_that_takes_for_ever_is_told_before_it_ends(void **state)
{
    struct world w = begin(MIB, 20 * MIB);
    struct converge_now now = {.seeded = true, .since_ms = 10000};

    (void)state;
    passes(&w, 5);
    now.running_ms = now.lag_ms = 29000;
    assert_int_equal(CONVERGE_CONVERGING, converge_judge(&w.c, &now, &loose));
    now.running_ms = now.lag_ms = 30000;
    assert_int_equal(CONVERGE_NOT, converge_judge(&w.c, &now, &loose));
}

static void quiet_volumes_are_steady_and_write_nothing(void **state)
{
    struct world w = begin(8 * MIB, 2 * MIB);

    (void)state;
    passes(&w, 4);
    for (int i = 0; i < 60; i++)
        converge_pass(&w.c, &(struct converge_pass){.since_ms = 5000}, &loose);
    w.took_ms = 0;
    assert_int_equal(CONVERGE_STEADY, judged(&w));
    assert_int_equal(0, converge_write_rate(&w.c));
    assert_int_equal(0, converge_send_rate(&w.c));
}

static void the_first_pass_says_nothing_of_rates(void **state)
{
    struct converge c = {0};
    enum spent_on on;

    (void)state;
    assert_false(converge_bound(&c, &on));
    converge_pass(&c,
                  &(struct converge_pass){.took_ms = 9000, .changed_bytes = MIB, .sent_bytes = MIB},
                  &loose);
    assert_int_equal(0, converge_write_rate(&c));
    assert_int_equal(0, converge_drain_rate(&c));
    assert_true(converge_eta_s(&c, MIB) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_copy_is_a_seed),
        cmocka_unit_test(a_first_copy_that_is_outrun_is_told_before_it_ends),
        cmocka_unit_test(a_later_pass_that_is_outrun_is_told_before_it_ends),
        cmocka_unit_test(what_drains_faster_than_it_is_written_is_steady),
        cmocka_unit_test(after_a_long_seed_it_converges_and_says_when),
        cmocka_unit_test(what_is_written_faster_than_it_drains_never_gets_there),
        cmocka_unit_test(a_little_too_slow_takes_several_passes_to_be_told),
        cmocka_unit_test(more_room_lets_it_converge_again),
        cmocka_unit_test(at_the_edge_it_does_not_flap),
        cmocka_unit_test(a_floor_is_told_only_when_less_was_asked_for),
        cmocka_unit_test(a_pass_under_way_that_takes_for_ever_is_told_before_it_ends),
        cmocka_unit_test(quiet_volumes_are_steady_and_write_nothing),
        cmocka_unit_test(the_first_pass_says_nothing_of_rates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
