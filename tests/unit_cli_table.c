/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: what people see, what programs read, and that nothing from a host reaches a terminal raw.
 */
#include "tests/unit.h"

#include "base/buf.h"
#include "cli/table.h"

#include "base/banned.h"

static const struct table_column columns[] = {
    {"NAME", TABLE_LEFT}, {"SIZE", TABLE_RIGHT}, {"NOTE", TABLE_WIDE_ONLY}};

static struct table *make(void)
{
    struct table *t = NULL;

    assert_int_equal(table_new(&t, NULL), 0);
    assert_int_equal(table_columns(t, columns, 3, NULL), 0);
    return t;
}

static void row(struct table *t, const char *a, const char *b, const char *c)
{
    assert_int_equal(table_row(t, NULL), 0);
    assert_int_equal(table_cell(t, a, NULL), 0);
    assert_int_equal(table_cell(t, b, NULL), 0);
    assert_int_equal(table_cell(t, c, NULL), 0);
}

static void expect(int (*print)(const struct table *, struct buf *, struct err *),
                   const struct table *t, const char *want)
{
    struct buf out = {0};

    assert_int_equal(print(t, &out, NULL), 0);
    assert_string_equal(out.len ? buf_cstr(&out) : "", want);
    buf_done(&out);
}

static int draw(const struct table *t, struct buf *out, struct err *err)
{
    return table_draw(t, &(struct table_style){0}, out, err);
}

static int draw_wide(const struct table *t, struct buf *out, struct err *err)
{
    return table_draw(t, &(struct table_style){.wide = true}, out, err);
}

static int csv(const struct table *t, struct buf *out, struct err *err)
{
    return table_csv(t, true, out, err);
}

static void csv_quotes_by_rfc_4180(void **state)
{
    struct table *t = make();

    (void)state;
    row(t, "plain", "a,b", "say \"yes\"");
    row(t, "two\nlines", "", NULL);
    expect(csv, t,
           "NAME,SIZE,NOTE\r\n"
           "plain,\"a,b\",\"say \"\"yes\"\"\"\r\n"
           "two lines,,\r\n");
    table_free(t);
}

static void names_are_the_first_column(void **state)
{
    struct table *t = make();

    (void)state;
    row(t, "one", "1", "x");
    row(t, "\033[31mtwo\033[0m", "2", "x");
    expect(table_names, t, "one\ntwo\n");
    table_free(t);
}

static void numbers_stand_to_the_right_and_wide_columns_wait(void **state)
{
    struct table *t = make();

    (void)state;
    row(t, "a", "5", "far");
    row(t, "bcd", "100", "away");
    expect(draw, t, "NAME SIZE\na       5\nbcd   100\n");
    expect(draw_wide, t, "NAME SIZE NOTE\na       5 far\nbcd   100 away\n");
    table_free(t);
}

static void cells_left_out_are_a_dash_to_people_and_empty_to_programs(void **state)
{
    struct table *t = make();

    (void)state;
    assert_int_equal(table_row(t, NULL), 0);
    assert_int_equal(table_cell(t, "only", NULL), 0);
    expect(csv, t, "NAME,SIZE,NOTE\r\nonly,,\r\n");
    expect(draw_wide, t, "NAME SIZE NOTE\nonly    - -\n");
    table_free(t);
}

static void what_comes_from_a_host_cannot_steer_the_terminal(void **state)
{
    struct table *t = make();
    struct buf out = {0};

    (void)state;
    row(t, "db\033]0;title\a", "a\r\b",
        "\xc2\x9b"
        "31m");
    row(t, "\033]0;first\a", "\033[31m\033]0;inner\a\033[0m", "\033[2J");
    assert_int_equal(draw_wide(t, &out, NULL), 0);
    assert_null(strstr(buf_cstr(&out), "\033]"));
    assert_null(strstr(buf_cstr(&out), "\033[2J"));
    assert_null(strchr(buf_cstr(&out), '\a'));
    assert_null(strchr(buf_cstr(&out), '\r'));
    assert_null(strstr(buf_cstr(&out), "\xc2\x9b"));
    buf_done(&out);
    table_free(t);
}

static void a_cell_outside_its_row_is_refused(void **state)
{
    struct table *t = make();

    (void)state;
    assert_int_equal(table_cell(t, "none", NULL), -EINVAL);
    row(t, "a", "b", "c");
    assert_int_equal(table_cell(t, "d", NULL), -EINVAL);
    assert_int_equal(table_columns(t, columns, 2, NULL), -EINVAL);
    table_free(t);
}

static void an_empty_table_draws_nothing_and_its_csv_has_a_header(void **state)
{
    struct table *t = make();

    (void)state;
    expect(draw, t, "");
    expect(csv, t, "NAME,SIZE,NOTE\r\n");
    expect(table_names, t, "");
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_quotes_by_rfc_4180),
        cmocka_unit_test(names_are_the_first_column),
        cmocka_unit_test(numbers_stand_to_the_right_and_wide_columns_wait),
        cmocka_unit_test(cells_left_out_are_a_dash_to_people_and_empty_to_programs),
        cmocka_unit_test(what_comes_from_a_host_cannot_steer_the_terminal),
        cmocka_unit_test(a_cell_outside_its_row_is_refused),
        cmocka_unit_test(an_empty_table_draws_nothing_and_its_csv_has_a_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
