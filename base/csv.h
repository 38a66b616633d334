/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading CSV from outside (RFC 4180), as spreadsheets really write it: with or without a byte
 * order mark, lines ended by CRLF or LF, fields parted by comma, semicolon or tab, a first line
 * "sep=;".
 *
 *   struct csv csv;
 *   csv_init(&csv, text)
 *   while ((r = csv_next(&csv, &err)) > 0)
 *       csv.line, csv.field[0 .. csv.fields), csv.problem
 *   csv_done(&csv)
 */
#ifndef GODWIT_BASE_CSV_H
#define GODWIT_BASE_CSV_H

#include "base/auto.h"
#include "base/buf.h"
#include "base/slice.h"

#include <stddef.h>

struct err;

enum {
    CSV_FIELDS_MAX = 2048,
    CSV_ROW_MAX = 1 << 18,   /* bytes of one row */
    CSV_PROBLEMS_MAX = 1000, /* rows that cannot be parted, before it is no CSV at all */
};

struct csv {
    size_t line;         /* where the row begins, from 1 */
    char separator;      /* found in the first line */
    size_t fields;       /* none in a row with a problem */
    const char **field;  /* NUL-terminated, UTF-8; until the next csv_next */
    const char *problem; /* why this row cannot be read (a literal), or NULL */

    struct slice text_; /* the rest is the reader's own */
    size_t at_, next_line_, problems_;
    struct buf row_;
    size_t *starts_;
};

/*
 * Lend text to c until csv_done, and look at its first line. -EINVAL (GW_BAD_DOCUMENT): UTF-16, or
 * bytes 0, as binary files have them; -ENOMEM.
 */
int csv_init(struct csv *c, struct slice text, struct err *err);
/*
 * 1: a row, empty ones left out. A row that cannot be parted (not UTF-8, a quote that does not end,
 * too long) has a problem, and the one after it begins on the next line. 0: the end. -EINVAL: more
 * than CSV_PROBLEMS_MAX of them.
 */
int csv_next(struct csv *c, struct err *err);
void csv_done(struct csv *c);
#define auto_csv AUTO(csv_done)

/* Append a field, quoted where it must be; first: of its row. What a spreadsheet would take for a
 * formula gets an apostrophe in front. */
void csv_put(struct buf *out, const char *text, bool first);

#endif
