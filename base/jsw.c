/* SPDX-License-Identifier: Apache-2.0 */
/* Building a JSON value from the top down and printing it; jansson keeps the order of members. */
#include "base/jsw.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/js.h"
#include "base/text.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>

#include "base/banned.h"

struct jsw {
    json_t *root;               /* owns everything below */
    json_t *open[JS_DEPTH_MAX]; /* the containers not ended yet, lent from root */
    size_t depth;
    size_t skipped; /* containers begun after the first failure */
    struct err err; /* the first failure; code 0 = none */
};

int jsw_new(struct jsw **ret, struct err *err)
{
    struct jsw *w = calloc(1, sizeof(*w));

    if (!w)
        return err_set(err, -ENOMEM, "start a document: %m");
    *ret = w;
    return 0;
}

void jsw_free(struct jsw *w)
{
    if (!w)
        return;
    json_decref(w->root);
    free(w);
}

/* Length of the well-formed UTF-8 sequence at s (Unicode 15, table 3-7), 0 when there is none. */
static size_t utf8_sequence(const uint8_t *s, size_t left)
{
    const size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (len == 0 || len > left || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, beyond U+10FFFF. */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

/* text with U+FFFD for every byte that is not UTF-8; the result is a NUL-terminated buf. */
static const char *scrub(const char *text, struct buf *out)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t left = strlen(text);

    while (left > 0) {
        const size_t len = utf8_sequence(s, left);

        if (len == 0)
            buf_append(out, "\xef\xbf\xbd", 3);
        else
            buf_append(out, s, len);
        s += len ? len : 1;
        left -= len ? len : 1;
    }
    return out->failed ? NULL : buf_cstr(out);
}

static json_t *string_of(const char *text)
{
    auto_buf struct buf clean = {0};
    json_t *v = json_string(text);

    if (v)
        return v;
    text = scrub(text, &clean);
    return text ? json_string(text) : NULL;
}

static int set_member(json_t *obj, const char *key, json_t *taken_v)
{
    auto_buf struct buf clean = {0};
    const char *name = scrub(key, &clean);
    int r;

    if (!name || json_object_get(obj, name)) {
        json_decref(taken_v);
        return name ? -EEXIST : -ENOMEM;
    }
    r = json_object_set_new_nocheck(obj, name, taken_v);
    return r < 0 ? -ENOMEM : 0;
}

/* Hang taken_v below the innermost container; a NULL value means there was no memory for it. */
static int put(struct jsw *w, const char *key, json_t *taken_v)
{
    json_t *in = w->depth > 0 ? w->open[w->depth - 1] : NULL;
    int r = 0;

    if (w->err.code || !taken_v) {
        json_decref(taken_v);
        return w->err.code ? w->err.code : err_set(&w->err, -ENOMEM, "write a document: %m");
    }
    if (!in) {
        assert(!w->root && !key);
        w->root = taken_v;
    } else if (json_is_array(in)) {
        assert(!key);
        r = json_array_append_new(in, taken_v) < 0 ? -ENOMEM : 0;
    } else {
        assert(key);
        r = set_member(in, key, taken_v);
    }
    if (r < 0)
        return err_set(&w->err, r, "write '%s': %m", key ? key : "");
    return 0;
}

static void push(struct jsw *w, const char *key, json_t *taken_v)
{
    if (!w->err.code && w->depth == JS_DEPTH_MAX)
        err_set(&w->err, -E2BIG, "write '%s': nested deeper than %d", key ? key : "", JS_DEPTH_MAX);
    if (put(w, key, taken_v) < 0)
        w->skipped++;
    else
        w->open[w->depth++] = taken_v; /* lent: its container owns it now */
}

void jsw_obj(struct jsw *w, const char *key)
{
    push(w, key, json_object());
}

void jsw_arr(struct jsw *w, const char *key)
{
    push(w, key, json_array());
}

void jsw_end(struct jsw *w)
{
    if (w->skipped > 0) {
        w->skipped--;
        return;
    }
    assert(w->depth > 0);
    w->depth--;
}

void jsw_document(struct jsw *w, const char *schema, uint64_t wall_ms)
{
    jsw_obj(w, NULL);
    jsw_str(w, "schema", schema);
    jsw_time(w, "generated_at", wall_ms);
}

void jsw_str(struct jsw *w, const char *key, const char *v)
{
    put(w, key, v ? string_of(v) : json_null());
}

void jsw_u64(struct jsw *w, const char *key, uint64_t v)
{
    if (v > INT64_MAX && !w->err.code)
        err_set(&w->err, -ERANGE, "write '%s': %m", key ? key : "");
    put(w, key, json_integer((json_int_t)v));
}

void jsw_i64(struct jsw *w, const char *key, int64_t v)
{
    put(w, key, json_integer(v));
}

void jsw_f64(struct jsw *w, const char *key, double v)
{
    put(w, key, isfinite(v) ? json_real(v) : json_null());
}

void jsw_bool(struct jsw *w, const char *key, bool v)
{
    put(w, key, json_boolean(v));
}

void jsw_null(struct jsw *w, const char *key)
{
    put(w, key, json_null());
}

void jsw_time(struct jsw *w, const char *key, uint64_t wall_ms)
{
    char text[TEXT_TIME_MAX];

    jsw_str(w, key, wall_ms ? text_time(wall_ms, text) : NULL);
}

void jsw_hex(struct jsw *w, const char *key, const void *data, size_t len)
{
    auto_buf struct buf text = {0};
    const char *hex;

    buf_hex(&text, data, len);
    hex = text.failed ? NULL : buf_cstr(&text);
    put(w, key, hex ? json_string(hex) : NULL);
}

void jsw_js(struct jsw *w, const char *key, const struct js *v)
{
    put(w, key, v ? (json_t *)js_ref(v) : json_null());
}

int jsw_take(struct jsw *w, struct js **ret, struct err *err)
{
    if (w->err.code) {
        if (err)
            *err = w->err;
        return w->err.code;
    }
    assert(w->root && w->depth == 0);
    *ret = (struct js *)TAKE(w->root);
    return 0;
}

int jsw_finish(struct jsw *w, bool pretty, struct buf *out, struct err *err)
{
    auto_js struct js *v = NULL;
    int r;

    r = jsw_take(w, &v, err);
    if (r < 0)
        return r;
    return js_print(v, false, pretty, out, err);
}
