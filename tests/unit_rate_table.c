/* SPDX-License-Identifier: Apache-2.0 */
/* Timetables of bandwidth: what fits when, in a zone with summer time; and what is refused. */
#include "tests/unit.h"

#include "base/gw.h"
#include "base/text.h"
#include "transport/rate_table.h"

#include <time.h>

#include "base/banned.h"

static uint64_t at(const char *table, const char *utc)
{
    struct rate_table t;
    uint64_t ms = 0;

    assert_ok(rate_table_parse(table, &t, NULL));
    assert_ok(text_parse_time(utc, &ms, NULL));
    return rate_table_at(&t, ms);
}

static void one_rate_counts_always(void **state)
{
    struct rate_table t;

    (void)state;
    assert_int_equal(20 << 20, at("20MiB/s", "2026-11-22T12:00:00Z"));
    assert_int_equal(20 << 20, at(" 20 MiB/s ", "2026-11-22T12:00:00Z"));
    assert_int_equal(12500000, at("100Mbit", "2026-11-22T12:00:00Z"));
    assert_int_equal(0, at("none", "2026-11-22T12:00:00Z"));
    assert_ok(rate_table_parse("5MiB", &t, NULL));
    assert_true(rate_table_is_flat(&t));
    assert_ok(rate_table_parse("08:00-18:00 5MiB", &t, NULL));
    assert_false(rate_table_is_flat(&t));
}

/* Madrid is UTC+1 in winter. */
static void the_first_that_fits_counts(void **state)
{
    static const char *table = "08:00-18:00 20KiB/s, 17:00-20:00 30KiB/s, 100KiB/s";

    (void)state;
    assert_int_equal(100 << 10, at(table, "2026-11-23T06:59:59Z"));
    assert_int_equal(20 << 10, at(table, "2026-11-23T07:00:00Z"));
    assert_int_equal(20 << 10, at(table, "2026-11-23T16:59:59Z"));
    assert_int_equal(30 << 10, at(table, "2026-11-23T17:00:00Z"));
    assert_int_equal(100 << 10, at(table, "2026-11-23T19:00:00Z"));
    assert_int_equal(0, at("08:00-18:00 20KiB/s", "2026-11-23T19:00:00Z"));
}

static void days_and_midnight(void **state)
{
    static const char *week = "Mon-Fri 08:00-18:00 20KiB, Sat-Sun 50KiB, none";
    static const char *night = "Fri 22:00-06:00 10KiB, 22:00-24:00 5KiB, none";

    (void)state;
    assert_int_equal(20 << 10, at(week, "2026-11-27T12:00:00Z"));
    assert_int_equal(50 << 10, at(week, "2026-11-28T12:00:00Z"));
    assert_int_equal(0, at(week, "2026-11-27T20:00:00Z"));
    assert_int_equal(10 << 10, at(night, "2026-11-27T22:00:00Z"));
    assert_int_equal(10 << 10, at(night, "2026-11-28T04:59:59Z")); /* Saturday belongs to Friday */
    assert_int_equal(0, at(night, "2026-11-28T05:00:00Z"));
    assert_int_equal(0, at(night, "2026-11-27T04:00:00Z")); /* Thursday's night is free */
    assert_int_equal(5 << 10, at(night, "2026-11-28T22:00:00Z"));
    assert_int_equal(7 << 10, at("Fri-Mon 7KiB, none", "2026-11-23T12:00:00Z"));
    assert_int_equal(0, at("Fri-Mon 7KiB, none", "2026-11-24T12:00:00Z"));
}

/* 29 March 2026: 02:00 becomes 03:00; 25 October: 03:00 becomes 02:00. */
static void the_clock_on_the_wall_counts(void **state)
{
    static const char *table = "02:00-03:00 1KiB, 08:00-18:00 20KiB, 9KiB";

    (void)state;
    assert_int_equal(9 << 10, at(table, "2026-03-29T00:59:59Z"));
    assert_int_equal(9 << 10, at(table, "2026-03-29T01:00:00Z")); /* 03:00 at once */
    assert_int_equal(20 << 10, at(table, "2026-03-29T06:00:00Z"));
    assert_int_equal(1 << 10, at(table, "2026-10-25T00:30:00Z"));
    assert_int_equal(1 << 10, at(table, "2026-10-25T01:30:00Z")); /* the same hour again */
    assert_int_equal(9 << 10, at(table, "2026-10-25T02:00:00Z"));
    assert_int_equal(9 << 10, at(table, "2026-10-25T06:59:00Z"));
    assert_int_equal(20 << 10, at(table, "2026-10-25T07:00:00Z"));
}

/* Whatever the table, the day that hours and the rest make has 24 hours: every minute has one rate,
 * and that of the hours for exactly as long as they say. */
static void every_minute_of_a_day_is_covered(void **state)
{
    (void)state;
    for (int from = 0; from < 24 * 60; from += 97) {
        for (int to = 1; to <= 24 * 60; to += 89) {
            struct rate_table t;
            char text[64];
            int inside = 0;

            if (from == to)
                continue;
            (void)text_print(text, sizeof(text), "%02d:%02d-%02d:%02d 1KiB, 2KiB", from / 60,
                             from % 60, to / 60, to % 60);
            assert_ok(rate_table_parse(text, &t, NULL));
            for (uint64_t minute = 0; minute < (uint64_t)24 * 60; minute++) {
                uint64_t rate = rate_table_at(&t, (1795647600 + minute * 60) * 1000);

                assert_true(rate == 1024 || rate == 2048);
                inside += rate == 1024;
            }
            assert_int_equal(from < to ? to - from : to - from + 24 * 60, inside);
        }
    }
}

static void nonsense_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "empty entry"},
        {"20MiB/s,", "never counts"},
        {"08:00-18:00 20MiB,,5MiB", "empty entry"},
        {"5MiB, 08:00-18:00 20MiB", "never counts"},
        {"08:00-18:00", "rate is missing"},
        {"Mon", "rate is missing"},
        {"08:00 20MiB", "hours are two times"},
        {"8:00-18:00 20MiB", "hours are two times"},
        {"08:00-25:00 20MiB", "hours are two times"},
        {"08:60-18:00 20MiB", "hours are two times"},
        {"24:00-06:00 20MiB", "hours are two times"},
        {"08:00-08:00 20MiB", "end when they begin"},
        {"Mon-Fry 20MiB", "rate is a number"},
        {"fast", "rate is a number"},
        {"-1MiB", "rate is a number"},
        {"0", "would never end"},
        {"20 MiB/s please", "behind the rate"},
    };
    struct rate_table t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {0};

        assert_fails(-EINVAL, rate_table_parse(rows[i].text, &t, &err));
        assert_int_equal(GW_BAD_VALUE, err.gw);
        if (!strstr(err.text, rows[i].why))
            fail_msg("'%s': %s", rows[i].text, err.text);
    }
}

static int madrid(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3",
           1); /* Madrid's rules, whether zones are installed or not */
    tzset();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_rate_counts_always),
        cmocka_unit_test(the_first_that_fits_counts),
        cmocka_unit_test(days_and_midnight),
        cmocka_unit_test(the_clock_on_the_wall_counts),
        cmocka_unit_test(every_minute_of_a_day_is_covered),
        cmocka_unit_test(nonsense_is_refused_with_its_reason),
    };

    return cmocka_run_group_tests(tests, madrid, NULL);
}
