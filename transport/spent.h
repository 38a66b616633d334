/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the time of a pass goes, as its stages measure it, and what therefore bounds it.
 *
 * A stage that waits for the next one says so instead of counting itself: the reader's time is
 * reading or waiting for workers, a worker's is work or waiting for a pack to be sent, a stream's
 * is what its store handle counts. So the wall clock is handed down until a stage spent it itself.
 */
#ifndef GODWIT_TRANSPORT_SPENT_H
#define GODWIT_TRANSPORT_SPENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct store;
struct store_spent;

enum spent_on {
    SPENT_DISK,  /* reading the volume */
    SPENT_CPU,   /* comparing, hashing, compressing, sealing */
    SPENT_LIMIT, /* the bandwidth limit */
    SPENT_STORE, /* pauses that the store asked for, and attempts that failed */
    SPENT_LINK,  /* calls that went well: the line, and what answers at its end */
    SPENT_KINDS
};
const char *spent_name(enum spent_on on); /* "disk", "cpu", "limit", "store", "link" */

/* Calls of store handles, milliseconds, summed over the threads of a stage. */
struct spent_calls {
    _Atomic uint64_t limit_ms, store_ms, link_ms;
};

/* Written by the stages while they run; any thread may read. Zero it before use. */
struct spent {
    _Atomic uint64_t read_ms;      /* the reader: until its volume answered */
    _Atomic uint64_t held_ms;      /* the reader: until workers were free, and done in the end */
    _Atomic uint64_t tail_ms;      /* after the last worker: packs, pages and the point */
    _Atomic uint64_t work_ms;      /* all workers: jobs, but for the next */
    _Atomic uint64_t work_held_ms; /* all workers: until a pack was free */
    struct spent_calls work;       /* all workers: what they asked the store, within work_ms */
    struct spent_calls put;        /* all streams */
};

void spent_clear(struct spent *s);
/* The handle s of one thread spent more since *seen, which is brought up to date. */
void spent_note(struct spent_calls *to, const struct store *s, struct store_spent *seen);

/* What of the wall clock is accounted for so far. */
uint64_t spent_wall_ms(const struct spent *s);
/* Shares of the time, 0 to 1; they add up to 1, or to 0 when no time was counted. */
void spent_shares(const struct spent *s, double ret[SPENT_KINDS]);
/* The largest share. False: no time was counted. */
bool spent_bound(const struct spent *s, enum spent_on *ret);

#endif
