/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON document larger than memory, piece by piece: the values at given paths, each parsed by
 * js_parse and handed on while the rest streams by.
 *
 * A path is the names of members, divided by '/'; '*' is any member or any element of an array:
 * "products/<any>", "terms/OnDemand/<any>", "Items/<any>", "currency". What no path leads to is
 * skipped, and judged by its brackets and strings only.
 */
#ifndef GODWIT_BASE_JSPIECE_H
#define GODWIT_BASE_JSPIECE_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdbool.h>

struct err;
struct js;
struct jspiece;

enum { JSPIECE_BYTES_MAX = 4 << 20, JSPIECE_KEY_MAX = 256 };

/*
 * Told of each piece: which path (its index), the name it stands under ("" in an array), the value
 * (lent). A non-zero return ends the walk and is returned by jspiece_feed.
 */
typedef int (*jspiece_fn)(void *ctx, size_t path, const char *key, const struct js *value,
                          struct err *err);

/* Is the piece under that name worth the time? What is not is skipped like all else. */
typedef bool (*jspiece_want_fn)(void *ctx, size_t path, const char *key);

/* paths: n of them, lent until jspiece_free. want: NULL wants all. */
struct jspiece_spec {
    const char *const *paths;
    size_t n;
    jspiece_fn fn;
    jspiece_want_fn want;
    void *ctx;
};
int jspiece_new(const struct jspiece_spec *spec, struct jspiece **ret, struct err *err);
void jspiece_free(struct jspiece *p);
static inline void jspiece_freep(struct jspiece **p)
{
    jspiece_free(*p);
}
#define auto_jspiece AUTO(jspiece_freep)

/* -EINVAL (GW_BAD_DOCUMENT, with the line): malformed, or nested deeper than JS_DEPTH_MAX; -EFBIG:
 * a piece above JSPIECE_BYTES_MAX or a name above JSPIECE_KEY_MAX. */
int jspiece_feed(struct jspiece *p, struct slice bytes, struct err *err);
/* The document is at its end: -EINVAL when it is not. */
int jspiece_finish(struct jspiece *p, struct err *err);

#endif
