/* SPDX-License-Identifier: Apache-2.0 */
/* Objects "escrow/<16 hex>". docs/formats.md section 15. */
#include "transport/escrow.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/vault_impl.h"

#include <stdlib.h>

#include "base/banned.h"

#define ESCROW_PREFIX "escrow/"

enum { NAME_BYTES = 8 };

int escrow_check(const struct age_keys *recipients, struct err *err)
{
    if (recipients->n >= ESCROW_RECIPIENTS_MIN)
        return 0;
    return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                      "%zu recipient: name %d at least, so that losing one identity loses nothing",
                      recipients->n, ESCROW_RECIPIENTS_MIN);
}

/* A damaged copy is helped otherwise than the rest of a vault. */
static int fail_copy(const char *name, int rc, struct err *err)
{
    if (err && (rc == -EBADMSG || err->gw == GW_VAULT_DAMAGED))
        err->gw = GW_KEY_COPY;
    return err_add(err, rc, "%s", name);
}

/* ---- names ---------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, CRYPTO_X25519_LEN);
}

static int name_of(const struct vault *v, const struct age_keys *recipients, char *out,
                   struct err *err)
{
    struct age_keys sorted = *recipients;
    auto_buf struct buf text = {0};
    uint8_t mac[CRYPTO_SHA256_LEN];
    char hex[2 * NAME_BYTES + 1];

    qsort(sorted.key, sorted.n, sizeof(sorted.key[0]), compare);
    buf_str(&text, ESCROW_PREFIX "\n");
    buf_append(&text, sorted.key, sorted.n * sizeof(sorted.key[0]));
    if (text.failed)
        return buf_failed(&text, err);
    crypto_hmac_sha256(slice_of(vault_keys(v)->control, SEAL_KEY_LEN), buf_slice(&text), mac);
    return text_print(out, ESCROW_NAME_MAX, ESCROW_PREFIX "%s", text_hex(mac, NAME_BYTES, hex));
}

static bool is_name(const char *key)
{
    const char *hex = key + strlen(ESCROW_PREFIX);

    return text_starts(key, ESCROW_PREFIX) && strlen(hex) == 2 * (size_t)NAME_BYTES &&
           strspn(hex, "0123456789abcdef") == 2 * (size_t)NAME_BYTES;
}

/* ---- writing -------------------------------------------------------------------- */

/* What stands there may be damaged: then nobody could count on it. One for the same recipients is
 * as long as the one that was just made. */
static int look(struct vault *v, const char *name, struct buf *object, struct err *err)
{
    struct store_range range = {.max_bytes = ESCROW_OBJECT_MAX};
    const size_t len = object->len;
    struct age_header header;
    int rc;

    buf_clear(object);
    rc = vault_get(v, name, range, object, err);
    if (rc == 0)
        rc = age_header_parse(buf_slice(object), &header, err);
    if (rc == 0 && object->len != len)
        rc = err_set(err, -EBADMSG, "it has %zu bytes, not %zu", object->len, len);
    return rc ? fail_copy(name, rc, err) : 0;
}

static int seal_key(const struct vault *v, const uint8_t *key, const struct age_keys *recipients,
                    struct buf *out, struct err *err)
{
    char line[VAULT_KEY_TEXT_MAX];
    int rc = age_seal(recipients, vault_rng(v), slice_str(vault_key_format(key, line)), out, err);

    crypto_wipe(line, sizeof(line));
    return rc;
}

int escrow_put(struct vault *v, const uint8_t *key, const struct age_keys *recipients,
               char *ret_name, bool *ret_new, struct buf *ret_object, struct err *err)
{
    auto_buf struct buf object = {0};
    char name[ESCROW_NAME_MAX];
    bool weak, made;
    int rc = escrow_check(recipients, err);

    if (rc == 0 && !vault_encrypted(v))
        rc = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "a vault without encryption has no key");
    if (rc == 0)
        rc = name_of(v, recipients, name, err);
    if (rc == 0)
        rc = seal_key(v, key, recipients, &object, err);
    if (rc)
        return rc;
    rc = vault_create(v, name, buf_slice(&object), &weak, err);
    made = rc == 0;
    if (rc == -EEXIST) {
        err_clear(err);
        rc = look(v, name, &object, err);
    }
    if (rc)
        return err_add(err, rc, "keep the vault's key for %zu recipients", recipients->n);
    buf_append(ret_object, object.data, object.len);
    text_copy(ret_name, ESCROW_NAME_MAX, name);
    *ret_new = made;
    return buf_failed(ret_object, err);
}

/* ---- reading -------------------------------------------------------------------- */

struct names {
    char (*name)[ESCROW_NAME_MAX];
    size_t n;
};

static int add_name(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    struct names *names = arg;
    void *more;

    (void)size_bytes;
    (void)mtime_ms;
    if (!is_name(key))
        return 0;
    more = realloc(names->name, (names->n + 1) * sizeof(names->name[0]));
    if (!more)
        return -ENOMEM;
    names->name = more;
    return text_copy(names->name[names->n++], ESCROW_NAME_MAX, key);
}

