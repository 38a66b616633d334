/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of sectors: GMAC, cut short, by OpenSSL or by tags_wide.c. */
#include "transport/tags_impl.h"

#include "base/crypto.h"
#include "base/err.h"

#include <assert.h>

#include "base/banned.h"

struct tags {
    struct crypto_aead *aead;
    uint8_t zero[CRYPTO_TAG_LEN]; /* the GMAC of a sector of zeroes */
    bool wide;
    uint8_t factors[TAGS_FACTORS_LEN]; /* for wide */
};

static int gmac(struct tags *t, const uint8_t *sector, uint8_t *out, struct err *err)
{
    /* One nonce for ever: see tags.h. Nothing is encrypted under this key. */
    static const uint8_t nonce[CRYPTO_NONCE_LEN];

    return crypto_aead_seal(t->aead, nonce, slice_of(sector, VOLUME_SECTOR), slice_of(NULL, 0), out,
                            err);
}

/* XOR that of a sector of zeroes: so a table of zeroes is a hole. */
static int gmac_from_zero(struct tags *t, const uint8_t *sector, uint8_t *out, struct err *err)
{
    int rc = gmac(t, sector, out, err);

    for (size_t i = 0; rc == 0 && i < CRYPTO_TAG_LEN; i++)
        out[i] ^= t->zero[i];
    return rc;
}

/* The factor of a piece is what a sector with nothing but a one in that piece gives; GCM's one is
 * the first bit. */
static int find_factors(struct tags *t, struct err *err)
{
    uint8_t one[VOLUME_SECTOR] = {0};
    uint8_t mac[CRYPTO_TAG_LEN];
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < VOLUME_SECTOR; at += TAGS_PIECE) {
        one[at] = 0x80;
        rc = gmac_from_zero(t, one, mac, err);
        one[at] = 0;
        for (size_t i = 0; rc == 0 && i < TAGS_PIECE; i++)
            t->factors[at + i] = mac[TAGS_PIECE - 1 - i];
    }
    return rc;
}

static int tag(struct tags *t, const uint8_t *sector, uint64_t *ret, struct err *err)
{
    uint8_t mac[CRYPTO_TAG_LEN];
    int rc;

    if (t->wide) {
        *ret = tags_wide(t->factors, sector);
        return 0;
    }
    rc = gmac_from_zero(t, sector, mac, err);
    if (rc == 0)
        memcpy(ret, mac, sizeof(*ret));
    return rc;
}

int tags_new(const uint8_t *key, struct tags **ret, struct err *err)
{
    return tags_new_by(key, tags_wide_has(), ret, err);
}

int tags_new_by(const uint8_t *key, bool wide, struct tags **ret, struct err *err)
{
    static const uint8_t zeroes[VOLUME_SECTOR];
    struct tags *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        return err_set(err, -ENOMEM, "tags: %m");
    t->wide = wide;
    rc = crypto_aead_new(&t->aead, err);
    if (rc == 0)
        rc = crypto_aead_key(t->aead, key, err);
    if (rc == 0)
        rc = gmac(t, zeroes, t->zero, err);
    if (rc == 0 && wide)
        rc = find_factors(t, err);
    if (rc < 0) {
        tags_free(t);
        return rc;
    }
    *ret = t;
    return 0;
}

void tags_free(struct tags *t)
{
    if (!t)
        return;
    crypto_aead_free(t->aead);
    free(t);
}

int tags_block(struct tags *t, const uint8_t *data, uint32_t sectors, uint64_t *out,
               struct err *err)
{
    int rc = 0;

    assert(sectors <= TAGS_A_BLOCK);
    for (uint32_t i = 0; rc == 0 && i < TAGS_A_BLOCK; i++) {
        if (!data || i >= sectors)
            out[i] = 0;
        else
            rc = tag(t, data + (size_t)i * VOLUME_SECTOR, &out[i], err);
    }
    return rc;
}
