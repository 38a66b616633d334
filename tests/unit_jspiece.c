/* SPDX-License-Identifier: Apache-2.0 */
/* Documents by pieces: the same pieces however the bytes arrive, and nothing malformed passes. */
#include "base/js.h"
#include "base/jspiece.h"
#include "tests/unit.h"

#include "base/banned.h"

static const char *const paths[] = {"currency", "products/*", "terms/On/*", "items/*/name",
                                    "list/*"};

static const char document[] =
    "{\"currency\": \"USD\", \"skip\": {\"products\": {\"no\": 1}, \"x\": [1, {\"a\": \"}]\"}]},\n"
    " \"products\": {\"A\": {\"sku\": \"a, \\\"b\\\"\"}, \"B\": 17},\n"
    " \"terms\": {\"On\": {\"A\": [1,2]}, \"Off\": {\"A\": 3}},\n"
    " \"items\": [{\"name\": \"n0\", \"other\": {}}, {\"name\": \"n1\"}], \"list\": [], \"end\": "
    "null}\n";

struct seen {
    char text[512];
    int stop_at;
    int n;
};

static int take(void *ctx, size_t path, const char *key, const struct js *value, struct err *err)
{
    struct seen *s = ctx;
    size_t at = strlen(s->text);

    (void)err;
    snprintf(s->text + at, sizeof(s->text) - at, "%zu:%s=%s/%zu;", path, key,
             js_as_str(value, js_str(value, "sku", "-")), js_len(value));
    return ++s->n == s->stop_at ? -ECANCELED : 0;
}

static int walk(const char *text, size_t step, struct seen *s)
{
    struct jspiece_spec spec = {.paths = paths, .n = ARRAY_LEN(paths), .fn = take, .ctx = s};
    auto_jspiece struct jspiece *p = NULL;
    size_t len = strlen(text);
    int r = jspiece_new(&spec, &p, NULL);

    for (size_t at = 0; r == 0 && at < len; at += step)
        r = jspiece_feed(p, slice_of(text + at, step < len - at ? step : len - at), NULL);
    return r == 0 ? jspiece_finish(p, NULL) : r;
}

static void the_same_pieces_however_they_arrive(void **state)
{
    static const char want[] =
        "0:currency=USD/0;1:A=a, \"b\"/0;1:B=-/0;2:A=-/2;3:name=n0/0;3:name=n1/0;";

    (void)state;
    for (size_t step = 1; step <= sizeof(document); step++) {
        struct seen s = {0};

        assert_ok(walk(document, step, &s));
        assert_string_equal(s.text, want);
    }
}

static void a_document_that_ends_early_is_refused_wherever_it_ends(void **state)
{
    (void)state;
    for (size_t len = 0; len + 2 < sizeof(document); len++) {
        struct seen s = {0};
        auto_free char *cut = strndup(document, len);

        assert_non_null(cut);
        assert_fails(-EINVAL, walk(cut, 7, &s));
    }
}

static void what_is_malformed_is_refused(void **state)
{
    static const char *const bad[] = {
        "{]",       "{\"a\" 1}", "{\"a\":1,}", "[1,]",    "[1 2]", "{1:2}",     "{\"a\":1}}",
        "}",        "{\"a\":}",  "[,1]",       "{\"a\"}", "{} {}", "\"a\" : 1", "{\"currency\":x}",
        "[\"a\":1]"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct seen s = {0};

        if (walk(bad[i], 64, &s) != -EINVAL)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void depth_names_and_pieces_are_bounded(void **state)
{
    char deep[2 * JS_DEPTH_MAX] = "", name[2 * JSPIECE_KEY_MAX];
    struct seen s = {0};

    (void)state;
    memset(deep, '[', JS_DEPTH_MAX + 1);
    assert_fails(-EINVAL, walk(deep, 64, &s));
    memset(name, 'k', sizeof(name));
    memcpy(name, "{\"", 2);
    name[sizeof(name) - 1] = '\0';
    assert_fails(-EFBIG, walk(name, 64, &s));
}

static bool only_b(void *ctx, size_t path, const char *key)
{
    (void)ctx;
    return path != 1 || strcmp(key, "B") == 0;
}

static void what_is_not_wanted_is_skipped(void **state)
{
    struct seen s = {0};
    struct jspiece_spec spec = {
        .paths = paths, .n = ARRAY_LEN(paths), .fn = take, .want = only_b, .ctx = &s};
    auto_jspiece struct jspiece *p = NULL;

    (void)state;
    assert_ok(jspiece_new(&spec, &p, NULL));
    assert_ok(jspiece_feed(p, slice_str(document), NULL));
    assert_ok(jspiece_finish(p, NULL));
    assert_string_equal(s.text, "0:currency=USD/0;1:B=-/0;2:A=-/2;3:name=n0/0;3:name=n1/0;");
}

static void the_callee_ends_the_walk(void **state)
{
    struct seen s = {.stop_at = 2};

    (void)state;
    assert_fails(-ECANCELED, walk(document, 9, &s));
    assert_int_equal(s.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_pieces_however_they_arrive),
        cmocka_unit_test(a_document_that_ends_early_is_refused_wherever_it_ends),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(depth_names_and_pieces_are_bounded),
        cmocka_unit_test(what_is_not_wanted_is_skipped),
        cmocka_unit_test(the_callee_ends_the_walk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
