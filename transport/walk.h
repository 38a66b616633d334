/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regions of a restore point, dealt out to threads in batches of ascending order: what pull
 * and verify have in common. Directories are fetched by the caller's thread, one at a time.
 */
#ifndef GODWIT_TRANSPORT_WALK_H
#define GODWIT_TRANSPORT_WALK_H

#include "transport/point.h"

#include <stdatomic.h>

struct err;

enum { WALK_BATCH_MAX = 16, WALK_BASES_MAX = 2 };

/* Where the map page of a region is; none: it is all zero. */
struct walk_page {
    bool some;
    struct unit unit;
};

struct walk_region {
    uint32_t region;
    struct walk_page page;
    struct walk_page bases[WALK_BASES_MAX];
};

struct walk_batch {
    size_t n;
    struct walk_region regions[WALK_BATCH_MAX];
};

struct walk {
    struct vault *vault;
    const struct point *point;
    /* Points of the same size; regions that are the same in the point and in all of them are left
     * out. None: nothing is. */
    const struct point *bases[WALK_BASES_MAX];
    size_t bases_n;
    /* Regions to leave out; called by the feeder, in order. NULL: none. */
    bool (*skip)(void *arg, uint32_t region);
    size_t batch; /* regions a batch, 1..WALK_BATCH_MAX */
    size_t threads;
    const atomic_bool *stop; /* or NULL */
    void *arg;
    /* One self a thread, with a vault handle of its own, lent. */
    int (*open)(void *arg, struct vault *v, void **ret_self, struct err *err);
    int (*batch_fn)(void *self, const struct walk_batch *b, struct err *err);
    void (*close)(void *self);
    /* A directory cannot be read: 0 to go on without its regions, or rc. NULL: rc. */
    int (*bad_dir)(void *arg, uint32_t dir, const struct unit *u, int rc, struct err *err);
};

/* 0, or the first failure of any thread; the others are stopped then. */
int walk_run(const struct walk *w, struct err *err);

#endif
