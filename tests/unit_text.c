/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: bounds, splitting, what is a name, what may reach a terminal, times of every shape. */
#include "tests/unit.h"

#include "base/text.h"

#include <time.h>

#include "base/banned.h"

static void print_is_whole_or_empty(void **state)
{
    char out[4] = "zzz";

    (void)state;
    assert_ok(text_print(out, sizeof(out), "%d", 123));
    assert_string_equal("123", out);
    assert_fails(-ENAMETOOLONG, text_print(out, sizeof(out), "%d", 1234));
    assert_string_equal("", out);
    assert_fails(-ENAMETOOLONG, text_copy(out, 0, "a"));
    assert_ok(text_copy(out, sizeof(out), ""));
}

static void prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(text_starts("abc", "ab") && text_starts("abc", "") && text_starts("", ""));
    assert_false(text_starts("ab", "abc"));
    assert_true(text_ends("abc", "bc") && text_ends("abc", "abc") && text_ends("abc", ""));
    assert_false(text_ends("bc", "abc"));
}

static void null_equals_only_null(void **state)
{
    (void)state;
    assert_true(text_equal(NULL, NULL) && text_equal("a", "a"));
    assert_false(text_equal(NULL, "") || text_equal("", NULL) || text_equal("a", "b"));
}

static void assert_split(const char *text, const char *separators, const char *const *want,
                         size_t n)
{
    auto_vec char **vec = NULL;

    assert_ok(text_split(text, separators, &vec, NULL));
    assert_int_equal(n, text_vec_len(vec));
    for (size_t i = 0; i < n; i++)
        assert_string_equal(want[i], vec[i]);
    assert_null(vec[n]);
}

static void split_skips_empty_fields(void **state)
{
    static const char *const abc[] = {"a", "bb", "c"};

    (void)state;
    assert_split("a bb c", " ", abc, 3);
    assert_split("  a, bb ,,c,", " ,", abc, 3);
    assert_split("", " ", NULL, 0);
    assert_split("   ", " ", NULL, 0);
    assert_split("a", "", abc, 1);
}

static void vectors_may_be_null(void **state)
{
    (void)state;
    assert_int_equal(0, text_vec_len(NULL));
    text_vec_free(NULL);
}

static void hex_goes_both_ways(void **state)
{
    uint8_t back[4] = {0};
    char out[9];

    (void)state;
    assert_string_equal("00ff107e", text_hex("\x00\xff\x10\x7e", 4, out));
    assert_ok(text_unhex("00FF107e", back, 4));
    assert_memory_equal("\x00\xff\x10\x7e", back, 4);
    assert_string_equal("", text_hex("", 0, out));
}

static void unhex_refuses_and_leaves_its_output(void **state)
{
    uint8_t out[2] = {7, 7};

    (void)state;
    assert_fails(-EINVAL, text_unhex("00f", out, 2));
    assert_fails(-EINVAL, text_unhex("00ff0", out, 2));
    assert_fails(-EINVAL, text_unhex("00fg", out, 2));
    assert_fails(-EINVAL, text_unhex("", out, 2));
    assert_int_equal(7, out[0]);
    assert_int_equal(7, out[1]);
}

static void names_are_plain_and_bounded(void **state)
{
    char long_name[65];

    (void)state;
    assert_true(text_is_name("web-01.example_X"));
    assert_false(text_is_name("") || text_is_name(".hidden") || text_is_name("-flag"));
    assert_false(text_is_name("a/b") || text_is_name("a b") || text_is_name("\xc3\xa4"));
    assert_false(text_is_name("a\n"));
    memset(long_name, 'a', sizeof(long_name));
    long_name[63] = '\0';
    assert_true(text_is_name(long_name));
    long_name[63] = 'a';
    long_name[64] = '\0';
    assert_false(text_is_name(long_name));
}

static void assert_sanitized(const char *want, const char *text)
{
    char copy[128];

    assert_ok(text_copy(copy, sizeof(copy), text));
    text_sanitize(copy);
    assert_string_equal(want, copy);
}

