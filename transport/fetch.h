/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many units at once: neighbours in a pack come in one ranged GET, each is opened apart. The
 * inverse of push_put.c; used by pull and verify. A context belongs to one thread.
 */
#ifndef GODWIT_TRANSPORT_FETCH_H
#define GODWIT_TRANSPORT_FETCH_H

#include "transport/unit.h"

struct err;
struct fetch;
struct replica_progress;
struct unit_cache;

enum {
    FETCH_RANGE_MAX = 4 << 20, /* bytes of one GET: a pack as they are by default */
    FETCH_GAP_MAX = 64 * 1024  /* bytes nobody asked for, to save a round trip */
};

struct fetch_item {
    struct unit unit;
    uint64_t cookie; /* the caller's */
};

/*
 * One item: raw is its content, or rc is why there is none (err says more) and raw is empty.
 * Called in the order of packs, not of items. A non-zero return ends the fetch and is returned.
 */
typedef int (*fetch_fn)(void *arg, const struct fetch_item *item, struct slice raw, int rc,
                        struct err *err);

/* v is the thread's own handle, lent; progress may be NULL. */
int fetch_new(struct vault *v, struct replica_progress *progress, struct fetch **ret,
              struct err *err);
void fetch_free(struct fetch *f);
/* Look there first, and leave there what was fetched and did open. Lent. */
void fetch_use_cache(struct fetch *f, struct unit_cache *cache);

/* Packs that are at hand as a whole. */
struct fetch_packs {
    void *arg;
    /* True: *ret is the pack of u, lent until give(slot). False: it must be fetched. */
    bool (*take)(void *arg, struct vault *v, const struct unit *u, struct slice *ret,
                 size_t *ret_slot);
    void (*give)(void *arg, size_t slot);
};
void fetch_use_packs(struct fetch *f, const struct fetch_packs *packs);

/* Where the content of an item is to be opened to: raw_len bytes at *ret, which the caller may keep
 * after fn has seen them; NULL: anywhere, lent as ever. A failure ends the fetch. Not asked for
 * units that several items share, nor when the cache has one. */
typedef int (*fetch_room_fn)(void *arg, const struct fetch_item *item, uint8_t **ret,
                             struct err *err);
void fetch_use_room(struct fetch *f, fetch_room_fn room, void *arg);

/* In the order of their places in packs; how many of the first items one GET brings then. */
void fetch_sort(struct fetch_item *items, size_t n);
size_t fetch_together(const struct fetch_item *items, size_t n);

/* items is put in another order. Only failures of the store as such (not of an object in it) and
 * those of fn end it. */
int fetch_units(struct fetch *f, struct fetch_item *items, size_t n, fetch_fn fn, void *arg,
                struct err *err);

#endif
