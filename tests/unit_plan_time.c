/* SPDX-License-Identifier: Apache-2.0 */
/* When waves seed and are cut over: windows and blackouts, buffers, and how long both sides run. */
#include "base/buf.h"
#include "base/text.h"
#include "tests/plan_fixture.h"

#include <math.h>

#include "base/banned.h"

static void nothing_is_cut_over_in_a_blackout(void **state)
{
    auto_js struct js *doc = plan(INPUT_WITH(FREEZE, WORKLOAD("a", "", "1", "0")), NULL);
    const struct js *wave = js_at(js_member(doc, "waves"), 0);

    (void)state;
    assert_string_equal(js_str(wave, "cutover_from", ""), "2026-12-10T00:00:00Z");
    assert_string_equal(js_str(wave, "seed_from", ""), "2026-12-01T00:00:00Z");
}

/* A wave a day, of which each has its seed in seconds. */
static void a_seed_begins_no_earlier_than_its_dual_run_allows(void **state)
{
    static const char input[] = INPUT(WORKLOAD("a", "", "1", "0") "," WORKLOAD(
        "b", "", "2", "0") "," WORKLOAD("c", "", "3", "0") "," WORKLOAD("d", "", "4", "0"));
    auto_js struct js *doc =
        plan(input, "{\"max_workloads_per_wave\":1,\"dual_run_days\":2,\"soak_s\":259200}");
    auto_js struct js *early =
        plan(input, "{\"max_workloads_per_wave\":1,\"dual_run_days\":3660,\"soak_s\":259200}");
    uint64_t free_ms = 0;

    (void)state;
    assert_int_equal(js_len(js_member(doc, "waves")), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct js *wave = js_at(js_member(doc, "waves"), i);
        const struct js *was = js_at(js_member(early, "waves"), i);
        uint64_t from, until, cutover;

        assert_string_equal(js_str(wave, "cutover_from", ""), js_str(was, "cutover_from", "-"));
        assert_ok(text_parse_time(js_str(wave, "seed_from", ""), &from, NULL));
        assert_ok(text_parse_time(js_str(wave, "seed_until", ""), &until, NULL));
        assert_ok(text_parse_time(js_str(wave, "cutover_from", ""), &cutover, NULL));
        assert_true(from >= free_ms);
        assert_true(until < cutover);
        if (i > 0)
            assert_int_equal(cutover - from, 2 * 86400000);
        free_ms = until;
    }
}

/* The link is what bounds: put off by their dual-run, the seeds would meet on it. */
static void seeds_that_are_put_off_do_not_meet(void **state)
{
    auto_js struct js *doc =
        plan(INPUT_WITH(FREEZE, WORKLOAD("a", "", "9000", "0") "," WORKLOAD(
                                    "b", "", "9000", "0") "," WORKLOAD("c", "", "9000", "0")),
             "{\"max_workloads_per_wave\":1,\"dual_run_days\":1,\"soak_s\":0}");
    uint64_t free_ms = 0;

    (void)state;
    assert_int_equal(js_len(js_member(doc, "waves")), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct js *wave = js_at(js_member(doc, "waves"), i);
        uint64_t from, until, cutover;

        assert_ok(text_parse_time(js_str(wave, "seed_from", ""), &from, NULL));
        assert_ok(text_parse_time(js_str(wave, "seed_until", ""), &until, NULL));
        assert_ok(text_parse_time(js_str(wave, "cutover_from", ""), &cutover, NULL));
        assert_true(from >= free_ms);
        assert_true(until + (until - from) / 10 <= cutover);
        free_ms = until;
    }
    assert_string_equal(js_str(js_at(js_member(doc, "waves"), 0), "cutover_from", ""),
                        "2026-12-10T00:00:00Z");
}

/* A seed that was stopped would only have to catch up. */
static void what_replicates_already_goes_on(void **state)
{
    auto_js struct js *doc = plan(
        INPUT_WITH(FREEZE, "{\"workload\":\"a\",\"hosts\":[\"h\"],\"depends\":[],\"volumes\":[{"
                           "\"volume\":\"d\",\"size_bytes\":9000000000,\"remaining_bytes\":5}]}"),
        "{\"dual_run_days\":1}");

    (void)state;
    assert_string_equal(js_str(js_at(js_member(doc, "waves"), 0), "seed_from", ""),
                        "2026-12-01T00:00:00Z");
}

#define GONE                                                                                       \
    "\"calendars\":[{\"name\":\"gone\",\"kind\":\"window\",\"calendar\":\"BEGIN:"                  \
    "VCALENDAR\\r\\nVERSION:2.0\\r\\n"                                                             \
    "PRODID:t\\r\\nBEGIN:VEVENT\\r\\nUID:1\\r\\nDTSTART:20200101T000000Z\\r\\nDTEND:"              \
    "20200102T000000Z\\r\\n"                                                                       \
    "END:VEVENT\\r\\nEND:VCALENDAR\\r\\n\"}],"

static void a_window_that_is_over_is_not_at_any_time(void **state)
{
    auto_js struct js *doc = plan(INPUT_WITH(GONE, WORKLOAD("a", "", "1", "0")), NULL);
    const struct js *wave = js_at(js_member(doc, "waves"), 0);

    (void)state;
    assert_null(js_str(wave, "cutover_from", NULL));
    assert_int_equal(js_len(js_member(wave, "warnings")), 1);
}

