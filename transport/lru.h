/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of a fixed number of slots holds what, for a cache that many threads read: each thing is
 * loaded by one of them while the others wait for it, and what was used longest ago makes room.
 *
 * Only keys live here; what a slot holds is the caller's, in an array beside it. Thread-safe.
 * Whoever waits for a slot holds no other of the same lru, so waiting ends.
 */
#ifndef GODWIT_TRANSPORT_LRU_H
#define GODWIT_TRANSPORT_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct lru;

enum { LRU_KEY_LEN = 40 };
struct lru_key {
    uint8_t bytes[LRU_KEY_LEN]; /* unused ones are zero */
};

int lru_new(size_t slots, struct lru **ret, struct err *err);
void lru_free(struct lru *l);

/*
 * The slot of key, held until lru_put. True: it has the key already. False: the caller must load
 * it (nobody else touches it) and say so with lru_loaded.
 */
bool lru_get(struct lru *l, const struct lru_key *key, size_t *ret_slot);
/* A slot to load key into, without waiting; false when it is there or coming, or all are held. */
bool lru_claim(struct lru *l, const struct lru_key *key, size_t *ret_slot);
/* Loaded: others may have it, and the caller still holds it. Not: it is free again, and whoever
 * waits for the key loads it himself. */
void lru_loaded(struct lru *l, size_t slot, bool whole);
void lru_put(struct lru *l, size_t slot);

#endif
