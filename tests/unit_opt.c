/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: every way to write a flag, and every way to write it wrong. */
#include "tests/unit.h"

#include "base/gw.h"
#include "base/opt.h"

#include "base/banned.h"

static const struct opt rows[] = {
    {.name = "dry-run", .letter = 'n', .type = OPT_SWITCH},
    {.name = "verbose", .letter = 'v', .type = OPT_SWITCH},
    {.name = "no-input", .type = OPT_SWITCH},
    {.name = "colour", .type = OPT_SWITCH, .dflt = "on"},
    {.name = "output",
     .letter = 'o',
     .type = OPT_CHOICE,
     .choices = "table|json|jsonl",
     .dflt = "table"},
    {.name = "name", .type = OPT_TEXT, .arg = "NAME"},
    {.name = "parallel", .letter = 'p', .type = OPT_U64, .min = 1, .max = 64, .dflt = "8"},
    {.name = "limit", .type = OPT_RATE, .arg = "RATE", .min = 1024},
    {.name = "size", .type = OPT_BYTES},
    {.name = "ttl", .type = OPT_DURATION, .dflt = "1h"},
    {.name = "pause", .type = OPT_DURATION, .min = 200, .max = 60000},
    {.name = "watch", .letter = 'w', .type = OPT_OPTIONAL, .arg = "DUR", .dflt = "5s"},
};

