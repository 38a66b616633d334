/* SPDX-License-Identifier: Apache-2.0 */
/* What bounds a pass: from the times of its stages alone, and from real passes whose bottleneck is
 * known. */
#include "tests/replica_place.h"

#include "transport/rate.h"
#include "transport/spent.h"

#include "base/banned.h"

#define assert_share(want, is) assert_true((is) > (want)-0.001 && (is) < (want) + 0.001)

static enum spent_on bound_of(const struct spent *s)
{
    enum spent_on on = SPENT_KINDS;

    assert_true(spent_bound(s, &on));
    return on;
}

static void no_time_bounds_nothing(void **state)
{
    struct spent s = {0};
    double shares[SPENT_KINDS];
    enum spent_on on = SPENT_CPU;

    (void)state;
    assert_false(spent_bound(&s, &on));
    assert_int_equal(SPENT_CPU, on); /* untouched */
    spent_shares(&s, shares);
    for (int i = 0; i < SPENT_KINDS; i++)
        assert_share(0, shares[i]);
}

static void a_reader_that_waits_for_its_volume_is_bound_by_the_disk(void **state)
{
    struct spent s = {.read_ms = 900, .held_ms = 100, .work_ms = 4000, .put.link_ms = 9000};

    (void)state;
    assert_int_equal(SPENT_DISK, bound_of(&s));
}

static void workers_that_never_wait_are_the_bound(void **state)
{
    struct spent s = {.read_ms = 100, .held_ms = 900, .work_ms = 4000, .put.link_ms = 9000};

    (void)state;
    assert_int_equal(SPENT_CPU, bound_of(&s));
}

/* Streams are many and overlap: their sums only say how the time that others waited is divided. */
static void time_is_handed_down_to_the_stage_that_spent_it(void **state)
{
    struct spent s = {.read_ms = 100,
                      .held_ms = 800,
                      .tail_ms = 100,
                      .work_ms = 500,
                      .work_held_ms = 1500,
                      .put = {.limit_ms = 6000, .store_ms = 1000, .link_ms = 1000}};
    double shares[SPENT_KINDS];

    (void)state;
    spent_shares(&s, shares);
    assert_share(0.1, shares[SPENT_DISK]);
    assert_share(0.2, shares[SPENT_CPU]);     /* a quarter of 800 */
    assert_share(0.525, shares[SPENT_LIMIT]); /* three quarters of 600 + 100 */
    assert_share(0.0875, shares[SPENT_STORE]);
    assert_share(0.0875, shares[SPENT_LINK]);
    assert_int_equal(SPENT_LIMIT, bound_of(&s));
}

static void what_workers_ask_the_store_is_no_work(void **state)
{
    struct spent s = {.held_ms = 1000, .work_ms = 1000, .work.link_ms = 900};

    (void)state;
    assert_int_equal(SPENT_LINK, bound_of(&s));
    s.work.link_ms = 5000; /* clocks of two files: never more than there was */
    assert_int_equal(SPENT_LINK, bound_of(&s));
}

static void a_pause_of_the_store_is_told_from_a_slow_line(void **state)
{
    struct spent s = {.tail_ms = 1000, .put = {.store_ms = 700, .link_ms = 300}};

    (void)state;
    assert_int_equal(SPENT_STORE, bound_of(&s));
    assert_string_equal("store", spent_name(SPENT_STORE));
}

static void a_pass_under_way_without_an_answer_waits_for_the_link(void **state)
{
    struct spent s = {.tail_ms = 1000};

    (void)state;
    assert_int_equal(SPENT_LINK, bound_of(&s));
}

/* -- passes ----------------------------------------------------------------------- */

static void push_at(uint64_t bytes_per_s, struct place_run *run)
{
    struct rate *rate = NULL;
    struct place p;
    struct vault_conf conf = {.store.url = p.url, .key = place_key};

    place_init(&p, NULL);
    vault_close(TAKE(p.vault));
    assert_ok(rate_new(bytes_per_s, &clock_system, &rate, NULL));
    conf.store.rate = rate;
    assert_ok(vault_open(&conf, &p.vault, NULL));
    place_random(&p, "a.img", 0, 1 << 20, 1);
    place_ok(place_push(&p, run), run);
    place_done(&p);
    rate_free(rate);
}

static void a_pass_under_a_limit_says_so(void **state)
{
    struct place_run run = {.image = "a.img", .state = "a"};

    (void)state;
    push_at(2 << 20, &run);
    assert_int_equal(SPENT_LIMIT, bound_of(&run.progress.spent));
    assert_true(run.progress.spent.put.limit_ms > 200);
}

static void a_pass_without_one_never_waits_for_it(void **state)
{
    struct place_run run = {.image = "a.img", .state = "a"};

    (void)state;
    push_at(0, &run);
    assert_int_equal(0, run.progress.spent.put.limit_ms + run.progress.spent.work.limit_ms);
    assert_int_equal(0, run.progress.spent.put.store_ms + run.progress.spent.work.store_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_time_bounds_nothing),
        cmocka_unit_test(a_reader_that_waits_for_its_volume_is_bound_by_the_disk),
        cmocka_unit_test(workers_that_never_wait_are_the_bound),
        cmocka_unit_test(time_is_handed_down_to_the_stage_that_spent_it),
        cmocka_unit_test(what_workers_ask_the_store_is_no_work),
        cmocka_unit_test(a_pause_of_the_store_is_told_from_a_slow_line),
        cmocka_unit_test(a_pass_under_way_without_an_answer_waits_for_the_link),
        cmocka_unit_test(a_pass_under_a_limit_says_so),
        cmocka_unit_test(a_pass_without_one_never_waits_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
