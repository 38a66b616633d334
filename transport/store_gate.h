/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many calls run at one endpoint at a time, and when nobody calls at all.
 *
 * All handles onto one place share a gate. Bulk calls (put, get) take turns: `streams` of them run,
 * a number that starts small, grows while more of them move more bytes, and falls back when the
 * last growth did not help or the store asks to slow down. What the store asks of one call is
 * heeded by all of them: 503, SlowDown and 429 begin a pause for the endpoint, longer with each
 * that follows, until a call succeeds.
 */
#ifndef GODWIT_TRANSPORT_STORE_GATE_H
#define GODWIT_TRANSPORT_STORE_GATE_H

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { STORE_GATE_FIRST = 3, STORE_GATE_AFTER_MAX_MS = 120 * 1000 };

/* What bytes a second say about the number of streams. */
struct store_gate_window {
    uint64_t began_ms;
    uint64_t bytes;
    unsigned done_n;   /* calls that ended in it */
    unsigned filled_n; /* of those that began in it, how many took the last turn there was */
};

struct store_gate {
    const struct clock *clock;
    const struct rng *rng;
    unsigned max; /* never more streams */
    bool fixed;   /* never fewer either */

    pthread_mutex_t lock; /* of the rest; held for nothing that blocks */
    pthread_cond_t turn_free;
    unsigned streams;
    unsigned running;
    struct store_gate_window window;
    unsigned grew_from; /* streams before the growth that is being judged; 0 = none is */
    uint64_t rate_then; /* bytes a second before it */
    uint64_t hold_until_ms;
    unsigned strikes; /* requests to slow down in a row */
    uint64_t pause_n; /* pauses so far */
    uint64_t pause_until_ms;
};

/* One call's place. */
struct store_gate_turn {
    bool bulk;
    uint64_t pause_n;   /* as it was when the call began */
    uint64_t paused_ms; /* before it began */
};

enum store_gate_end {
    STORE_GATE_DONE,
    STORE_GATE_FAILED,
    STORE_GATE_BUSY, /* the store asked to slow down */
};

/* streams 0 = adapt, 1 to STORE_STREAMS_MAX. clock and rng are lent. */
void store_gate_init(struct store_gate *g, unsigned streams, const struct clock *clock,
                     const struct rng *rng);
void store_gate_done(struct store_gate *g);

/* Wait for a turn and for the end of a pause. -ECANCELED when *stop (may be NULL) becomes true:
 * then there is nothing to leave. */
int store_gate_enter(struct store_gate *g, bool bulk, const atomic_bool *stop,
                     struct store_gate_turn *ret);
/* bytes: what the call moved. after_ms: what a busy store said to wait, 0 = nothing. */
void store_gate_leave(struct store_gate *g, const struct store_gate_turn *turn,
                      enum store_gate_end end, uint64_t bytes, uint64_t after_ms);
unsigned store_gate_streams(struct store_gate *g); /* at the moment */

/* What to wait before attempt n + 1: exponential with full jitter, but never under a tenth, so that
 * a row of lucky draws does not hammer a store that asks for mercy. */
uint64_t store_gate_backoff_ms(const struct rng *rng, unsigned n);
/* Sleep, seeing *stop (may be NULL): then -ECANCELED. */
int store_gate_sleep(const struct clock *clock, uint64_t ms, const atomic_bool *stop);

#endif
