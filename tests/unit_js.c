/* SPDX-License-Identifier: Apache-2.0 */
/* js: what is parsed, what is refused and where, and what comes out again. */
#include "tests/unit.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/js.h"

#include "base/banned.h"

enum { MAX = 1 << 20 };

static struct js *parse(const char *text)
{
    struct js *v = NULL;
    struct err err = {0};

    if (js_parse(slice_str(text), MAX, &v, &err) != 0)
        fail_msg("%s: %s", text, err.text);
    return v;
}

static void assert_refused(struct slice text, const char *part_of_reason)
{
    struct js *v = (struct js *)0x1;
    struct err err = {0};

    if (js_parse(text, MAX, &v, &err) != -EINVAL)
        fail_msg("accepted: %.*s", (int)text.len, (const char *)text.data);
    assert_ptr_equal(0x1, v); /* untouched */
    assert_int_equal(GW_BAD_DOCUMENT, err.gw);
    if (!strstr(err.text, part_of_reason))
        fail_msg("'%s' does not hold '%s'", err.text, part_of_reason);
}

static const char sample[] = "{\"s\":\"text\",\"u\":18,\"i\":-5,\"f\":1.5,\"t\":true,\"n\":null,"
                             "\"a\":[1,\"two\",3.0],\"o\":{\"k\":\"v\"},"
                             "\"max\":9223372036854775807}";

static void required_members_are_got_by_kind(void **state)
{
    auto_js struct js *doc = parse(sample);
    const struct js *v;
    const char *s;
    uint64_t u;
    int64_t i;
    double f;
    bool b;

    (void)state;
    assert_ok(js_get_str(doc, "s", &s, NULL));
    assert_string_equal("text", s);
    assert_ok(js_get_u64(doc, "u", &u, NULL));
    assert_int_equal(18, u);
    assert_ok(js_get_u64(doc, "max", &u, NULL));
    assert_true(u == INT64_MAX);
    assert_ok(js_get_i64(doc, "i", &i, NULL));
    assert_int_equal(-5, i);
    assert_ok(js_get_f64(doc, "f", &f, NULL));
    assert_true(f == 1.5);
    assert_ok(js_get_f64(doc, "i", &f, NULL));
    assert_true(f == -5.0);
    assert_ok(js_get_bool(doc, "t", &b, NULL));
    assert_true(b);
    assert_ok(js_get_arr(doc, "a", &v, NULL));
    assert_int_equal(3, js_len(v));
    assert_ok(js_get_obj(doc, "o", &v, NULL));
    assert_string_equal("v", js_str(v, "k", NULL));
}

static void absent_and_null_members_are_enoent_and_named(void **state)
{
    auto_js struct js *doc = parse(sample);
    struct err err = {0};
    const char *s = "untouched";

    (void)state;
    assert_fails(-ENOENT, js_get_str(doc, "nothing", &s, &err));
    assert_non_null(strstr(err.text, "'nothing'"));
    assert_int_equal(GW_BAD_DOCUMENT, err.gw);
    assert_fails(-ENOENT, js_get_str(doc, "n", &s, NULL));
    assert_string_equal("untouched", s);
}

static void members_of_another_kind_are_einval(void **state)
{
    auto_js struct js *doc = parse(sample);
    const struct js *v = NULL;
    const char *s = NULL;
    uint64_t u = 7;
    int64_t i = 7;
    double f = 7;
    bool b = true;

    (void)state;
    assert_fails(-EINVAL, js_get_str(doc, "u", &s, NULL));
    assert_fails(-EINVAL, js_get_u64(doc, "i", &u, NULL)); /* negative */
    assert_fails(-EINVAL, js_get_u64(doc, "f", &u, NULL));
    assert_fails(-EINVAL, js_get_u64(doc, "s", &u, NULL));
    assert_fails(-EINVAL, js_get_i64(doc, "f", &i, NULL));
    assert_fails(-EINVAL, js_get_f64(doc, "s", &f, NULL));
    assert_fails(-EINVAL, js_get_bool(doc, "u", &b, NULL));
    assert_fails(-EINVAL, js_get_arr(doc, "o", &v, NULL));
    assert_fails(-EINVAL, js_get_obj(doc, "a", &v, NULL));
    assert_true(!v && !s && u == 7 && i == 7 && f == 7 && b);
}

