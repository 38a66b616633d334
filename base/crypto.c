/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes, keys and sealing over OpenSSL 3.
 *
 * Looking an algorithm up by name costs more than hashing a small block, so each is fetched once
 * and kept for the life of the process.
 */
#include "base/crypto.h"

#include "base/err.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/banned.h"

/* Fetched once, read-only after; the one piece of shared state, private to this file. */
static pthread_once_t algorithms_once = PTHREAD_ONCE_INIT;
static struct {
    EVP_MD *sha256;
    EVP_CIPHER *aes_gcm, *chacha;
    EVP_KDF *hkdf;
    EVP_MAC_CTX *hmac; /* HMAC-SHA-256 under a dummy key, to be copied */
} algorithms;

static EVP_MAC_CTX *fetch_hmac(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

    EVP_MAC_free(mac);
    /* OpenSSL 3.0 copies only contexts that were started, hence the dummy key. */
    if (!ctx || EVP_MAC_init(ctx, (const unsigned char *)"", 1, params) != 1)
        abort();
    return ctx;
}

static void algorithms_fetch(void)
{
    algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    algorithms.aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    algorithms.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    algorithms.chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    if (!algorithms.sha256 || !algorithms.aes_gcm || !algorithms.chacha || !algorithms.hkdf)
        abort(); /* an OpenSSL without its default provider: nothing of ours can run */
    algorithms.hmac = fetch_hmac();
}

static void algorithms_need(void)
{
    pthread_once(&algorithms_once, algorithms_fetch);
}

void crypto_sha256(struct slice data, uint8_t *out)
{
    algorithms_need();
    if (EVP_Digest(data.data, data.len, out, NULL, algorithms.sha256, NULL) != 1)
        abort();
}

int crypto_sha1(struct slice data, uint8_t *out, struct err *err)
{
    if (EVP_Digest(data.data, data.len, out, NULL, EVP_sha1(), NULL) != 1)
        return err_set(err, -EIO, "SHA-1 is refused here");
    return 0;
}

void crypto_hmac_sha256(struct slice key, struct slice data, uint8_t *out)
{
    EVP_MAC_CTX *ctx;
    size_t len;

    algorithms_need();
    ctx = EVP_MAC_CTX_dup(algorithms.hmac);
    /* A NULL key would mean "keep the dummy one". */
    if (!ctx ||
        EVP_MAC_init(ctx, key.data ? key.data : (const unsigned char *)"", key.len, NULL) != 1 ||
        EVP_MAC_update(ctx, data.data, data.len) != 1 ||
        EVP_MAC_final(ctx, out, &len, CRYPTO_SHA256_LEN) != 1)
        abort();
    EVP_MAC_CTX_free(ctx);
}

struct crypto_hash {
    EVP_MD_CTX *ctx;
};

int crypto_hash_new(struct crypto_hash **ret, struct err *err)
{
    struct crypto_hash *h = calloc(1, sizeof(*h));

    algorithms_need();
    if (h)
        h->ctx = EVP_MD_CTX_new();
    if (!h || !h->ctx || EVP_DigestInit_ex2(h->ctx, algorithms.sha256, NULL) != 1) {
        crypto_hash_free(h);
        return err_set(err, -ENOMEM, "start a hash: %m");
    }
    *ret = h;
    return 0;
}

void crypto_hash_reset(struct crypto_hash *h)
{
    if (EVP_DigestInit_ex2(h->ctx, NULL, NULL) != 1)
        abort();
}

void crypto_hash_add(struct crypto_hash *h, struct slice data)
{
    if (EVP_DigestUpdate(h->ctx, data.data, data.len) != 1)
        abort();
}

void crypto_hash_get(struct crypto_hash *h, uint8_t *out)
{
    if (EVP_DigestFinal_ex(h->ctx, out, NULL) != 1)
        abort();
}

void crypto_hash_free(struct crypto_hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

static OSSL_PARAM octets(const char *name, struct slice s)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)s.data, s.len);
}

