/* SPDX-License-Identifier: Apache-2.0 */
/* Cells kept as text; libsmartcols only draws. */
#include "cli/table.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { TABLE_CELL_MAX = 1024 };

struct table {
    struct table_column columns[TABLE_COLUMNS_MAX];
    size_t columns_n;
    char **cells; /* row after row, columns_n each; NULL = left out */
    size_t rows_n, rows_cap;
    size_t next_cell; /* in the last row */
};

int table_new(struct table **ret, struct err *err)
{
    struct table *t = calloc(1, sizeof(*t));

    if (!t)
        return err_set(err, -ENOMEM, "a table: %m");
    *ret = t;
    return 0;
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->rows_n * t->columns_n; i++)
        free(t->cells[i]);
    free(t->cells);
    free(t);
}

int table_columns(struct table *t, const struct table_column *columns, size_t n, struct err *err)
{
    if (n > TABLE_COLUMNS_MAX || t->rows_n > 0)
        return err_set(err, -EINVAL, "a table of %zu columns: %m", n);
    memcpy(t->columns, columns, n * sizeof(*columns));
    t->columns_n = n;
    return 0;
}

int table_row(struct table *t, struct err *err)
{
    if (t->rows_n == t->rows_cap) {
        size_t cap = t->rows_cap ? t->rows_cap * 2 : 16;
        char **cells = reallocarray(t->cells, cap * t->columns_n, sizeof(*cells));

        if (!cells)
            return err_set(err, -ENOMEM, "a table of %zu rows: %m", cap);
        t->cells = cells;
        t->rows_cap = cap;
    }
    memset(&t->cells[t->rows_n * t->columns_n], 0, t->columns_n * sizeof(*t->cells));
    t->rows_n++;
    t->next_cell = 0;
    return 0;
}

/* A cell may be from a host: of control characters only a colour around all of it may stay. */
static void sanitize(char *text)
{
    static const char reset[] = "\033[0m";
    size_t digits = text_starts(text, "\033[") ? strspn(text + 2, "0123456789;") : 0;
    char *end;

    if (digits == 0 || text[2 + digits] != 'm' || !text_ends(text + 3 + digits, reset)) {
        text_sanitize(text);
        return;
    }
    end = text + strlen(text) - (sizeof(reset) - 1);
    *end = '\0';
    text_sanitize(text + 3 + digits);
    /* Sanitizing may shorten; the colour ends where the text does. */
    end = text + strlen(text);
    memcpy(end, reset, sizeof(reset));
}

int table_cell(struct table *t, const char *text, struct err *err)
{
    char *copy = NULL;

    if (t->rows_n == 0 || t->next_cell >= t->columns_n)
        return err_set(err, -EINVAL, "a cell outside its row");
    if (text) {
        copy = strdup(text);
        if (!copy)
            return err_set(err, -ENOMEM, "a cell: %m");
        sanitize(copy);
    }
    t->cells[(t->rows_n - 1) * t->columns_n + t->next_cell++] = copy;
    return 0;
}

int table_cellf(struct table *t, struct err *err, const char *fmt, ...)
{
    char text[TABLE_CELL_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return table_cell(t, text, err);
}

/* What is absent is a dash to people and empty to programs. */
static const char *cell(const struct table *t, size_t row, size_t column, const char *absent)
{
    const char *text = t->cells[row * t->columns_n + column];

    return text ? text : absent;
}

static int add_columns(const struct table *t, const struct table_style *style,
                       struct libscols_table *st)
{
    for (size_t c = 0; c < t->columns_n; c++) {
        int flags = 0;

        if ((t->columns[c].flags & TABLE_WIDE_ONLY) && !style->wide)
            continue;
        if (t->columns[c].flags & TABLE_RIGHT)
            flags |= SCOLS_FL_RIGHT;
        if (t->columns[c].flags & TABLE_TRUNCATE)
            flags |= SCOLS_FL_TRUNC;
        if (!scols_table_new_column(st, t->columns[c].name, 0, flags))
            return -ENOMEM;
    }
    return 0;
}

static int add_rows(const struct table *t, const struct table_style *style,
                    struct libscols_table *st)
{
    for (size_t r = 0; r < t->rows_n; r++) {
        struct libscols_line *line = scols_table_new_line(st, NULL);
        size_t at = 0;

        if (!line)
            return -ENOMEM;
        for (size_t c = 0; c < t->columns_n; c++) {
            if ((t->columns[c].flags & TABLE_WIDE_ONLY) && !style->wide)
                continue;
            if (scols_line_set_data(line, at++, cell(t, r, c, "-")) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int draw(const struct table *t, const struct table_style *style, struct libscols_table *st,
                char **ret)
{
    int r = add_columns(t, style, st);

    if (r == 0)
        r = add_rows(t, style, st);
    if (r < 0)
        return r;
    scols_table_enable_noencoding(st, 1);
    if (style->width > 0) {
        scols_table_set_termforce(st, SCOLS_TERMFORCE_ALWAYS);
        scols_table_set_termwidth(st, style->width);
    } else {
        scols_table_set_termforce(st, SCOLS_TERMFORCE_NEVER);
    }
    return scols_print_table_to_string(st, ret) < 0 ? -ENOMEM : 0;
}

int table_draw(const struct table *t, const struct table_style *style, struct buf *out,
               struct err *err)
{
    struct libscols_table *st;
    auto_free char *text = NULL;
    int r;

    if (t->columns_n == 0 || t->rows_n == 0)
        return 0;
    st = scols_new_table();
    if (!st)
        return err_set(err, -ENOMEM, "drawing a table: %m");
    r = draw(t, style, st, &text);
    scols_unref_table(st);
    if (r < 0)
        return err_set(err, r, "drawing a table: %m");
    r = buf_str(out, text);
    if (r == 0 && !text_ends(text, "\n"))
        r = buf_str(out, "\n");
    return r < 0 ? err_set(err, r, "drawing a table: %m") : 0;
}

/* A cell without the colours that a state may carry. */
static void append_plain(struct buf *out, const char *text, bool quote)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\033') {
            const char *end = strchr(p, 'm');

            if (end)
                p = end;
            continue;
        }
        if (quote && *p == '"')
            buf_str(out, "\"");
        buf_append(out, p, 1);
    }
}

static void csv_cell(struct buf *out, const char *text)
{
    bool quote = strpbrk(text, ",\"\r\n") != NULL;

    if (quote)
        buf_str(out, "\"");
    append_plain(out, text, quote);
    if (quote)
        buf_str(out, "\"");
}

int table_csv(const struct table *t, bool header, struct buf *out, struct err *err)
{
    for (size_t c = 0; header && c < t->columns_n; c++) {
        buf_str(out, c ? "," : "");
        csv_cell(out, t->columns[c].name);
    }
    buf_str(out, header && t->columns_n ? "\r\n" : "");
    for (size_t r = 0; r < t->rows_n; r++) {
        for (size_t c = 0; c < t->columns_n; c++) {
            buf_str(out, c ? "," : "");
            csv_cell(out, cell(t, r, c, ""));
        }
        buf_str(out, "\r\n");
    }
    return buf_failed(out, err);
}

int table_names(const struct table *t, struct buf *out, struct err *err)
{
    for (size_t r = 0; r < t->rows_n; r++) {
        append_plain(out, cell(t, r, 0, "-"), false);
        buf_str(out, "\n");
    }
    return buf_failed(out, err);
}

const char *table_version(void)
{
    const char *version = NULL;

    (void)scols_get_library_version(&version);
    return version;
}
