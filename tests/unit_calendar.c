/* SPDX-License-Identifier: Apache-2.0 */
/* Stretches of time, and calendars read into them. */
#include "planner/engine/calendar.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/banned.h"

static uint64_t at(const char *text)
{
    uint64_t ms;

    assert_int_equal(text_parse_time(text, &ms, NULL), 0);
    return ms;
}

static void add(struct span_list *l, uint64_t from, uint64_t until)
{
    assert_int_equal(span_add(l, (struct span){from, until}, NULL), 0);
}

static void merged_spans_are_sorted_and_apart(void **state)
{
    struct span_list l = {0};

    (void)state;
    add(&l, 50, 60);
    add(&l, 10, 20);
    add(&l, 15, 30);
    add(&l, 30, 40);
    add(&l, 7, 7);
    span_merge(&l);
    assert_int_equal(l.n, 2);
    assert_int_equal(l.spans[0].from_ms, 10);
    assert_int_equal(l.spans[0].until_ms, 40);
    assert_null(span_at(&l, 40));
    assert_non_null(span_at(&l, 39));
    span_done(&l);
}

static void a_search_hops_over_what_is_closed(void **state)
{
    struct span_list open = {0}, closed = {0};
    struct span_search s = {
        .open = &open, .closed = &closed, .from_ms = 0, .until_ms = 1000, .len_ms = 10};
    uint64_t t;

    (void)state;
    add(&open, 100, 120);
    add(&open, 200, 300);
    add(&closed, 105, 115);
    add(&closed, 195, 205);
    assert_int_equal(span_find(&s, &t), 0);
    assert_int_equal(t, 205);
    s.len_ms = 5;
    assert_int_equal(span_find(&s, &t), 0);
    assert_int_equal(t, 100);
    s.len_ms = 500;
    assert_int_equal(span_find(&s, &t), -ENOENT);
    s.open = NULL;
    assert_int_equal(span_find(&s, &t), 0);
    s.open = &(struct span_list){0}; /* windows there are, and none of them lies ahead */
    assert_int_equal(span_find(&s, &t), -ENOENT);
    span_done(&open);
    span_done(&closed);
}

#define CALENDAR(body) "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n" body "END:VCALENDAR\r\n"

static size_t read_calendar(const char *text, const char *from, const char *until,
                            struct span_list *l)
{
    struct err err = {0};
    int r = calendar_spans(slice_str(text), at(from), at(until), l, &err);

    if (r < 0)
        fail_msg("%s", err.text);
    span_merge(l);
    return l->n;
}

static void weekly_windows_honour_exdate(void **state)
{
    static const char text[] =
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:night\r\nDTSTART:20261202T220000Z\r\n"
                 "DTEND:20261203T020000Z\r\nRRULE:FREQ=WEEKLY;COUNT=4\r\n"
                 "EXDATE:20261209T220000Z\r\nEND:VEVENT\r\n");
    struct span_list l = {0};

    (void)state;
    assert_int_equal(read_calendar(text, "2026-12-01T00:00:00Z", "2027-01-31T00:00:00Z", &l), 3);
    assert_int_equal(l.spans[0].from_ms, at("2026-12-02T22:00:00Z"));
    assert_int_equal(l.spans[0].until_ms, at("2026-12-03T02:00:00Z"));
    assert_int_equal(l.spans[1].from_ms, at("2026-12-16T22:00:00Z"));
    span_done(&l);
}

static void a_time_zone_moves_with_summer_time(void **state)
{
    static const char text[] = CALENDAR(
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Europe/Madrid:20270320T020000\r\n"
        "DTEND;TZID=Europe/Madrid:20270320T030000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\nEND:VEVENT\r\n");
    struct span_list l = {0};

    (void)state;
    assert_int_equal(read_calendar(text, "2027-03-01T00:00:00Z", "2027-05-01T00:00:00Z", &l), 3);
    assert_int_equal(l.spans[0].from_ms, at("2027-03-20T01:00:00Z"));
    assert_int_equal(l.spans[2].from_ms, at("2027-04-03T00:00:00Z"));
    span_done(&l);
}

static void whole_days_last_to_the_next(void **state)
{
    static const char text[] = CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261224\r\n"
                                        "DTEND;VALUE=DATE:20261227\r\nEND:VEVENT\r\n");
    static const char one[] =
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261224\r\nEND:VEVENT\r\n");
    struct span_list l = {0};

    (void)state;
    assert_int_equal(read_calendar(text, "2026-12-01T00:00:00Z", "2027-01-31T00:00:00Z", &l), 1);
    assert_int_equal(l.spans[0].from_ms, at("2026-12-24T00:00:00Z"));
    assert_int_equal(l.spans[0].until_ms, at("2026-12-27T00:00:00Z"));
    span_done(&l);
    assert_int_equal(read_calendar(one, "2026-12-01T00:00:00Z", "2027-01-31T00:00:00Z", &l), 1);
    assert_int_equal(l.spans[0].until_ms - l.spans[0].from_ms, 86400000);
    span_done(&l);
}

static void what_is_no_calendar_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "hello",
        "BEGIN:VEVENT\r\nEND:VEVENT\r\n",
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:no start\r\nEND:VEVENT\r\n"),
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:yesterday\r\nEND:VEVENT\r\n"),
        CALENDAR(
            "BEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Mars/Olympus:20261224T000000\r\nEND:VEVENT\r\n"),
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261224T000000Z\r\nDTEND:"
                 "20261223T000000Z\r\nEND:VEVENT\r\n"),
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20201224T000000Z\r\nDTEND:20201224T000001Z\r\n"
                 "RRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\n"),
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261122T000000Z\r\nDTEND:20261122T010000Z\r\n"
                 "RRULE:FREQ=SECONDLY\r\nEND:VEVENT\r\n"),
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261122T000000Z\r\nDTEND:20261122T010000Z\r\n"
                 "RRULE:FREQ=MINUTELY;INTERVAL=30\r\nEND:VEVENT\r\n"),
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261122T000000Z\r\nDTEND:20261122T000001Z\r\n"
                 "RRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5,6,7;BYMINUTE=1,2,3,4,5,6,7\r\nEND:VEVENT\r\n"),
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:00010101T000000Z\r\nDTEND:00010101T000001Z\r\n"
                 "RRULE:FREQ=DAILY\r\nEND:VEVENT\r\n"),
        CALENDAR("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261122T000000Z\r\nDTEND:20261122T000001Z\r\n"
                 "RRULE:FREQ=DAILY\r\nEXRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n"),
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err = (struct err){0};
        if (calendar_check(slice_str(bad[i]), at("2026-11-22T00:00:00Z"), &err) != -EINVAL)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.gw, GW_BAD_CALENDAR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merged_spans_are_sorted_and_apart),
        cmocka_unit_test(a_search_hops_over_what_is_closed),
        cmocka_unit_test(weekly_windows_honour_exdate),
        cmocka_unit_test(a_time_zone_moves_with_summer_time),
        cmocka_unit_test(whole_days_last_to_the_next),
        cmocka_unit_test(what_is_no_calendar_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
