/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical volume digest: SHA-256 of each 64 KiB block, a Merkle tree of RFC 6962's shape over
 * them, and the volume's size bound to its root (docs/formats.md, "volume digest").
 *
 * A tree over the roots of whole regions has the same root as one over their blocks, so regions
 * can be digested apart, by any thread, and combined in order here.
 */
#ifndef GODWIT_TRANSPORT_DIGEST_H
#define GODWIT_TRANSPORT_DIGEST_H

#include "base/slice.h"
#include "transport/volume.h"

enum {
    DIGEST_LEN = 32,
    DIGEST_REGION_LEAVES = VOLUME_REGION / VOLUME_BLOCK,
    DIGEST_LEVELS_MAX = 48 /* 2^64 bytes of 64 KiB blocks */
};

/* Blocks of a volume, and of one region of it (0 past its end). */
uint64_t digest_leaves(uint64_t size_bytes);
uint64_t digest_regions(uint64_t size_bytes);
size_t digest_region_leaves(uint64_t size_bytes, uint64_t region);

bool digest_is_zero(struct slice data);
/* The leaf of one block: at most VOLUME_BLOCK bytes. Blocks of zeroes cost a comparison. */
void digest_leaf(struct slice block, uint8_t *out);
/* The leaves of blocks that lie in a row, the last one perhaps short; much faster than one by one.
 */
void digest_row(struct slice blocks, uint8_t *leaves);
/* The leaf of a whole block of zeroes. */
const uint8_t *digest_zero_leaf(void);

/* The root over n leaves lying in a row (n 0: SHA-256 of nothing). */
void digest_tree(const uint8_t *leaves, size_t n, uint8_t *out);

/* A tree whose leaves (or region roots) come one by one; {0} is empty. */
struct digest {
    uint64_t n;
    uint8_t stack[DIGEST_LEVELS_MAX][DIGEST_LEN]; /* [i] is a whole tree of 2^i, when n has bit i */
};
void digest_add(struct digest *d, const uint8_t *root);
void digest_root(const struct digest *d, uint8_t *out); /* may go on being added to */

/* The volume digest of size_bytes under root. */
void digest_volume(uint64_t size_bytes, const uint8_t *root, uint8_t *out);

#endif