/* Words after the program's name, NULL-terminated. */
static int parse(const char *const *words, struct opt_set **ret, struct err *err)
{
    const char *argv[32] = {"prog"};
    int argc = 1;

    for (size_t i = 0; words[i]; i++)
        argv[argc++] = words[i];
    /* main's argv is of char *, literals are not. */
    return opt_parse(rows, ARRAY_LEN(rows), argc, (char *const *)(uintptr_t)argv, ret, err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct opt_set *must_parse(const char *const *words)
{
    struct opt_set *set = NULL;
    struct err err = {0};

    if (parse(words, &set, &err) < 0)
        fail_msg("%s", err.text);
    return set;
}

static void assert_refused(const char *text, unsigned gw, const char *const *words)
{
    struct opt_set *set = NULL;
    struct err err = {0};

    assert_true(parse(words, &set, &err) < 0);
    assert_null(set);
    assert_string_equal(text, err.text);
    assert_int_equal(gw, err.gw);
    assert_int_equal(GW_EXIT_USAGE, gw_of(&err)->exit);
}

static void nothing_given_means_defaults(void **state)
{
    struct opt_set *set = must_parse(WORDS(NULL));

    (void)state;
    assert_false(opt_switch(set, "dry-run"));
    assert_true(opt_switch(set, "colour"));
    assert_false(opt_given(set, "colour"));
    assert_string_equal("table", opt_text(set, "output"));
    assert_null(opt_text(set, "name"));
    assert_int_equal(8, opt_u64(set, "parallel"));
    assert_int_equal(3600000, opt_u64(set, "ttl"));
    assert_int_equal(0, opt_u64(set, "limit"));
    assert_false(opt_given(set, "watch"));
    assert_int_equal(5000, opt_u64(set, "watch"));
    assert_int_equal(0, opt_args(set));
    opt_free(set);
}

static void values_come_with_equals_or_as_the_next_word(void **state)
{
    struct opt_set *set = must_parse(
        WORDS("--name=a", "--limit", "80MiB/s", "--size=1k", "-o", "json", "-p16", "--ttl=90s"));

    (void)state;
    assert_string_equal("a", opt_text(set, "name"));
    assert_int_equal(83886080, opt_u64(set, "limit"));
    assert_string_equal("80MiB/s", opt_text(set, "limit"));
    assert_int_equal(1024, opt_u64(set, "size"));
    assert_string_equal("json", opt_text(set, "output"));
    assert_int_equal(16, opt_u64(set, "parallel"));
    assert_int_equal(90000, opt_u64(set, "ttl"));
    assert_true(opt_given(set, "output"));
    opt_free(set);
}

static void flags_may_stand_anywhere_and_arguments_keep_their_order(void **state)
{
    struct opt_set *set = must_parse(WORDS("first", "-n", "second", "--name", "x", "-", "third"));

    (void)state;
    assert_int_equal(4, opt_args(set));
    assert_string_equal("first", opt_arg(set, 0));
    assert_string_equal("second", opt_arg(set, 1));
    assert_string_equal("-", opt_arg(set, 2));
    assert_string_equal("third", opt_arg(set, 3));
    assert_null(opt_arg(set, 4));
    assert_true(opt_switch(set, "dry-run"));
    opt_free(set);
}

static void two_dashes_end_the_flags(void **state)
{
    struct opt_set *set = must_parse(WORDS("-n", "--", "--name", "-v", "--"));

    (void)state;
    assert_int_equal(3, opt_args(set));
    assert_string_equal("--name", opt_arg(set, 0));
    assert_string_equal("--", opt_arg(set, 2));
    assert_false(opt_switch(set, "verbose"));
    opt_free(set);
}

static void letters_join(void **state)
{
    struct opt_set *set = must_parse(WORDS("-nwvojson"));

    (void)state;
    assert_true(opt_switch(set, "dry-run") && opt_switch(set, "verbose"));
    assert_true(opt_given(set, "watch"));
    assert_string_equal("json", opt_text(set, "output"));
    opt_free(set);
}

static void an_optional_value_is_never_the_next_word(void **state)
{
    struct opt_set *set = must_parse(WORDS("--watch", "shop"));

    (void)state;
    assert_true(opt_given(set, "watch"));
    assert_int_equal(5000, opt_u64(set, "watch"));
    assert_string_equal("shop", opt_arg(set, 0));
    opt_free(set);
    set = must_parse(WORDS("--watch=2s"));
    assert_int_equal(2000, opt_u64(set, "watch"));
    opt_free(set);
}

static void no_clears_a_switch_and_the_last_word_wins(void **state)
{
    struct opt_set *set = must_parse(
        WORDS("--dry-run", "--no-dry-run", "--no-colour", "--no-input", "--name=a", "--name=b"));

    (void)state;
    assert_false(opt_switch(set, "dry-run"));
    assert_true(opt_given(set, "dry-run"));
    assert_false(opt_switch(set, "colour"));
    assert_true(opt_switch(set, "no-input"));
    assert_string_equal("b", opt_text(set, "name"));
    assert_string_equal("a", opt_text_at(set, "name", 0));
    assert_string_equal("b", opt_text_at(set, "name", 1));
    assert_null(opt_text_at(set, "name", 2));
    assert_null(opt_text_at(set, "size", 0));
    opt_free(set);
}

static void a_value_may_begin_with_a_dash_or_be_empty(void **state)
{
    struct opt_set *set = must_parse(WORDS("--name", "-x"));

    (void)state;
    assert_string_equal("-x", opt_text(set, "name"));
    opt_free(set);
    set = must_parse(WORDS("--name="));
    assert_string_equal("", opt_text(set, "name"));
    assert_true(opt_given(set, "name"));
    opt_free(set);
}

static void unknown_flags_get_a_suggestion(void **state)
{
    (void)state;
    assert_refused("unknown flag --dry-rnu, did you mean --dry-run?", GW_USAGE, WORDS("--dry-rnu"));
    assert_refused("unknown flag --limits, did you mean --limit?", GW_USAGE, WORDS("--limits=3"));
    assert_refused("unknown flag --frobnicate", GW_USAGE, WORDS("--frobnicate"));
    assert_refused("unknown flag --zz", GW_USAGE, WORDS("--zz"));
    assert_refused("unknown flag -x", GW_USAGE, WORDS("-nx"));
    assert_refused("unknown flag --", GW_USAGE, WORDS("--=x"));
}

static void misuse_is_named(void **state)
{
    (void)state;
    assert_refused("--limit needs a value: --limit RATE", GW_USAGE, WORDS("--limit"));
    assert_refused("--size needs a value: --size VALUE", GW_USAGE, WORDS("--size"));
    assert_refused("--output needs a value: --output VALUE", GW_USAGE, WORDS("-no"));
    assert_refused("--dry-run takes no value", GW_USAGE, WORDS("--dry-run=yes"));
    assert_refused("unknown flag --no-name", GW_USAGE, WORDS("--no-name"));
}

static void bad_values_name_their_flag(void **state)
{
    (void)state;
    assert_refused("--output: 'xml' is none of table|json|jsonl", GW_BAD_VALUE, WORDS("-oxml"));
    assert_refused("--output: 'jso' is none of table|json|jsonl", GW_BAD_VALUE, WORDS("-ojso"));
    assert_refused("--output: '' is none of table|json|jsonl", GW_BAD_VALUE, WORDS("--output="));
    assert_refused("--parallel: 'x' is not a whole number", GW_BAD_VALUE, WORDS("--parallel=x"));
    assert_refused("--parallel: 65 is not between 1 and 64", GW_BAD_VALUE, WORDS("-p", "65"));
    assert_refused("--parallel: 0 is not between 1 and 64", GW_BAD_VALUE, WORDS("-p0"));
    assert_refused("--limit: 1 B is less than 1.0 KiB", GW_BAD_VALUE, WORDS("--limit=1"));
    assert_refused("--watch: 'often' is not a duration such as 90s, 5m, 2h30m or 7d", GW_BAD_VALUE,
                   WORDS("--watch=often"));
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    opt_free(NULL);
}

static void a_letter_takes_its_value_after_an_equals_sign(void **state)
{
    struct opt_set *set = must_parse(WORDS("-w=7s", "-o=json", "-nw"));

    (void)state;
    assert_int_equal(7000, opt_u64(set, "watch"));
    assert_string_equal("json", opt_text(set, "output"));
    assert_true(opt_switch(set, "dry-run"));
    opt_free(set);
}

static void limits_are_told_with_their_units(void **state)
{
    (void)state;
    assert_refused("--pause: 10ms is not between 200ms and 1m", GW_BAD_VALUE,
                   WORDS("--pause=10ms"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_takes_its_value_after_an_equals_sign),
        cmocka_unit_test(limits_are_told_with_their_units),
        cmocka_unit_test(nothing_given_means_defaults),
        cmocka_unit_test(values_come_with_equals_or_as_the_next_word),
        cmocka_unit_test(flags_may_stand_anywhere_and_arguments_keep_their_order),
        cmocka_unit_test(two_dashes_end_the_flags),
        cmocka_unit_test(letters_join),
        cmocka_unit_test(an_optional_value_is_never_the_next_word),
        cmocka_unit_test(no_clears_a_switch_and_the_last_word_wins),
        cmocka_unit_test(a_value_may_begin_with_a_dash_or_be_empty),
        cmocka_unit_test(unknown_flags_get_a_suggestion),
        cmocka_unit_test(misuse_is_named),
        cmocka_unit_test(bad_values_name_their_flag),
        cmocka_unit_test(freeing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
