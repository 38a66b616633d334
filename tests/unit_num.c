/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from outside: every unit, every overflow, nothing half-parsed; and what people see. */
#include "tests/unit.h"

#include "base/num.h"

#include <locale.h>
#include <math.h>

#include "base/banned.h"

static const uint64_t untouched = 0xdeadbeef;

struct number_case {
    const char *text;
    int rc;
    uint64_t want;
};

typedef int (*parse_fn)(const char *text, uint64_t *ret, struct err *err);

static void check_cases(parse_fn parse, const struct number_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t got = untouched;
        struct err err = {0};
        int rc = parse(cases[i].text, &got, &err);
        uint64_t want = cases[i].rc < 0 ? untouched : cases[i].want;

        if (rc != cases[i].rc || got != want)
            fail_msg("'%s': code %d instead of %d, value %ju instead of %ju", cases[i].text, rc,
                     cases[i].rc, (uintmax_t)got, (uintmax_t)want);
        if (rc < 0 && (err.code != rc || !err.text[0]))
            fail_msg("'%s': no error text", cases[i].text);
    }
}

static void add_and_mul_refuse_overflow(void **state)
{
    uint64_t v = untouched;

    (void)state;
    assert_false(num_add(UINT64_MAX, 1, &v));
    assert_false(num_mul(UINT64_MAX / 2 + 1, 2, &v));
    assert_true(v == untouched);
    assert_true(num_add(UINT64_MAX - 1, 1, &v) && v == UINT64_MAX);
    assert_true(num_mul(UINT32_MAX, UINT32_MAX, &v) && v == UINT64_C(0xfffffffe00000001));
}

static void div_up_does_not_overflow(void **state)
{
    (void)state;
    assert_int_equal(0, num_div_up(0, 7));
    assert_int_equal(1, num_div_up(1, 7));
    assert_int_equal(1, num_div_up(7, 7));
    assert_true(num_div_up(UINT64_MAX, 2) == UINT64_MAX / 2 + 1);
}

static int parse_any_u64(const char *text, uint64_t *ret, struct err *err)
{
    return num_parse_u64(text, 0, UINT64_MAX, ret, err);
}

static void u64_takes_digits_and_nothing_else(void **state)
{
    static const struct number_case cases[] = {
        {"0", 0, 0},
        {"007", 0, 7},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
        {"99999999999999999999999", -ERANGE, 0},
        {"", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1.0", -EINVAL, 0},
    };

    (void)state;
    check_cases(parse_any_u64, cases, ARRAY_LEN(cases));
}

static void u64_keeps_to_its_range(void **state)
{
    uint64_t v = untouched;

    (void)state;
    assert_fails(-ERANGE, num_parse_u64("4", 5, 9, &v, NULL));
    assert_fails(-ERANGE, num_parse_u64("10", 5, 9, &v, NULL));
    assert_true(v == untouched);
    assert_ok(num_parse_u64("5", 5, 9, &v, NULL));
    assert_ok(num_parse_u64("9", 5, 9, &v, NULL));
    assert_int_equal(9, v);
}

static void i64_reaches_both_ends(void **state)
{
    int64_t v = 1;

    (void)state;
    assert_ok(num_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &v, NULL));
    assert_true(v == INT64_MIN);
    assert_ok(num_parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v, NULL));
    assert_true(v == INT64_MAX);
    assert_ok(num_parse_i64("-0", INT64_MIN, INT64_MAX, &v, NULL));
    assert_true(v == 0);
}

static void i64_refuses_what_does_not_fit(void **state)
{
    int64_t v = 1;

    (void)state;
    assert_fails(-ERANGE, num_parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &v, NULL));
    assert_fails(-ERANGE, num_parse_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &v, NULL));
    assert_fails(-ERANGE, num_parse_i64("-1", 0, 10, &v, NULL));
    assert_fails(-EINVAL, num_parse_i64("-", INT64_MIN, INT64_MAX, &v, NULL));
    assert_fails(-EINVAL, num_parse_i64("--1", INT64_MIN, INT64_MAX, &v, NULL));
    assert_true(v == 1);
}

static void f64_takes_plain_numbers(void **state)
{
    double v = 0;

    (void)state;
    assert_ok(num_parse_f64("-1.5e3", &v, NULL));
    assert_true(v == -1500.0);
    assert_ok(num_parse_f64(".25", &v, NULL));
    assert_true(v == 0.25);
}

