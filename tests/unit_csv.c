/* SPDX-License-Identifier: Apache-2.0 */
/* CSV as spreadsheets write it: every row found, none taken for another. */
#include "base/csv.h"
#include "tests/unit.h"

#include "base/banned.h"

/* All rows as "line:a|b|c;"; a problem as "line!". */
static int rows_of(const char *text, struct buf *out)
{
    auto_csv struct csv c = {0};
    int r = csv_init(&c, slice_str(text), NULL);

    while (r >= 0 && (r = csv_next(&c, NULL)) > 0) {
        buf_printf(out, "%zu%c", c.line, c.problem ? '!' : ':');
        for (size_t i = 0; i < c.fields; i++)
            buf_printf(out, "%s%s", i ? "|" : "", c.field[i]);
        buf_str(out, ";");
    }
    return r;
}

static void expect(const char *text, const char *rows)
{
    auto_buf struct buf out = {0};

    assert_ok(rows_of(text, &out));
    assert_string_equal(buf_cstr(&out), rows);
}

static void fields_are_parted_by_what_the_first_line_uses(void **state)
{
    (void)state;
    expect("a,b\n1,2\n", "1:a|b;2:1|2;");
    expect("a;b;c\n1,5;2;3\n", "1:a|b|c;2:1,5|2|3;");
    expect("a\tb\n1\t2", "1:a|b;2:1|2;");
    expect("\"x,y\";b\n", "1:x,y|b;");
    expect("sep=;\r\na;b\n", "2:a|b;");
    expect("alone\n", "1:alone;");
}

static void quotes_hold_separators_lines_and_quotes(void **state)
{
    (void)state;
    expect("\"a,b\",\"c\"\"d\"\n", "1:a,b|c\"d;");
    expect("\"two\nlines\",x\r\nnext,y\r\n", "1:two\nlines|x;3:next|y;");
    expect("a,\"\"\n", "1:a|;");
    expect("a\"b,c\n", "1:a\"b|c;");
    expect("\"a\"b,c\n", "1:ab|c;");
}

static void marks_and_line_ends_are_no_part_of_fields(void **state)
{
    (void)state;
    expect("\xef\xbb\xbf"
           "a,b\r\n1,2\r\n",
           "1:a|b;2:1|2;");
    expect("a,b\n\n\r\n1,2", "1:a|b;4:1|2;");
    expect("a,\n,\n", "1:a|;2:|;");
    expect("a\rb,c\n", "1:a\rb|c;");
    expect("", "");
}

static void a_bad_row_does_not_take_the_next_with_it(void **state)
{
    (void)state;
    expect("a,b\n\"open,2\n3,4\n", "1:a|b;2!;3:3|4;");
    expect("a,b\n\xff,2\n3,4\n", "1:a|b;2!;3:3|4;");
    expect("a,b\n\"\xe2\x82\xac\",2\n", "1:a|b;2:\xe2\x82\xac|2;");
}

static void what_is_no_text_is_refused(void **state)
{
    auto_csv struct csv c = {0};

    (void)state;
    assert_fails(-EINVAL, csv_init(&c, slice_of("a\0b", 3), NULL));
    assert_fails(-EINVAL, csv_init(&c,
                                   slice_of("\xff\xfe"
                                            "a\0",
                                            4),
                                   NULL));
    assert_fails(-EINVAL, csv_init(&c, slice_of("\xfe\xff\0a", 4), NULL));
}

static void long_rows_and_wide_rows_are_problems(void **state)
{
    auto_buf struct buf text = {0}, out = {0};

    (void)state;
    for (int i = 0; i <= CSV_FIELDS_MAX; i++)
        buf_str(&text, ",");
    buf_str(&text, "\nx,y\n");
    for (int i = 0; i <= CSV_ROW_MAX; i++)
        buf_str(&text, "z");
    assert_ok(rows_of(buf_cstr(&text), &out));
    assert_string_equal(buf_cstr(&out), "1!;2:x|y;3!;");
}

static void after_many_problems_it_is_no_csv(void **state)
{
    auto_buf struct buf text = {0}, out = {0};

    (void)state;
    for (int i = 0; i <= CSV_PROBLEMS_MAX; i++)
        buf_str(&text, "\xff\n");
    assert_fails(-EINVAL, rows_of(buf_cstr(&text), &out));
}

static void what_is_written_is_read_again_and_is_no_formula(void **state)
{
    auto_buf struct buf out = {0};

    (void)state;
    csv_put(&out, "plain", true);
    csv_put(&out, "a,\"b\"", false);
    csv_put(&out, "=1+1", false);
    csv_put(&out, "", false);
    assert_string_equal(buf_cstr(&out), "plain,\"a,\"\"b\"\"\",\"'=1+1\",");
    expect(buf_cstr(&out), "1:plain|a,\"b\"|'=1+1|;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_parted_by_what_the_first_line_uses),
        cmocka_unit_test(quotes_hold_separators_lines_and_quotes),
        cmocka_unit_test(marks_and_line_ends_are_no_part_of_fields),
        cmocka_unit_test(a_bad_row_does_not_take_the_next_with_it),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(long_rows_and_wide_rows_are_problems),
        cmocka_unit_test(after_many_problems_it_is_no_csv),
        cmocka_unit_test(what_is_written_is_read_again_and_is_no_formula),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