static void sanitize_keeps_what_people_write(void **state)
{
    (void)state;
    assert_sanitized("", "");
    assert_sanitized("plain ASCII ~!", "plain ASCII ~!");
    assert_sanitized("Zürich → 東京 🐦", "Zürich → 東京 🐦");
    assert_sanitized("a b c", "a\tb\nc");
}

static void the_last_line_is_not_blank_and_is_cut_in_front(void **state)
{
    char out[8];

    (void)state;
    text_last_line(NULL, 0, out, sizeof(out));
    assert_string_equal(out, "");
    text_last_line("one\ntwo\n \n", 10, out, sizeof(out));
    assert_string_equal(out, "two");
    text_last_line("0123456789", 10, out, sizeof(out));
    assert_string_equal(out, "3456789");
    text_last_line("a\033b", 3, out, sizeof(out));
    assert_string_equal(out, "a?b");
}

static void sanitize_disarms_terminal_escapes(void **state)
{
    (void)state;
    assert_sanitized("?[2Jx", "\033[2Jx");
    assert_sanitized("a?b?", "a\rb\177");
    assert_sanitized("??x", "\xc2\x9bx");      /* CSI as one C1 control */
    assert_sanitized("???x", "\xe2\x80\xaex"); /* right-to-left override */
    assert_sanitized("???x", "\xe2\x81\xa6x"); /* isolate */
    assert_sanitized("???x", "\xe2\x80\xa8x"); /* line separator */
}

static void sanitize_replaces_malformed_utf8(void **state)
{
    (void)state;
    assert_sanitized("?", "\xff");
    assert_sanitized("?x", "\xc3x");
    assert_sanitized("??", "\xc0\x80");           /* overlong */
    assert_sanitized("???", "\xe0\x80\x80");      /* overlong */
    assert_sanitized("???", "\xed\xa0\x80");      /* surrogate */
    assert_sanitized("????", "\xf4\x90\x80\x80"); /* past U+10FFFF */
    assert_sanitized("??", "\xe2\x82");           /* cut short */
    assert_sanitized("???", "\xf0\x9f\x90");
}

static void distance_counts_slips(void **state)
{
    (void)state;
    assert_int_equal(0, text_distance("status", "status"));
    assert_int_equal(1, text_distance("statsu", "status"));
    assert_int_equal(1, text_distance("stats", "status"));
    assert_int_equal(1, text_distance("sttatus", "status"));
    assert_int_equal(6, text_distance("", "status"));
    assert_int_equal(6, text_distance("status", ""));
    assert_int_equal(3, text_distance("kitten", "sitting"));
    assert_int_equal(2, text_distance("abcd", "badc"));
}

static void distance_of_long_texts_looks_at_the_beginning(void **state)
{
    char a[200];
    char b[200];

    (void)state;
    memset(a, 'a', sizeof(a));
    memset(b, 'a', sizeof(b));
    a[199] = '\0';
    b[199] = '\0';
    b[100] = 'x';
    assert_int_equal(0, text_distance(a, b));
    b[10] = 'x';
    assert_int_equal(1, text_distance(a, b));
}

static void assert_time(const char *want, uint64_t ms)
{
    char out[TEXT_TIME_MAX];

    assert_string_equal(want, text_time(ms, out));
}

static void times_are_shown_in_utc(void **state)
{
    (void)state;
    assert_time("1970-01-01T00:00:00Z", 0);
    assert_time("2026-12-07T22:00:00Z", UINT64_C(1796680800000));
    assert_time("2026-12-07T22:00:00.007Z", UINT64_C(1796680800007));
    assert_time("2000-02-29T23:59:59.999Z", UINT64_C(951868799999));
    assert_time("9999-12-31T23:59:59.999Z", UINT64_C(253402300799999));
    assert_time("9999-12-31T23:59:59.999Z", UINT64_MAX);
}

