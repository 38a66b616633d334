/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file key of 16 bytes is wrapped for each recipient under a key of their own; the header's MAC
 * and the payload, in chunks of 64 KiB, hang on it.
 */
#include "transport/age.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"

#include "base/banned.h"

#define RECIPIENT_PREFIX "age"
#define IDENTITY_PREFIX "AGE-SECRET-KEY-"
#define WRAP_INFO "age-encryption.org/v1/X25519"

enum { FILE_KEY_LEN = 16, PAYLOAD_NONCE_LEN = 16, CHUNK_LEN = 64 << 10 };

static const uint8_t zero_nonce[CRYPTO_NONCE_LEN];

/* ---- keys -------------------------------------------------------------------- */

static bool there(const struct age_keys *keys, const uint8_t *key)
{
    for (size_t i = 0; i < keys->n; i++)
        if (crypto_equal(keys->key[i], key, CRYPTO_X25519_LEN))
            return true;
    return false;
}

int age_add_recipient(struct age_keys *keys, const char *text, struct err *err)
{
    /* Any secret will do: every one is a multiple of 8, and gives zeroes with a low order. */
    static const uint8_t probe[CRYPTO_X25519_LEN] = {8};
    uint8_t key[CRYPTO_X25519_LEN], shared[CRYPTO_X25519_LEN];
    const char *why = NULL;

    if (age_bech32_parse(RECIPIENT_PREFIX, text, key) != 0)
        why = "no recipient of age, which is 'age1' and 58 characters, or mistyped";
    else if (crypto_x25519(probe, key, shared, NULL) != 0)
        why = "no key that keeps a secret";
    else if (there(keys, key))
        why = "named twice";
    else if (keys->n == AGE_KEYS_MAX)
        why = "one recipient too many";
    if (why)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "'%.80s' is %s", text, why);
    memcpy(keys->key[keys->n++], key, sizeof(key));
    return 0;
}

static int add_identity(struct age_keys *keys, const char *line, size_t number, struct err *err)
{
    uint8_t key[CRYPTO_X25519_LEN];
    int rc = 0;

    if (line[0] == '\0' || line[0] == '#')
        return 0;
    /* The line is not shown: it may be a secret with a slip in it. */
    if (age_bech32_parse(IDENTITY_PREFIX, line, key) != 0)
        return err_set_gw(err, GW_SECRET, -EINVAL,
                          "line %zu is no X25519 identity of age (" IDENTITY_PREFIX
                          "1…); for others run age -d itself",
                          number);
    if (keys->n == AGE_KEYS_MAX)
        rc = err_set_gw(err, GW_SECRET, -EINVAL, "more than %d identities", AGE_KEYS_MAX);
    else
        memcpy(keys->key[keys->n++], key, sizeof(key));
    crypto_wipe(key, sizeof(key));
    return rc;
}

int age_add_identities(struct age_keys *keys, const char *text, struct err *err)
{
    char line[256];
    size_t number = 0, before = keys->n;
    int rc = 0;

    while (rc == 0 && *text) {
        size_t len = strcspn(text, "\n");
        size_t cut = num_min(len, sizeof(line) - 1);

        if (cut > 0 && text[cut - 1] == '\r')
            cut--;
        memcpy(line, text, cut);
        line[cut] = '\0';
        rc = add_identity(keys, line, ++number, err);
        text += len + (text[len] == '\n');
    }
    crypto_wipe(line, sizeof(line));
    if (rc == 0 && keys->n == before)
        rc = err_set_gw(err, GW_SECRET, -EINVAL, "there is no identity of age in it");
    return rc;
}

void age_wipe(struct age_keys *keys)
{
    crypto_wipe(keys, sizeof(*keys));
}

/* ---- header ------------------------------------------------------------------- */

/* The cipher under the key that wraps the file key for one recipient. */
static int wrap_key(const uint8_t *shared, const uint8_t *share, const uint8_t *recipient,
                    struct crypto_aead *aead, struct err *err)
{
    uint8_t salt[2 * CRYPTO_X25519_LEN], key[CRYPTO_KEY_LEN];
    int rc;

    memcpy(salt, share, CRYPTO_X25519_LEN);
    memcpy(salt + CRYPTO_X25519_LEN, recipient, CRYPTO_X25519_LEN);
    rc = crypto_hkdf(slice_of(shared, CRYPTO_X25519_LEN), slice_of(salt, sizeof(salt)),
                     slice_str(WRAP_INFO), key, sizeof(key), err);
    if (rc == 0)
        rc = crypto_aead_key(aead, key, err);
    crypto_wipe(key, sizeof(key));
    return rc;
}

static int wrap(const uint8_t *recipient, const struct rng *rng, const uint8_t *file_key,
                struct crypto_aead *aead, struct age_header_stanza *ret, struct err *err)
{
    uint8_t secret[CRYPTO_X25519_LEN], shared[CRYPTO_X25519_LEN];
    int rc;

