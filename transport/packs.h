/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole packs in memory, each fetched once by one of the threads that want it, while the others
 * wait for it. What was used longest ago makes room. Thread-safe.
 *
 * Whoever waits for a pack holds no other, so waiting ends.
 */
#ifndef GODWIT_TRANSPORT_PACKS_H
#define GODWIT_TRANSPORT_PACKS_H

#include "base/buf.h"
#include "transport/pack.h"

struct err;
struct packs;

/* The pack into body, which is empty; not 0: nobody gets it, and who asks next loads it again. */
typedef int (*packs_load_fn)(void *arg, struct vault *v, const uint8_t *name, struct buf *body);

/*
 * budget_bytes, at least PACK_BYTES_MAX, bounds what all packs take together. A pack that comes is
 * counted as large as the largest so far (the first ones as PACK_BYTES_MAX): only one that is
 * larger still passes the bound, until it is there.
 */
int packs_new(size_t budget_bytes, packs_load_fn load, void *arg, struct packs **ret,
              struct err *err);
void packs_free(struct packs *p);

/* The pack, lent until packs_put(slot); loaded with v when it is not there. False: it was not to be
 * had. */
bool packs_get(struct packs *p, struct vault *v, const uint8_t *name, struct slice *ret,
               size_t *ret_slot);
/* Likewise, but false when it is neither there nor coming. */
bool packs_find(struct packs *p, const uint8_t *name, struct slice *ret, size_t *ret_slot);
void packs_put(struct packs *p, size_t slot);

#endif