static void what_is_copied_already_takes_no_time(void **state)
{
    auto_js struct js *all = plan(INPUT(WORKLOAD("a", "", "900", "0")), NULL);
    auto_js struct js *rest =
        plan(INPUT("{\"workload\":\"a\",\"hosts\":[\"h\"],\"volumes\":[{\"volume\":\"d\","
                   "\"size_bytes\":900000000000,\"remaining_bytes\":9000000000}]}"),
             NULL);
    const struct js *wave = js_at(js_member(rest, "waves"), 0);

    (void)state;
    assert_true(js_u64(wave, "bytes", 0) == 900000000000);
    assert_true(js_f64(wave, "seed_s", 0) * 99 <
                js_f64(js_at(js_member(all, "waves"), 0), "seed_s", 0));
}

/* What seeds have taken, in parts of what was planned, and the buffer of the next. */
static double buffer_after(const char *history)
{
    auto_buf struct buf text = {0};
    auto_js struct js *doc = NULL;

    (void)buf_printf(&text, INPUT_WITH("\"history\":[%s],", WORKLOAD("a", "", "900", "0")),
                     history);
    doc = plan(buf_cstr(&text), NULL);
    return js_f64(js_at(js_member(doc, "waves"), 0), "buffer_s", 0) /
           js_f64(js_at(js_member(doc, "waves"), 0), "seed_s", 1);
}

static void what_ran_late_leaves_room_after_the_next(void **state)
{
#define TOOK(s) "{\"planned_s\":100,\"took_s\":" s "}"
    (void)state;
    assert_true(fabs(buffer_after("") - 0.1) < 1e-6);
    /* Five that took half as long again, always. */
    assert_true(fabs(buffer_after(TOOK("150") "," TOOK("150") "," TOOK("150") "," TOOK(
                         "150") "," TOOK("150")) -
                     0.5) < 1e-6);
    /* On average as planned, but who knows. */
    assert_true(buffer_after(TOOK("50") "," TOOK("150") "," TOOK("50") "," TOOK("150") "," TOOK(
                    "100")) > 0.7);
    /* Nonsense is not counted. */
    assert_true(fabs(buffer_after(TOOK("-1") "," TOOK("null") "," TOOK("1e99")) - 0.1) < 1e-6);
}

static const char *first_warning(const struct js *doc)
{
    return js_as_str(js_at(js_member(js_at(js_member(doc, "waves"), 0), "warnings"), 0), "");
}

static void a_window_that_is_too_short_is_named(void **state)
{
#define EVENT(begins, ends)                                                                        \
    "BEGIN:VEVENT\\nUID:" begins "\\nDTSTAMP:20260101T000000Z\\nDTSTART:" begins "\\nDTEND:" ends  \
    "\\nEND:VEVENT\\n"
    auto_js struct js *doc =
        plan(INPUT_WITH("\"calendars\":[{\"name\":\"w\",\"kind\":\"window\",\"calendar\":\""
                        "BEGIN:VCALENDAR\\nVERSION:2.0\\nPRODID:t\\n" EVENT("20261210T000000Z",
                                                                            "20261210T003000Z")
                            EVENT("20261220T000000Z", "20261220T004500Z") "END:VCALENDAR\\n\"}],",
                        WORKLOAD("a", "", "1", "0")),
             NULL);
    const char *warning = first_warning(doc);

    (void)state;
    assert_non_null(strstr(warning, "the longest is 45m, from 2026-12-20T00:00:00Z"));
    assert_non_null(strstr(warning, "cutover_s 2700 would fit"));
}

#define ALWAYS(kind)                                                                               \
    "{\"name\":\"" kind "\",\"kind\":\"" kind "\",\"calendar\":\"BEGIN:VCALENDAR\\nVERSION:2.0\\n" \
    "PRODID:t\\n" EVENT("20260101T000000Z", "20400101T000000Z") "END:VCALENDAR\\n\"}"

/* Each with what alone would help. */
static void why_there_is_no_window_is_told(void **state)
{
    auto_js struct js *both =
        plan(INPUT_WITH("\"calendars\":[" ALWAYS("window") "," ALWAYS("blackout") "],",
                        WORKLOAD("a", "", "1", "0")),
             NULL);
    auto_js struct js *slow = plan(
        INPUT("{\"workload\":\"a\",\"hosts\":[\"h\"],\"depends\":[],\"volumes\":[{\"volume\":\"d\","
              "\"size_bytes\":9000000000000000}]}"),
        NULL);

    (void)state;
    assert_non_null(strstr(first_warning(both), "no window is open outside the blackouts"));
    assert_non_null(strstr(first_warning(slow), "a faster link"));
    assert_null(strstr(first_warning(slow), "soak_s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_cut_over_in_a_blackout),
        cmocka_unit_test(a_seed_begins_no_earlier_than_its_dual_run_allows),
        cmocka_unit_test(seeds_that_are_put_off_do_not_meet),
        cmocka_unit_test(what_replicates_already_goes_on),
        cmocka_unit_test(a_window_that_is_over_is_not_at_any_time),
        cmocka_unit_test(what_is_copied_already_takes_no_time),
        cmocka_unit_test(what_ran_late_leaves_room_after_the_next),
        cmocka_unit_test(a_window_that_is_too_short_is_named),
        cmocka_unit_test(why_there_is_no_window_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