    rng_fill(rng, secret, sizeof(secret));
    rc = crypto_x25519_public(secret, ret->share, err);
    if (rc == 0)
        rc = crypto_x25519(secret, recipient, shared, err);
    if (rc == 0)
        rc = wrap_key(shared, ret->share, recipient, aead, err);
    if (rc == 0)
        rc = crypto_aead_seal(aead, zero_nonce, (struct slice){0}, slice_of(file_key, FILE_KEY_LEN),
                              ret->body, err);
    crypto_wipe(secret, sizeof(secret));
    crypto_wipe(shared, sizeof(shared));
    return rc;
}

/* 0, -ENOKEY it is not for this identity, or a failure. */
static int unwrap(const uint8_t *identity, const struct age_header_stanza *s,
                  struct crypto_aead *aead, uint8_t *file_key, struct err *err)
{
    uint8_t recipient[CRYPTO_X25519_LEN], shared[CRYPTO_X25519_LEN];
    int rc = crypto_x25519_public(identity, recipient, err);

    if (rc == 0)
        rc = crypto_x25519(identity, s->share, shared, err);
    if (rc == -EBADMSG)
        return err_set_gw(err, GW_VAULT_DAMAGED, rc, "its header has a share of low order");
    if (rc == 0)
        rc = wrap_key(shared, s->share, recipient, aead, err);
    if (rc == 0 && crypto_aead_open(aead, zero_nonce, (struct slice){0},
                                    slice_of(s->body, sizeof(s->body)), file_key, NULL) != 0)
        rc = -ENOKEY;
    crypto_wipe(shared, sizeof(shared));
    return rc;
}

static int find_file_key(const struct age_keys *identities, const struct age_header *h,
                         struct crypto_aead *aead, uint8_t *file_key, struct err *err)
{
    for (size_t i = 0; i < identities->n; i++)
        for (size_t k = 0; k < h->x25519_n; k++) {
            int rc = unwrap(identities->key[i], &h->x25519[k], aead, file_key, err);

            if (rc != -ENOKEY)
                return rc;
        }
    return err_set_gw(err, GW_VAULT_KEY, -ENOKEY,
                      "none of its %zu recipients is the identity that was given", h->stanzas_n);
}

static int mac_of(const uint8_t *file_key, struct slice header, uint8_t *mac, struct err *err)
{
    uint8_t key[CRYPTO_KEY_LEN];
    int rc = crypto_hkdf(slice_of(file_key, FILE_KEY_LEN), (struct slice){0}, slice_str("header"),
                         key, sizeof(key), err);

    if (rc == 0)
        crypto_hmac_sha256(slice_of(key, sizeof(key)), header, mac);
    crypto_wipe(key, sizeof(key));
    return rc;
}

/* ---- payload ------------------------------------------------------------------- */

static int payload_key(const uint8_t *file_key, const uint8_t *nonce, struct crypto_aead *aead,
                       struct err *err)
{
    uint8_t key[CRYPTO_KEY_LEN];
    int rc = crypto_hkdf(slice_of(file_key, FILE_KEY_LEN), slice_of(nonce, PAYLOAD_NONCE_LEN),
                         slice_str("payload"), key, sizeof(key), err);

    if (rc == 0)
        rc = crypto_aead_key(aead, key, err);
    crypto_wipe(key, sizeof(key));
    return rc;
}

/* Eleven bytes of counter, high end first, and whether it is the last chunk. */
static void chunk_nonce(uint64_t index, bool last, uint8_t *nonce)
{
    memset(nonce, 0, CRYPTO_NONCE_LEN);
    for (size_t i = 0; i < sizeof(index); i++)
        nonce[10 - i] = (uint8_t)(index >> 8 * i);
    nonce[11] = last;
}

static int seal_chunks(struct crypto_aead *aead, struct slice plain, struct buf *out,
                       struct err *err)
{
    uint8_t nonce[CRYPTO_NONCE_LEN];
    size_t at = 0;
    int rc;

    for (uint64_t i = 0;; i++) {
        size_t len = plain.len - at < CHUNK_LEN ? plain.len - at : CHUNK_LEN;
        uint8_t *to;

        if (buf_reserve(out, len + CRYPTO_TAG_LEN, &to) != 0)
            return buf_failed(out, err);
        chunk_nonce(i, at + len == plain.len, nonce);
        rc = crypto_aead_seal(aead, nonce, (struct slice){0}, slice_of(plain.data + at, len), to,
                              err);
        if (rc)
            return rc;
        buf_grow(out, len + CRYPTO_TAG_LEN);
        at += len;
        if (at == plain.len)
            return 0;
    }
}

static int damaged(const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "its %s", what);
}

static int open_chunks(struct crypto_aead *aead, struct slice sealed, struct buf *out,
                       struct err *err)
{
    uint8_t nonce[CRYPTO_NONCE_LEN];
    size_t at = 0;

