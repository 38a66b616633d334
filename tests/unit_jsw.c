/* SPDX-License-Identifier: Apache-2.0 */
/* jsw: order, escapes, the first failure kept, and text that always parses again. */
#include "tests/unit.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/jsw.h"

#include <math.h>

#include "base/banned.h"

static struct jsw *start(void)
{
    struct jsw *w;

    assert_ok(jsw_new(&w, NULL));
    return w;
}

/* Finishes, compares, frees. */
static void assert_text(const char *want, struct jsw *w)
{
    auto_buf struct buf out = {0};
    struct err err = {0};

    if (jsw_finish(w, false, &out, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(want, buf_cstr(&out));
    jsw_free(w);
}

static void members_keep_the_order_they_are_written_in(void **state)
{
    struct jsw *w = start();

    (void)state;
    jsw_obj(w, NULL);
    jsw_str(w, "zebra", "z");
    jsw_u64(w, "apple", 1);
    jsw_arr(w, "list");
    jsw_i64(w, NULL, -2);
    jsw_obj(w, NULL);
    jsw_bool(w, "deep", true);
    jsw_end(w);
    jsw_arr(w, NULL);
    jsw_end(w);
    jsw_end(w);
    jsw_null(w, "mango");
    jsw_f64(w, "f", 0.1);
    jsw_hex(w, "h", "\xde\xad", 2);
    jsw_hex(w, "none", "", 0);
    jsw_end(w);
    assert_text("{\"zebra\":\"z\",\"apple\":1,\"list\":[-2,{\"deep\":true},[]],\"mango\":null,"
                "\"f\":0.1,\"h\":\"dead\",\"none\":\"\"}",
                w);
}

static void document_carries_schema_and_time(void **state)
{
    struct jsw *w = start();

    (void)state;
    jsw_document(w, "godwit.test/1", 1765144800000);
    jsw_time(w, "never", 0);
    jsw_end(w);
    assert_text("{\"schema\":\"godwit.test/1\",\"generated_at\":\"2025-12-07T22:00:00Z\","
                "\"never\":null}",
                w);
}

static void any_value_can_be_the_root(void **state)
{
    struct jsw *w = start();

    (void)state;
    jsw_str(w, NULL, "alone");
    assert_text("\"alone\"", w);
}

static void null_text_and_unreal_numbers_become_null(void **state)
{
    struct jsw *w = start();

    (void)state;
    jsw_arr(w, NULL);
    jsw_str(w, NULL, NULL);
    jsw_f64(w, NULL, NAN);
    jsw_f64(w, NULL, INFINITY);
    jsw_f64(w, NULL, -INFINITY);
    jsw_js(w, NULL, NULL);
    jsw_end(w);
    assert_text("[null,null,null,null,null]", w);
}

#define R "\xef\xbf\xbd" /* U+FFFD */

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\xff", R},
        {"a\x80z", "a" R "z"},
        {"\xc3\xa4", "\xc3\xa4"},
        {"\xc3", R},
        {"\xc0\xaf", R R},       /* overlong */
        {"\xe0\x80\xaf", R R R}, /* overlong */
        {"\xed\xa0\x80", R R R}, /* a surrogate */
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},
        {"\xf4\x90\x80\x80", R R R R}, /* above U+10FFFF */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xf0\x8f\xbf\xbf", R R R R}, /* overlong */
        {"\xf0\x9f\x90\xa6 ok", "\xf0\x9f\x90\xa6 ok"},
        {"\xe2\x82", R R},
        {"\xf8\x88\x80\x80\x80", R R R R R},
        {"\xc3\xa4\xff\xc3\xa4", "\xc3\xa4" R "\xc3\xa4"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct jsw *w = start();
        auto_js struct js *v = NULL;

        jsw_obj(w, NULL);
        jsw_str(w, "v", cases[i].in);
        jsw_u64(w, cases[i].in, 1);
        jsw_end(w);
        assert_ok(jsw_take(w, &v, NULL));
        assert_string_equal(cases[i].out, js_str(v, "v", NULL));
        assert_int_equal(1, js_u64(v, cases[i].out, 0));
        jsw_free(w);
    }
}

