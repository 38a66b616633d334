/* SPDX-License-Identifier: Apache-2.0 */
/* Naming, checking, fetching and opening units; sealing them is pack.c. */
#include "transport/unit.h"

#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "transport/codec.h"
#include "transport/digest.h"
#include "transport/pack.h"
#include "transport/vault_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { PIECES_MAX = UNIT_RAW_MAX / UNIT_PIECE };

void unit_id(const struct vault *v, uint32_t raw_len, const uint8_t *digests, uint8_t *ret_id)
{
    size_t len = (size_t)num_div_up(raw_len, UNIT_PIECE) * CRYPTO_SHA256_LEN;
    uint8_t text[4 + PIECES_MAX * CRYPTO_SHA256_LEN];
    uint8_t full[CRYPTO_SHA256_LEN];

    assert(raw_len > 0 && raw_len <= UNIT_RAW_MAX);
    for (int i = 0; i < 4; i++)
        text[i] = (uint8_t)(raw_len >> (8 * i));
    memcpy(text + 4, digests, len);
    crypto_hmac_sha256(slice_of(vault_keys(v)->id, SEAL_KEY_LEN), slice_of(text, 4 + len), full);
    memcpy(ret_id, full, UNIT_ID_LEN);
}

void unit_id_of(const struct vault *v, struct slice raw, uint8_t *ret_id)
{
    uint8_t digests[PIECES_MAX * CRYPTO_SHA256_LEN];

    _Static_assert((int)UNIT_PIECE == (int)VOLUME_BLOCK, "pieces are digested as blocks are");
    assert(raw.len > 0 && raw.len <= UNIT_RAW_MAX);
    digest_row(raw, digests);
    unit_id(v, (uint32_t)raw.len, digests, ret_id);
}

bool unit_same(const struct unit *a, const struct unit *b)
{
    return a->segment == b->segment && a->offset == b->offset &&
           memcmp(a->pack, b->pack, sizeof(a->pack)) == 0;
}

static bool lengths_fit(const struct unit *u)
{
    uint32_t max = u->kind == UNIT_DATA ? UNIT_DATA_MAX : UNIT_RAW_MAX;

    if (u->raw_len == 0 || u->raw_len > max)
        return false;
    if (u->kind == UNIT_DATA && u->raw_len % 4096 != 0)
        return false;
    if (u->codec == CODEC_RAW)
        return u->stored_len == u->raw_len + SEAL_TAG_LEN;
    return u->codec == CODEC_ZSTD && u->stored_len > SEAL_TAG_LEN &&
           u->stored_len < u->raw_len + SEAL_TAG_LEN;
}

int unit_check(const struct unit *u, struct err *err)
{
    if ((u->kind != UNIT_DATA && u->kind != UNIT_MAP) || !lengths_fit(u) ||
        u->segment >= PACK_UNITS_MAX || u->offset < PACK_HEADER_LEN ||
        u->offset > PACK_BYTES_MAX - u->stored_len)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                          "a unit of %u bytes in %u at %u is out of bounds", u->raw_len,
                          u->stored_len, u->offset);
    return 0;
}

int unit_unseal(struct vault *v, const struct seal_segment *seg, struct slice sealed, uint8_t *out,
                struct err *err)
{
    size_t len = sealed.len - SEAL_TAG_LEN;
    uint8_t *scratch;
    int rc;

    if (seg->codec == CODEC_RAW)
        return seal_open(vault_seal(v), seg, sealed, out, err);
    rc = vault_scratch(v, len, &scratch, err);
    if (rc)
        return rc;
    rc = seal_open(vault_seal(v), seg, sealed, scratch, err);
    if (rc)
        return rc;
    return codec_decompress(vault_codec(v), slice_of(scratch, len), out, seg->raw_len, err);
}

int unit_open(struct vault *v, const struct unit *u, struct slice sealed, uint8_t *out,
              struct err *err)
{
    struct seal_segment seg = {.index = u->segment, .raw_len = u->raw_len, .codec = u->codec};
    enum seal_use use = u->kind == UNIT_DATA ? SEAL_PACK_DATA : SEAL_PACK_MAP;
    char key[PACK_KEY_MAX];
    int rc = unit_check(u, err);

    if (!rc && sealed.len != u->stored_len)
        rc = err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "got %zu bytes of a unit of %u",
                        sealed.len, u->stored_len);
    if (!rc)
        rc = seal_rekey(vault_seal(v), use, u->salt, err);
    if (!rc)
        rc = unit_unseal(v, &seg, sealed, out, err);
    if (rc)
        return err_add(err, rc, "%s from byte %u", pack_key(u->pack, key), u->offset);
    return 0;
}

static int fetch_once(struct vault *v, const struct unit *u, uint8_t *out, struct err *err)
{
    struct buf *body = vault_body(v);
    struct store_range range = {
        .offset = u->offset, .len = u->stored_len, .max_bytes = u->stored_len};
    char key[PACK_KEY_MAX];
    int rc = unit_check(u, err);

    if (rc)
        return rc;
    buf_clear(body);
    rc = vault_get(v, pack_key(u->pack, key), range, body, err);
    if (rc)
        return rc;
    return unit_open(v, u, buf_slice(body), out, err);
}

int unit_fetch(struct vault *v, const struct unit *u, uint8_t *out, struct err *err)
{
    int rc = fetch_once(v, u, out, err);

    if (rc != -EBADMSG)
        return rc;
    err_clear(err);
    return fetch_once(v, u, out, err);
}

int unit_fetch_new(struct vault *v, const struct unit *u, uint8_t **ret, struct err *err)
{
    auto_free uint8_t *raw = NULL;
    int rc = unit_check(u, err);

    if (rc)
        return rc;
    raw = malloc(u->raw_len);
    if (!raw)
        return err_set(err, -ENOMEM, "fetch a unit: %m");
    rc = unit_fetch(v, u, raw, err);
    if (!rc)
        *ret = TAKE(raw);
    return rc;
}