    for (uint64_t i = 0;; i++) {
        size_t left = sealed.len - at, whole = CHUNK_LEN + CRYPTO_TAG_LEN;
        size_t len = left < whole ? left : whole;
        uint8_t *to;

        /* An empty last chunk is allowed only where it is the only one. */
        if (len < CRYPTO_TAG_LEN + (size_t)(i > 0))
            return damaged("payload is cut", err);
        /* With room for the tag, so that an empty chunk has a place, too. */
        if (buf_reserve(out, len, &to) != 0)
            return buf_failed(out, err);
        chunk_nonce(i, at + len == sealed.len, nonce);
        if (crypto_aead_open(aead, nonce, (struct slice){0}, slice_of(sealed.data + at, len), to,
                             NULL) != 0)
            return damaged("payload is altered or cut", err);
        buf_grow(out, len - CRYPTO_TAG_LEN);
        at += len;
        if (at == sealed.len)
            return 0;
    }
}

/* ---- files --------------------------------------------------------------------- */

static int seal_header(const struct age_keys *recipients, const struct rng *rng,
                       const uint8_t *file_key, struct crypto_aead *aead, struct buf *out,
                       struct err *err)
{
    struct age_header_stanza stanzas[AGE_KEYS_MAX];
    uint8_t mac[CRYPTO_SHA256_LEN];
    size_t from = out->len;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < recipients->n; i++)
        rc = wrap(recipients->key[i], rng, file_key, aead, &stanzas[i], err);
    if (rc)
        return rc;
    age_header_format(stanzas, recipients->n, out);
    if (out->failed)
        return buf_failed(out, err);
    rc = mac_of(file_key, slice_of(out->data + from, out->len - from), mac, err);
    if (rc == 0)
        age_header_format_mac(mac, out);
    return rc ? rc : buf_failed(out, err);
}

static int seal_payload(const struct rng *rng, const uint8_t *file_key, struct crypto_aead *aead,
                        struct slice plain, struct buf *out, struct err *err)
{
    uint8_t nonce[PAYLOAD_NONCE_LEN];
    int rc;

    rng_fill(rng, nonce, sizeof(nonce));
    buf_append(out, nonce, sizeof(nonce));
    rc = payload_key(file_key, nonce, aead, err);
    return rc ? rc : seal_chunks(aead, plain, out, err);
}

int age_seal(const struct age_keys *recipients, const struct rng *rng, struct slice plain,
             struct buf *out, struct err *err)
{
    uint8_t file_key[FILE_KEY_LEN];
    struct crypto_aead *aead = NULL;
    int rc = crypto_aead_new_chacha(&aead, err);

    rng_fill(rng, file_key, sizeof(file_key));
    if (rc == 0)
        rc = seal_header(recipients, rng, file_key, aead, out, err);
    if (rc == 0)
        rc = seal_payload(rng, file_key, aead, plain, out, err);
    crypto_aead_free(aead);
    crypto_wipe(file_key, sizeof(file_key));
    return rc ? err_add(err, rc, "encrypt to %zu recipients", recipients->n) : 0;
}

static int open_with(struct crypto_aead *aead, const uint8_t *file_key, const struct age_header *h,
                     struct slice file, struct buf *out, struct err *err)
{
    uint8_t mac[CRYPTO_SHA256_LEN];
    size_t begin = h->len + PAYLOAD_NONCE_LEN;
    int rc = mac_of(file_key, slice_of(file.data, h->mac_of), mac, err);

    if (rc)
        return rc;
    if (!crypto_equal(mac, h->mac, sizeof(mac)))
        return damaged("header is altered: its MAC does not fit", err);
    if (file.len < begin)
        return damaged("payload is cut", err);
    if (file.len - begin > AGE_PLAIN_MAX)
        return err_set_gw(err, GW_BAD_VALUE, -EFBIG, "it is longer than a key can be");
    rc = payload_key(file_key, file.data + h->len, aead, err);
    if (rc == 0)
        rc = open_chunks(aead, slice_of(file.data + begin, file.len - begin), out, err);
    return rc;
}

int age_open(const struct age_keys *identities, struct slice file, struct buf *out, struct err *err)
{
    uint8_t file_key[FILE_KEY_LEN];
    struct crypto_aead *aead = NULL;
    struct age_header h;
    size_t before = out->len;
    int rc = age_header_parse(file, &h, err);

    if (rc == 0)
        rc = crypto_aead_new_chacha(&aead, err);
    if (rc == 0)
        rc = find_file_key(identities, &h, aead, file_key, err);
    if (rc == 0)
        rc = open_with(aead, file_key, &h, file, out, err);
    if (rc && out->len > before) {
        crypto_wipe(out->data + before, out->len - before);
        out->len = before;
    }
    crypto_aead_free(aead);
    crypto_wipe(file_key, sizeof(file_key));
    return rc;
}