int crypto_hkdf(struct slice key, struct slice salt, struct slice info, uint8_t *out,
                size_t out_len, struct err *err)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[5];
    EVP_KDF_CTX *ctx;
    size_t n = 0;
    int ok;

    if (key.len == 0 || out_len == 0 || out_len > 255 * (size_t)CRYPTO_SHA256_LEN)
        return err_set(err, -EINVAL, "cannot derive %zu bytes from a key of %zu", out_len, key.len);
    algorithms_need();
    ctx = EVP_KDF_CTX_new(algorithms.hkdf);
    params[n++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[n++] = octets(OSSL_KDF_PARAM_KEY, key);
    if (salt.len > 0)
        params[n++] = octets(OSSL_KDF_PARAM_SALT, salt);
    if (info.len > 0)
        params[n++] = octets(OSSL_KDF_PARAM_INFO, info);
    params[n] = OSSL_PARAM_construct_end();
    ok = ctx && EVP_KDF_derive(ctx, out, out_len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    return ok ? 0 : err_set(err, -ENOMEM, "derive a key: %m");
}

int crypto_x25519(const uint8_t *secret, const uint8_t *point, uint8_t *out, struct err *err)
{
    EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, CRYPTO_X25519_LEN);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, CRYPTO_X25519_LEN);
    EVP_PKEY_CTX *ctx = mine && theirs ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
    size_t len = CRYPTO_X25519_LEN;
    int rc = 0;

    if (!ctx || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, theirs) != 1)
        rc = err_set(err, -ENOMEM, "agree on a key: %m");
    else if (EVP_PKEY_derive(ctx, out, &len) != 1) /* it refuses a result of zeroes */
        rc = err_set(err, -EBADMSG, "a public key of low order");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    return rc;
}

int crypto_x25519_public(const uint8_t *secret, uint8_t *out, struct err *err)
{
    EVP_PKEY *mine = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, CRYPTO_X25519_LEN);
    size_t len = CRYPTO_X25519_LEN;
    bool ok = mine && EVP_PKEY_get_raw_public_key(mine, out, &len) == 1;

    EVP_PKEY_free(mine);
    return ok ? 0 : err_set(err, -ENOMEM, "compute a public key: %m");
}

struct crypto_aead {
    const EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *seal, *open;
    bool keyed;
};

static int aead_new(const EVP_CIPHER *cipher, struct crypto_aead **ret, struct err *err)
{
    struct crypto_aead *a = calloc(1, sizeof(*a));

    if (a) {
        a->cipher = cipher;
        a->seal = EVP_CIPHER_CTX_new();
        a->open = EVP_CIPHER_CTX_new();
    }
    if (!a || !a->seal || !a->open) {
        crypto_aead_free(a);
        return err_set(err, -ENOMEM, "start a cipher: %m");
    }
    *ret = a;
    return 0;
}

int crypto_aead_new(struct crypto_aead **ret, struct err *err)
{
    algorithms_need();
    return aead_new(algorithms.aes_gcm, ret, err);
}

int crypto_aead_new_chacha(struct crypto_aead **ret, struct err *err)
{
    algorithms_need();
    return aead_new(algorithms.chacha, ret, err);
}

void crypto_aead_free(struct crypto_aead *a)
{
    if (!a)
        return;
    EVP_CIPHER_CTX_free(a->seal); /* wipes the key schedule */
    EVP_CIPHER_CTX_free(a->open);
    free(a);
}

int crypto_aead_key(struct crypto_aead *a, const uint8_t *key, struct err *err)
{
    if (EVP_EncryptInit_ex2(a->seal, a->cipher, key, NULL, NULL) != 1 ||
        EVP_DecryptInit_ex2(a->open, a->cipher, key, NULL, NULL) != 1)
        return err_set(err, -ENOMEM, "set a key: %m");
    a->keyed = true;
    return 0;
}

/* OpenSSL counts in int; nothing of ours is near that. */
static bool fits(struct slice ad, struct slice text)
{
    return ad.len <= INT_MAX && text.len <= INT_MAX - CRYPTO_TAG_LEN;
}

