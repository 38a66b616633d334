/* SPDX-License-Identifier: Apache-2.0 */
/* Rates and the time that is left, from counters and a clock of our own. */
#include "tests/unit.h"

#include "transport/progress_rate.h"

#include "base/banned.h"

#define MIB ((uint64_t)1 << 20)

#define assert_near(want, is, tolerance)                                                           \
    assert_true((is) >= (want) - (tolerance) && (is) <= (want) + (tolerance))

static void nothing_is_known_before_something_moved(void **state)
{
    struct progress_rate p;

    (void)state;
    progress_rate_init(&p, 1000);
    progress_rate_look(&p, 1000, 0, 0);
    assert_true(progress_rate_eta_s(&p, 100) < 0);
    progress_rate_look(&p, 2000, 50, 0);
    assert_true(progress_rate_eta_s(&p, 0) < 0);
    assert_near(1.0, progress_rate_eta_s(&p, 100), 0.01);
    progress_rate_look(&p, 3000, 100, 0);
    assert_near(0, progress_rate_eta_s(&p, 100), 0.01);
}

/* A reader far ahead of a line of 1 MiB/s: what is left takes as long as the line needs. */
static void under_a_limit_the_line_says_how_long(void **state)
{
    struct progress_rate p;
    const uint64_t total = 1000 * MIB;
    double eta_s;

    (void)state;
    progress_rate_init(&p, 0);
    for (uint64_t s = 1; s <= 60; s++) /* packs of 16 MiB; half of all is zero */
        progress_rate_look(&p, s * 1000, (28 + 2 * s) * MIB, s / 16 * 16 * MIB);
    eta_s = progress_rate_eta_s(&p, total);
    /* 852 MiB are left, half of which travels in about 426 s */
    assert_true(eta_s > 300 && eta_s < 500);
}

/* The first gigabytes are zero and pass at once; then every byte has to go over the line. */
static void zeroes_that_fly_by_are_not_taken_for_the_rest(void **state)
{
    struct progress_rate p;
    double eta_s;

    (void)state;
    progress_rate_init(&p, 0);
    progress_rate_look(&p, 1000, 4000 * MIB, 0);
    for (uint64_t s = 2; s <= 30; s++)
        progress_rate_look(&p, s * 1000, (4000 + s) * MIB, s * MIB);
    eta_s = progress_rate_eta_s(&p, 5000 * MIB);
    assert_true(eta_s > 900 && eta_s < 1000);
}

static void a_scan_that_sends_nothing_is_timed_by_itself(void **state)
{
    struct progress_rate p;

    (void)state;
    progress_rate_init(&p, 0);
    for (uint64_t s = 1; s <= 20; s++)
        progress_rate_look(&p, s * 1000, s * 100 * MIB, 0);
    assert_near(30.0, progress_rate_eta_s(&p, 5000 * MIB), 1.0);
}

/* The store hangs: no rate of before, and no end in sight that it would promise. */
static void what_stands_still_has_no_end_in_sight(void **state)
{
    struct progress_rate p;

    (void)state;
    progress_rate_init(&p, 0);
    for (uint64_t s = 1; s <= 20; s++)
        progress_rate_look(&p, s * 1000, s * MIB, s * MIB);
    assert_near(20.0, progress_rate_eta_s(&p, 40 * MIB), 3.0);
    for (uint64_t s = 21; s <= 320; s++)
        progress_rate_look(&p, s * 1000, 20 * MIB, 20 * MIB);
    assert_true(p.moved_per_s < MIB / 50.0);
    assert_true(progress_rate_eta_s(&p, 40 * MIB) > 1000);
    progress_rate_look(&p, 321 * 1000, 21 * MIB, 21 * MIB);
    progress_rate_look(&p, 330 * 1000, 30 * MIB, 30 * MIB); /* and when it is back */
    assert_near(10.0, progress_rate_eta_s(&p, 40 * MIB), 3.0);
}

/* A long stretch without changes says nothing of the line. */
static void a_line_that_is_not_asked_keeps_its_rate(void **state)
{
    struct progress_rate p;

    (void)state;
    progress_rate_init(&p, 0);
    for (uint64_t s = 1; s <= 20; s++)
        progress_rate_look(&p, s * 1000, s * MIB, s * MIB);
    for (uint64_t s = 21; s <= 120; s++)
        progress_rate_look(&p, s * 1000, (20 + (s - 20) * 10) * MIB, 20 * MIB);
    assert_near((double)MIB, p.moved_per_s, (double)MIB / 10);
}

static void a_line_that_got_faster_is_followed(void **state)
{
    struct progress_rate p;

    (void)state;
    progress_rate_init(&p, 0);
    for (uint64_t s = 1; s <= 20; s++)
        progress_rate_look(&p, s * 1000, s * MIB, s * MIB);
    for (uint64_t s = 21; s <= 31; s++)
        progress_rate_look(&p, s * 1000, (20 + (s - 20) * 20) * MIB, (20 + (s - 20) * 20) * MIB);
    assert_near(20.0, p.moved_per_s / (double)MIB, 1.0);
    assert_near(38.0, progress_rate_eta_s(&p, 1000 * MIB), 3.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_something_moved),
        cmocka_unit_test(under_a_limit_the_line_says_how_long),
        cmocka_unit_test(zeroes_that_fly_by_are_not_taken_for_the_rest),
        cmocka_unit_test(a_scan_that_sends_nothing_is_timed_by_itself),
        cmocka_unit_test(what_stands_still_has_no_end_in_sight),
        cmocka_unit_test(a_line_that_is_not_asked_keeps_its_rate),
        cmocka_unit_test(a_line_that_got_faster_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