static void days_agree_with_the_c_library(void **state)
{
    char ours[TEXT_TIME_MAX];
    char theirs[TEXT_TIME_MAX];

    (void)state;
    for (int64_t day = 0; day < 366 * 140; day++) {
        time_t t = (time_t)(day * 86400 + day % 86400);
        struct tm tm;

        assert_non_null(gmtime_r(&t, &tm));
        assert_true(strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
        assert_string_equal(theirs, text_time((uint64_t)t * 1000, ours));
    }
}

static void assert_parses(uint64_t want, const char *text)
{
    uint64_t got = 0;

    if (text_parse_time(text, &got, NULL) < 0 || got != want)
        fail_msg("'%s' gave %ju", text, (uintmax_t)got);
}

static void times_parse_with_any_offset(void **state)
{
    (void)state;
    assert_parses(0, "1970-01-01T00:00:00Z");
    assert_parses(UINT64_C(1796680800000), "2026-12-07T22:00:00Z");
    assert_parses(UINT64_C(1796680800000), "2026-12-07t22:00:00z");
    assert_parses(UINT64_C(1796680800000), "2026-12-07 23:00:00+01:00");
    assert_parses(UINT64_C(1796680800000), "2026-12-07T12:30:00-09:30");
    assert_parses(UINT64_C(1796680800120), "2026-12-07T22:00:00.12Z");
    assert_parses(UINT64_C(1796680800123), "2026-12-07T22:00:00.123999999Z");
    assert_parses(UINT64_C(1483228800000), "2016-12-31T23:59:60Z"); /* a leap second */
    assert_parses(UINT64_C(951782400000), "2000-02-29T00:00:00Z");
}

static void times_refuse_what_no_clock_shows(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-12-07",
        "2026-12-07T22:00:00",
        "2026-12-07T22:00Z",
        "2026-13-07T22:00:00Z",
        "2026-00-07T22:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-12-07T24:00:00Z",
        "2026-12-07T22:60:00Z",
        "2026-12-07T22:00:61Z",
        "2026-12-07T22:00:00.Z",
        "2026-12-07T22:00:00Zx",
        "2026-12-07T22:00:00+0100",
        "2026-12-07T22:00:00+24:00",
        "26-12-07T22:00:00Z",
        "2026-1-07T22:00:00Z",
        " 2026-12-07T22:00:00Z",
    };
    uint64_t v = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (text_parse_time(bad[i], &v, NULL) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
    assert_fails(-ERANGE, text_parse_time("1969-12-31T23:59:59Z", &v, NULL));
    assert_fails(-ERANGE, text_parse_time("1970-01-01T00:00:00+00:01", &v, NULL));
    assert_int_equal(7, v);
}

static void times_survive_a_round_trip(void **state)
{
    char out[TEXT_TIME_MAX];

    (void)state;
    for (uint64_t ms = 1; ms < UINT64_C(253402300799999); ms = ms * 3 + 86399999)
        assert_parses(ms, text_time(ms, out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_is_whole_or_empty),
        cmocka_unit_test(prefixes_and_suffixes),
        cmocka_unit_test(null_equals_only_null),
        cmocka_unit_test(split_skips_empty_fields),
        cmocka_unit_test(vectors_may_be_null),
        cmocka_unit_test(hex_goes_both_ways),
        cmocka_unit_test(unhex_refuses_and_leaves_its_output),
        cmocka_unit_test(names_are_plain_and_bounded),
        cmocka_unit_test(sanitize_keeps_what_people_write),
        cmocka_unit_test(sanitize_disarms_terminal_escapes),
        cmocka_unit_test(sanitize_replaces_malformed_utf8),
        cmocka_unit_test(distance_counts_slips),
        cmocka_unit_test(distance_of_long_texts_looks_at_the_beginning),
        cmocka_unit_test(times_are_shown_in_utc),
        cmocka_unit_test(days_agree_with_the_c_library),
        cmocka_unit_test(times_parse_with_any_offset),
        cmocka_unit_test(times_refuse_what_no_clock_shows),
        cmocka_unit_test(times_survive_a_round_trip),
        cmocka_unit_test(the_last_line_is_not_blank_and_is_cut_in_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
