/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of a byte map of dirty granules that somebody else marks at the same time: take
 * what is dirty, tell it as ranges, then make it clean, or dirty again. Plain memory; knows no BPF.
 *
 * The argument, that no change is lost (docs/tracking.md has it at length): the marker stores DIRTY
 * after the change can be read. Taking is an exchange, and the volume is read after it. A mark
 * before the exchange is taken with it, and the read sees its change; a mark after it makes the
 * byte DIRTY again, and cleaning, which only goes from TAKEN, leaves it so.
 */
#ifndef GODWIT_TRANSPORT_TRACK_MAP_H
#define GODWIT_TRANSPORT_TRACK_MAP_H

#include "transport/track.h"

#include <stdbool.h>

enum { TRACK_MAP_SHIFT_MIN = 12, TRACK_MAP_BYTES_MAX = 64 << 20 };

struct track_map {
    uint8_t *fine;   /* a byte a granule; lent, shared with the marker */
    uint8_t *coarse; /* a byte for many granules, for long ranges; likewise */
    uint64_t granules;
    uint64_t size_bytes; /* of the volume */
    unsigned shift;      /* a granule has 1 << shift bytes */
    uint64_t *taken;     /* a bit a granule: what this pass took */
    uint64_t taken_n;
    uint64_t told; /* granules below were told by next */
};

/* The finest grain whose map stays within TRACK_MAP_BYTES_MAX: 4 KiB up to 256 GiB, and so on. */
unsigned track_map_shift(uint64_t size_bytes);
uint64_t track_map_granules(uint64_t size_bytes, unsigned shift);
uint64_t track_map_coarse(uint64_t granules); /* bytes of the coarse map */

/* m->fine, coarse, size_bytes and shift are set, the rest zero. -ENOMEM. The last call that
 * allocates. */
int track_map_init(struct track_map *m, struct err *err);
void track_map_done(struct track_map *m); /* the maps stay as they are */

/* Take what is dirty, and what a pass that never ended had taken. */
void track_map_take(struct track_map *m);
/* 1 and a range of what was taken, ascending; 0 at the end. */
int track_map_next(struct track_map *m, struct track_range *ret);
/* Is any of the range taken, or marked since? */
bool track_map_marked(const struct track_map *m, uint64_t offset, uint64_t len);
/* What was taken is clean, but what was marked since. */
void track_map_commit(struct track_map *m);
/* What was taken is dirty again. */
void track_map_abort(struct track_map *m);
/* Of the pass, when one is open; else marked at this moment. */
uint64_t track_map_dirty_bytes(const struct track_map *m);
/* Marked since the pass that is open took what was dirty. */
uint64_t track_map_written_bytes(const struct track_map *m);

#endif