/* The names first: a store is asked nothing else while it lists. */
static int list(struct store *s, struct names *ret, struct err *err)
{
    int rc = store_list(s, ESCROW_PREFIX, NULL, add_name, ret, err);

    return rc ? err_add(err, rc, "list the copies of the vault's key") : 0;
}

static int get(struct store *s, const char *name, struct buf *out, struct err *err)
{
    struct store_range range = {.max_bytes = ESCROW_OBJECT_MAX};
    int rc = store_get(s, name, range, out, err);

    if (rc == -EFBIG)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "%s is longer than it can be", name);
    return rc;
}

/* As long as a key's text, with or without its newline: more cannot be told without an identity. */
static bool holds_key(size_t payload_bytes)
{
    uint8_t any[CRYPTO_KEY_LEN] = {0};
    char line[VAULT_KEY_TEXT_MAX];
    const size_t whole = AGE_PAYLOAD_OVERHEAD + strlen(vault_key_format(any, line));

    return payload_bytes == whole || payload_bytes + 1 == whole;
}

static int tell(struct store *s, const char *name, escrow_fn fn, void *arg, struct err *err)
{
    auto_buf struct buf object = {0};
    struct escrow_item item = {.name = name};
    struct age_header header;
    int rc = get(s, name, &object, err);

    if (rc && rc != -EBADMSG)
        return rc;
    err_clear(err);
    item.bytes = object.len;
    if (rc == 0 && age_header_parse(buf_slice(&object), &header, NULL) == 0 &&
        holds_key(object.len - header.len))
        item.recipients = header.stanzas_n;
    return fn(arg, &item);
}

int escrow_list(struct store *s, escrow_fn fn, void *arg, struct err *err)
{
    struct names names = {0};
    int rc = list(s, &names, err);

    for (size_t i = 0; rc == 0 && i < names.n; i++)
        rc = tell(s, names.name[i], fn, arg, err);
    free(names.name);
    return rc;
}

static int try_key(const struct store_conf *conf, const uint8_t *key, struct err *err)
{
    struct vault_conf vault = {.store = *conf, .key = key};
    auto_vault struct vault *v = NULL;

    return vault_open(&vault, &v, err);
}

int escrow_open(const struct store_conf *conf, const struct age_keys *identities, struct slice file,
                uint8_t *ret_key, struct err *err)
{
    struct buf plain = {0};
    uint8_t key[CRYPTO_KEY_LEN];
    const char *text;
    int rc = age_open(identities, file, &plain, err);

    if (rc == 0 && plain.len > 0 && plain.data[plain.len - 1] == '\n')
        plain.len--;
    text = rc == 0 ? buf_cstr(&plain) : NULL;
    if (rc == 0)
        rc = text ? vault_key_parse(text, key, err) : err_set(err, -ENOMEM, "open a key: %m");
    if (rc == 0)
        rc = try_key(conf, key, err);
    if (rc == 0)
        memcpy(ret_key, key, sizeof(key));
    crypto_wipe(key, sizeof(key));
    crypto_wipe(plain.data, plain.cap);
    buf_done(&plain);
    return rc;
}

static int recover_from(struct store *s, const struct store_conf *conf,
                        const struct age_keys *identities, const char *name, uint8_t *ret_key,
                        struct err *err)
{
    auto_buf struct buf object = {0};
    int rc = get(s, name, &object, err);

    if (rc == 0)
        rc = escrow_open(conf, identities, buf_slice(&object), ret_key, err);
    return rc ? fail_copy(name, rc, err) : 0;
}

/* One that is damaged or for others does not end the search. */
static bool may_go_on(const struct err *err)
{
    return !err->retryable && err->code != -ECANCELED && err->code != -ENOMEM &&
           err->code != -EACCES;
}

/* The first failure is what is told. */
static int search(struct store *s, const struct store_conf *conf, const struct names *names,
                  const struct age_keys *identities, uint8_t *ret_key, char *ret_name,
                  struct err *err)
{
    struct err first = {0}, now = {0};
    int rc = -ENOENT;

    for (size_t i = 0; i < names->n; i++) {
        rc = recover_from(s, conf, identities, names->name[i], ret_key, &now);
        if (rc == 0)
            return text_copy(ret_name, ESCROW_NAME_MAX, names->name[i]);
        if (!first.code || !may_go_on(&now))
            first = now;
        if (!may_go_on(&now))
            break;
        err_clear(&now);
    }
    if (names->n == 0)
        return err_set_gw(err, GW_NOT_FOUND, -ENOENT, "no copy of the vault's key is in %s",
                          store_url(s));
    if (err)
        *err = first;
    return first.code;
}

int escrow_recover(const struct store_conf *conf, const struct age_keys *identities,
                   uint8_t *ret_key, char *ret_name, struct err *err)
{
    auto_store struct store *s = NULL;
    struct names names = {0};
    int rc = store_open(conf, &s, err);

    if (rc == 0)
        rc = list(s, &names, err);
    if (rc == 0)
        rc = search(s, conf, &names, identities, ret_key, ret_name, err);
    free(names.name);
    return rc;
}
