/* SPDX-License-Identifier: Apache-2.0 */
/* The bandwidth limit, on a clock that only moves when somebody sleeps. */
#include "tests/unit.h"

#include "transport/rate.h"
#include "transport/rate_line.h"
#include "transport/rate_table.h"

#include "base/banned.h"

struct fake {
    uint64_t now_ms;
    struct rate *rate;     /* to be given another rate … */
    uint64_t change_at_ms; /* … at that time */
    uint64_t change_to;
    atomic_bool *stop;
    uint64_t stop_at_ms;
};

static uint64_t fake_ms(void *arg)
{
    return ((struct fake *)arg)->now_ms;
}

static void fake_sleep(void *arg, uint64_t ms)
{
    struct fake *f = arg;

    assert_true(ms > 0);
    f->now_ms += ms;
    if (f->stop && f->now_ms >= f->stop_at_ms)
        atomic_store(f->stop, true);
    if (f->rate && f->now_ms >= f->change_at_ms) {
        rate_set(f->rate, f->change_to);
        f->rate = NULL;
    }
}

static struct clock fake_clock(struct fake *f)
{
    return (struct clock){.wall_ms = fake_ms, .mono_ms = fake_ms, .sleep_ms = fake_sleep, .arg = f};
}

static void without_a_limit_nothing_waits(void **state)
{
    struct fake f = {.now_ms = 5};
    struct clock c = fake_clock(&f);
    struct rate *r = NULL;

    (void)state;
    assert_ok(rate_take(NULL, 1 << 30, NULL));
    assert_ok(rate_new(0, &c, &r, NULL));
    for (int i = 0; i < 100; i++)
        assert_ok(rate_take(r, 1 << 30, NULL));
    assert_int_equal(5, f.now_ms);
    assert_int_equal(0, rate_get(r));
    rate_free(r);
    rate_free(NULL);
}

static void the_long_run_keeps_to_the_rate(void **state)
{
    static const uint64_t rates[] = {7, 1000, 12345, 1000003, 1250000000};
    static const size_t sizes[] = {1, 100, 4096, 1 << 20, 16 << 20};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
        struct fake f = {0};
        struct clock c = fake_clock(&f);
        struct rate *r = NULL;
        uint64_t total = 0;
        double want_ms;

        assert_ok(rate_new(rates[i], &c, &r, NULL));
        for (int n = 0; n < 40; n++) {
            assert_ok(rate_take(r, sizes[i], NULL));
            total += sizes[i];
        }
        want_ms = 1000.0 * (double)total / (double)rates[i];
        assert_true((double)f.now_ms >= want_ms - 101); /* the burst of an idle start */
        assert_true((double)f.now_ms <= want_ms + 41);  /* a millisecond of rounding a take */
        rate_free(r);
    }
}

static void idle_time_is_not_saved_up(void **state)
{
    struct fake f = {0};
    struct clock c = fake_clock(&f);
    struct rate *r = NULL;
    uint64_t start_ms;

    (void)state;
    assert_ok(rate_new(1000, &c, &r, NULL));
    f.now_ms += 3600 * 1000;
    start_ms = f.now_ms;
    assert_ok(rate_take(r, 1100, NULL));
    assert_in_range(f.now_ms - start_ms, 1000, 1002);
    rate_free(r);
}

static void a_new_rate_reaches_those_who_wait(void **state)
{
    struct fake f = {.change_at_ms = 1000, .change_to = 1000000};
    struct clock c = fake_clock(&f);
    struct rate *r = NULL;

    (void)state;
    assert_ok(rate_new(10, &c, &r, NULL));
    f.rate = r;
    assert_ok(rate_take(r, 1000000, NULL)); /* a day at 10 B/s */
    assert_in_range(f.now_ms, 1990, 2100);
    assert_int_equal(1000000, rate_get(r));
    rate_free(r);
}

static void lifting_the_limit_lets_go(void **state)
{
    struct fake f = {.change_at_ms = 500, .change_to = 0};
    struct clock c = fake_clock(&f);
    struct rate *r = NULL;

    (void)state;
    assert_ok(rate_new(10, &c, &r, NULL));
    f.rate = r;
    assert_ok(rate_take(r, 1000000, NULL));
    assert_in_range(f.now_ms, 500, 600);
    rate_free(r);
}

static void stop_ends_the_wait_and_gives_the_bytes_back(void **state)
{
    atomic_bool stop = false;
    struct fake f = {.stop = &stop, .stop_at_ms = 300};
    struct clock c = fake_clock(&f);
    struct rate *r = NULL;
    uint64_t start_ms;

    (void)state;
    assert_ok(rate_new(1000, &c, &r, NULL));
    assert_fails(-ECANCELED, rate_take(r, 1 << 20, &stop));
    assert_in_range(f.now_ms, 300, 400);
    start_ms = f.now_ms;
    assert_ok(rate_take(r, 1000, NULL));
    assert_true(f.now_ms - start_ms <= 1001);
    rate_free(r);
}

static void absurd_rates_are_no_limit(void **state)
{
    struct fake f = {0};
    struct clock c = fake_clock(&f);
    struct rate *r = NULL;

    (void)state;
    assert_ok(rate_new(UINT64_MAX, &c, &r, NULL));
    assert_ok(rate_take(r, 64 << 20, NULL));
    assert_int_equal(0, f.now_ms);
    rate_free(r);
}

