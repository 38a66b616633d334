/* SPDX-License-Identifier: Apache-2.0 */
/* HTML and SVG as text: what is from outside goes through html_text, the rest is ours. */
#ifndef GODWIT_PLANNER_ENGINE_HTML_H
#define GODWIT_PLANNER_ENGINE_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct js;

/* Escaped for text and for attributes in double quotes; control characters become blanks. */
void html_text(struct buf *b, const char *text);
/* The same, of at most max characters; an ellipsis stands for the rest. */
void html_short(struct buf *b, const char *text, size_t max);
/* The same, but it stands for the middle: names of one family differ at their ends. */
void html_middle(struct buf *b, const char *text, size_t max);
/* "1,234.56" of millionths; without cents from a thousand on. */
void html_money(struct buf *b, int64_t micros);
void html_bytes(struct buf *b, uint64_t bytes);
/* "2026-12-07 22:00" of "2026-12-07T22:00:00Z"; an em dash for none. */
void html_time(struct buf *b, const char *text);

/* HTML_TIME: of a RFC 3339 text, to the minute; nothing for none. HTML_WORD: a text in one line. */
enum html_kind {
    HTML_TEXT,
    HTML_WORD,
    HTML_COUNT,
    HTML_MONEY,
    HTML_BYTES,
    HTML_SHARE,
    HTML_YES,
    HTML_TIME
};

struct html_column {
    const char *name, *key;
    enum html_kind kind;
};

/*
 * A table of the members of items, at most max rows; what is left out is counted below it. Without
 * any row there is no table. by: the largest of that number first; only: those that have that
 * member (either may be NULL).
 */
struct html_table {
    const char *caption;
    const struct html_column *columns;
    size_t n, max;
    const char *by, *only;
};
void html_table(struct buf *b, const struct html_table *t, const struct js *items);

#endif
