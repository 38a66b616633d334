/* SPDX-License-Identifier: Apache-2.0 */
/* Members of documents as cells. */
#include "cli/columns.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include <stdio.h>

#include "base/banned.h"

enum { COLUMNS_CELL_MAX = 512, COLUMNS_LINE_NAME = 14 };

static const struct js *member(const struct js *doc, const char *key)
{
    char head[64];
    const char *dot = strchr(key, '.');

    if (!dot)
        return js_member(doc, key);
    if (text_print(head, sizeof(head), "%.*s", (int)(dot - key), key) < 0)
        return NULL;
    return member(js_member(doc, head), dot + 1);
}

/* Lists have no limit, so they are put together in more. */
static const char *join(const struct js *arr, struct buf *more)
{
    buf_clear(more);
    for (size_t i = 0; i < js_len(arr); i++)
        buf_printf(more, "%s%s", i ? "," : "", js_as_str(js_at(arr, i), ""));
    return more->len ? buf_cstr(more) : NULL;
}

/* For people 0 is nothing worth reading, and a rate has its unit; a program wants the number. */
static const char *bytes(struct out *o, const struct js *v, const char *suffix, char *out)
{
    const bool csv = out_form(o) == OUT_CSV;
    char number[NUM_TEXT_MAX];

    if (js_kind(v) == JS_NULL || (!csv && js_as_u64(v, 0) == 0))
        return NULL;
    out_bytes(o, js_as_u64(v, 0), number);
    snprintf(out, COLUMNS_CELL_MAX, "%s%s", number, csv ? "" : suffix);
    return out;
}

static const char *share(struct out *o, const struct js *v, char *out)
{
    if (out_form(o) == OUT_CSV)
        snprintf(out, COLUMNS_CELL_MAX, "%.4f", js_as_f64(v, 0));
    else
        snprintf(out, COLUMNS_CELL_MAX, "%.0f%%", js_as_f64(v, 0) * 100);
    return out;
}

static const char *side(const char *authority)
{
    if (text_equal(authority, "source"))
        return "IDC";
    return text_equal(authority, "target") ? "cloud" : authority;
}

/* NULL stands for "there is none". */
static const char *cell(struct out *o, const struct js *v, enum columns_kind kind, char *out,
                        struct buf *more)
{
    switch (kind) {
    case COLUMNS_STATE:
        return v ? out_state(o, js_as_str(v, "-")) : NULL;
    case COLUMNS_COUNT:
        snprintf(out, COLUMNS_CELL_MAX, "%llu", (unsigned long long)js_as_u64(v, 0));
        return v ? out : NULL;
    case COLUMNS_BYTES:
        return bytes(o, v, "", out);
    case COLUMNS_RATE:
        return bytes(o, v, "/s", out);
    case COLUMNS_SECONDS:
    case COLUMNS_ETA:
        return js_as_f64(v, -1) < 0 ? NULL : out_duration(o, js_as_f64(v, 0), out);
    case COLUMNS_TIME:
        return out_time(o, js_as_str(v, NULL), out);
    case COLUMNS_SHARE:
        return share(o, v, out);
    case COLUMNS_LIST:
        return join(v, more);
    case COLUMNS_SIDE:
        return side(js_as_str(v, NULL));
    case COLUMNS_LEN:
        snprintf(out, COLUMNS_CELL_MAX, "%zu", js_len(v));
        return out;
    case COLUMNS_YES:
    case COLUMNS_OPEN:
    case COLUMNS_TEXT:
        break;
    }
    return js_as_str(v, NULL);
}

static bool is_true(const struct js *doc, const char *key)
{
    const char *last = strrchr(key, '.');
    char head[64];

    if (!last || text_print(head, sizeof(head), "%.*s", (int)(last - key), key) < 0)
        return js_bool(doc, key, false);
    return js_bool(js_member(doc, head), last + 1, false);
}

static const char *text_of(struct out *o, const struct js *doc, const struct columns_row *row,
                           char *out, struct buf *more)
{
    if (row->kind == COLUMNS_YES)
        return is_true(doc, row->key) ? "yes" : "no";
    if (row->kind == COLUMNS_OPEN && !member(doc, row->key))
        return NULL;
    if (row->kind == COLUMNS_OPEN)
        return out_state(o, is_true(doc, row->key) ? "open" : "CLOSED");
    if (row->kind == COLUMNS_ETA && out_form(o) != OUT_CSV &&
        text_equal(js_str(doc, "convergence", ""), "not_converging"))
        return "no end";
    return cell(o, member(doc, row->key), row->kind, out, more);
}

static int add_row(struct out *o, const struct js *doc, struct table *t,
                   const struct columns_row *rows, size_t n, struct err *err)
{
    auto_buf struct buf more = {0};
    char text[COLUMNS_CELL_MAX];
    int r = table_row(t, err);

    for (size_t c = 0; r == 0 && c < n; c++)
        r = table_cell(t, text_of(o, doc, &rows[c], text, &more), err);
    return r == 0 ? buf_failed(&more, err) : r;
}

static int add_columns(struct table *t, const struct columns_row *rows, size_t n, struct err *err)
{
    struct table_column columns[COLUMNS_MAX];

    if (n > COLUMNS_MAX)
        return err_set(err, -EINVAL, "a table of %zu columns", n);
    for (size_t c = 0; c < n; c++)
        columns[c] = (struct table_column){.name = rows[c].name, .flags = rows[c].flags};
    return table_columns(t, columns, n, err);
}

int columns_fill(struct out *o, const struct js *items, struct table *t,
                 const struct columns_row *rows, size_t n, struct err *err)
{
    int r = add_columns(t, rows, n, err);

    for (size_t i = 0; r == 0 && i < js_len(items); i++)
        r = add_row(o, js_at(items, i), t, rows, n, err);
    return r;
}

int columns_one(struct out *o, const struct js *doc, struct table *t,
                const struct columns_row *rows, size_t n, struct err *err)
{
    int r = add_columns(t, rows, n, err);

    return r == 0 ? add_row(o, doc, t, rows, n, err) : r;
}

void columns_lines(struct out *o, const struct js *doc, const struct columns_row *rows, size_t n)
{
    auto_buf struct buf more = {0};
    char text[COLUMNS_CELL_MAX];
    size_t width = COLUMNS_LINE_NAME;

    for (size_t c = 0; c < n; c++)
        width = num_max(width, strlen(rows[c].name));
    for (size_t c = 0; c < n; c++) {
        const char *value = text_of(o, doc, &rows[c], text, &more);

        out_text(o, "%-*s %s", (int)width, rows[c].name, value ? value : "-");
    }
}

int columns_card(struct out *o, const struct js *doc, struct table *t,
                 const struct columns_row *rows, size_t n, struct err *err)
{
    if (!out_is_for_people(o))
        return columns_one(o, doc, t, rows, n, err);
    columns_lines(o, doc, rows, n);
    return 0;
}
