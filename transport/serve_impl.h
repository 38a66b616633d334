/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of serve.h, for serve*.c only. */
#ifndef GODWIT_TRANSPORT_SERVE_IMPL_H
#define GODWIT_TRANSPORT_SERVE_IMPL_H

#include "transport/fetch.h"
#include "transport/lru.h"
#include "transport/page.h"
#include "transport/pagedir.h"
#include "transport/point.h"
#include "transport/serve.h"
#include "transport/volume.h"

#include <pthread.h>

struct queue;
struct workers;

/* What is kept in memory: some 60 MiB, most of it units and what comes from the store. */
enum {
    SERVE_HANDS = 8, /* fetches at a time */
    SERVE_DIRS = 8,
    SERVE_PAGES = 32,
    SERVE_UNITS = 96,
    SERVE_GROUP_MAX = 16, /* units of one fetch */
    SERVE_AHEAD_THREADS = 4,
    SERVE_SPANS_MAX = 64,
    SERVE_STREAMS = 8
};

/* What a thread needs to fetch; taken for one fetch. */
struct serve_hand {
    struct vault *vault;
    struct fetch *fetch;
};

struct serve_span {
    uint64_t offset;
    uint64_t len;
};

/* Reading that goes forward. */
struct serve_stream {
    uint64_t next;   /* where it is */
    uint64_t ahead;  /* up to here, fetching was asked for */
    uint64_t window; /* how far ahead */
    uint64_t used;
};

struct serve_ahead {
    struct workers *workers;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t moved;
    bool stop;
    struct serve_span spans[SERVE_SPANS_MAX]; /* a ring; the oldest one is lost when it is full */
    size_t first, n;
    struct serve_stream streams[SERVE_STREAMS];
    uint64_t now;
    uint64_t prefetched; /* everything before was taken by a thread */
    bool prefetching;
};

struct serve {
    struct point point;
    char name[VAULT_REPLICA_NAME_MAX + 1];
    struct unit_cache *cache;
    struct replica_progress *progress;
    struct serve_hand hand[SERVE_HANDS];
    struct queue *hands; /* those that are free */
    struct lru *dir_slots;
    struct pagedir *dirs[SERVE_DIRS];
    struct lru *page_slots;
    struct page *pages[SERVE_PAGES];
    struct lru *unit_slots;
    uint8_t *units; /* SERVE_UNITS of UNIT_DATA_MAX */
    struct serve_ahead ahead;
};

/* serve.c */
struct serve_hand *serve_take_hand(struct serve *s);
void serve_put_hand(struct serve *s, struct serve_hand *taken);

/* serve_map.c: the page of a region, held until serve_map_put. page NULL: the region is all zero.
 */
struct serve_page {
    struct page *page;
    size_t slot;
    uint32_t region;
};
int serve_map_get(struct serve *s, uint32_t region, struct serve_page *ret, struct err *err);
void serve_map_put(struct serve *s, const struct serve_page *p);

/* serve_unit.c */
/* The unit of the data at sector of the page, held until lru_put(s->unit_slots, …); units of the
 * sectors behind it, up to end, may come along. */
int serve_unit_get(struct serve *s, const struct serve_page *p, uint32_t sector, uint32_t end,
                   size_t *ret_slot, struct err *err);
/* Units of sectors [*at, end) that are not in memory, one fetch of them; *at moves on. */
int serve_unit_ahead(struct serve *s, const struct serve_page *p, uint32_t *at, uint32_t end,
                     struct err *err);
/* As serve_unit_ahead, into the cache alone. */
int serve_unit_prefetch(struct serve *s, const struct serve_page *p, uint32_t *at, uint32_t end,
                        struct err *err);

/* serve_ahead.c */
int serve_ahead_start(struct serve *s, bool prefetch, struct err *err);
void serve_ahead_stop(struct serve *s);
/* Somebody reads this. */
void serve_ahead_note(struct serve *s, uint64_t offset, uint64_t len);

#endif
