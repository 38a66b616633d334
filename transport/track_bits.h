/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of dirty blocks that somebody else keeps and tells of by ranges: a bit a block of the
 * volume digest, which is what a pass looks at at least.
 */
#ifndef GODWIT_TRANSPORT_TRACK_BITS_H
#define GODWIT_TRANSPORT_TRACK_BITS_H

#include "base/slice.h"
#include "transport/track.h"

#include <stdbool.h>

struct track_bits {
    uint64_t *bits;
    uint64_t blocks;
    uint64_t size_bytes; /* of the volume */
    uint64_t told;       /* blocks below were told by next */
};

int track_bits_init(struct track_bits *b, uint64_t size_bytes, struct err *err); /* empty */
void track_bits_done(struct track_bits *b);                                      /* {0} is fine */

void track_bits_clear(struct track_bits *b);
void track_bits_fill(struct track_bits *b);
/* Every block that [offset, offset + len) touches, within the volume. */
void track_bits_set(struct track_bits *b, uint64_t offset, uint64_t len);
/* Is all of `other`, which is of the same volume, in b? */
bool track_bits_covers(const struct track_bits *b, const struct track_bits *other);
uint64_t track_bits_bytes(const struct track_bits *b);
/* 1 and a range, ascending; 0 at the end. track_bits_rewind begins again. */
int track_bits_next(struct track_bits *b, struct track_range *ret);
void track_bits_rewind(struct track_bits *b);

/* b becomes what `other`, which is of the same volume, is. */
void track_bits_copy(struct track_bits *b, const struct track_bits *other);
/* Every block of `other`, likewise. */
void track_bits_add(struct track_bits *b, const struct track_bits *other);
bool track_bits_any(const struct track_bits *b, uint64_t offset, uint64_t len);

/*
 * Durably into a file of this machine: title, a line that says of what it is, extra, numbers of
 * the caller's, and the blocks of b and, when not NULL, of also. Reading: -ENOENT, -ESTALE of
 * something else, -EBADMSG damaged.
 */
int track_bits_save(const struct track_bits *b, const struct track_bits *also, const char *file,
                    const char *title, struct slice extra, struct err *err);
int track_bits_load(struct track_bits *b, const char *file, const char *title, void *ret_extra,
                    size_t extra_len, struct err *err);

#endif
