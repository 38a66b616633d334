/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of sectors: GMAC, cut short. */
#include "transport/tags.h"

#include "base/crypto.h"
#include "base/err.h"

#include <assert.h>

#include "base/banned.h"

struct tags {
    struct crypto_aead *aead;
    uint64_t zero; /* the GMAC of a sector of zeroes, cut; 0 until it is known */
};

static int tag(struct tags *t, const uint8_t *sector, uint64_t *ret, struct err *err)
{
    /* One nonce for ever: see tags.h. Nothing is encrypted under this key. */
    static const uint8_t nonce[CRYPTO_NONCE_LEN];
    uint8_t mac[CRYPTO_TAG_LEN];
    int rc = crypto_aead_seal(t->aead, nonce, slice_of(sector, VOLUME_SECTOR), slice_of(NULL, 0),
                              mac, err);

    if (rc < 0)
        return rc;
    memcpy(ret, mac, sizeof(*ret));
    *ret ^= t->zero; /* so that a table of zeroes is a hole */
    return 0;
}

int tags_new(const uint8_t *key, struct tags **ret, struct err *err)
{
    static const uint8_t zeroes[VOLUME_SECTOR];
    struct tags *t = calloc(1, sizeof(*t));
    int rc;

    if (!t)
        return err_set(err, -ENOMEM, "tags: %m");
    rc = crypto_aead_new(&t->aead, err);
    if (rc == 0)
        rc = crypto_aead_key(t->aead, key, err);
    if (rc == 0)
        rc = tag(t, zeroes, &t->zero, err);
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
