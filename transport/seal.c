/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation and sealing of segments. Knows nothing of packs or points but their numbers. */
#include "transport/seal.h"

#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    AD_FIXED_LEN = 68,
    CONTEXT_MAX = 256,
    AD_MAX = AD_FIXED_LEN + CONTEXT_MAX,
    FORMAT_DEFAULT = 1
};

struct seal {
    const struct seal_keys *keys;
    struct crypto_aead *aead;
    struct crypto_hash *hash;
    enum seal_use use; /* 0 while no key is set */
    uint8_t salt[SEAL_SALT_LEN];
};

static int derive(struct slice key, struct slice salt, const char *info, uint8_t *out,
                  struct err *err)
{
    return crypto_hkdf(key, salt, slice_str(info), out, SEAL_KEY_LEN, err);
}

int seal_keys_derive(const uint8_t *vault_key, const uint8_t *vault_id, struct seal_keys *ret,
                     struct err *err)
{
    static const uint8_t no_key[SEAL_KEY_LEN];
    struct slice key = slice_of(vault_key ? vault_key : no_key, SEAL_KEY_LEN);
    struct slice salt = slice_of(vault_id, SEAL_VAULT_ID_LEN);
    struct seal_keys k = {.encrypted = vault_key != NULL};
    int rc;

    memcpy(k.vault_id, vault_id, SEAL_VAULT_ID_LEN);
    rc = derive(key, salt, "godwit 1 check", k.check, err);
    if (!rc)
        rc = derive(key, salt, "godwit 1 pack", k.pack, err);
    if (!rc)
        rc = derive(key, salt, "godwit 1 id", k.id, err);
    if (!rc)
        rc = derive(key, salt, "godwit 1 point", k.point, err);
    if (!rc)
        rc = derive(key, salt, "godwit 1 control", k.control, err);
    if (!rc)
        *ret = k;
    seal_keys_wipe(&k);
    return rc;
}

void seal_keys_wipe(struct seal_keys *k)
{
    crypto_wipe(k, sizeof(*k));
}

int seal_new(const struct seal_keys *keys, struct seal **ret, struct err *err)
{
    auto_seal struct seal *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return err_set(err, -ENOMEM, "open a sealing context: %m");
    s->keys = keys;
    rc = crypto_aead_new(&s->aead, err);
    if (!rc)
        rc = crypto_hash_new(&s->hash, err);
    if (!rc)
        *ret = TAKE(s);
    return rc;
}

void seal_free(struct seal *s)
{
    if (!s)
        return;
    crypto_aead_free(s->aead);
    crypto_hash_free(s->hash);
    free(s);
}

int seal_rekey(struct seal *s, enum seal_use use, const uint8_t *salt, struct err *err)
{
    const uint8_t *master = use == SEAL_POINT ? s->keys->point : s->keys->pack;
    uint8_t key[SEAL_KEY_LEN];
    int rc = 0;

    if (s->use == use && memcmp(s->salt, salt, SEAL_SALT_LEN) == 0)
        return 0;
    s->use = 0; /* a failure below leaves no key of which one could believe it is set */
    if (s->keys->encrypted) {
        rc = derive(slice_of(master, SEAL_KEY_LEN), slice_of(salt, SEAL_SALT_LEN),
                    "godwit 1 object", key, err);
        if (!rc)
            rc = crypto_aead_key(s->aead, key, err);
        crypto_wipe(key, sizeof(key));
    }
    if (rc)
        return rc;
    memcpy(s->salt, salt, SEAL_SALT_LEN);
    s->use = use;
    return 0;
}

static uint8_t *put_u32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        *at++ = (uint8_t)(v >> (8 * i));
    return at;
}

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t len)
{
    if (len)
        memcpy(at, data, len);
    return at + len;
}

/* docs/formats.md section 3.3. Returns the length. */
static size_t associated_data(const struct seal *s, const struct seal_segment *seg, uint8_t *out)
{
    uint8_t *at = out;

    assert(s->use != 0);
    assert(seg->context.len <= CONTEXT_MAX);
    at = put_bytes(at, "GWSG", 4);
    *at++ = seg->format ? seg->format : FORMAT_DEFAULT;
    *at++ = s->keys->encrypted;
    *at++ = (uint8_t)s->use;
    *at++ = seg->last;
    at = put_bytes(at, s->keys->vault_id, SEAL_VAULT_ID_LEN);
    at = put_bytes(at, s->salt, SEAL_SALT_LEN);
    at = put_u32(at, seg->index);
    at = put_u32(at, seg->raw_len);
    at = put_u32(at, (uint32_t)(seg->codec | (seg->context.len << 8)));
    at = put_bytes(at, seg->context.data, seg->context.len);
    return (size_t)(at - out);
}

static void nonce_of(const struct seal_segment *seg, uint8_t *nonce)
{
    memset(nonce, 0, CRYPTO_NONCE_LEN);
    put_u32(nonce, seg->index);
    nonce[CRYPTO_NONCE_LEN - 1] = seg->last;
}

/* The tag of a vault without encryption: a checksum over the same bindings. */
static void checksum(struct seal *s, struct slice ad, struct slice body, uint8_t *tag)
{
    uint8_t full[CRYPTO_SHA256_LEN];

    crypto_hash_reset(s->hash);
    crypto_hash_add(s->hash, ad);
    crypto_hash_add(s->hash, body);
    crypto_hash_get(s->hash, full);
    memcpy(tag, full, SEAL_TAG_LEN);
}

int seal_shut(struct seal *s, const struct seal_segment *seg, struct slice plain, uint8_t *out,
              struct err *err)
{
    uint8_t ad[AD_MAX];
    uint8_t nonce[CRYPTO_NONCE_LEN];
    size_t ad_len = associated_data(s, seg, ad);

    if (s->keys->encrypted) {
        nonce_of(seg, nonce);
        return crypto_aead_seal(s->aead, nonce, slice_of(ad, ad_len), plain, out, err);
    }
    if (plain.data != out)
        memmove(out, plain.data, plain.len);
    checksum(s, slice_of(ad, ad_len), slice_of(out, plain.len), out + plain.len);
    return 0;
}

static int open_plain(struct seal *s, struct slice ad, struct slice sealed, uint8_t *out)
{
    size_t len = sealed.len - SEAL_TAG_LEN;
    uint8_t tag[SEAL_TAG_LEN];

    checksum(s, ad, slice_of(sealed.data, len), tag);
    if (!crypto_equal(tag, sealed.data + len, SEAL_TAG_LEN)) {
        crypto_wipe(out, len);
        return -EBADMSG;
    }
    if (sealed.data != out)
        memmove(out, sealed.data, len);
    return 0;
}

int seal_open(struct seal *s, const struct seal_segment *seg, struct slice sealed, uint8_t *out,
              struct err *err)
{
    uint8_t ad[AD_MAX];
    uint8_t nonce[CRYPTO_NONCE_LEN];
    struct slice ads = slice_of(ad, associated_data(s, seg, ad));
    int rc;

    if (sealed.len < SEAL_TAG_LEN)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "segment %u is only %zu bytes",
                          seg->index, sealed.len);
    nonce_of(seg, nonce);
    rc = s->keys->encrypted ? crypto_aead_open(s->aead, nonce, ads, sealed, out, err)
                            : open_plain(s, ads, sealed, out);
    if (rc == -EBADMSG)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                          "segment %u does not open: altered, or not where it belongs", seg->index);
    return rc;
}
