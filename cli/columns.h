/* SPDX-License-Identifier: Apache-2.0 */
/* Columns by the members they show, so that a list of documents becomes a table with no code of its
 * own. */
#ifndef GODWIT_CLI_COLUMNS_H
#define GODWIT_CLI_COLUMNS_H

#include "cli/out.h"
#include "cli/table.h"

enum columns_kind {
    COLUMNS_TEXT,
    COLUMNS_STATE,   /* a word, coloured */
    COLUMNS_COUNT,   /* integer; 0 is shown */
    COLUMNS_BYTES,   /* integer; 0 is "-", in CSV 0 */
    COLUMNS_RATE,    /* bytes a second; 0 is "-", in CSV 0 */
    COLUMNS_SECONDS, /* number; absent or below 0 is "-" */
    COLUMNS_ETA,     /* likewise; "no end" where "convergence" is not_converging */
    COLUMNS_TIME,    /* RFC 3339 in the document */
    COLUMNS_SHARE,   /* 0..1 as a percentage, in CSV as it is */
    COLUMNS_YES,     /* true is "yes" */
    COLUMNS_OPEN,    /* true is "open", false "CLOSED" */
    COLUMNS_SIDE,    /* "source" is "IDC", "target" is "cloud" */
    COLUMNS_LIST,    /* strings, joined by commas */
    COLUMNS_LEN,     /* how many elements it has */
};

struct columns_row {
    const char *name; /* "LAG" */
    const char *key;  /* member; "gate.open" goes one deeper */
    enum columns_kind kind;
    enum table_column_flags flags;
};

enum { COLUMNS_MAX = 16 };

/* One row of t for each element of items. */
int columns_fill(struct out *o, const struct js *items, struct table *t,
                 const struct columns_row *rows, size_t n, struct err *err);
/* One row: doc itself, for what is a sentence to people and a table in CSV. */
int columns_one(struct out *o, const struct js *doc, struct table *t,
                const struct columns_row *rows, size_t n, struct err *err);
/* One document that is all there is to show: lines for people, one row for programs. */
int columns_card(struct out *o, const struct js *doc, struct table *t,
                 const struct columns_row *rows, size_t n, struct err *err);
/* "key  value" lines of one document, for `show` verbs. */
void columns_lines(struct out *o, const struct js *doc, const struct columns_row *rows, size_t n);

#endif
