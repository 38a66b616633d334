/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking apart text of the kernel: lines, words, numbers. Nothing here copies or allocates.
 *
 * Slices may hold any bytes. What goes into a document is copied out by line_copy, which makes it
 * printable.
 */
#ifndef GODWIT_INVENTORY_LINE_H
#define GODWIT_INVENTORY_LINE_H

#include "base/slice.h"

#include <stdbool.h>

/* Take the next line (without its newline) off rest. False at the end. */
bool line_next(struct slice *rest, struct slice *ret_line);

/* Take the next word (run of bytes above space) off rest. False when only blanks are left. */
bool line_word(struct slice *rest, struct slice *ret_word);

/* The nth word, from 0. */
bool line_nth(struct slice line, unsigned n, struct slice *ret_word);

/* Take everything up to sep off rest, and sep too; all of rest when it has no sep. */
struct slice line_until(struct slice *rest, char sep);

struct slice line_trim(struct slice s);
bool line_is(struct slice s, const char *text);
bool line_starts(struct slice s, const char *text);
bool line_ends(struct slice s, const char *text);

/* "key<blanks>sep<blanks>value": the value, when the line's key is exactly that. */
bool line_value(struct slice line, const char *key, char sep, struct slice *ret_value);

/* Digits only, all of s, no overflow. base is 10 or 16. */
bool line_u64(struct slice s, unsigned base, uint64_t *ret);
/* As line_u64 of the nth word; dflt when that is missing or no number. */
uint64_t line_nth_u64(struct slice line, unsigned n, uint64_t dflt);

/* Copy into a fixed buffer, cut to fit, made printable. Returns out. */
char *line_copy(char *out, size_t size, struct slice s);

#endif
