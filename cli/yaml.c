/* SPDX-License-Identifier: Apache-2.0 */
/* Block style; scalars are written as JSON writes them, which YAML 1.2 reads the same. */
#include "cli/yaml.h"

#include "base/buf.h"
#include "base/js.h"

#include "base/banned.h"

struct emit {
    struct buf *out;
    struct err *err;
    unsigned depth;
    bool first_inline; /* the next member continues a "- " */
};

static int emit_value(struct emit *e, const struct js *v);

static void indent(struct emit *e)
{
    if (e->first_inline) {
        e->first_inline = false;
        return;
    }
    for (unsigned i = 0; i < e->depth; i++)
        buf_str(e->out, "  ");
}

static bool is_empty(const struct js *v)
{
    auto_buf struct buf text = {0};

    if (js_kind(v) == JS_ARR)
        return js_len(v) == 0;
    return js_kind(v) == JS_OBJ && js_print(v, false, false, &text, NULL) == 0 && text.len == 2;
}

static bool is_scalar(const struct js *v)
{
    return (js_kind(v) != JS_OBJ && js_kind(v) != JS_ARR) || is_empty(v);
}

static int emit_scalar(struct emit *e, const struct js *v)
{
    int r = js_print(v, false, false, e->out, e->err);

    buf_str(e->out, "\n");
    return r;
}

static int emit_member(void *arg, const char *key, const struct js *v)
{
    struct emit *e = arg;
    int r;

    indent(e);
    buf_str(e->out, key); /* our documents' keys are plain words */
    if (is_scalar(v)) {
        buf_str(e->out, ": ");
        return emit_scalar(e, v);
    }
    buf_str(e->out, ":\n");
    e->depth++;
    r = emit_value(e, v);
    e->depth--;
    return r;
}

static int emit_element(struct emit *e, const struct js *v)
{
    int r;

    indent(e);
    buf_str(e->out, "- ");
    if (is_scalar(v))
        return emit_scalar(e, v);
    e->depth++;
    e->first_inline = true;
    r = emit_value(e, v);
    e->first_inline = false;
    e->depth--;
    return r;
}

static int emit_value(struct emit *e, const struct js *v)
{
    if (is_scalar(v))
        return emit_scalar(e, v);
    if (js_kind(v) == JS_OBJ)
        return js_each(v, emit_member, e);
    for (size_t i = 0; i < js_len(v); i++) {
        int r = emit_element(e, js_at(v, i));

        if (r < 0)
            return r;
    }
    return 0;
}

int yaml_print(const struct js *doc, struct buf *out, struct err *err)
{
    struct emit e = {.out = out, .err = err};
    int r = emit_value(&e, doc);

    return r < 0 ? r : buf_failed(out, err);
}
