/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A restore point as something to read at random: what is asked for is fetched when it is asked
 * for, a little more when the reading goes forward, and (if wanted) everything behind it. The
 * nbdkit plugin is a thin coat over this.
 *
 * Every byte is authenticated before it is handed out. Memory is bounded whatever the volume's
 * size. All functions but open and close may be called by any thread.
 */
#ifndef GODWIT_TRANSPORT_SERVE_H
#define GODWIT_TRANSPORT_SERVE_H

#include "transport/replica.h"

struct serve;
struct unit_cache;

struct serve_conf {
    struct vault *vault;               /* lent until open returns; threads make their own dups */
    const char *name;                  /* replica */
    uint64_t seq;                      /* 0 = head, as it is now */
    struct unit_cache *cache;          /* lent, or NULL */
    bool prefetch;                     /* fill the cache until the volume is in it or it is full */
    struct replica_progress *progress; /* or NULL */
};

/* Starts threads: not before a fork. Errors as of replica_point. */
int serve_open(const struct serve_conf *conf, struct serve **ret, struct err *err);
void serve_close(struct serve *s); /* nobody reads any more */

/* Lent, until close. */
const struct replica_point *serve_point(const struct serve *s);

/* The range must lie in the volume (assert). -EIO: err names the object and the place; other bytes
 * than those of the point are never given. */
int serve_read(struct serve *s, uint64_t offset, size_t len, uint8_t *out, struct err *err);
/* Have the range at hand soon; what fails is met again when it is read. */
void serve_hint(struct serve *s, uint64_t offset, uint64_t len);

/*
 * Runs of zeroes and of data from offset on: told until the range ends, fn returns non-zero (then
 * returned), or a few pages of the map were fetched for this call; at least one run is told.
 */
typedef int (*serve_extent_fn)(void *arg, uint64_t offset, uint64_t len, bool zero);
int serve_extents(struct serve *s, uint64_t offset, uint64_t len, serve_extent_fn fn, void *arg,
                  struct err *err);

/* True once there is something to say that failed nobody's read: the cache gave up. */
bool serve_trouble(struct serve *s, struct err *ret);

#endif
