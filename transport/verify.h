/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a verification: a region's units are fetched, opened, named again, digested, and
 * (if wanted) held against a volume. For verify*.c and replica_verify.c only.
 */
#ifndef GODWIT_TRANSPORT_VERIFY_H
#define GODWIT_TRANSPORT_VERIFY_H

#include "transport/digest.h"
#include "transport/fetch.h"
#include "transport/packrows.h"
#include "transport/packs.h"
#include "transport/packset.h"
#include "transport/page.h"
#include "transport/walk.h"

#include <pthread.h>

/* Of whole packs in memory. */
enum { VERIFY_DATA_BYTES = 20 << 20, VERIFY_MAPS_BYTES = PACK_BYTES_MAX };

/* Of a pack. */
struct verify_row {
    uint64_t offset; /* bytes in the volume, of its first use */
    uint64_t len;
    uint64_t state; /* enum packset_state */
};

/* What all threads share. */
struct verify {
    const struct replica_verify_run *run;
    struct volume *against; /* or NULL */
    uint64_t size_bytes;
    bool sampled;         /* then there is no digest */
    pthread_mutex_t lock; /* of all below; also held while a fault is told */
    pthread_cond_t moved;
    bool failed;
    uint64_t damaged; /* faults of objects */
    uint64_t differs; /* faults against the volume */
    uint64_t unread;  /* places of it that could not be read */
    uint64_t unread_sectors;
    struct packrows *packs; /* of struct verify_row: everything read so far; NULL when sampled */
    struct packrows_cursor next; /* of these, after the walk */
    struct packs *held;          /* of data; NULL when sampled. It needs no lock */
    struct packs *maps;          /* likewise; apart, so that data does not drive them out */
    struct fetch_packs take;
    struct digest digest; /* digest.n regions are in it: whose turn it is */
};

/* The threads' side of struct walk. */
int verify_open(void *arg, struct vault *v, void **ret_self, struct err *err);
int verify_batch(void *self, const struct walk_batch *b, struct err *err);
void verify_close(void *self);
int verify_bad_dir(void *arg, uint32_t dir, const struct unit *u, int rc, struct err *err);

/* The row of a pack, or NULL: it cannot be listed. The lock is the caller's. */
struct verify_row *verify_row(struct verify *v, const uint8_t *name);

void verify_tell(struct verify *v, const struct replica_fault *f);

/* verify_against.c: data is what the vault holds there, at most UNIT_DATA_MAX bytes; local has as
 * much room, of the thread's own. What differs is told, and what cannot be read. */
int verify_against(struct verify *v, uint64_t at, struct slice data, uint8_t *local,
                   struct err *err);

/* verify_pack.c: a pack is read whole, once, and held against its name when its first unit is
 * wanted; while it is at hand its units are taken from there. */
int verify_packs_open(struct verify *v, struct err *err);
void verify_packs_close(struct verify *v);
/* u is needed for these bytes of the volume. */
int verify_note_pack(struct verify *v, const struct unit *u, uint64_t offset, uint64_t len,
                     struct err *err);
/* After the walk: packs noted that nobody read whole are; faults that no unit told are told. */
int verify_packs(struct verify *v, size_t threads, struct err *err);

#endif
