/* SPDX-License-Identifier: Apache-2.0 */
/* Vaults to test with, data that differs, and objects to damage. */
#ifndef GODWIT_TESTS_VAULT_FIXTURE_H
#define GODWIT_TESTS_VAULT_FIXTURE_H

#include "tests/unit.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "transport/pack.h"
#include "transport/vault_impl.h"

static const uint8_t fixture_key[32] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                        12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                        23, 24, 25, 26, 27, 28, 29, 30, 31, 32};

/* Opened or made; key NULL = without encryption. */
static inline struct vault *fixture_vault(const char *url, const uint8_t *key)
{
    struct vault_conf conf = {.store = {.url = url}, .key = key, .create = true};
    struct vault *v = NULL;
    struct err err = {0};

    if (vault_open(&conf, &v, &err) != 0)
        fail_msg("open %s: %s", url, err.text);
    return v;
}

/* xorshift64*: repeatable, and incompressible. */
static inline uint64_t fixture_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static inline void fixture_noise(uint64_t seed, void *out, size_t len)
{
    uint64_t state = seed * 2 + 1;
    uint8_t *at = out;

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(fixture_random(&state) >> 32);
}

/* Compressible, and different for every seed. */
static inline void fixture_prose(uint64_t seed, void *out, size_t len)
{
    uint8_t *at = out;

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)((uint8_t) "the godwit flies "[i % 17] + (i % 97 == 0 ? seed % 23 : 0));
    if (len >= sizeof(seed))
        memcpy(out, &seed, sizeof(seed));
}

/* The bytes of an object, appended to out. */
static inline void fixture_get(struct vault *v, const char *key, struct buf *out)
{
    assert_ok(store_get(vault_store(v), key, (struct store_range){0}, out, NULL));
}

static inline void fixture_put(struct vault *v, const char *key, struct slice body)
{
    assert_ok(store_put(vault_store(v), key, body, NULL, STORE_PUT_REPLACE, NULL));
}

/* A control record with a MAC that fits, whatever it says. */
static inline void fixture_put_record(struct vault *v, const char *key, struct slice body)
{
    auto_buf struct buf text = {0};
    auto_buf struct buf object = {0};
    uint8_t mac[CRYPTO_SHA256_LEN];

    buf_printf(&text, "%s\n", key);
    buf_append(&text, body.data, body.len);
    crypto_hmac_sha256(slice_of(vault_keys(v)->control, SEAL_KEY_LEN), buf_slice(&text), mac);
    buf_str(&object, "{\"body\":");
    buf_append(&object, body.data, body.len);
    buf_str(&object, ",\"hmac\":\"");
    buf_hex(&object, mac, sizeof(mac));
    buf_str(&object, "\"}");
    fixture_put(v, key, buf_slice(&object));
}

/* One pack of n equal-sized units of kind, in the store; units gets them. */
static inline void fixture_pack(struct vault *v, enum unit_kind kind, const struct slice *raws,
                                size_t n, struct unit *units)
{
    auto_free uint8_t *mem = malloc(PACK_BYTES_MAX);
    auto_pack struct pack *p = NULL;
    uint8_t pack_name[PACK_NAME_LEN];
    struct slice body;

    assert_non_null(mem);
    assert_ok(pack_new(v, kind, &p, NULL));
    assert_ok(pack_begin(p, mem, NULL));
    for (size_t i = 0; i < n; i++) {
        uint8_t id[UNIT_ID_LEN];

        unit_id_of(v, raws[i], id);
        assert_ok(pack_add(p, id, raws[i], 0, NULL));
    }
    assert_ok(pack_finish(p, &body, pack_name, NULL));
    assert_ok(pack_put(vault_store(v), kind, pack_name, body, NULL));
    for (size_t i = 0; i < n; i++)
        pack_unit(p, i, &units[i]);
}

#endif
