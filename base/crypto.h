/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes, keys and sealing over OpenSSL 3. Nothing here invents a construction. */
#ifndef GODWIT_BASE_CRYPTO_H
#define GODWIT_BASE_CRYPTO_H

#include "base/slice.h"

#include <stdbool.h>

struct err;

enum { CRYPTO_SHA256_LEN = 32, CRYPTO_KEY_LEN = 32, CRYPTO_TAG_LEN = 16, CRYPTO_NONCE_LEN = 12 };

/* One-shot hashes; out has 32 bytes. They fail only when OpenSSL has no memory: then they abort. */
void crypto_sha256(struct slice data, uint8_t *out);
void crypto_hmac_sha256(struct slice key, struct slice data, uint8_t *out);

/* SHA-1, for names that others chose so: it proves nothing. -EIO: this OpenSSL refuses it (FIPS).
 */
enum { CRYPTO_SHA1_LEN = 20 };
int crypto_sha1(struct slice data, uint8_t *out, struct err *err);

struct crypto_hash; /* SHA-256 of a stream; one owner */
int crypto_hash_new(struct crypto_hash **ret, struct err *err);
void crypto_hash_reset(struct crypto_hash *h);
void crypto_hash_add(struct crypto_hash *h, struct slice data);
void crypto_hash_get(struct crypto_hash *h, uint8_t *out); /* ends it; reset before using again */
void crypto_hash_free(struct crypto_hash *h);

/* HKDF-SHA256 (RFC 5869); out of out_len <= 255 * 32 bytes. */
int crypto_hkdf(struct slice key, struct slice salt, struct slice info, uint8_t *out,
                size_t out_len, struct err *err);

/*
 * X25519 (RFC 7748); keys have 32 bytes. -EBADMSG: the other side's point is of low order, so that
 * the result would be zeroes whatever the secret.
 */
enum { CRYPTO_X25519_LEN = 32 };
int crypto_x25519(const uint8_t *secret, const uint8_t *point, uint8_t *out, struct err *err);
int crypto_x25519_public(const uint8_t *secret, uint8_t *out, struct err *err);

/*
 * AES-256-GCM, or ChaCha20-Poly1305 (RFC 8439). A context is owned by one thread and reused for
 * many calls under keys of its own. nonce has 12 bytes and must never repeat under one key: the
 * caller counts.
 */
struct crypto_aead;
int crypto_aead_new(struct crypto_aead **ret, struct err *err);
int crypto_aead_new_chacha(struct crypto_aead **ret, struct err *err);
void crypto_aead_free(struct crypto_aead *a);
int crypto_aead_key(struct crypto_aead *a, const uint8_t *key, struct err *err); /* 32 bytes */
/* out gets plain.len + 16 bytes (the tag last); may be plain's own memory. */
int crypto_aead_seal(struct crypto_aead *a, const uint8_t *nonce, struct slice ad,
                     struct slice plain, uint8_t *out, struct err *err);
/* out gets sealed.len - 16 bytes. -EBADMSG when the tag is wrong (out is wiped). */
int crypto_aead_open(struct crypto_aead *a, const uint8_t *nonce, struct slice ad,
                     struct slice sealed, uint8_t *out, struct err *err);

bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */
void crypto_wipe(void *p, size_t len);
/* URL-safe base64 without padding; out has len * 4 / 3 + 4 bytes. Returns out. */
char *crypto_b64url(const void *data, size_t len, char *out);
/* *ret_len bytes, at most size. -EINVAL. */
int crypto_unb64url(const char *text, void *out, size_t size, size_t *ret_len);
/* The same with '+' and '/' (RFC 4648, section 4), without padding too. */
char *crypto_b64(const void *data, size_t len, char *out);
int crypto_unb64(const char *text, void *out, size_t size, size_t *ret_len);

/* OpenSSL's, as linked at run time. */
const char *crypto_version(void);

#endif
