/* SPDX-License-Identifier: Apache-2.0 */
/* What the rest of the room needs of an open vault. Same threading rule as vault.h. */
#ifndef GODWIT_TRANSPORT_VAULT_IMPL_H
#define GODWIT_TRANSPORT_VAULT_IMPL_H

#include "base/clock.h"
#include "transport/seal.h"
#include "transport/vault.h"

struct codec;

/* All lent for the life of the handle; seal and codec are its thread's own. */
const struct seal_keys *vault_keys(const struct vault *v);
struct seal *vault_seal(struct vault *v);
struct codec *vault_codec(struct vault *v);
const struct rng *vault_rng(const struct vault *v);
const struct clock *vault_clock(const struct vault *v);

/* The handle's scratch memory, of at least len bytes; valid until the next call. */
int vault_scratch(struct vault *v, size_t len, uint8_t **ret, struct err *err);
/* The handle's buffer for bodies from the store; unit_fetch uses it too. */
struct buf *vault_body(struct vault *v);

/* store_get of an object that must be there: -ENOENT (GW_VAULT_MISSING); shorter than asked:
 * -EBADMSG (GW_VAULT_DAMAGED). */
int vault_get(struct vault *v, const char *key, struct store_range range, struct buf *out,
              struct err *err);

/*
 * Write body under key unless something stands there. 0 when ours stands; -EEXIST another one does.
 * Without create-only in the store it looks, writes and reads back, and sets *ret_weak: two writers
 * at the same moment may then both believe that they won.
 */
int vault_create(struct vault *v, const char *key, struct slice body, bool *ret_weak,
                 struct err *err);

#endif
