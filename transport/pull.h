/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a pull: a batch of regions is planned against its pages (and against the volume,
 * when that is in doubt), what is missing is fetched, written, and its leaves noted. For pull*.c
 * and replica_pull.c only.
 */
#ifndef GODWIT_TRANSPORT_PULL_H
#define GODWIT_TRANSPORT_PULL_H

#include "transport/fetch.h"
#include "transport/holes.h"
#include "transport/packs.h"
#include "transport/page.h"
#include "transport/table.h"
#include "transport/walk.h"

#include <stdatomic.h>

enum { PULL_MEM_BYTES = 2 << 20, PULL_BLOCK_SECTORS = VOLUME_BLOCK / VOLUME_SECTOR };

/* What all threads share. */
struct pull {
    const struct replica_run *run;
    struct volume *volume;
    struct table *table; /* or NULL: then leaves are not kept */
    uint64_t size_bytes; /* of the point */
    bool compare;        /* the volume may hold anything: look before fetching */
    struct packs *maps;  /* or NULL: map pages are fetched one by one */
    struct fetch_packs take;
    const uint8_t *towards; /* the digest of the point, in a pull from nothing; NULL: not kept */
    uint64_t *done;         /* or NULL: a bit for each region that a killed one finished */
    atomic_uint_fast64_t unkept_bytes;
    atomic_flag keeping;
};

struct pull_region {
    uint32_t index;
    uint32_t sectors;
    uint64_t offset; /* in the volume */
    uint64_t bytes;
    struct holes holes; /* as it was before the first write */
    struct page *page;  /* NULL: zero */
    struct page *base;  /* NULL: zero; unused when comparing */
    bool known;         /* leaves began as those of the table */
    bool tags_known;    /* and so did tags, or all are made anew */
    uint8_t *leaves;
    uint64_t *tags;
    uint64_t touched[TABLE_WORDS]; /* blocks whose leaf is not the table's any more */
    uint64_t noted[TABLE_WORDS];   /* of those, blocks whose leaf is right already */
};

/* Sectors to be written from a unit. */
struct pull_need {
    struct pull_region *region;
    uint32_t first;
    uint32_t count;
    uint32_t unit_first;
};

/* Sectors in a row, in mem, that are still to be written. */
struct pull_row {
    struct pull_region *region;
    uint32_t first;
    uint32_t count; /* 0: none */
};

/* A need that is at hand before its neighbours. */
struct pull_patch {
    uint64_t place; /* sector in the volume */
    struct pull_need need;
    const uint8_t *data;
    bool taken;
};

struct pull_patches {
    struct pull_patch *list; /* by place */
    size_t n;
    uint8_t *mem; /* of their data */
    size_t used;
};

/* One thread's own. */
struct pull_self {
    struct pull *pull;
    struct vault *vault;
    struct fetch *fetch;
    uint8_t *mem; /* PULL_MEM_BYTES: a row, or what pull_read brings */
    struct pull_row row;
    struct pull_patches patches;
    uint8_t *zeroes; /* VOLUME_BLOCK */
    uint8_t *leaves; /* of all its regions */
    uint64_t *tags;  /* likewise */
    struct tags *tagger;
    size_t regions_n;
    struct pull_region regions[WALK_BATCH_MAX];
    struct fetch_item *items; /* item i is for needs[cookie] */
    struct pull_need *needs;
    size_t needs_n;
    size_t needs_cap;
};

/* pull.c. Whoever reads all of a point wants all pages of a map pack: it is fetched whole, once.
 * For a few of them that would be too much. */
int pull_share_maps(struct pull *p, struct err *err);
/* The threads' side of struct walk. */
int pull_open(void *arg, struct vault *v, void **ret_self, struct err *err);
int pull_batch(void *self, const struct walk_batch *b, struct err *err);
void pull_close(void *self);

/*
 * pull_keep.c: a pull from nothing takes long; its place is kept every few GiB, so that one that
 * was killed goes on there. Bytes more are done.
 */
int pull_keep(struct pull *p, uint64_t bytes, struct err *err);
/* Of struct walk: was it done before? */
bool pull_skip(void *arg, uint32_t region);

/* pull_plan.c: make what is zero zero, and list what must be fetched. */
int pull_plan(struct pull_self *s, struct pull_region *r, struct err *err);

/*
 * pull_row.c: neighbours are gathered in mem and written together.
 *
 * A fetch_room_fn: whole units are opened where they belong in the row.
 */
int pull_row_room(void *self, const struct fetch_item *item, uint8_t **ret, struct err *err);
int pull_row_add(struct pull_self *s, const struct pull_need *n, struct slice raw, struct err *err);
int pull_row_write(struct pull_self *s, struct err *err);
/* What n wants of its unit, whose content is raw, or rc why there is none. */
int pull_row_part(const struct pull_need *n, struct slice raw, int rc, struct slice *ret,
                  struct err *err);

/*
 * pull_patch.c: the first *ret_n items, put there, are fetched and kept to fill gaps of rows; each
 * is taken once, by the row that ends where it begins, or written in the end.
 */
int pull_patch_fetch(struct pull_self *s, size_t *ret_n, struct err *err);
const struct pull_patch *pull_patch_take(struct pull_patches *p, const struct pull_region *r,
                                         uint32_t first, uint32_t count_max);
int pull_patch_write(struct pull_self *s, struct err *err);
void pull_patch_done(struct pull_patches *p);

/* pull_write.c */
int pull_write(struct pull_self *s, struct pull_region *r, uint32_t first, struct slice data,
               struct err *err);
int pull_zero(struct pull_self *s, struct pull_region *r, uint32_t first, uint32_t count,
              struct err *err);
/* These sectors hold data now (NULL: zeroes): note leaves and tags of the blocks wholly inside. */
int pull_note(const struct pull_self *s, struct pull_region *r, uint32_t first, uint32_t count,
              const uint8_t *data, struct err *err);
/* Sectors of the volume into mem, the part past its end as zeroes. */
int pull_read(struct pull_self *s, const struct pull_region *r, uint32_t first, uint32_t count,
              struct err *err);
/* All is written: read back what leaves are still missing, and update the table. */
int pull_finish(struct pull_self *s, struct pull_region *r, struct err *err);

#endif
