/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical volume digest; definition and vectors in docs/formats.md. Does no I/O. */
#include "transport/digest.h"

#include "base/crypto.h"
#include "base/num.h"
#include "base/sha256.h"

#include <assert.h>

#include "base/banned.h"

enum { ROW = 16 }; /* blocks that are hashed side by side */

static const char tag[] = "godwit-volume-1";

/* SHA-256 of 65,536 zero bytes; the unit test computes it again. */
static const uint8_t zero_leaf[DIGEST_LEN] = {
    0xde, 0x2f, 0x25, 0x60, 0x64, 0xa0, 0xaf, 0x79, 0x77, 0x47, 0xc2, 0xb9, 0x75, 0x05, 0xdc, 0x0b,
    0x9f, 0x3d, 0xf0, 0xde, 0x4f, 0x48, 0x9e, 0xac, 0x73, 0x1c, 0x23, 0xae, 0x9c, 0xa9, 0xcc, 0x31,
};

uint64_t digest_leaves(uint64_t size_bytes)
{
    return num_div_up(size_bytes, VOLUME_BLOCK);
}

uint64_t digest_regions(uint64_t size_bytes)
{
    return num_div_up(size_bytes, VOLUME_REGION);
}

size_t digest_region_leaves(uint64_t size_bytes, uint64_t region)
{
    uint64_t first = region * DIGEST_REGION_LEAVES;
    uint64_t all = digest_leaves(size_bytes);

    return first >= all ? 0 : (size_t)num_min(DIGEST_REGION_LEAVES, all - first);
}

bool digest_is_zero(struct slice data)
{
    /* Equal to itself moved by one byte: all bytes equal the first. memcmp is vectorised. */
    return data.len == 0 ||
           (data.data[0] == 0 && memcmp(data.data, data.data + 1, data.len - 1) == 0);
}

void digest_leaf(struct slice block, uint8_t *out)
{
    assert(block.len <= VOLUME_BLOCK);
    if (block.len == VOLUME_BLOCK && digest_is_zero(block))
        memcpy(out, zero_leaf, DIGEST_LEN);
    else
        crypto_sha256(block, out);
}

void digest_row(struct slice blocks, uint8_t *leaves)
{
    struct sha256_message waiting[ROW];
    size_t n = 0;

    for (size_t at = 0; at < blocks.len; at += VOLUME_BLOCK, leaves += DIGEST_LEN) {
        struct slice block =
            slice_of(blocks.data + at, (size_t)num_min(VOLUME_BLOCK, blocks.len - at));

        if (block.len < VOLUME_BLOCK)
            crypto_sha256(block, leaves);
        else if (digest_is_zero(block))
            memcpy(leaves, zero_leaf, DIGEST_LEN);
        else
            waiting[n++] = (struct sha256_message){.data = block.data, .out = leaves};
        if (n == ROW) {
            sha256_many(waiting, n, VOLUME_BLOCK);
            n = 0;
        }
    }
    sha256_many(waiting, n, VOLUME_BLOCK);
}

const uint8_t *digest_zero_leaf(void)
{
    return zero_leaf;
}

static void node(const uint8_t *left, const uint8_t *right, uint8_t *out)
{
    uint8_t both[1 + 2 * DIGEST_LEN];

    both[0] = 1;
    memcpy(both + 1, left, DIGEST_LEN);
    memcpy(both + 1 + DIGEST_LEN, right, DIGEST_LEN);
    crypto_sha256(slice_of(both, sizeof(both)), out);
}

/* The root of a region of zeroes; the unit test computes it again. */
static const uint8_t zero_region[DIGEST_LEN] = {
    0xe0, 0x89, 0x35, 0xce, 0x71, 0x37, 0xec, 0x0a, 0x0c, 0xa8, 0x22, 0xda, 0x74, 0x4b, 0x4a, 0xb6,
    0xb7, 0x93, 0xaf, 0x00, 0x90, 0xf0, 0x62, 0x95, 0x33, 0x64, 0x30, 0x2e, 0xf2, 0x4e, 0xd0, 0xa7,
};

static bool is_zero_region(const uint8_t *leaves, size_t n)
{
    return n == DIGEST_REGION_LEAVES && memcmp(leaves, zero_leaf, DIGEST_LEN) == 0 &&
           memcmp(leaves, leaves + DIGEST_LEN, (n - 1) * DIGEST_LEN) == 0;
}

/* Most regions of a sparse volume are zeroes: those cost a comparison. */
void digest_tree(const uint8_t *leaves, size_t n, uint8_t *out)
{
    struct digest d = {0};

    if (is_zero_region(leaves, n)) {
        memcpy(out, zero_region, DIGEST_LEN);
        return;
    }
    for (size_t i = 0; i < n; i++)
        digest_add(&d, leaves + i * DIGEST_LEN);
    digest_root(&d, out);
}

void digest_add(struct digest *d, const uint8_t *root)
{
    uint8_t carry[DIGEST_LEN];
    unsigned level = 0;

    memcpy(carry, root, DIGEST_LEN);
    for (; d->n >> level & 1; level++)
        node(d->stack[level], carry, carry);
    assert(level < DIGEST_LEVELS_MAX);
    memcpy(d->stack[level], carry, DIGEST_LEN);
    d->n++;
}

void digest_root(const struct digest *d, uint8_t *out)
{
    bool have = false;

    /* Smaller trees stand on the right of larger ones. */
    for (unsigned level = 0; level < DIGEST_LEVELS_MAX; level++) {
        if (!(d->n >> level & 1))
            continue;
        if (have)
            node(d->stack[level], out, out);
        else
            memcpy(out, d->stack[level], DIGEST_LEN);
        have = true;
    }
    if (!have)
        crypto_sha256(slice_of(NULL, 0), out);
}

void digest_volume(uint64_t size_bytes, const uint8_t *root, uint8_t *out)
{
    uint8_t bound[sizeof(tag) - 1 + 8 + DIGEST_LEN];
    uint8_t *at = bound;

    memcpy(at, tag, sizeof(tag) - 1);
    at += sizeof(tag) - 1;
    for (unsigned i = 0; i < 8; i++)
        *at++ = (uint8_t)(size_bytes >> 8 * i);
    memcpy(at, root, DIGEST_LEN);
    crypto_sha256(slice_of(bound, sizeof(bound)), out);
}