int crypto_aead_seal(struct crypto_aead *a, const uint8_t *nonce, struct slice ad,
                     struct slice plain, uint8_t *out, struct err *err)
{
    int len = 0;

    assert(a->keyed);
    if (!fits(ad, plain))
        return err_set(err, -EFBIG, "seal %zu bytes: %m", plain.len);
    if (EVP_EncryptInit_ex2(a->seal, NULL, NULL, nonce, NULL) != 1 ||
        (ad.len && EVP_EncryptUpdate(a->seal, NULL, &len, ad.data, (int)ad.len) != 1) ||
        (plain.len && EVP_EncryptUpdate(a->seal, out, &len, plain.data, (int)plain.len) != 1) ||
        EVP_EncryptFinal_ex(a->seal, out + plain.len, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(a->seal, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN, out + plain.len) != 1)
        return err_set(err, -EIO, "seal %zu bytes: %m", plain.len);
    return 0;
}

int crypto_aead_open(struct crypto_aead *a, const uint8_t *nonce, struct slice ad,
                     struct slice sealed, uint8_t *out, struct err *err)
{
    uint8_t tag[CRYPTO_TAG_LEN];
    size_t plain_len;
    int len = 0;

    assert(a->keyed);
    if (sealed.len < CRYPTO_TAG_LEN || !fits(ad, sealed))
        return err_set(err, -EBADMSG, "%zu bytes cannot be a sealed message", sealed.len);
    plain_len = sealed.len - CRYPTO_TAG_LEN;
    memcpy(tag, sealed.data + plain_len, sizeof(tag)); /* out may overlap */
    if (EVP_DecryptInit_ex2(a->open, NULL, NULL, nonce, NULL) != 1 ||
        (ad.len && EVP_DecryptUpdate(a->open, NULL, &len, ad.data, (int)ad.len) != 1) ||
        (plain_len && EVP_DecryptUpdate(a->open, out, &len, sealed.data, (int)plain_len) != 1) ||
        EVP_CIPHER_CTX_ctrl(a->open, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) != 1 ||
        EVP_DecryptFinal_ex(a->open, out + plain_len, &len) != 1) {
        crypto_wipe(out, plain_len);
        return err_set(err, -EBADMSG, "the seal does not verify");
    }
    return 0;
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *p, size_t len)
{
    if (p)
        OPENSSL_cleanse(p, len);
}

static const char b64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const char b64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *b64_format(const char *digits, const void *data, size_t len, char *out)
{
    const uint8_t *in = data;
    uint32_t bits = 0;
    unsigned held = 0;
    char *at = out;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | in[i];
        held += 8;
        for (; held >= 6; held -= 6)
            *at++ = digits[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *at++ = digits[bits << (6 - held) & 63];
    *at = '\0';
    return out;
}

static int b64_parse(const char *digits, const char *text, void *out, size_t size, size_t *ret_len)
{
    uint8_t *to = out;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t len = 0;

    for (; *text; text++) {
        const char *digit = memchr(digits, *text, 64);

        if (!digit)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)(digit - digits);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (len == size)
            return -EINVAL;
        to[len++] = (uint8_t)(bits >> held);
    }
    /* A lone digit, or bits left over that are not zero: two texts would mean the same bytes. */
    if (held == 6 || (bits & ((1u << held) - 1)) != 0)
        return -EINVAL;
    *ret_len = len;
    return 0;
}

char *crypto_b64url(const void *data, size_t len, char *out)
{
    return b64_format(b64url_digits, data, len, out);
}

int crypto_unb64url(const char *text, void *out, size_t size, size_t *ret_len)
{
    return b64_parse(b64url_digits, text, out, size, ret_len);
}

char *crypto_b64(const void *data, size_t len, char *out)
{
    return b64_format(b64_digits, data, len, out);
}

int crypto_unb64(const char *text, void *out, size_t size, size_t *ret_len)
{
    return b64_parse(b64_digits, text, out, size, ret_len);
}

const char *crypto_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
