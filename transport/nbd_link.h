/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wrapper of libnbd: one connection to an NBD export, many requests under way on it.
 *
 * One, because many servers take no second client. Any thread may call; each call waits for its own
 * answer while a thread of the link moves the bytes of all. In a build without libnbd everything is
 * -EOPNOTSUPP.
 */
#ifndef GODWIT_TRANSPORT_NBD_LINK_H
#define GODWIT_TRANSPORT_NBD_LINK_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct nbd_link;

#define NBD_LINK_ALLOCATION "base:allocation"

enum { NBD_LINK_ZERO = 2, NBD_LINK_DIRTY = 1 }; /* flags of extents */

/* export NULL: the one that uri names. bitmap: of QEMU, or NULL. Gives up after 30 s.
 * -EACCES, -ECONNREFUSED, -ENOENT ... */
int nbd_link_open(const char *uri, const char *export, const char *bitmap, struct nbd_link **ret,
                  struct err *err);
void nbd_link_close(struct nbd_link *l);
static inline void nbd_link_closep(struct nbd_link **l)
{
    nbd_link_close(*l);
}
#define auto_nbd_link AUTO(nbd_link_closep)

uint64_t nbd_link_size(const struct nbd_link *l);
bool nbd_link_readonly(const struct nbd_link *l);
bool nbd_link_has_allocation(const struct nbd_link *l);
bool nbd_link_has_bitmap(const struct nbd_link *l);
bool nbd_link_alive(struct nbd_link *l);
/* What addresses and lengths of requests must be multiples of: a power of two. */
uint32_t nbd_link_grain(const struct nbd_link *l);
/* The name of the export as the server has it, or "". */
const char *nbd_link_export(const struct nbd_link *l);

/* All of it, in as many requests as the server wants. Negative errno of the server; -ENOTCONN when
 * it has gone, or was silent for two minutes. */
int nbd_link_read(struct nbd_link *l, uint64_t offset, void *data, size_t len);
int nbd_link_write(struct nbd_link *l, uint64_t offset, const void *data, size_t len);
int nbd_link_zero(struct nbd_link *l, uint64_t offset, uint64_t len); /* -EOPNOTSUPP */
int nbd_link_flush(struct nbd_link *l);

/* A run of one sort. Called by a thread of the link: must not call it. */
typedef int (*nbd_extent_fn)(void *arg, uint64_t offset, uint64_t len, uint32_t flags);
/* Ask once: fn is told of runs from offset on; *ret_len is how far they reach, at most len. */
int nbd_link_allocation(struct nbd_link *l, uint64_t offset, uint64_t len, nbd_extent_fn fn,
                        void *arg, uint64_t *ret_len);
int nbd_link_bitmap(struct nbd_link *l, uint64_t offset, uint64_t len, nbd_extent_fn fn, void *arg,
                    uint64_t *ret_len);

#endif