static void f64_refuses_what_strtod_would_take(void **state)
{
    static const char *const bad[] = {"",      " 1",  "1 ", "inf", "nan",
                                      "0x1p3", "1,5", "1e", "-",   "1.2.3"};
    double v = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(-EINVAL, num_parse_f64(bad[i], &v, NULL));
    assert_fails(-ERANGE, num_parse_f64("1e999", &v, NULL));
    assert_true(v == 7);
}

static void f64_does_not_follow_the_locale(void **state)
{
    double v = 0;

    (void)state;
    /* Where the locale is not installed this shows nothing, and does no harm. */
    setlocale(LC_ALL, "de_DE.UTF-8");
    assert_ok(num_parse_f64("1.5", &v, NULL));
    assert_true(v == 1.5);
    assert_fails(-EINVAL, num_parse_f64("1,5", &v, NULL));
    setlocale(LC_ALL, "C");
}

static void bytes_know_binary_and_decimal_units(void **state)
{
    static const struct number_case cases[] = {
        {"0", 0, 0},
        {"4096", 0, 4096},
        {"512B", 0, 512},
        {"1k", 0, 1024},
        {"1K", 0, 1024},
        {"1kB", 0, 1000},
        {"64MiB", 0, 67108864},
        {"64 MiB", 0, 67108864},
        {"64Mi", 0, 67108864},
        {"10G", 0, UINT64_C(10737418240)},
        {"10GB", 0, UINT64_C(10000000000)},
        {"1.5TiB", 0, UINT64_C(1649267441664)},
        {"0.1k", 0, 102},
        {"1.999999999999999999k", 0, 2047},
        {"15E", 0, UINT64_C(15) << 60},
        {"18446744073709551615", 0, UINT64_MAX},
    };

    (void)state;
    check_cases(num_parse_bytes, cases, ARRAY_LEN(cases));
}

static void bytes_refuse_nonsense(void **state)
{
    static const struct number_case cases[] = {
        {"", -EINVAL, 0},       {"MiB", -EINVAL, 0},
        {"1.5", -EINVAL, 0},    {"1.5B", -EINVAL, 0},
        {"1.", -EINVAL, 0},     {".5k", -EINVAL, 0},
        {"-1", -EINVAL, 0},     {"1MiBx", -EINVAL, 0},
        {"1Mb", -EINVAL, 0},    {"1X", -EINVAL, 0},
        {"1 k k", -EINVAL, 0},  {"1iB", -EINVAL, 0},
        {"16E", -ERANGE, 0},    {"20EB", -ERANGE, 0},
        {"1MiB/s", -EINVAL, 0}, {"18446744073709551616", -ERANGE, 0},
    };

    (void)state;
    check_cases(num_parse_bytes, cases, ARRAY_LEN(cases));
}

static void rates_know_bytes_and_bits(void **state)
{
    static const struct number_case cases[] = {
        {"1000", 0, 1000},          {"80MiB/s", 0, 83886080},
        {"80MiB", 0, 83886080},     {"100Mbit", 0, 12500000},
        {"1Gbit/s", 0, 125000000},  {"2.5Gbit/s", 0, 312500000},
        {"1 Gbit/s", 0, 125000000}, {"8bit", 0, 1},
        {"1Mibit", 0, 131072},      {"9bit", 0, 1},
    };

    (void)state;
    check_cases(num_parse_rate, cases, ARRAY_LEN(cases));
}

static void rates_refuse_nonsense(void **state)
{
    static const struct number_case cases[] = {
        {"", -EINVAL, 0},       {"/s", -EINVAL, 0},           {"bit", -EINVAL, 0},
        {"1.5bit", -EINVAL, 0}, {"1Mbit/m", -EINVAL, 0},      {"100Mb/s", -EINVAL, 0},
        {"1xbit", -EINVAL, 0},  {"99999999999E", -ERANGE, 0},
    };

    (void)state;
    check_cases(num_parse_rate, cases, ARRAY_LEN(cases));
}

static void durations_add_their_parts(void **state)
{
    static const struct number_case cases[] = {
        {"0", 0, 0},
        {"5", 0, 5000},
        {"0.5", 0, 500},
        {"90s", 0, 90000},
        {"5m", 0, 300000},
        {"2h30m", 0, 9000000},
        {"7d", 0, 604800000},
        {"2w", 0, 1209600000},
        {"250ms", 0, 250},
        {"1.5h", 0, 5400000},
        {"1w1d1h1m1s1ms", 0, 694861001},
    };

    (void)state;
    check_cases(num_parse_duration, cases, ARRAY_LEN(cases));
}

