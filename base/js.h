/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON from outside, within bounds (over jansson).
 *
 * Named js_ because jansson owns json_. A `struct js` is a value; what js_parse returns is owned
 * (js_free), everything reached from it is lent and lives as long as it does.
 */
#ifndef GODWIT_BASE_JS_H
#define GODWIT_BASE_JS_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdbool.h>

struct err;
struct js;

enum { JS_DEPTH_MAX = 32, JS_BYTES_MAX = 16 << 20 };
enum js_kind { JS_NULL, JS_BOOL, JS_INT, JS_REAL, JS_STR, JS_ARR, JS_OBJ };

/*
 * Parse one whole document. -EINVAL (GW_BAD_DOCUMENT, with line and column): malformed, duplicate
 * keys, nested deeper than JS_DEPTH_MAX, trailing text, NUL in strings; -EFBIG above max_bytes (0 =
 * JS_BYTES_MAX).
 */
int js_parse(struct slice text, size_t max_bytes, struct js **ret, struct err *err);
int js_load(const char *path, size_t max_bytes, struct js **ret, struct err *err);
void js_free(struct js *v);
struct js *js_ref(const struct js *v); /* another owner; js_free it too */
static inline void js_freep(struct js **v)
{
    js_free(*v);
}
#define auto_js AUTO(js_freep)

/* The document's "schema" must be name ("godwit.plan/1"). -EINVAL. */
int js_check_schema(const struct js *doc, const char *name, struct err *err);

enum js_kind js_kind(const struct js *v); /* NULL counts as JS_NULL */

/* A required member of obj: -ENOENT absent or null, -EINVAL of another kind; err names the key. */
int js_get_str(const struct js *obj, const char *key, const char **ret, struct err *err);
int js_get_u64(const struct js *obj, const char *key, uint64_t *ret, struct err *err);
int js_get_i64(const struct js *obj, const char *key, int64_t *ret, struct err *err);
int js_get_f64(const struct js *obj, const char *key, double *ret, struct err *err); /* ints too */
int js_get_bool(const struct js *obj, const char *key, bool *ret, struct err *err);
int js_get_arr(const struct js *obj, const char *key, const struct js **ret, struct err *err);
int js_get_obj(const struct js *obj, const char *key, const struct js **ret, struct err *err);

/* An optional member: dflt when absent, null or of another kind. */
const char *js_str(const struct js *obj, const char *key, const char *dflt);
uint64_t js_u64(const struct js *obj, const char *key, uint64_t dflt);
int64_t js_i64(const struct js *obj, const char *key, int64_t dflt);
double js_f64(const struct js *obj, const char *key, double dflt);
bool js_bool(const struct js *obj, const char *key, bool dflt);
const struct js *js_member(const struct js *obj, const char *key); /* NULL when absent */

/* Arrays: js_len of anything else (or NULL) is 0, so loops need no check. */
size_t js_len(const struct js *arr);
const struct js *js_at(const struct js *arr, size_t i);

/* The value itself, when it is of that kind. */
const char *js_as_str(const struct js *v, const char *dflt);
uint64_t js_as_u64(const struct js *v, uint64_t dflt);
double js_as_f64(const struct js *v, double dflt);
bool js_as_bool(const struct js *v, bool dflt);

/* Members in document order. A non-zero return ends the walk and is returned. */
typedef int (*js_each_fn)(void *arg, const char *key, const struct js *value);
int js_each(const struct js *obj, js_each_fn fn, void *arg);

/* Compact text of a value appended to out; canonical = keys sorted, so equal values give equal
 * bytes. */
struct buf;
int js_print(const struct js *v, bool canonical, bool pretty, struct buf *out, struct err *err);

/* jansson's, as linked at run time. */
const char *js_version(void);

#endif
