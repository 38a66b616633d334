/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and columns, drawn by libsmartcols for people or as CSV for programs. */
#ifndef GODWIT_CLI_TABLE_H
#define GODWIT_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct table;

enum table_column_flags {
    TABLE_LEFT = 0,
    TABLE_RIGHT = 1,
    TABLE_WIDE_ONLY = 2,
    TABLE_TRUNCATE = 4
};

struct table_column {
    const char *name; /* "LAG" */
    enum table_column_flags flags;
};

enum { TABLE_COLUMNS_MAX = 24 };

int table_new(struct table **ret, struct err *err);
void table_free(struct table *t);
/* Copied; the names are lent for the life of the table. */
int table_columns(struct table *t, const struct table_column *columns, size_t n, struct err *err);
/* Begin a row, then one cell a column in order; cells left out, or NULL, are "-". Text is copied
 * and made safe for terminals. */
int table_row(struct table *t, struct err *err);
int table_cell(struct table *t, const char *text, struct err *err);
int table_cellf(struct table *t, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* width 0 = never cut. Nothing is printed for a table without columns. */
struct table_style {
    bool wide, colour;
    size_t width;
};
int table_draw(const struct table *t, const struct table_style *style, struct buf *out,
               struct err *err);
/* RFC 4180; what is absent is empty. */
int table_csv(const struct table *t, bool header, struct buf *out, struct err *err);
int table_names(const struct table *t, struct buf *out,
                struct err *err); /* the first column, a line each */

/* libsmartcols', as linked at run time. */
const char *table_version(void);

#endif
