/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue: every row is whole and found, and every failure has one. */
#include "tests/unit.h"

#include "base/gw.h"
#include "base/text.h"

#include <stdbool.h>

#include "base/banned.h"

static void rows_are_ascending_and_whole(void **state)
{
    size_t n;
    const struct gw_row *rows = gw_rows(&n);

    (void)state;
    assert_true(n > 50);
    for (size_t i = 0; i < n; i++) {
        const struct gw_row *r = &rows[i];

        if (i && r->number <= rows[i - 1].number)
            fail_msg("GW-%u stands after GW-%u", r->number, rows[i - 1].number);
        if (r->number < 1000 || r->number > 5999)
            fail_msg("GW-%u is outside of the ranges", r->number);
        if (!r->title || !r->why || !r->next || !r->title[0] || !r->why[0] || !r->next[0])
            fail_msg("GW-%u lacks a text", r->number);
    }
}

/* The voice of the catalogue: a title goes into a sentence, the why is sentences. */
static void texts_have_the_form_that_the_programs_print(void **state)
{
    size_t n;
    const struct gw_row *rows = gw_rows(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        const struct gw_row *r = &rows[i];

        if (strlen(r->title) > 70 || text_ends(r->title, ".") || strchr(r->title, '\n'))
            fail_msg("GW-%u: title '%s'", r->number, r->title);
        if (!text_ends(r->why, ".") || strchr(r->why, '\n'))
            fail_msg("GW-%u: why '%s'", r->number, r->why);
        if (text_ends(r->next, "\n"))
            fail_msg("GW-%u: next '%s'", r->number, r->next);
    }
}

static void exit_codes_are_those_of_the_contract(void **state)
{
    size_t n;
    const struct gw_row *rows = gw_rows(&n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        if (rows[i].exit == GW_EXIT_OK || rows[i].exit > GW_EXIT_HALFWAY)
            fail_msg("GW-%u exits with %d", rows[i].number, rows[i].exit);
}

static void every_row_is_found_by_its_number(void **state)
{
    size_t n;
    const struct gw_row *rows = gw_rows(&n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(&rows[i], gw_find(rows[i].number));
    assert_null(gw_find(0));
    assert_null(gw_find(1));
    assert_null(gw_find(9999));
    assert_null(gw_find(rows[0].number + 500));
}

static const struct gw_row *row_of_code(int code)
{
    return gw_of(&(struct err){.code = code});
}

static void a_failure_has_the_row_that_it_names(void **state)
{
    struct err err = {0};

    (void)state;
    err_set_gw(&err, GW_VAULT_KEY, -ENOSPC, "x");
    assert_int_equal(GW_VAULT_KEY, gw_of(&err)->number);
    assert_int_equal(GW_EXIT_AUTH, gw_of(&err)->exit);
}

static void a_failure_without_a_row_is_classed_by_its_code(void **state)
{
    static const struct {
        int code;
        enum gw want;
        enum gw_exit exit;
    } cases[] = {
        {-EINVAL, GW_BAD_VALUE, GW_EXIT_USAGE},
        {-ENOMEM, GW_NO_MEMORY, GW_EXIT_FAILED},
        {-ENOSPC, GW_NO_SPACE, GW_EXIT_FAILED},
        {-EIO, GW_IO, GW_EXIT_FAILED},
        {-EACCES, GW_DENIED, GW_EXIT_AUTH},
        {-ETIMEDOUT, GW_UNREACHABLE, GW_EXIT_UNREACHABLE},
        {-ECONNREFUSED, GW_UNREACHABLE, GW_EXIT_UNREACHABLE},
        {-ENOENT, GW_NOT_FOUND, GW_EXIT_NOT_FOUND},
        {-EBUSY, GW_IN_USE, GW_EXIT_LOCKED},
        {-EWOULDBLOCK, GW_IN_USE, GW_EXIT_LOCKED},
        {-ECANCELED, GW_STOPPED, GW_EXIT_FAILED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(cases[i].want, row_of_code(cases[i].code)->number);
        assert_int_equal(cases[i].exit, row_of_code(cases[i].code)->exit);
    }
}

static void whatever_else_happens_there_is_a_row(void **state)
{
    struct err unknown = {.code = -EIO, .gw = 4999};

    (void)state;
    for (int code = -200; code <= 200; code++)
        assert_non_null(row_of_code(code));
    assert_int_equal(GW_INTERNAL, row_of_code(-EXDEV)->number);
    assert_int_equal(GW_INTERNAL, row_of_code(0)->number);
    assert_int_equal(GW_IO, gw_of(&unknown)->number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_ascending_and_whole),
        cmocka_unit_test(texts_have_the_form_that_the_programs_print),
        cmocka_unit_test(exit_codes_are_those_of_the_contract),
        cmocka_unit_test(every_row_is_found_by_its_number),
        cmocka_unit_test(a_failure_has_the_row_that_it_names),
        cmocka_unit_test(a_failure_without_a_row_is_classed_by_its_code),
        cmocka_unit_test(whatever_else_happens_there_is_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