static void optional_members_have_defaults(void **state)
{
    auto_js struct js *doc = parse(sample);

    (void)state;
    assert_string_equal("text", js_str(doc, "s", "d"));
    assert_string_equal("d", js_str(doc, "n", "d"));
    assert_string_equal("d", js_str(doc, "u", "d"));
    assert_int_equal(18, js_u64(doc, "u", 3));
    assert_int_equal(3, js_u64(doc, "i", 3)); /* negative */
    assert_int_equal(3, js_u64(doc, "none", 3));
    assert_int_equal(-5, js_i64(doc, "i", 3));
    assert_int_equal(3, js_i64(doc, "f", 3));
    assert_true(js_f64(doc, "f", 3) == 1.5);
    assert_true(js_f64(doc, "u", 3) == 18);
    assert_true(js_f64(doc, "s", 3) == 3);
    assert_true(js_bool(doc, "t", false));
    assert_true(js_bool(doc, "s", true));
    assert_null(js_member(doc, "none"));
}

static void nothing_is_an_empty_value_of_every_kind(void **state)
{
    auto_js struct js *number = parse("5");

    (void)state;
    assert_int_equal(JS_NULL, js_kind(NULL));
    assert_int_equal(0, js_len(NULL));
    assert_int_equal(0, js_len(number));
    assert_null(js_at(NULL, 0));
    assert_null(js_member(NULL, "k"));
    assert_null(js_member(number, "k"));
    assert_string_equal("d", js_as_str(NULL, "d"));
    assert_int_equal(5, js_as_u64(number, 1));
    assert_int_equal(0, js_each(number, NULL, NULL));
    js_free(NULL);
}

static void elements_come_in_order_and_end(void **state)
{
    auto_js struct js *doc = parse("[1,\"two\",3.5,false,null,[],{}]");
    static const enum js_kind kinds[] = {JS_INT, JS_STR, JS_REAL, JS_BOOL, JS_NULL, JS_ARR, JS_OBJ};

    (void)state;
    assert_int_equal(ARRAY_LEN(kinds), js_len(doc));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_int_equal(kinds[i], js_kind(js_at(doc, i)));
    assert_null(js_at(doc, ARRAY_LEN(kinds)));
    assert_int_equal(1, js_as_u64(js_at(doc, 0), 0));
    assert_string_equal("two", js_as_str(js_at(doc, 1), NULL));
    assert_true(js_as_f64(js_at(doc, 2), 0) == 3.5);
}

static int append_key(void *arg, const char *key, const struct js *value)
{
    (void)value;
    return strcmp(key, "stop") == 0 ? 42 : buf_str(arg, key);
}

static void each_walks_in_document_order_and_can_stop(void **state)
{
    auto_js struct js *doc = parse("{\"z\":1,\"a\":2,\"m\":3}");
    auto_js struct js *stops = parse("{\"b\":1,\"stop\":2,\"c\":3}");
    auto_buf struct buf keys = {0};

    (void)state;
    assert_int_equal(0, js_each(doc, append_key, &keys));
    assert_string_equal("zam", buf_cstr(&keys));
    assert_int_equal(42, js_each(stops, append_key, &keys));
    assert_string_equal("zamb", buf_cstr(&keys));
}

static void malformed_text_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused(slice_str(""), "line 1");
    assert_refused(slice_str("{\"a\":1,\n \"b\":}"), "line 2 column 6");
    assert_refused(slice_str("{\"a\":1} trailing"), "line 1");
    assert_refused(slice_str("[1,2"), "line 1");
    assert_refused(slice_str("[1,]"), "line 1");
    assert_refused(slice_str("{a:1}"), "line 1");
    assert_refused(slice_str("'a'"), "line 1");
    assert_refused(slice_str("nul"), "line 1");
    assert_refused(slice_str("01"), "line 1");
    assert_refused(slice_str("1e999"), "line 1");
    assert_refused(slice_str("9223372036854775808"), "line 1");
    assert_refused(slice_str("\"\xff\""), "line 1");
    assert_refused(slice_str("\"\\ud800\""), "line 1");
    assert_refused(slice_str("\"a\nb\""), "line 1");
}