static void text_parses_again_whatever_bytes_it_was_made_of(void **state)
{
    auto_buf struct buf out = {0};
    auto_js struct js *v = NULL;
    struct jsw *w = start();
    char all[256];

    (void)state;
    for (int i = 1; i < 256; i++)
        all[i - 1] = (char)i;
    all[255] = '\0';
    jsw_obj(w, NULL);
    jsw_str(w, all, all);
    jsw_end(w);
    assert_ok(jsw_finish(w, false, &out, NULL));
    assert_ok(js_parse(buf_slice(&out), 1 << 20, &v, NULL));
    jsw_free(w);
}

static void first_failure_is_kept_and_stops_everything(void **state)
{
    auto_buf struct buf out = {0};
    struct jsw *w = start();
    struct js *v = NULL;
    struct err err = {0};

    (void)state;
    jsw_obj(w, NULL);
    jsw_u64(w, "ok", INT64_MAX);
    jsw_u64(w, "huge", (uint64_t)INT64_MAX + 1);
    jsw_str(w, "ok", "twice: would be another failure");
    jsw_arr(w, "list");
    jsw_obj(w, NULL);
    jsw_end(w);
    jsw_end(w);
    jsw_end(w);
    assert_fails(-ERANGE, jsw_finish(w, false, &out, &err));
    assert_non_null(strstr(err.text, "'huge'"));
    assert_int_equal(0, out.len);
    assert_fails(-ERANGE, jsw_take(w, &v, NULL));
    jsw_free(w);
    jsw_free(NULL);
}

static void key_written_twice_is_refused(void **state)
{
    auto_buf struct buf out = {0};
    struct jsw *w = start();

    (void)state;
    jsw_obj(w, NULL);
    jsw_u64(w, "k", 1);
    jsw_u64(w, "k", 2);
    jsw_end(w);
    assert_fails(-EEXIST, jsw_finish(w, false, &out, NULL));
    jsw_free(w);
}

static void nesting_ends_where_the_parsers_does(void **state)
{
    auto_buf struct buf out = {0};
    auto_js struct js *v = NULL;

    (void)state;
    for (int extra = 0; extra <= 1; extra++) {
        struct jsw *w = start();

        for (int i = 0; i < JS_DEPTH_MAX + extra; i++)
            jsw_arr(w, NULL);
        for (int i = 0; i < JS_DEPTH_MAX + extra; i++)
            jsw_end(w);
        assert_int_equal(extra ? -E2BIG : 0, jsw_finish(w, false, &out, NULL));
        jsw_free(w);
    }
    assert_ok(js_parse(buf_slice(&out), 1 << 20, &v, NULL));
}

static void parsed_values_can_be_written_and_lent_to_two_documents(void **state)
{
    auto_js struct js *v = NULL;

    (void)state;
    assert_ok(js_parse(slice_str("{\"b\":1,\"a\":2}"), 100, &v, NULL));
    for (int i = 0; i < 2; i++) {
        struct jsw *w = start();

        jsw_arr(w, NULL);
        jsw_js(w, NULL, v);
        jsw_js(w, NULL, v);
        jsw_end(w);
        assert_text("[{\"b\":1,\"a\":2},{\"b\":1,\"a\":2}]", w);
    }
}

static void unfinished_writers_are_freed_whole(void **state)
{
    struct jsw *w = start();

    (void)state;
    jsw_obj(w, NULL);
    jsw_arr(w, "a");
    jsw_str(w, NULL, "text");
    jsw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_keep_the_order_they_are_written_in),
        cmocka_unit_test(document_carries_schema_and_time),
        cmocka_unit_test(any_value_can_be_the_root),
        cmocka_unit_test(null_text_and_unreal_numbers_become_null),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(text_parses_again_whatever_bytes_it_was_made_of),
        cmocka_unit_test(first_failure_is_kept_and_stops_everything),
        cmocka_unit_test(key_written_twice_is_refused),
        cmocka_unit_test(nesting_ends_where_the_parsers_does),
        cmocka_unit_test(parsed_values_can_be_written_and_lent_to_two_documents),
        cmocka_unit_test(unfinished_writers_are_freed_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
