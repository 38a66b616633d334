/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON within bounds. A struct js is a json_t under another name.
 *
 * jansson has no depth limit below 2048, so the nesting is measured before it parses.
 */
#include "base/js.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"

#include <jansson.h>

#include "base/banned.h"

/* 15 digits print 0.1 as 0.1; 17 would print 0.10000000000000001. */
enum { REAL_DIGITS = 15 };

/* jansson counts references through pointers that are not const. */
static json_t *value_of(const struct js *v)
{
    return (json_t *)(uintptr_t)v;
}

static const struct js *js_of(const json_t *v)
{
    return (const struct js *)v;
}

static int refuse(struct err *err, int code, const char *key, const char *want)
{
    return err_set_gw(err, GW_BAD_DOCUMENT, code,
                      code == -ENOENT ? "'%s' is missing (%s)" : "'%s' is not %s", key, want);
}

/* Where the scan of the nesting stands. */
struct scan {
    unsigned depth;
    unsigned line, column;
    bool in_string, escaped;
};

static void scan_string_byte(struct scan *s, uint8_t c)
{
    if (s->escaped)
        s->escaped = false;
    else if (c == '\\')
        s->escaped = true;
    else if (c == '"')
        s->in_string = false;
}

static void scan_byte(struct scan *s, uint8_t c)
{
    s->column++;
    if (s->in_string) {
        scan_string_byte(s, c);
        return;
    }
    if (c == '"') {
        s->in_string = true;
    } else if (c == '[' || c == '{') {
        s->depth++;
    } else if ((c == ']' || c == '}') && s->depth > 0) {
        s->depth--;
    } else if (c == '\n') {
        s->line++;
        s->column = 0;
    }
}

static int check_depth(struct slice text, struct err *err)
{
    struct scan s = {.line = 1};

    for (size_t i = 0; i < text.len; i++) {
        scan_byte(&s, text.data[i]);
        if (s.depth > JS_DEPTH_MAX)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL,
                              "line %u column %u: nested deeper than %d", s.line, s.column,
                              JS_DEPTH_MAX);
    }
    return 0;
}

int js_parse(struct slice text, size_t max_bytes, struct js **ret, struct err *err)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_error_t why;
    json_t *v;
    int r;

    max_bytes = max_bytes ? max_bytes : JS_BYTES_MAX;
    if (text.len > max_bytes)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG, "a document of %zu bytes is above %zu",
                          text.len, max_bytes);
    r = check_depth(text, err);
    if (r < 0)
        return r;
    v = json_loadb(text.data ? (const char *)text.data : "", text.len, flags, &why);
    if (!v && json_error_code(&why) == json_error_out_of_memory)
        return err_set(err, -ENOMEM, "parse a document: %m");
    if (!v)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "line %d column %d: %s", why.line,
                          why.column, why.text);
    *ret = (struct js *)v;
    return 0;
}

int js_load(const char *path, size_t max_bytes, struct js **ret, struct err *err)
{
    auto_buf struct buf text = {0};
    int r;

    r = fd_load(path, max_bytes ? max_bytes : JS_BYTES_MAX, &text, err);
    if (r < 0)
        return r;
    r = js_parse(buf_slice(&text), max_bytes, ret, err);
    if (r < 0)
        return err_add(err, r, "'%s'", path);
    return 0;
}

void js_free(struct js *v)
{
    json_decref(value_of(v));
}

struct js *js_ref(const struct js *v)
{
    return (struct js *)json_incref(value_of(v));
}

int js_check_schema(const struct js *doc, const char *name, struct err *err)
{
    const char *found = js_str(doc, "schema", NULL);

    if (!found)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "a document with schema '%s' is wanted",
                          name);
    if (strcmp(found, name) != 0)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "schema is '%.64s', '%s' is wanted", found,
                          name);
    return 0;
}

enum js_kind js_kind(const struct js *v)
{
    if (!v)
        return JS_NULL;
    switch (json_typeof(value_of(v))) {
    case JSON_OBJECT:
        return JS_OBJ;
    case JSON_ARRAY:
        return JS_ARR;
    case JSON_STRING:
        return JS_STR;
    case JSON_INTEGER:
        return JS_INT;
    case JSON_REAL:
        return JS_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JS_BOOL;
    default:
        return JS_NULL;
    }
}

const struct js *js_member(const struct js *obj, const char *key)
{
    return js_of(json_object_get(value_of(obj), key));
}

/* A required member of one kind. */
static int get(const struct js *obj, const char *key, enum js_kind kind, const char *want,
               const struct js **ret, struct err *err)
{
    const struct js *v = js_member(obj, key);

    if (js_kind(v) == JS_NULL)
        return refuse(err, -ENOENT, key, want);
    if (js_kind(v) != kind)
        return refuse(err, -EINVAL, key, want);
    *ret = v;
    return 0;
}