static void duplicate_keys_are_refused_at_any_depth(void **state)
{
    (void)state;
    assert_refused(slice_str("{\"a\":1,\"a\":1}"), "duplicate");
    assert_refused(slice_str("[{\"o\":{\"k\":1,\"x\":2,\"k\":3}}]"), "duplicate");
    assert_refused(slice_str("{\"a\":1,\"\\u0061\":1}"), "duplicate");
}

static void nul_is_refused_inside_strings_and_between(void **state)
{
    (void)state;
    assert_refused(slice_str("\"a\\u0000b\""), "line 1");
    assert_refused(slice_str("{\"a\\u0000b\":1}"), "line 1");
    assert_refused(slice_of("\"a\0b\"", 5), "line 1");
    assert_refused(slice_of("[1]\0", 4), "line 1");
}

/* n times open, then n times close. */
static const char *nested(struct buf *out, size_t n, const char *open, const char *close)
{
    for (size_t i = 0; i < n; i++)
        buf_str(out, open);
    buf_str(out, "1");
    for (size_t i = 0; i < n; i++)
        buf_str(out, close);
    return buf_cstr(out);
}

static void nesting_has_a_limit_that_brackets_in_strings_do_not_count_for(void **state)
{
    auto_buf struct buf good = {0}, deep = {0}, objects = {0}, bomb = {0};
    auto_js struct js *a = parse(nested(&good, JS_DEPTH_MAX, "[", "]"));
    auto_js struct js *b = parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[\"");

    (void)state;
    assert_int_equal(1, js_len(a));
    assert_int_equal(JS_STR, js_kind(b));
    assert_refused(slice_str(nested(&deep, JS_DEPTH_MAX + 1, "[", "]")),
                   "line 1 column 33: nested");
    assert_refused(slice_str(nested(&objects, JS_DEPTH_MAX + 1, "{\"k\":\n", "}")),
                   "line 33 column 1: nested");
    assert_refused(slice_str(nested(&bomb, 200000, "[", "]")), "nested");
}

static void size_has_a_limit(void **state)
{
    struct js *v = NULL;
    struct err err = {0};

    (void)state;
    assert_ok(js_parse(slice_str("[1,2]"), 5, &v, &err));
    js_free(v);
    assert_fails(-EFBIG, js_parse(slice_str("[1,2]"), 4, &v, &err));
    assert_int_equal(GW_BAD_DOCUMENT, err.gw);
}

static void load_reads_a_file_and_names_it_in_failures(void **state)
{
    char *dir = unit_mkdir(), path[PATH_MAX];
    struct js *v = NULL;
    struct err err = {0};

    (void)state;
    unit_path(dir, "doc.json", path);
    assert_fails(-ENOENT, js_load(path, MAX, &v, &err));
    assert_ok(fd_save(path, slice_str("{\"a\":[1,\n2}"), 0600, NULL));
    assert_fails(-EINVAL, js_load(path, MAX, &v, &err));
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "line 2"));
    assert_fails(-EFBIG, js_load(path, 3, &v, &err));
    assert_ok(fd_save(path, slice_str("{\"a\":[1,\n2]}\n"), 0600, NULL));
    assert_ok(js_load(path, MAX, &v, &err));
    assert_int_equal(2, js_len(js_member(v, "a")));
    js_free(v);
    unit_rmdir(dir);
}

static void schema_must_be_the_wanted_one(void **state)
{
    auto_js struct js *doc = parse("{\"schema\":\"godwit.plan/1\"}");
    auto_js struct js *none = parse("{\"a\":1}");
    auto_js struct js *number = parse("{\"schema\":1}");
    struct err err = {0};

    (void)state;
    assert_ok(js_check_schema(doc, "godwit.plan/1", NULL));
    assert_fails(-EINVAL, js_check_schema(doc, "godwit.plan/2", &err));
    assert_non_null(strstr(err.text, "godwit.plan/1"));
    assert_int_equal(GW_BAD_DOCUMENT, err.gw);
    assert_fails(-EINVAL, js_check_schema(none, "godwit.plan/1", NULL));
    assert_fails(-EINVAL, js_check_schema(number, "godwit.plan/1", NULL));
    assert_fails(-EINVAL, js_check_schema(NULL, "godwit.plan/1", NULL));
}

