/* SPDX-License-Identifier: Apache-2.0 */
/* A bandwidth limit shared by threads: a token bucket whose rate may change while they run. */
#ifndef GODWIT_TRANSPORT_RATE_H
#define GODWIT_TRANSPORT_RATE_H

#include "base/clock.h"

#include <stdatomic.h>

struct err;
struct rate;
struct rate_table;

/* bytes_per_s 0 = no limit. clock is lent for the life of the limit. */
int rate_new(uint64_t bytes_per_s, const struct clock *clock, struct rate **ret, struct err *err);
/*
 * A limit inside another: what passes it passes whole, too, and those who wait there for their turn
 * get equal shares. whole is lent and must outlive it. No limit of its own until rate_set.
 */
int rate_new_share(struct rate *whole, struct rate **ret, struct err *err);
void rate_free(struct rate *r);
/* Any thread; those who wait see it at once. */
void rate_set(struct rate *r, uint64_t bytes_per_s);
void rate_set_table(struct rate *r, const struct rate_table *table);
uint64_t rate_get(struct rate *r); /* what counts now */
/* Wait until bytes may pass. -ECANCELED when *stop becomes true. r NULL passes at once. */
int rate_take(struct rate *r, size_t bytes, const atomic_bool *stop);

/*
 * The same for who must not block and counts bytes as they leave or arrive. A turn is one stream's:
 * it asks for some bytes again and again until the answer is 0, and then has them; only then it may
 * ask for others. r outlives it.
 */
struct rate_turn;
int rate_turn_new(struct rate *r, struct rate_turn **ret, struct err *err);
void rate_turn_free(struct rate_turn *t);
uint64_t rate_turn_ask(struct rate_turn *t, size_t bytes); /* milliseconds to wait; 0 = they pass */
void rate_turn_drop(struct rate_turn *t);                  /* what was asked for is not wanted */
uint64_t rate_turn_waited_ms(const struct rate_turn *t);   /* in its life, for what passed */
/* What is worth asking for at once, so that streams take turns many times a second. */
size_t rate_turn_grain(const struct rate_turn *t);

#endif
