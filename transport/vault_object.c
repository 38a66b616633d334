/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of text, so that people see what it is. The first line holds the format number; the last a
 * plain checksum, which tells damage from a wrong key.
 */
#include "transport/vault_object.h"

#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/vault.h"

#include "base/banned.h"

#define FIRST_WORDS "godwit vault "

enum { SUM_HEX_LEN = 2 * CRYPTO_SHA256_LEN };

struct claims {
    uint8_t id[VAULT_ID_LEN];
    bool encrypted;
    uint8_t check[CRYPTO_SHA256_LEN];
};

/* The lines that the key check is taken of. */
static void head_format(const uint8_t *id, bool encrypted, struct buf *out)
{
    buf_printf(out, FIRST_WORDS "%d\nid ", VAULT_FORMAT);
    buf_hex(out, id, VAULT_ID_LEN);
    buf_printf(out, "\nencryption %s\n", encrypted ? "aes-256-gcm" : "none");
}

static int object_format(const struct claims *c, struct buf *out, struct err *err)
{
    size_t from = out->len;
    uint8_t sum[CRYPTO_SHA256_LEN];

    head_format(c->id, c->encrypted, out);
    buf_str(out, "check ");
    buf_hex(out, c->check, sizeof(c->check));
    buf_str(out, "\n");
    if (out->failed)
        return buf_failed(out, err);
    crypto_sha256(slice_of(out->data + from, out->len - from), sum);
    buf_str(out, "sum ");
    buf_hex(out, sum, sizeof(sum));
    buf_str(out, "\n");
    return buf_failed(out, err);
}

static int check_of(const struct seal_keys *k, uint8_t *out, struct err *err)
{
    auto_buf struct buf head = {0};

    head_format(k->vault_id, k->encrypted, &head);
    if (head.failed)
        return buf_failed(&head, err);
    crypto_hmac_sha256(slice_of(k->check, SEAL_KEY_LEN), buf_slice(&head), out);
    return 0;
}

int vault_object_format(const struct seal_keys *k, struct buf *out, struct err *err)
{
    struct claims c = {.encrypted = k->encrypted};
    int rc = check_of(k, c.check, err);

    if (rc)
        return rc;
    memcpy(c.id, k->vault_id, sizeof(c.id));
    return object_format(&c, out, err);
}

static int damaged(const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_OBJECT, -EBADMSG, "the vault object %s", what);
}

/* The first line alone. */
static int format_check(const char *text, struct err *err)
{
    char number[8] = "";
    size_t skip = strlen(FIRST_WORDS);
    uint64_t format;
    size_t digits;

    if (!text_starts(text, FIRST_WORDS))
        return damaged("is not that of a vault", err);
    digits = strspn(text + skip, "0123456789");
    if (digits == 0 || digits >= sizeof(number) || text[skip + digits] != '\n')
        return damaged("has no format number", err);
    memcpy(number, text + skip, digits);
    if (num_parse_u64(number, 1, UINT32_MAX, &format, NULL) != 0)
        return damaged("has no format number", err);
    if (format > VAULT_FORMAT)
        return err_set_gw(err, GW_VAULT_NEWER, -EPROTO,
                          "the vault has format %s, or is damaged; this program reads up to %d",
                          number, VAULT_FORMAT);
    return 0;
}

/* Exactly len bytes in hex after label, wherever it stands. */
static int hex_after(const char *text, const char *label, uint8_t *out, size_t len)
{
    const char *at = strstr(text, label);
    char hex[SUM_HEX_LEN + 1] = "";

    if (!at)
        return -EINVAL;
    at += strlen(label);
    if (strnlen(at, 2 * len) != 2 * len)
        return -EINVAL;
    memcpy(hex, at, 2 * len);
    return text_unhex(hex, out, len);
}

/* What it says is read loosely, written anew, and must then be the same bytes. */
static int claims_parse(struct slice object, const char *text, struct claims *ret, struct err *err)
{
    auto_buf struct buf again = {0};
    int rc;

    if (hex_after(text, "\nid ", ret->id, sizeof(ret->id)) != 0 ||
        hex_after(text, "\ncheck ", ret->check, sizeof(ret->check)) != 0)
        return damaged("is altered or cut", err);
    ret->encrypted = strstr(text, "\nencryption none\n") == NULL;
    rc = object_format(ret, &again, err);
    if (rc)
        return rc;
    if (again.len != object.len || memcmp(again.data, object.data, object.len) != 0)
        return damaged("is altered or cut", err);
    return 0;
}

/* Is this an object of ours whose sums hold, but for the number in its first line? */
static bool is_renumbered(const char *text)
{
    auto_buf struct buf ours = {0};
    struct claims claims;
    const char *rest = strchr(text, '\n');

    buf_printf(&ours, FIRST_WORDS "%d%s", VAULT_FORMAT, rest ? rest : "");
    return buf_cstr(&ours) && claims_parse(buf_slice(&ours), buf_cstr(&ours), &claims, NULL) == 0;
}

static int key_check(const struct claims *c, const struct seal_keys *k, struct err *err)
{
    uint8_t check[CRYPTO_SHA256_LEN];
    int rc = check_of(k, check, err);

    if (rc)
        return rc;
    if (crypto_equal(check, c->check, sizeof(check)))
        return 0;
    if (!k->encrypted)
        return damaged("was not written by this program", err);
    return err_set_gw(err, GW_VAULT_KEY, -EKEYREJECTED, "this is not the vault's key");
}

int vault_object_open(struct slice object, const uint8_t *vault_key, struct seal_keys *ret,
                      struct err *err)
{
    auto_buf struct buf copy = {0};
    struct seal_keys keys;
    struct claims claims;
    const char *text;
    int rc;

    buf_append(&copy, object.data, object.len);
    text = buf_cstr(&copy);
    if (!text)
        return err_set(err, -ENOMEM, "read a vault: %m");
    rc = format_check(text, err);
    if (rc == -EPROTO && is_renumbered(text))
        rc = damaged("has an altered format number", err);
    if (!rc)
        rc = claims_parse(object, text, &claims, err);
    if (rc)
        return rc;
    if (claims.encrypted != (vault_key != NULL))
        return err_set_gw(err, claims.encrypted ? GW_VAULT_KEY : GW_VAULT_PLAIN, -EKEYREJECTED,
                          claims.encrypted ? "the vault is encrypted and needs its key"
                                           : "the vault is not encrypted, yet a key was given");
    rc = seal_keys_derive(vault_key, claims.id, &keys, err);
    if (!rc)
        rc = key_check(&claims, &keys, err);
    if (!rc)
        *ret = keys;
    seal_keys_wipe(&keys);
    return rc;
}