int js_get_str(const struct js *obj, const char *key, const char **ret, struct err *err)
{
    const struct js *v;
    int r = get(obj, key, JS_STR, "a string", &v, err);

    if (r < 0)
        return r;
    *ret = json_string_value(value_of(v));
    return 0;
}

int js_get_u64(const struct js *obj, const char *key, uint64_t *ret, struct err *err)
{
    const char *want = "a whole number, 0 or more";
    const struct js *v;
    int r = get(obj, key, JS_INT, want, &v, err);

    if (r < 0)
        return r;
    if (json_integer_value(value_of(v)) < 0)
        return refuse(err, -EINVAL, key, want);
    *ret = (uint64_t)json_integer_value(value_of(v));
    return 0;
}

int js_get_i64(const struct js *obj, const char *key, int64_t *ret, struct err *err)
{
    const struct js *v;
    int r = get(obj, key, JS_INT, "a whole number", &v, err);

    if (r < 0)
        return r;
    *ret = json_integer_value(value_of(v));
    return 0;
}

int js_get_f64(const struct js *obj, const char *key, double *ret, struct err *err)
{
    const struct js *v = js_member(obj, key);
    int r;

    if (js_kind(v) != JS_INT) {
        r = get(obj, key, JS_REAL, "a number", &v, err);
        if (r < 0)
            return r;
    }
    *ret = json_number_value(value_of(v));
    return 0;
}

int js_get_bool(const struct js *obj, const char *key, bool *ret, struct err *err)
{
    const struct js *v = NULL;
    int r = get(obj, key, JS_BOOL, "true or false", &v, err);

    if (r < 0)
        return r;
    *ret = json_is_true(value_of(v));
    return 0;
}

int js_get_arr(const struct js *obj, const char *key, const struct js **ret, struct err *err)
{
    return get(obj, key, JS_ARR, "an array", ret, err);
}

int js_get_obj(const struct js *obj, const char *key, const struct js **ret, struct err *err)
{
    return get(obj, key, JS_OBJ, "an object", ret, err);
}

const char *js_str(const struct js *obj, const char *key, const char *dflt)
{
    return js_as_str(js_member(obj, key), dflt);
}

uint64_t js_u64(const struct js *obj, const char *key, uint64_t dflt)
{
    return js_as_u64(js_member(obj, key), dflt);
}

int64_t js_i64(const struct js *obj, const char *key, int64_t dflt)
{
    const struct js *v = js_member(obj, key);

    return js_kind(v) == JS_INT ? json_integer_value(value_of(v)) : dflt;
}

double js_f64(const struct js *obj, const char *key, double dflt)
{
    return js_as_f64(js_member(obj, key), dflt);
}

bool js_bool(const struct js *obj, const char *key, bool dflt)
{
    return js_as_bool(js_member(obj, key), dflt);
}

size_t js_len(const struct js *arr)
{
    return json_array_size(value_of(arr));
}

const struct js *js_at(const struct js *arr, size_t i)
{
    return js_of(json_array_get(value_of(arr), i));
}

const char *js_as_str(const struct js *v, const char *dflt)
{
    return js_kind(v) == JS_STR ? json_string_value(value_of(v)) : dflt;
}

uint64_t js_as_u64(const struct js *v, uint64_t dflt)
{
    if (js_kind(v) != JS_INT || json_integer_value(value_of(v)) < 0)
        return dflt;
    return (uint64_t)json_integer_value(value_of(v));
}

double js_as_f64(const struct js *v, double dflt)
{
    if (js_kind(v) != JS_INT && js_kind(v) != JS_REAL)
        return dflt;
    return json_number_value(value_of(v));
}

bool js_as_bool(const struct js *v, bool dflt)
{
    return js_kind(v) == JS_BOOL ? json_is_true(value_of(v)) : dflt;
}

int js_each(const struct js *obj, js_each_fn fn, void *arg)
{
    json_t *o = value_of(obj);

    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
        int r = fn(arg, json_object_iter_key(it), js_of(json_object_iter_value(it)));

        if (r != 0)
            return r;
    }
    return 0;
}

static int append_piece(const char *text, size_t len, void *arg)
{
    return buf_append(arg, text, len) < 0 ? -1 : 0;
}

int js_print(const struct js *v, bool canonical, bool pretty, struct buf *out, struct err *err)
{
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS);
    const size_t before = out->len;
    int r;

    flags |= canonical ? (size_t)JSON_SORT_KEYS : 0;
    flags |= pretty ? (size_t)JSON_INDENT(2) : (size_t)JSON_COMPACT;
    if (json_dump_callback(value_of(v), append_piece, out, flags) == 0)
        return 0;
    r = buf_failed(out, err);
    out->len = before; /* nothing of a half-printed value stays */
    return r < 0 ? r : err_set(err, -ENOMEM, "print a document: %m");
}

const char *js_version(void)
{
    return jansson_version_str();
}
