/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of blocks as words. */
#include "transport/track_bits.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "transport/volume.h"

#include <string.h>

#include "base/banned.h"

enum { WORD = 64, FILE_BYTES_MAX = 512 << 20 };

static size_t words(const struct track_bits *b)
{
    return (size_t)(b->blocks / WORD + 1);
}

int track_bits_init(struct track_bits *b, uint64_t size_bytes, struct err *err)
{
    *b = (struct track_bits){.size_bytes = size_bytes,
                             .blocks = num_div_up(size_bytes, VOLUME_BLOCK)};
    b->bits = calloc(words(b), sizeof(*b->bits));
    return b->bits ? 0 : err_set(err, -ENOMEM, "change tracker: %m");
}

void track_bits_done(struct track_bits *b)
{
    free(b->bits);
    b->bits = NULL;
}

void track_bits_clear(struct track_bits *b)
{
    memset(b->bits, 0, words(b) * sizeof(*b->bits));
    b->told = 0;
}

static bool has(const struct track_bits *b, uint64_t block)
{
    return b->bits[block / WORD] >> (block % WORD) & 1;
}

void track_bits_set(struct track_bits *b, uint64_t offset, uint64_t len)
{
    uint64_t end = num_min(b->size_bytes, offset + len);

    for (uint64_t i = offset / VOLUME_BLOCK; i * VOLUME_BLOCK < end; i++)
        b->bits[i / WORD] |= UINT64_C(1) << (i % WORD);
}

void track_bits_fill(struct track_bits *b)
{
    track_bits_set(b, 0, b->size_bytes);
    b->told = 0;
}

bool track_bits_covers(const struct track_bits *b, const struct track_bits *other)
{
    for (size_t i = 0; i < words(b); i++)
        if (other->bits[i] & ~b->bits[i])
            return false;
    return true;
}

uint64_t track_bits_bytes(const struct track_bits *b)
{
    uint64_t n = 0;

    for (size_t i = 0; i < words(b); i++)
        n += (uint64_t)__builtin_popcountll(b->bits[i]);
    return num_min(n * VOLUME_BLOCK, b->size_bytes);
}

static uint64_t find(const struct track_bits *b, uint64_t from, bool set)
{
    while (from < b->blocks && has(b, from) != set) {
        if (set && from % WORD == 0 && b->bits[from / WORD] == 0)
            from += WORD;
        else
            from++;
    }
    return num_min(from, b->blocks);
}

int track_bits_next(struct track_bits *b, struct track_range *ret)
{
    uint64_t first = find(b, b->told, true);
    uint64_t end = find(b, first, false);

    b->told = end;
    if (first == b->blocks)
        return 0;
    ret->offset = first * VOLUME_BLOCK;
    ret->len = num_min(end * VOLUME_BLOCK, b->size_bytes) - ret->offset;
    return 1;
}

void track_bits_rewind(struct track_bits *b)
{
    b->told = 0;
}

void track_bits_copy(struct track_bits *b, const struct track_bits *other)
{
    memcpy(b->bits, other->bits, words(b) * sizeof(*b->bits));
    b->told = 0;
}

void track_bits_add(struct track_bits *b, const struct track_bits *other)
{
    for (size_t i = 0; i < words(b); i++)
        b->bits[i] |= other->bits[i];
}

bool track_bits_any(const struct track_bits *b, uint64_t offset, uint64_t len)
{
    uint64_t end = num_min(num_div_up(offset + len, VOLUME_BLOCK), b->blocks);

    return find(b, offset / VOLUME_BLOCK, true) < end;
}

int track_bits_save(const struct track_bits *b, const struct track_bits *also, const char *file,
                    const char *title, struct slice extra, struct err *err)
{
    auto_buf struct buf body = {.max = FILE_BYTES_MAX};
    uint8_t hash[CRYPTO_SHA256_LEN];
    int rc = buf_str(&body, title);

    if (rc == 0)
        rc = buf_append(&body, extra.data, extra.len);
    for (size_t i = 0; rc == 0 && i < words(b); i++) {
        uint64_t word = b->bits[i] | (also ? also->bits[i] : 0);

        rc = buf_append(&body, &word, sizeof(word));
    }
    if (rc < 0)
        return err_set(err, rc, "'%s': %m", file);
    crypto_sha256(buf_slice(&body), hash);
    rc = buf_append(&body, hash, sizeof(hash));
    return rc < 0 ? err_set(err, rc, "'%s': %m", file) : fd_save(file, buf_slice(&body), 0600, err);
}

int track_bits_load(struct track_bits *b, const char *file, const char *title, void *ret_extra,
                    size_t extra_len, struct err *err)
{
    auto_buf struct buf body = {.max = FILE_BYTES_MAX};
    size_t bits_len = words(b) * sizeof(*b->bits);
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct buf_reader r;
    struct slice head;
    struct slice extra;
    struct slice bits;
    int rc = fd_load(file, FILE_BYTES_MAX, &body, err);

    if (rc < 0)
        return rc;
    r = buf_reader(buf_slice(&body));
    head = buf_get(&r, strlen(title));
    if (r.short_ || memcmp(head.data, title, head.len) != 0)
        return err_set(err, -ESTALE, "'%s' is of something else", file);
    extra = buf_get(&r, extra_len);
    bits = buf_get(&r, bits_len);
    if (r.short_ || r.left != sizeof(hash))
        return err_set(err, -EBADMSG, "'%s' is damaged", file);
    crypto_sha256(slice_of(body.data, body.len - sizeof(hash)), hash);
    if (memcmp(body.data + body.len - sizeof(hash), hash, sizeof(hash)) != 0)
        return err_set(err, -EBADMSG, "'%s' is damaged", file);
    if (extra_len > 0)
        memcpy(ret_extra, extra.data, extra_len);
    memcpy(b->bits, bits.data, bits_len);
    b->told = 0;
    return 0;
}