static void printing_gives_the_same_value_back(void **state)
{
    auto_js struct js *doc = parse(sample);
    auto_js struct js *again = NULL;
    auto_buf struct buf once = {0}, twice = {0};

    (void)state;
    assert_ok(js_print(doc, false, false, &once, NULL));
    assert_string_equal(sample, buf_cstr(&once));
    again = parse(buf_cstr(&once));
    assert_ok(js_print(again, false, false, &twice, NULL));
    assert_string_equal(buf_cstr(&once), buf_cstr(&twice));
}

static void canonical_text_of_equal_values_is_equal(void **state)
{
    auto_js struct js *a = parse("{\"b\":{\"y\":1,\"x\":0.1},\"a\":[3,1]}");
    auto_js struct js *b = parse("{ \"a\" : [3, 1], \"b\": {\"x\": 0.10, \"y\":1 } }");
    auto_buf struct buf at = {0}, bt = {0};

    (void)state;
    assert_ok(js_print(a, true, false, &at, NULL));
    assert_ok(js_print(b, true, false, &bt, NULL));
    assert_string_equal("{\"a\":[3,1],\"b\":{\"x\":0.1,\"y\":1}}", buf_cstr(&at));
    assert_string_equal(buf_cstr(&at), buf_cstr(&bt));
}

static void pretty_text_is_indented(void **state)
{
    auto_js struct js *v = parse("{\"a\":[1]}");
    auto_buf struct buf out = {0};

    (void)state;
    assert_ok(js_print(v, false, true, &out, NULL));
    assert_string_equal("{\n  \"a\": [\n    1\n  ]\n}", buf_cstr(&out));
}

static void print_beyond_the_buffers_ceiling_leaves_it_as_it_was(void **state)
{
    auto_js struct js *v = parse("[\"0123456789\",\"0123456789\"]");
    auto_buf struct buf out = {0};

    (void)state;
    buf_init(&out, 20);
    buf_str(&out, "head");
    assert_fails(-EFBIG, js_print(v, false, false, &out, NULL));
    assert_int_equal(4, out.len);
}

static void ref_keeps_a_value_beyond_its_document(void **state)
{
    struct js *doc = parse("{\"o\":{\"k\":\"v\"}}");
    auto_js struct js *kept = js_ref(js_member(doc, "o"));

    (void)state;
    js_free(doc);
    assert_string_equal("v", js_str(kept, "k", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required_members_are_got_by_kind),
        cmocka_unit_test(absent_and_null_members_are_enoent_and_named),
        cmocka_unit_test(members_of_another_kind_are_einval),
        cmocka_unit_test(optional_members_have_defaults),
        cmocka_unit_test(nothing_is_an_empty_value_of_every_kind),
        cmocka_unit_test(elements_come_in_order_and_end),
        cmocka_unit_test(each_walks_in_document_order_and_can_stop),
        cmocka_unit_test(malformed_text_is_refused_with_its_place),
        cmocka_unit_test(duplicate_keys_are_refused_at_any_depth),
        cmocka_unit_test(nul_is_refused_inside_strings_and_between),
        cmocka_unit_test(nesting_has_a_limit_that_brackets_in_strings_do_not_count_for),
        cmocka_unit_test(size_has_a_limit),
        cmocka_unit_test(load_reads_a_file_and_names_it_in_failures),
        cmocka_unit_test(schema_must_be_the_wanted_one),
        cmocka_unit_test(printing_gives_the_same_value_back),
        cmocka_unit_test(canonical_text_of_equal_values_is_equal),
        cmocka_unit_test(pretty_text_is_indented),
        cmocka_unit_test(print_beyond_the_buffers_ceiling_leaves_it_as_it_was),
        cmocka_unit_test(ref_keeps_a_value_beyond_its_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
