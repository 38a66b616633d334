/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One envelope around everything that is decided in a vault.
 *
 * An object is {"body":B,"hmac":"<64 hex>"} with B compact JSON; the HMAC is over the object's key,
 * a newline, and the bytes of B as they stand, so that nothing has to be put into a canonical form
 * to be checked, and no object can stand in for another.
 */
#include "transport/record.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/vault_impl.h"

#include "base/banned.h"

#define ENVELOPE_HEAD "{\"body\":"
#define ENVELOPE_MIDDLE ",\"hmac\":\""
#define ENVELOPE_TAIL "\"}"

enum {
    MAC_HEX_LEN = 2 * CRYPTO_SHA256_LEN,
    ENVELOPE_LEN =
        sizeof(ENVELOPE_HEAD) + sizeof(ENVELOPE_MIDDLE) + sizeof(ENVELOPE_TAIL) - 3 + MAC_HEX_LEN
};

int record_damaged(const char *key, const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "%s %s", key, what);
}

static int mac_of(const struct vault *v, const char *key, struct slice body, char *ret_hex,
                  struct err *err)
{
    auto_buf struct buf text = {0};
    uint8_t mac[CRYPTO_SHA256_LEN];

    buf_printf(&text, "%s\n", key);
    buf_append(&text, body.data, body.len);
    if (text.failed)
        return buf_failed(&text, err);
    crypto_hmac_sha256(slice_of(vault_keys(v)->control, SEAL_KEY_LEN), buf_slice(&text), mac);
    text_hex(mac, sizeof(mac), ret_hex);
    return 0;
}

static int envelope_wrap(const struct vault *v, const char *key, struct slice body, struct buf *out,
                         struct err *err)
{
    char hex[MAC_HEX_LEN + 1];
    int rc = mac_of(v, key, body, hex, err);

    if (rc)
        return rc;
    buf_str(out, ENVELOPE_HEAD);
    buf_append(out, body.data, body.len);
    buf_str(out, ENVELOPE_MIDDLE);
    buf_str(out, hex);
    buf_str(out, ENVELOPE_TAIL);
    return buf_failed(out, err);
}

/* The body, authenticated, inside object. */
static int envelope_open(const struct vault *v, const char *key, struct slice object,
                         struct slice *ret, struct err *err)
{
    auto_buf struct buf again = {0};
    struct slice body;
    int rc;

    if (object.len < ENVELOPE_LEN)
        return record_damaged(key, "is cut short", err);
    body = slice_of(object.data + strlen(ENVELOPE_HEAD), object.len - ENVELOPE_LEN);
    rc = envelope_wrap(v, key, body, &again, err);
    if (rc)
        return rc;
    if (!crypto_equal(again.data, object.data, object.len))
        return record_damaged(key, "is forged or altered", err);
    *ret = body;
    return 0;
}

int record_create(struct vault *v, const char *key, struct jsw *w, size_t max, bool *ret_weak,
                  struct err *err)
{
    auto_buf struct buf body = {0};
    auto_buf struct buf object = {0};
    int rc = jsw_finish(w, false, &body, err);

    if (!rc)
        rc = envelope_wrap(v, key, buf_slice(&body), &object, err);
    if (!rc && object.len > max)
        rc = err_set(err, -EFBIG, "%s would have %zu bytes", key, object.len);
    if (rc)
        return rc;
    if (ret_weak)
        return vault_create(v, key, buf_slice(&object), ret_weak, err);
    return store_put(vault_store(v), key, buf_slice(&object), NULL, STORE_PUT_CREATE_ONLY, err);
}

int record_load(struct vault *v, const char *key, size_t max, struct js **ret, struct err *err)
{
    struct store_range range = {.max_bytes = max};
    auto_buf struct buf object = {0};
    auto_js struct js *doc = NULL;
    struct slice body;
    int rc = store_get(vault_store(v), key, range, &object, err);

    if (rc == -EFBIG)
        return record_damaged(key, "is longer than it can be", err);
    if (rc)
        return rc;
    rc = envelope_open(v, key, buf_slice(&object), &body, err);
    if (rc)
        return rc;
    if (js_parse(body, max, &doc, NULL) != 0 || js_kind(doc) != JS_OBJ)
        return record_damaged(key, "is no document", err);
    *ret = TAKE(doc);
    return 0;
}
