/* SPDX-License-Identifier: Apache-2.0 */
/* Members of documents as cells. */
#include "cli/columns.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include <stdio.h>

#include "base/banned.h"

enum { COLUMNS_CELL_MAX = 512 };

static const struct js *member(const struct js *doc, const char *key)
{
    char head[64];
    const char *dot = strchr(key, '.');

    if (!dot)
        return js_member(doc, key);
    if (text_print(head, sizeof(head), "%.*s", (int)(dot - key), key) < 0)
        return NULL;
    return js_member(js_member(doc, head), dot + 1);
}

static const char *join(const struct js *arr, char *out)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < js_len(arr) && used < COLUMNS_CELL_MAX; i++)
        used += (size_t)snprintf(out + used, COLUMNS_CELL_MAX - used, "%s%s", i ? "," : "",
                                 js_as_str(js_at(arr, i), ""));
    return used ? out : NULL;
}

static const char *bytes(struct out *o, const struct js *v, const char *suffix, char *out)
{
    char number[NUM_TEXT_MAX];

    if (js_as_u64(v, 0) == 0)
        return NULL;
    out_bytes(o, js_as_u64(v, 0), number);
    snprintf(out, COLUMNS_CELL_MAX, "%s%s", number, suffix);
    return out;
}

/* NULL stands for "there is none". */
static const char *cell(struct out *o, const struct js *v, enum columns_kind kind, char *out)
{
    switch (kind) {
    case COLUMNS_STATE:
        return out_state(o, js_as_str(v, "-"));
    case COLUMNS_COUNT:
        snprintf(out, COLUMNS_CELL_MAX, "%llu", (unsigned long long)js_as_u64(v, 0));
        return v ? out : NULL;
    case COLUMNS_BYTES:
        return bytes(o, v, "", out);
    case COLUMNS_RATE:
        return bytes(o, v, "/s", out);
    case COLUMNS_SECONDS:
        return js_as_f64(v, -1) < 0 ? NULL : out_duration(o, js_as_f64(v, 0), out);
    case COLUMNS_TIME:
        return out_time(o, js_as_str(v, NULL), out);
    case COLUMNS_SHARE:
        snprintf(out, COLUMNS_CELL_MAX, "%.0f%%", js_as_f64(v, 0) * 100);
        return out;
    case COLUMNS_LIST:
        return join(v, out);
    case COLUMNS_YES:
    case COLUMNS_TEXT:
        break;
    }
    return js_as_str(v, NULL);
}

static const char *text_of(struct out *o, const struct js *doc, const struct columns_row *row,
                           char *out)
{
    const char *last = strrchr(row->key, '.');

    if (row->kind == COLUMNS_YES) {
        const struct js *in = doc;
        char head[64];

        if (last && text_print(head, sizeof(head), "%.*s", (int)(last - row->key), row->key) == 0)
            in = js_member(doc, head);
        return js_bool(in, last ? last + 1 : row->key, false) ? "yes" : "no";
    }
    return cell(o, member(doc, row->key), row->kind, out);
}

int columns_fill(struct out *o, const struct js *items, struct table *t,
                 const struct columns_row *rows, size_t n, struct err *err)
{
    struct table_column columns[COLUMNS_MAX];
    char text[COLUMNS_CELL_MAX];
    int r;

    if (n > COLUMNS_MAX)
        return err_set(err, -EINVAL, "a table of %zu columns", n);
    for (size_t c = 0; c < n; c++)
        columns[c] = (struct table_column){.name = rows[c].name, .flags = rows[c].flags};
    r = table_columns(t, columns, n, err);
    for (size_t i = 0; r == 0 && i < js_len(items); i++) {
        r = table_row(t, err);
        for (size_t c = 0; r == 0 && c < n; c++)
            r = table_cell(t, text_of(o, js_at(items, i), &rows[c], text), err);
    }
    return r;
}

void columns_lines(struct out *o, const struct js *doc, const struct columns_row *rows, size_t n)
{
    char text[COLUMNS_CELL_MAX];

    for (size_t c = 0; c < n; c++) {
        const char *value = text_of(o, doc, &rows[c], text);

        out_text(o, "%-14s %s", rows[c].name, value ? value : "-");
    }
}
