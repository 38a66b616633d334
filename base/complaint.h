/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failure as users meet it, the same in every program: the document godwit.error/1, or lines of
 * what, why and next for a terminal. It never decides whether to report.
 */
#ifndef GODWIT_BASE_COMPLAINT_H
#define GODWIT_BASE_COMPLAINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct err;
struct jsw;

enum { COMPLAINT_CODE_MAX = 16 };

/* All text is lent; NULL members are absent. */
struct complaint {
    char code[COMPLAINT_CODE_MAX]; /* "GW-1001" */
    int exit;
    const char *what, *why;
    const char *next; /* lines */
    const char *op;   /* the operation's id */
};

/* What err and its row of the catalogue say. Lent from err, which must outlive *ret. */
void complaint_of(const struct err *err, struct complaint *ret);

/* A document of its own, and the same as member "error" of the open object, where NULL is null. */
void complaint_document(const struct complaint *c, uint64_t now_ms, struct jsw *w);
void complaint_member(const struct complaint *c, struct jsw *w);

/* Lines for people. What may come from outside (what, why, next) is made safe for terminals. */
void complaint_print(const struct complaint *c, bool colour, FILE *to);

/* The lines of text as an array under key; NULL is none. */
void complaint_lines(struct jsw *w, const char *key, const char *text);

#endif
