/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gaps: ranges of a volume that could not be read, ascending, neither touching nor overlapping.
 *
 * A restore point carries those of its pass (docs/formats.md section 8). What it holds there is
 * what the point before it held, or zeroes.
 */
#ifndef GODWIT_TRANSPORT_GAPS_H
#define GODWIT_TRANSPORT_GAPS_H

#include "base/buf.h"
#include "transport/replica.h"

enum { GAPS_MAX = 65536 };

/* {0} is none. */
struct gaps {
    struct replica_range *list; /* owned */
    size_t n;
    size_t cap;
};

void gaps_done(struct gaps *g);
#define auto_gaps AUTO(gaps_done)

/* In any order; what touches becomes one. -E2BIG above GAPS_MAX. */
int gaps_add(struct gaps *g, uint64_t offset, uint64_t len, struct err *err);
uint64_t gaps_bytes(const struct gaps *g);
bool gaps_equal(const struct gaps *a, const struct gaps *b);
/* The first that ends behind from. */
bool gaps_next(const struct gaps *g, uint64_t from, struct replica_range *ret);

/* u32 n, then n times u64 offset, u64 length. */
int gaps_encode(const struct gaps *g, struct buf *out, struct err *err);
/* Of a volume of size_bytes; ret must be empty. -EBADMSG for anything that gaps_encode would not
 * have written. */
int gaps_decode(struct buf_reader *r, uint64_t size_bytes, struct gaps *ret, struct err *err);

#endif
