/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: copies, splitting, bounded printing, hex, times, names from outside, suggestions. */
#ifndef GODWIT_BASE_TEXT_H
#define GODWIT_BASE_TEXT_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* Into a fixed buffer: 0, or -ENAMETOOLONG with out holding "" when it does not fit whole. */
int text_print(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int text_copy(char *out, size_t size, const char *text);

bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
bool text_equal(const char *a, const char *b); /* NULL equals only NULL */

/* The non-empty fields of text as a NULL-terminated vector, freed with text_vec_free. -ENOMEM. */
int text_split(const char *text, const char *separators, char ***ret_vec, struct err *err);
void text_vec_free(char **vec);
size_t text_vec_len(char *const *vec);
static inline void text_vec_freep(char ***vec)
{
    text_vec_free(*vec);
}
#define auto_vec __attribute__((cleanup(text_vec_freep)))

/* out has 2 * len + 1 bytes. */
char *text_hex(const void *data, size_t len, char *out);
/* Exactly len bytes from 2 * len hex digits. -EINVAL. */
int text_unhex(const char *hex, void *out, size_t len);

/* A name that people give (workload, host, replica part): 1..63 of [A-Za-z0-9._-], not starting
 * with '.' or '-'. */
bool text_is_name(const char *text);

bool text_is_utf8(const char *text);

/* Printable UTF-8 without control characters (terminal escapes from outside must not reach a
 * terminal). */
void text_sanitize(char *text);
/* The last line of text that is not blank, its end when it is too long for out, sanitized. */
void text_last_line(const char *text, size_t len, char *out, size_t size);

/* Edit distance (Damerau-Levenshtein), for "did you mean"; at most 64 characters are looked at. */
size_t text_distance(const char *a, const char *b);

/* RFC 3339 UTC, "2026-12-07T22:00:00Z" (".123Z" when ms is not whole). out has TEXT_TIME_MAX bytes.
 */
enum { TEXT_TIME_MAX = 32 };
char *text_time(uint64_t wall_ms, char *out);
int text_parse_time(const char *text, uint64_t *ret_wall_ms, struct err *err);

#endif