static void durations_refuse_nonsense(void **state)
{
    static const struct number_case cases[] = {
        {"", -EINVAL, 0},
        {"m", -EINVAL, 0},
        {"30m2h", -EINVAL, 0},
        {"1h1h", -EINVAL, 0},
        {"1h30", -EINVAL, 0},
        {"1 h", -EINVAL, 0},
        {"1y", -EINVAL, 0},
        {"-1s", -EINVAL, 0},
        {"1H", -EINVAL, 0},
        {"0.5ms", -EINVAL, 0},
        {"99999999999999999999d", -ERANGE, 0},
        {"30500568904943d30500568904943h", -ERANGE, 0},
        {"18446744073709551615", -ERANGE, 0},
    };

    (void)state;
    check_cases(num_parse_duration, cases, ARRAY_LEN(cases));
}

static void assert_bytes(const char *want, uint64_t bytes, bool si)
{
    char out[NUM_TEXT_MAX];

    assert_string_equal(want, num_format_bytes(bytes, si, out));
}

static void bytes_are_shown_with_three_digits(void **state)
{
    (void)state;
    assert_bytes("0 B", 0, false);
    assert_bytes("1023 B", 1023, false);
    assert_bytes("1.0 KiB", 1024, false);
    assert_bytes("18.2 GiB", UINT64_C(19542101197), false);
    assert_bytes("99.9 KiB", 102298, false);
    assert_bytes("100 KiB", 102400, false);
    assert_bytes("1.9 TiB", UINT64_C(2089072092774), false);
    assert_bytes("999 B", 999, true);
    assert_bytes("1.0 kB", 1000, true);
    assert_bytes("2.0 GB", UINT64_C(2000000000), true);
}

static void bytes_round_into_the_next_unit(void **state)
{
    (void)state;
    assert_bytes("1023 KiB", 1024 * 1023, false);
    assert_bytes("1.0 MiB", 1024 * 1024 - 1, false);
    assert_bytes("1.0 MB", 999999, true);
    assert_bytes("16.0 EiB", UINT64_MAX, false);
    assert_bytes("18.4 EB", UINT64_MAX, true);
}

static void assert_duration(const char *want, uint64_t ms)
{
    char out[NUM_TEXT_MAX];

    assert_string_equal(want, num_format_duration(ms, out));
}

static void durations_show_their_two_largest_units(void **state)
{
    (void)state;
    assert_duration("0s", 0);
    assert_duration("0.1s", 50);
    assert_duration("0.4s", 400);
    assert_duration("3s", 3000);
    assert_duration("9.9s", 9949);
    assert_duration("10s", 9950);
    assert_duration("10s", 10400);
    assert_duration("1m", 59500);
    assert_duration("4m 10s", 250000);
    assert_duration("5m", 300000);
    assert_duration("2h 30m", 9000000);
    assert_duration("7d 4h", 619200000);
    assert_duration("213503982334d 14h", UINT64_MAX);
}

static void what_is_shown_for_whole_units_parses_back(void **state)
{
    static const uint64_t sizes[] = {1, 512, 1024, 64 << 20, UINT64_C(5) << 40};
    char out[NUM_TEXT_MAX];
    uint64_t back;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        assert_ok(num_parse_bytes(num_format_bytes(sizes[i], false, out), &back, NULL));
        assert_true(back == sizes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_and_mul_refuse_overflow),
        cmocka_unit_test(div_up_does_not_overflow),
        cmocka_unit_test(u64_takes_digits_and_nothing_else),
        cmocka_unit_test(u64_keeps_to_its_range),
        cmocka_unit_test(i64_reaches_both_ends),
        cmocka_unit_test(i64_refuses_what_does_not_fit),
        cmocka_unit_test(f64_takes_plain_numbers),
        cmocka_unit_test(f64_refuses_what_strtod_would_take),
        cmocka_unit_test(f64_does_not_follow_the_locale),
        cmocka_unit_test(bytes_know_binary_and_decimal_units),
        cmocka_unit_test(bytes_refuse_nonsense),
        cmocka_unit_test(rates_know_bytes_and_bits),
        cmocka_unit_test(rates_refuse_nonsense),
        cmocka_unit_test(durations_add_their_parts),
        cmocka_unit_test(durations_refuse_nonsense),
        cmocka_unit_test(bytes_are_shown_with_three_digits),
        cmocka_unit_test(bytes_round_into_the_next_unit),
        cmocka_unit_test(durations_show_their_two_largest_units),
        cmocka_unit_test(what_is_shown_for_whole_units_parses_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