/* 09:59:50 UTC of some day: ten seconds of one rate, then of the other. */
static void a_timetable_changes_the_rate_of_who_waits(void **state)
{
    const uint64_t start_ms = (uint64_t)1795600790 * 1000;
    struct fake f = {.now_ms = start_ms};
    struct clock c = fake_clock(&f);
    struct rate_table t;
    struct rate *r = NULL;

    (void)state;
    assert_ok(rate_table_parse("08:00-10:00 1000B/s, 50kB/s", &t, NULL));
    assert_ok(rate_new(0, &c, &r, NULL));
    rate_set_table(r, &t);
    assert_int_equal(1000, rate_get(r));
    assert_ok(rate_take(r, 10000 + 500000, NULL));
    assert_in_range(f.now_ms - start_ms, 19400, 20600);
    assert_int_equal(50000, rate_get(r));
    rate_free(r);
}

static void a_share_keeps_to_its_own_limit_and_to_the_whole(void **state)
{
    struct fake f = {0};
    struct clock c = fake_clock(&f);
    struct rate *whole = NULL;
    struct rate *share = NULL;
    uint64_t start_ms;

    (void)state;
    assert_ok(rate_new(1000, &c, &whole, NULL));
    assert_ok(rate_new_share(whole, &share, NULL));
    assert_ok(rate_take(share, 10000, NULL));
    assert_in_range(f.now_ms, 9900, 10002);
    rate_set(share, 100);
    start_ms = f.now_ms;
    assert_ok(rate_take(share, 1000, NULL));
    assert_in_range(f.now_ms - start_ms, 9900, 10002);
    rate_free(share);
    rate_free(whole);
}

/* Flow 0 has six streams, the others have one; sizes are their own. Each gets its quarter. */
static void flows_share_equally_whatever_they_ask_for(void **state)
{
    enum { FLOWS = 4, STREAMS = 9 };
    static const size_t of[STREAMS] = {0, 0, 0, 0, 0, 0, 1, 2, 3};
    static const uint64_t sizes[FLOWS] = {16 << 20, 4096, 1 << 20, 16 << 20};
    struct rate_line line = {0};
    struct rate_flow flows[FLOWS] = {{0}};
    struct rate_waiter waiters[STREAMS];
    uint64_t got[FLOWS] = {0};
    const uint64_t total = (uint64_t)8 << 30;
    uint64_t sum = 0;

    (void)state;
    for (size_t i = 0; i < STREAMS; i++)
        rate_line_join(&line, &flows[of[i]], &waiters[i], sizes[of[i]]);
    while (sum < total) {
        size_t i = (size_t)(line.first - waiters);
        size_t f = of[i];

        rate_line_leave(&line, &flows[f], &waiters[i], true);
        got[f] += sizes[f];
        sum += sizes[f];
        rate_line_join(&line, &flows[f], &waiters[i], sizes[f]);
    }
    for (size_t f = 0; f < FLOWS; f++)
        assert_in_range(got[f], total / FLOWS - (64 << 20), total / FLOWS + (64 << 20));
}

/* Who was away is first in line once, and not for all that it missed. */
static void a_flow_that_comes_late_takes_nothing_back(void **state)
{
    struct rate_line line = {0};
    struct rate_flow a = {0};
    struct rate_flow b = {0};
    struct rate_waiter wa;
    struct rate_waiter wb;
    uint64_t got_b = 0;

    (void)state;
    rate_line_join(&line, &a, &wa, 1000);
    for (int i = 0; i < 100; i++) {
        rate_line_leave(&line, &a, &wa, true);
        rate_line_join(&line, &a, &wa, 1000);
    }
    rate_line_join(&line, &b, &wb, 1000);
    for (int i = 0; i < 20; i++) {
        bool is_b = line.first == &wb;

        got_b += is_b;
        rate_line_leave(&line, is_b ? &b : &a, is_b ? &wb : &wa, true);
        rate_line_join(&line, is_b ? &b : &a, is_b ? &wb : &wa, 1000);
    }
    assert_in_range(got_b, 10, 11);
}

static void who_gives_up_leaves_no_debt(void **state)
{
    struct rate_line line = {0};
    struct rate_flow a = {0};
    struct rate_flow b = {0};
    struct rate_waiter wa;
    struct rate_waiter wb;

    (void)state;
    rate_line_join(&line, &a, &wa, 1 << 30);
    rate_line_join(&line, &b, &wb, 10);
    assert_int_equal((1 << 30) + 10, rate_line_upto(&line, &wb));
    rate_line_leave(&line, &a, &wa, false);
    assert_int_equal(0, a.finish);
    assert_int_equal(10, line.waiting);
    assert_int_equal(10, rate_line_upto(&line, &wb));
}

int main(void)
{
    setenv("TZ", "UTC0", 1);

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_limit_nothing_waits),
        cmocka_unit_test(the_long_run_keeps_to_the_rate),
        cmocka_unit_test(idle_time_is_not_saved_up),
        cmocka_unit_test(a_new_rate_reaches_those_who_wait),
        cmocka_unit_test(lifting_the_limit_lets_go),
        cmocka_unit_test(stop_ends_the_wait_and_gives_the_bytes_back),
        cmocka_unit_test(absurd_rates_are_no_limit),
        cmocka_unit_test(a_timetable_changes_the_rate_of_who_waits),
        cmocka_unit_test(a_share_keeps_to_its_own_limit_and_to_the_whole),
        cmocka_unit_test(flows_share_equally_whatever_they_ask_for),
        cmocka_unit_test(a_flow_that_comes_late_takes_nothing_back),
        cmocka_unit_test(who_gives_up_leaves_no_debt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
