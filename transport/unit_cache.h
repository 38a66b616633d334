/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units as the vault has them, sealed, kept on a local disk and bounded in bytes: what was fetched
 * once need not be fetched again, also not after a kill. Nothing in it is trusted or secret: a unit
 * is opened, and so authenticated, each time it is read, and what does not open is fetched again.
 * Thread-safe.
 *
 * The directory holds segments NNNNNNNN.units, appended to until full, each with NNNNNNNN.index;
 * the oldest one makes room. It may be shared by replicas of any vault, but not by two processes at
 * once.
 */
#ifndef GODWIT_TRANSPORT_UNIT_CACHE_H
#define GODWIT_TRANSPORT_UNIT_CACHE_H

#include "base/buf.h"
#include "transport/unit.h"

struct unit_cache;

enum { UNIT_CACHE_BYTES_MIN = 32 << 20 };

/* dir is made when missing. -EWOULDBLOCK (GW_IN_USE) another process uses it. */
int unit_cache_open(const char *dir, uint64_t max_bytes, struct unit_cache **ret, struct err *err);
void unit_cache_close(struct unit_cache *c);

/* Append the sealed bytes to out. False: it is not there (any more). *ret_old: it will soon have to
 * go; whoever still wants it puts it again. */
bool unit_cache_get(struct unit_cache *c, const struct unit *u, struct buf *out, bool *ret_old);
bool unit_cache_has(struct unit_cache *c, const struct unit *u);
/* Only bytes that did open. The first failure of the disk ends all writing; reading goes on. */
void unit_cache_put(struct unit_cache *c, const struct unit *u, struct slice sealed);
/* True once, after such a failure: ret says which. */
bool unit_cache_trouble(struct unit_cache *c, struct err *ret);
void unit_cache_drop(struct unit_cache *c, const struct unit *u); /* it did not open */

uint64_t unit_cache_bytes(struct unit_cache *c);
/* Would another unit push an old one out, or has writing ended? Then there is no point in fetching
 * ahead. */
bool unit_cache_is_full(struct unit_cache *c);

#endif
