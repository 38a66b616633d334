/* SPDX-License-Identifier: Apache-2.0 */
/* An error as people and as programs meet it. */
#include "tests/unit.h"

#include "base/buf.h"
#include "base/complaint.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/jsw.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

static void expect_print(const struct complaint *c, bool colour, const char *want)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    assert_non_null(to);
    complaint_print(c, colour, to);
    fclose(to);
    assert_string_equal(text, want);
    free(text);
}

static void the_catalogue_gives_why_and_next(void **state)
{
    struct err err = {0};
    struct complaint c;

    (void)state;
    err_set_gw(&err, GW_VAULT_KEY, -EACCES, "no key");
    complaint_of(&err, &c);
    assert_string_equal(c.code, "GW-3011");
    assert_int_equal(c.exit, GW_EXIT_AUTH);
    assert_ptr_equal(c.what, err.text);
    assert_string_equal(c.why, gw_find(GW_VAULT_KEY)->why);
    assert_null(c.op);
}

static void lines_stand_below_each_other(void **state)
{
    const struct complaint c = {
        .code = "GW-1001", .what = "bad", .why = "because", .next = "one\ntwo\n"};

    (void)state;
    expect_print(&c, false,
                 "error GW-1001: bad\n"
                 "  why   because\n"
                 "  next  one\n"
                 "        two\n");
    expect_print(&(struct complaint){.code = "GW-1001"}, true,
                 "\033[31merror GW-1001\033[0m: it failed\n");
}

static void what_comes_from_outside_cannot_steer_the_terminal(void **state)
{
    const struct complaint c = {.code = "GW-1001", .what = "a\033[2Jb\nc", .next = "\rx"};

    (void)state;
    expect_print(&c, false, "error GW-1001: a?[2Jb\n  c\n  next  ?x\n");
}

static struct js *document(const struct complaint *c, bool member)
{
    struct jsw *w = NULL;
    struct js *doc = NULL;

    assert_int_equal(jsw_new(&w, NULL), 0);
    if (member) {
        jsw_obj(w, NULL);
        complaint_member(c, w);
        jsw_end(w);
    } else {
        complaint_document(c, 1000, w);
    }
    assert_int_equal(jsw_take(w, &doc, NULL), 0);
    jsw_free(w);
    return doc;
}

static void the_document_has_next_as_lines(void **state)
{
    const struct complaint c = {
        .code = "GW-4101", .exit = 5, .what = "no", .why = "so", .next = "a\nb", .op = "op-1"};
    struct js *doc = document(&c, false);

    (void)state;
    assert_string_equal(js_str(doc, "schema", ""), "godwit.error/1");
    assert_string_equal(js_str(doc, "generated_at", ""), "1970-01-01T00:00:01Z");
    assert_int_equal(js_i64(doc, "exit", 0), 5);
    assert_int_equal(js_len(js_member(doc, "next")), 2);
    assert_string_equal(js_as_str(js_at(js_member(doc, "next"), 1), ""), "b");
    assert_string_equal(js_str(doc, "op", ""), "op-1");
    js_free(doc);
}

static void a_member_without_a_complaint_is_null(void **state)
{
    const struct complaint c = {.code = "GW-4101", .exit = 5, .what = "no"};
    struct js *doc = document(NULL, true);

    (void)state;
    assert_int_equal(js_kind(js_member(doc, "error")), JS_NULL);
    js_free(doc);
    doc = document(&c, true);
    assert_string_equal(js_str(js_member(doc, "error"), "code", ""), "GW-4101");
    assert_int_equal(js_len(js_member(js_member(doc, "error"), "next")), 0);
    js_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogue_gives_why_and_next),
        cmocka_unit_test(lines_stand_below_each_other),
        cmocka_unit_test(what_comes_from_outside_cannot_steer_the_terminal),
        cmocka_unit_test(the_document_has_next_as_lines),
        cmocka_unit_test(a_member_without_a_complaint_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
