/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changed of volumes, read into locked memory at one moment and handed to their pushes later.
 *
 * Everything is allocated beforehand; capture_take neither allocates, nor makes text, nor touches a
 * file system, so it may run while all of them are frozen. One thread's own.
 */
#ifndef GODWIT_TRANSPORT_CAPTURE_H
#define GODWIT_TRANSPORT_CAPTURE_H

#include "transport/volume.h"

struct capture;
struct freeze;
struct track;

/* Memory for the captures of one moment together; filled from its start. */
struct capture_arena {
    uint8_t *data;
    size_t size;
    size_t used;
};

/* Locked, resident, and not taken along by a fork. {0} is fine for done. -ENOMEM. */
int capture_arena_init(struct capture_arena *a, size_t size_bytes, struct err *err);
void capture_arena_done(struct capture_arena *a);

/* Whole blocks of a volume, adjacent in it and in memory. */
struct capture_piece {
    uint64_t offset;
    uint64_t len;
    const uint8_t *data;
};

/* Of the first size_bytes of v, at most room bytes of it. v is lent for its life. */
int capture_new(struct volume *v, uint64_t size_bytes, size_t room, struct capture **ret,
                struct err *err);
void capture_free(struct capture *c);

/* How much a dirty set comes to in whole blocks, which is what is read of it; room when it is more
 * than that. The set is taken and given back. Errors of track_freeze. */
int capture_measure(struct capture *c, struct track *t, uint64_t *ret_bytes, struct err *err);
/*
 * Take t's dirty set and read it into a. moment: while it is not over; NULL = without an end. 0;
 * -ENOSPC more than there is room; -ETIME the moment is over; -EOPNOTSUPP the tracker cannot so;
 * else a read failed. The set stays taken, also on failure.
 */
int capture_take(struct capture *c, struct track *t, struct capture_arena *a,
                 const struct freeze *moment);

size_t capture_count(const struct capture *c);
/* Piece i, in ascending order. */
const struct capture_piece *capture_piece(const struct capture *c, size_t i);
/* The bytes at offset, of a piece that has len from there. */
const uint8_t *capture_at(const struct capture *c, uint64_t offset, uint64_t len);

#endif
