/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping, numbers, tables. */
#include "planner/engine/html.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/money.h"

#include <errno.h>
#include <stdlib.h>

#include "base/banned.h"

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

void html_short(struct buf *b, const char *text, size_t max)
{
    size_t shown = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        /* Whole characters: what follows the first byte of one is not counted. */
        if (begins_character(*text) && shown++ == max) {
            buf_str(b, "…");
            return;
        }
        if (c == '&')
            buf_str(b, "&amp;");
        else if (c == '<')
            buf_str(b, "&lt;");
        else if (c == '>')
            buf_str(b, "&gt;");
        else if (c == '"')
            buf_str(b, "&quot;");
        else if (c == '\'')
            buf_str(b, "&#39;");
        else
            buf_u8(b, c < 0x20 || c == 0x7f ? ' ' : c);
    }
}

void html_text(struct buf *b, const char *text)
{
    html_short(b, text, SIZE_MAX);
}

void html_middle(struct buf *b, const char *text, size_t max)
{
    const char *tail = text + strlen(text);
    size_t n = 0, kept = 0;

    for (const char *at = text; *at; at++)
        n += begins_character(*at);
    if (n <= max) {
        html_text(b, text);
        return;
    }
    while (kept < max / 2) {
        tail--;
        kept += begins_character(*tail);
    }
    html_short(b, text, max - max / 2 - 1);
    html_text(b, tail);
}

void html_money(struct buf *b, int64_t micros)
{
    char text[MONEY_TEXT_MAX];

    money_text(micros, text);
    if (micros >= 1000 * MONEY_UNIT || micros <= -1000 * MONEY_UNIT) {
        money_text(money_part(micros, 1, MONEY_UNIT) * MONEY_UNIT, text);
        text[strlen(text) - 3] = '\0';
    }
    buf_str(b, text);
}

void html_bytes(struct buf *b, uint64_t bytes)
{
    char text[NUM_TEXT_MAX];

    buf_str(b, num_format_bytes(bytes, false, text));
}

/* Numbers stand below each other, and so does what they are called; what is one word or a time is
 * not broken. */
static const char *class_of(const struct html_column *c)
{
    if (c->kind == HTML_TEXT)
        return "";
    return c->kind == HTML_WORD || c->kind == HTML_YES || c->kind == HTML_TIME ? " class=t"
                                                                               : " class=n";
}

void html_time(struct buf *b, const char *text)
{
    uint64_t ms;

    if (text_parse_time(text, &ms, NULL) < 0)
        buf_str(b, "—");
    else
        buf_printf(b, "%.10s %.5s", text, text + 11);
}

static void cell(struct buf *b, const struct html_column *c, const struct js *v)
{
    buf_printf(b, "<td%s>", class_of(c));
    switch (c->kind) {
    case HTML_TEXT:
    case HTML_WORD:
        html_text(b, js_str(v, c->key, "–"));
        break;
    case HTML_COUNT:
        buf_printf(b, "%llu", (unsigned long long)js_u64(v, c->key, 0));
        break;
    case HTML_MONEY:
        html_money(b, js_i64(v, c->key, 0));
        break;
    case HTML_BYTES:
        html_bytes(b, js_u64(v, c->key, 0));
        break;
    case HTML_TIME:
        html_time(b, js_str(v, c->key, ""));
        break;
    case HTML_SHARE:
        buf_printf(b, "%.0f%%", js_f64(v, c->key, 0) * 100);
        break;
    case HTML_YES:
        buf_str(b, js_bool(v, c->key, false) ? "yes" : "no");
        break;
    }
    buf_str(b, "</td>");
}

/* -- rows ---------------------------------------------------------------------------------- */

struct row {
    const struct js *v;
    int64_t by;
    size_t at;
};

static int largest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    if (x->by != y->by)
        return x->by > y->by ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Those that are shown, in their order; *ret_n of them. NULL: no memory. */
static struct row *choose(const struct html_table *t, const struct js *items, size_t *ret_n)
{
    struct row *rows = calloc(js_len(items) + 1, sizeof(*rows));
    size_t n = 0;

    for (size_t i = 0; rows && i < js_len(items); i++) {
        const struct js *v = js_at(items, i);

        if (!t->only || js_kind(js_member(v, t->only)) != JS_NULL)
            rows[n++] = (struct row){v, t->by ? js_i64(v, t->by, 0) : 0, i};
    }
    if (rows && n > 1)
        qsort(rows, n, sizeof(*rows), largest_first);
    *ret_n = n;
    return rows;
}

static void head(struct buf *b, const struct html_table *t)
{
    buf_str(b, "<table><caption>");
    html_text(b, t->caption);
    buf_str(b, "</caption><thead><tr>");
    for (size_t i = 0; i < t->n; i++) {
        buf_printf(b, "<th scope=col%s>", class_of(&t->columns[i]));
        html_text(b, t->columns[i].name);
        buf_str(b, "</th>");
    }
    buf_str(b, "</tr></thead><tbody>\n");
}

void html_table(struct buf *b, const struct html_table *t, const struct js *items)
{
    size_t n = 0;
    auto_free struct row *rows = choose(t, items, &n);

    if (!rows)
        b->failed = -ENOMEM; /* buf_failed tells the caller */
    if (!rows || n == 0)
        return;
    head(b, t);
    for (size_t i = 0; i < n && i < t->max; i++) {
        buf_str(b, "<tr>");
        for (size_t k = 0; k < t->n; k++)
            cell(b, &t->columns[k], rows[i].v);
        buf_str(b, "</tr>\n");
    }
    buf_str(b, "</tbody></table>\n");
    if (n > t->max)
        buf_printf(b, "<p class=more>and %zu more: the documents (-o json, -o csv) have all.</p>\n",
                   n - t->max);
}
