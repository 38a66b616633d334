/* SPDX-License-Identifier: Apache-2.0 */
/* Reading whole packs back: the bytes against their name, the index against the bytes. */
#include "base/crypto.h"
#include "base/err.h"
#include "base/gw.h"
#include "transport/codec.h"
#include "transport/pack.h"
#include "transport/vault_impl.h"

#include <stdlib.h>

#include "base/banned.h"

enum { INDEX_ENTRY_LEN = UNIT_ID_LEN + 4 + 4 + 1, FLAG_ENCRYPTED = 1 };

struct trailer {
    uint32_t index_offset;
    uint32_t index_stored;
    uint32_t index_raw;
    uint32_t units_n;
    uint8_t codec;
};

static int load_once(struct vault *v, const uint8_t *name, struct buf *out, struct err *err)
{
    struct store_range whole = {.max_bytes = PACK_BYTES_MAX};
    size_t before = out->len;
    uint8_t sum[CRYPTO_SHA256_LEN];
    char key[PACK_KEY_MAX];
    int rc = vault_get(v, pack_key(name, key), whole, out, err);

    if (rc)
        return rc;
    crypto_sha256(slice_of(out->data + before, out->len - before), sum);
    if (memcmp(sum, name, PACK_NAME_LEN) != 0)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                          "%s: its bytes are not those it is "
                          "named by",
                          key);
    return 0;
}

int pack_load(struct vault *v, const uint8_t *name, struct buf *out, struct err *err)
{
    size_t before = out->len;
    int rc = load_once(v, name, out, err);

    if (rc != -EBADMSG)
        return rc;
    err_clear(err);
    out->len = before;
    return load_once(v, name, out, err);
}

static int damaged(const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "not a pack of this vault: %s", what);
}

/* Fills in what all units of the pack share. */
static int header_parse(const struct vault *v, struct slice body, struct unit *ret, struct err *err)
{
    struct buf_reader r = buf_reader(body);
    struct slice magic = buf_get(&r, 8);
    uint16_t format = buf_get_u16le(&r);
    uint8_t flags = buf_get_u8(&r);
    uint8_t kind = buf_get_u8(&r);
    uint32_t zero = buf_get_u32le(&r);
    struct slice salt = buf_get(&r, SEAL_SALT_LEN);

    if (r.short_ || memcmp(magic.data, "GODWITPK", 8) != 0)
        return damaged("no header", err);
    if (format > VAULT_FORMAT)
        return err_set_gw(err, GW_VAULT_NEWER, -EPROTO, "a pack of format %u", format);
    if (format != VAULT_FORMAT || zero != 0 || (kind != UNIT_DATA && kind != UNIT_MAP) ||
        flags != (vault_encrypted(v) ? FLAG_ENCRYPTED : 0))
        return damaged("header out of bounds", err);
    ret->kind = kind;
    memcpy(ret->salt, salt.data, SEAL_SALT_LEN);
    return 0;
}

static int size_check(uint64_t bytes, struct err *err)
{
    if (bytes < PACK_HEADER_LEN + PACK_TRAILER_LEN || bytes > PACK_BYTES_MAX)
        return damaged("too short or too long", err);
    return 0;
}

/* The last bytes of a pack of so many. */
static int trailer_parse(struct slice tail, uint64_t bytes, struct trailer *ret, struct err *err)
{
    struct buf_reader r = buf_reader(tail);
    uint32_t codec;
    uint32_t zero;

    ret->index_offset = buf_get_u32le(&r);
    ret->index_stored = buf_get_u32le(&r);
    ret->index_raw = buf_get_u32le(&r);
    ret->units_n = buf_get_u32le(&r);
    codec = buf_get_u32le(&r);
    zero = buf_get_u32le(&r);
    if (zero != 0 || codec > CODEC_ZSTD || memcmp(r.at, "GODWITPE", 8) != 0)
        return damaged("no trailer", err);
    ret->codec = (uint8_t)codec;
    if (ret->units_n == 0 || ret->units_n > PACK_UNITS_MAX ||
        ret->index_raw != ret->units_n * INDEX_ENTRY_LEN || ret->index_offset < PACK_HEADER_LEN ||
        ret->index_stored < SEAL_TAG_LEN || ret->index_stored > bytes ||
        (uint64_t)ret->index_offset + ret->index_stored + PACK_TRAILER_LEN != bytes)
        return damaged("trailer out of bounds", err);
    if (ret->codec == CODEC_RAW && ret->index_stored != ret->index_raw + SEAL_TAG_LEN)
        return damaged("index of the wrong length", err);
    return 0;
}

