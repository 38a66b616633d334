/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of a vault key, and its file. */
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/secret.h"
#include "base/text.h"
#include "transport/vault.h"

#include <assert.h>

#include "base/banned.h"

#define KEY_PREFIX "gwk1."

enum { B64_LEN = 43, SUM_LEN = 8, TEXT_LEN = 5 + B64_LEN + 1 + SUM_LEN };

/* The first 8 hex digits of the key's SHA-256: catches a mistyped or cut key, says nothing of it
 * that a guess could use. */
static void sum_of(const uint8_t *key, char out[static SUM_LEN + 1])
{
    uint8_t sum[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN + 1];

    crypto_sha256(slice_of(key, CRYPTO_KEY_LEN), sum);
    text_hex(sum, sizeof(sum), hex);
    memcpy(out, hex, SUM_LEN);
    out[SUM_LEN] = '\0';
}

char *vault_key_format(const uint8_t *key, char *out)
{
    char b64[CRYPTO_KEY_LEN * 4 / 3 + 4];
    char sum[SUM_LEN + 1];
    int rc;

    sum_of(key, sum);
    rc = text_print(out, VAULT_KEY_TEXT_MAX, KEY_PREFIX "%s.%s\n",
                    crypto_b64url(key, CRYPTO_KEY_LEN, b64), sum);
    assert(rc == 0);
    (void)rc;
    crypto_wipe(b64, sizeof(b64));
    return out;
}

int vault_key_save(const char *path, const uint8_t *key, struct err *err)
{
    char line[VAULT_KEY_TEXT_MAX];
    int rc = fd_create_once(path, slice_str(vault_key_format(key, line)), 0600, err);

    crypto_wipe(line, sizeof(line));
    return rc;
}

int vault_key_create(const char *path, const struct rng *rng, uint8_t *ret_key, struct err *err)
{
    uint8_t key[CRYPTO_KEY_LEN];
    int rc;

    rng_fill(rng, key, sizeof(key));
    rc = vault_key_save(path, key, err);
    if (!rc)
        memcpy(ret_key, key, sizeof(key));
    crypto_wipe(key, sizeof(key));
    return rc ? err_add(err, rc, "make a vault key") : 0;
}

int vault_key_load(const char *ref, uint8_t *ret_key, struct err *err)
{
    auto_buf struct buf text = {0};
    const char *s;
    int rc = secret_load(ref, &text, err);

    if (rc)
        return err_add(err, rc, "load the vault key");
    s = buf_cstr(&text);
    rc = s ? vault_key_parse(s, ret_key, err) : err_set(err, -ENOMEM, "load the vault key: %m");
    crypto_wipe(text.data, text.len);
    return rc;
}

int vault_key_parse(const char *text, uint8_t *ret_key, struct err *err)
{
    uint8_t key[CRYPTO_KEY_LEN];
    char b64[B64_LEN + 1] = "";
    char again[CRYPTO_KEY_LEN * 4 / 3 + 4];
    char sum[SUM_LEN + 1];
    size_t prefix = strlen(KEY_PREFIX);
    size_t len = 0;
    int rc = -EINVAL;

    if (strlen(text) == TEXT_LEN && text_starts(text, KEY_PREFIX) &&
        text[prefix + B64_LEN] == '.') {
        memcpy(b64, text + prefix, B64_LEN);
        rc = crypto_unb64url(b64, key, sizeof(key), &len);
    }
    if (!rc && len == sizeof(key)) {
        sum_of(key, sum);
        /* The comparison of texts refuses a base64 with loose bits at its end. */
        if (!text_equal(sum, text + prefix + B64_LEN + 1) ||
            !crypto_equal(b64, crypto_b64url(key, sizeof(key), again), B64_LEN))
            rc = -EINVAL;
    }
    if (rc || len != sizeof(key))
        rc = err_set_gw(err, GW_VAULT_KEY, -EINVAL,
                        "not a vault key: one line " KEY_PREFIX "<key>.<check> is expected");
    else
        memcpy(ret_key, key, sizeof(key));
    crypto_wipe(key, sizeof(key));
    crypto_wipe(b64, sizeof(b64));
    crypto_wipe(again, sizeof(again));
    return rc;
}
