/* SPDX-License-Identifier: Apache-2.0 */
/* What is from outside cannot end an element or an attribute; numbers as people read them. */
#include "planner/engine/html.h"

#include "base/buf.h"
#include "base/js.h"
#include "tests/unit.h"

#include "base/banned.h"

static void shows(const char *text, size_t max, const char *want)
{
    auto_buf struct buf b = {0};

    html_short(&b, text, max);
    assert_string_equal(buf_cstr(&b), want);
}

static void keeps_ends(const char *text, size_t max, const char *want)
{
    auto_buf struct buf b = {0};

    html_middle(&b, text, max);
    assert_string_equal(buf_cstr(&b), want);
}

static void names_of_one_family_differ_when_they_are_cut(void **state)
{
    (void)state;
    keeps_ends("payments-084", 12, "payments-084");
    keeps_ends("payments-emea-084", 8, "pay…-084");
    keeps_ends("payments-emea-085", 8, "pay…-085");
    keeps_ends("größenordnungsmäßig", 8, "grö…äßig");
    keeps_ends("<<<<<<<<", 4, "&lt;…&lt;&lt;");
}

static void text_ends_nothing(void **state)
{
    (void)state;
    shows("<a href=\"x\" b='y'>&\n\x7f", SIZE_MAX,
          "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;  ");
    shows("", 3, "");
}

static void what_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    shows("grüße", 5, "grüße");
    shows("grüße", 3, "grü…");
    shows("<<<<", 2, "&lt;&lt;…");
}

static void money_is(int64_t micros, const char *want)
{
    auto_buf struct buf b = {0};

    html_money(&b, micros);
    assert_string_equal(buf_cstr(&b), want);
}

static void large_amounts_have_no_cents(void **state)
{
    (void)state;
    money_is(999990000, "999.99");
    money_is(1234567890000, "1,234,568");
    money_is(-1234567890000, "-1,234,568");
    money_is(0, "0.00");
}

static void a_table_says_what_it_leaves_out(void **state)
{
    static const struct html_column columns[] = {
        {"Name", "name", HTML_TEXT}, {"On", "on", HTML_YES}, {"N", "n", HTML_COUNT}};
    static const char doc[] = "[{\"name\":\"<b>\",\"on\":true,\"n\":7},{\"n\":8},{},{}]";
    struct html_table t = {.caption = "A & B", .columns = columns, .n = 3, .max = 2};
    auto_js struct js *items = NULL;
    auto_buf struct buf b = {0};

    (void)state;
    assert_ok(js_parse(slice_str(doc), 0, &items, NULL));
    html_table(&b, &t, items);
    assert_non_null(strstr(buf_cstr(&b), "<caption>A &amp; B</caption>"));
    assert_non_null(
        strstr(buf_cstr(&b), "<td>&lt;b&gt;</td><td class=t>yes</td><td class=n>7</td>"));
    assert_non_null(strstr(buf_cstr(&b), "<td>–</td><td class=t>no</td><td class=n>8</td>"));
    assert_non_null(strstr(buf_cstr(&b), "and 2 more"));
}

static void the_largest_come_first_and_others_are_left_out(void **state)
{
    static const struct html_column columns[] = {{"Name", "name", HTML_TEXT}};
    static const char doc[] = "[{\"name\":\"a\",\"n\":1,\"x\":1},{\"name\":\"b\",\"n\":5,\"x\":1},"
                              "{\"name\":\"c\",\"n\":9},{\"name\":\"d\",\"n\":5,\"x\":1}]";
    struct html_table t = {.caption = "t", .columns = columns, .n = 1, .max = 9};
    auto_js struct js *items = NULL;
    auto_buf struct buf b = {0};
    auto_buf struct buf none = {0};

    (void)state;
    t.by = "n";
    t.only = "x";
    assert_ok(js_parse(slice_str(doc), 0, &items, NULL));
    html_table(&b, &t, items);
    assert_non_null(strstr(buf_cstr(&b), "<td>b</td></tr>\n<tr><td>d</td></tr>\n<tr><td>a</td>"));
    assert_null(strstr(buf_cstr(&b), "<td>c</td>"));
    t.only = "nothing";
    html_table(&none, &t, items);
    assert_int_equal(none.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_ends_nothing),
        cmocka_unit_test(what_is_too_long_is_cut_between_characters),
        cmocka_unit_test(large_amounts_have_no_cents),
        cmocka_unit_test(a_table_says_what_it_leaves_out),
        cmocka_unit_test(names_of_one_family_differ_when_they_are_cut),
        cmocka_unit_test(the_largest_come_first_and_others_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