/* The raw index into out, which has t->index_raw bytes. */
static int index_open(struct vault *v, const struct trailer *t, const struct unit *shared,
                      struct slice body, uint8_t *out, struct err *err)
{
    struct seal_segment seg = {
        .index = t->units_n, .last = true, .raw_len = t->index_raw, .codec = t->codec};
    struct slice sealed = slice_of(body.data + t->index_offset, t->index_stored);
    int rc = seal_rekey(vault_seal(v), shared->kind == UNIT_DATA ? SEAL_PACK_DATA : SEAL_PACK_MAP,
                        shared->salt, err);

    return rc ? rc : unit_unseal(v, &seg, sealed, out, err);
}

/* The four columns of an index. */
struct columns {
    struct buf_reader ids;
    struct buf_reader stored;
    struct buf_reader raw;
    struct buf_reader codec;
};

static void columns_of(const uint8_t *index, size_t n, struct columns *ret)
{
    ret->ids = buf_reader(slice_of(index, n * UNIT_ID_LEN));
    index += n * UNIT_ID_LEN;
    ret->stored = buf_reader(slice_of(index, n * 4));
    index += n * 4;
    ret->raw = buf_reader(slice_of(index, n * 4));
    index += n * 4;
    ret->codec = buf_reader(slice_of(index, n));
}

static int units_walk(const struct trailer *t, const uint8_t *index, struct unit *u,
                      pack_unit_fn fn, void *arg, struct err *err)
{
    struct columns c;
    int rc;

    columns_of(index, t->units_n, &c);
    u->offset = PACK_HEADER_LEN;
    for (u->segment = 0; u->segment < t->units_n; u->segment++) {
        memcpy(u->id, buf_get(&c.ids, UNIT_ID_LEN).data, UNIT_ID_LEN);
        u->stored_len = buf_get_u32le(&c.stored);
        u->raw_len = buf_get_u32le(&c.raw);
        u->codec = buf_get_u8(&c.codec);
        rc = unit_check(u, err);
        if (rc)
            return rc;
        rc = fn ? fn(arg, u) : 0;
        if (rc)
            return rc;
        u->offset += u->stored_len; /* unit_check keeps it below PACK_BYTES_MAX */
    }
    if (u->offset != t->index_offset)
        return damaged("units and index do not meet", err);
    return 0;
}

int pack_probe(struct vault *v, const uint8_t *name, uint64_t *ret_bytes, struct err *err)
{
    struct store_range range = {.len = PACK_TRAILER_LEN};
    auto_buf struct buf tail = {0};
    struct trailer t = {0};
    char key[PACK_KEY_MAX];
    uint64_t bytes;
    int rc = store_head(vault_store(v), pack_key(name, key), &bytes, err);

    if (rc == -ENOENT)
        return err_set_gw(err, GW_VAULT_MISSING, -ENOENT, "%s is not in the vault", key);
    if (!rc)
        rc = size_check(bytes, err);
    if (rc)
        return rc;
    range.offset = bytes - PACK_TRAILER_LEN;
    rc = vault_get(v, key, range, &tail, err);
    if (!rc)
        rc = trailer_parse(buf_slice(&tail), bytes, &t, err);
    if (!rc)
        *ret_bytes = bytes;
    return rc;
}

int pack_walk(struct vault *v, const uint8_t *name, struct slice body, pack_unit_fn fn, void *arg,
              struct err *err)
{
    struct unit u = {0};
    struct trailer t = {0};
    auto_free uint8_t *index = NULL;
    int rc = header_parse(v, body, &u, err);

    if (!rc)
        rc = size_check(body.len, err);
    if (!rc)
        rc = trailer_parse(slice_of(body.data + body.len - PACK_TRAILER_LEN, PACK_TRAILER_LEN),
                           body.len, &t, err);
    if (rc)
        return rc;
    memcpy(u.pack, name, PACK_NAME_LEN);
    index = malloc(t.index_raw);
    if (!index)
        return err_set(err, -ENOMEM, "read the index of a pack: %m");
    rc = index_open(v, &t, &u, body, index, err);
    if (!rc)
        rc = units_walk(&t, index, &u, fn, arg, err);
    return rc;
}
