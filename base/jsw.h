/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON, versioned: members come out in the order they are written.
 *
 * The first failure is kept and reported by jsw_finish, so that a row of calls needs one check.
 * key is NULL for elements of an array and for the root value.
 */
#ifndef GODWIT_BASE_JSW_H
#define GODWIT_BASE_JSW_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct js;
struct jsw;

int jsw_new(struct jsw **ret, struct err *err);
void jsw_free(struct jsw *w);
static inline void jsw_freep(struct jsw **w)
{
    jsw_free(*w);
}
#define auto_jsw AUTO(jsw_freep)

void jsw_obj(struct jsw *w, const char *key); /* begin an object */
void jsw_arr(struct jsw *w, const char *key); /* begin an array */
void jsw_end(struct jsw *w);                  /* end the innermost one */

/* Root object with "schema" and "generated_at"; end it with jsw_end. */
void jsw_document(struct jsw *w, const char *schema, uint64_t wall_ms);

void jsw_str(struct jsw *w, const char *key,
             const char *v); /* NULL writes null; bad UTF-8 is replaced */
void jsw_u64(struct jsw *w, const char *key, uint64_t v); /* above 2^63-1 it fails with -ERANGE */
void jsw_i64(struct jsw *w, const char *key, int64_t v);
void jsw_f64(struct jsw *w, const char *key, double v); /* NaN and infinity write null */
void jsw_bool(struct jsw *w, const char *key, bool v);
void jsw_null(struct jsw *w, const char *key);
void jsw_time(struct jsw *w, const char *key, uint64_t wall_ms); /* RFC 3339 UTC; 0 writes null */
void jsw_hex(struct jsw *w, const char *key, const void *data, size_t len);
void jsw_js(struct jsw *w, const char *key, const struct js *v); /* a parsed value, lent */

/* The text (no newline at the end) appended to out. The writer can be freed after, not reused. */
int jsw_finish(struct jsw *w, bool pretty, struct buf *out, struct err *err);
/* The value itself instead of its text. */
int jsw_take(struct jsw *w, struct js **ret, struct err *err);

#endif
