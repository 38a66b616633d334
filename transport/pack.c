/* SPDX-License-Identifier: Apache-2.0 */
/* Building packs in the caller's memory and storing them; pack_read.c reads whole ones back. */
#include "transport/pack.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/codec.h"
#include "transport/vault_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    INDEX_ENTRY_LEN = UNIT_ID_LEN + 4 + 4 + 1,
    ENTRIES_FIRST = 256,
    FLAG_ENCRYPTED = 1,
    FORMAT = VAULT_FORMAT
};
static const char magic_head[8] = {'G', 'O', 'D', 'W', 'I', 'T', 'P', 'K'};
static const char magic_tail[8] = {'G', 'O', 'D', 'W', 'I', 'T', 'P', 'E'};

struct entry {
    uint8_t id[UNIT_ID_LEN];
    uint32_t offset;
    uint32_t stored_len;
    uint32_t raw_len;
    uint8_t codec;
};

struct pack {
    struct vault *vault; /* lent */
    enum unit_kind kind;
    uint8_t *mem; /* lent; NULL outside begin .. finish */
    size_t len;
    uint8_t salt[SEAL_SALT_LEN];
    uint8_t name[PACK_NAME_LEN];
    struct crypto_hash *hash; /* of mem[0 .. len) */
    struct entry *entries;
    size_t entries_n;
    size_t entries_cap;
    uint8_t *proof; /* what was opened again */
    size_t proof_cap;
    unsigned prove_every; /* 0: never */
    uint64_t repacked;
};

static enum seal_use use_of(enum unit_kind kind)
{
    return kind == UNIT_DATA ? SEAL_PACK_DATA : SEAL_PACK_MAP;
}

int pack_new(struct vault *v, enum unit_kind kind, struct pack **ret, struct err *err)
{
    auto_pack struct pack *p = calloc(1, sizeof(*p));
    int rc;

    if (!p)
        return err_set(err, -ENOMEM, "start a pack: %m");
    p->vault = v;
    p->kind = kind;
    rc = crypto_hash_new(&p->hash, err);
    if (!rc)
        *ret = TAKE(p);
    return rc;
}

void pack_free(struct pack *p)
{
    if (!p)
        return;
    crypto_hash_free(p->hash);
    free(p->entries);
    free(p->proof);
    free(p);
}

/* The bytes from p->len up to new_len are final. */
static void settle(struct pack *p, size_t new_len)
{
    crypto_hash_add(p->hash, slice_of(p->mem + p->len, new_len - p->len));
    p->len = new_len;
}

static void put_u32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

int pack_begin(struct pack *p, uint8_t *mem, struct err *err)
{
    int rc;

    rng_fill(vault_rng(p->vault), p->salt, sizeof(p->salt));
    rc = seal_rekey(vault_seal(p->vault), use_of(p->kind), p->salt, err);
    if (rc)
        return rc;
    p->mem = mem;
    p->len = 0;
    p->entries_n = 0;
    crypto_hash_reset(p->hash);
    memcpy(mem, magic_head, sizeof(magic_head));
    mem[8] = FORMAT;
    mem[9] = 0;
    mem[10] = vault_encrypted(p->vault) ? FLAG_ENCRYPTED : 0;
    mem[11] = (uint8_t)p->kind;
    put_u32(mem + 12, 0);
    memcpy(mem + 16, p->salt, sizeof(p->salt));
    settle(p, PACK_HEADER_LEN);
    return 0;
}

static bool pack_fits(const struct pack *p, size_t raw_len)
{
    size_t need = raw_len + SEAL_TAG_LEN + (p->entries_n + 1) * INDEX_ENTRY_LEN + SEAL_TAG_LEN +
                  PACK_TRAILER_LEN;

    return p->entries_n < PACK_UNITS_MAX && need <= PACK_BYTES_MAX - p->len;
}

static int entries_grow(struct pack *p, struct err *err)
{
    size_t cap = p->entries_cap ? 2 * p->entries_cap : ENTRIES_FIRST;
    struct entry *more;

    if (p->entries_n < p->entries_cap)
        return 0;
    more = reallocarray(p->entries, cap, sizeof(*more));
    if (!more)
        return err_set(err, -ENOMEM, "list the units of a pack: %m");
    p->entries = more;
    p->entries_cap = cap;
    return 0;
}

/* Compress and seal raw at the end of the pack. */
static int append_once(struct pack *p, struct slice raw, int level, struct seal_segment *seg,
                       uint32_t *ret_stored, struct err *err)
{
    uint8_t *at = p->mem + p->len;
    struct slice body = raw;
    size_t packed;
    int rc = codec_compress(vault_codec(p->vault), level, raw, at, &packed, err);

    if (rc)
        return rc;
    if (packed && failpoint("pack_wrong") < 0)
        at[packed / 2] ^= 0x10;
    if (packed)
        body = slice_of(at, packed);
    seg->codec = packed ? CODEC_ZSTD : CODEC_RAW;
    seg->raw_len = (uint32_t)raw.len;
    /* The vault's context may have been used for other packs since the last call. */
    rc = seal_rekey(vault_seal(p->vault), use_of(p->kind), p->salt, err);
    if (!rc)
        rc = seal_shut(vault_seal(p->vault), seg, body, at, err);
    if (!rc)
        *ret_stored = (uint32_t)(body.len + SEAL_TAG_LEN);
    return rc;
}

void pack_prove(struct pack *p, unsigned every_n)
{
    p->prove_every = every_n;
}

uint64_t pack_repacked(const struct pack *p)
{
    return p->repacked;
}

static int proof_grow(struct pack *p, size_t len, struct err *err)
{
    if (p->proof_cap >= len)
        return 0;
    free(p->proof);
    p->proof_cap = 0;
    p->proof = malloc(len);
    if (!p->proof)
        return err_set(err, -ENOMEM, "prove a pack: %m");
    p->proof_cap = len;
    return 0;
}

/* Is what was sealed at the end of the pack what was given? */
static int differs(struct pack *p, struct slice raw, const struct seal_segment *seg,
                   uint32_t stored, bool *ret, struct err *err)
{
    int rc = proof_grow(p, raw.len, err);

    if (rc == 0)
        rc = unit_unseal(p->vault, seg, slice_of(p->mem + p->len, stored), p->proof, err);
    if (rc < 0 && rc != -EBADMSG)
        return rc;
    err_clear(err);
    *ret = rc == -EBADMSG || memcmp(p->proof, raw.data, raw.len) != 0;
    return 0;
}

/* append_once, proved where its turn is, and a second time when it came out wrong. That takes the
 * nonce again: the first attempt was overwritten and never left this memory. */
static int append(struct pack *p, struct slice raw, int level, struct seal_segment *seg,
                  uint32_t *ret_stored, struct err *err)
{
    bool prove = p->prove_every && (seg->last || seg->index % p->prove_every == 0);
    bool wrong = false;
    int rc;

    for (int attempt = 0; attempt < 2; attempt++) {
        rc = append_once(p, raw, level, seg, ret_stored, err);
        if (rc == 0 && prove)
            rc = differs(p, raw, seg, *ret_stored, &wrong, err);
        if (rc < 0)
            return rc;
        if (!wrong) {
            p->repacked += (uint64_t)attempt;
            return 0;
        }
    }
    return err_set_gw(err, GW_PACK_DIFFERS, -EIO,
                      "segment %u of a pack, %u bytes, does not unpack to what was packed",
                      seg->index, seg->raw_len);
}

int pack_add(struct pack *p, const uint8_t *id, struct slice raw, int level, struct err *err)
{
    struct seal_segment seg = {.index = (uint32_t)p->entries_n};
    struct entry *e;
    uint32_t stored = 0;
    int rc;

    assert(p->mem);
    assert(raw.len > 0 && raw.len <= (p->kind == UNIT_DATA ? UNIT_DATA_MAX : UNIT_RAW_MAX));
    assert(p->kind != UNIT_DATA || raw.len % 4096 == 0);
    if (!pack_fits(p, raw.len))
        return err_set(err, -ENOSPC, "the pack is full");
    rc = entries_grow(p, err);
    if (!rc)
        rc = append(p, raw, level, &seg, &stored, err);
    if (rc)
        return rc;
    e = &p->entries[p->entries_n++];
    memcpy(e->id, id, UNIT_ID_LEN);
    e->offset = (uint32_t)p->len;
    e->stored_len = stored;
    e->raw_len = seg.raw_len;
    e->codec = seg.codec;
    settle(p, p->len + stored);
    return 0;
}

size_t pack_len(const struct pack *p)
{
    return p->len;
}

size_t pack_count(const struct pack *p)
{
    return p->entries_n;
}

/* In columns, because columns of like numbers compress. */
static int index_encode(const struct pack *p, struct buf *out, struct err *err)
{
    for (size_t i = 0; i < p->entries_n; i++)
        buf_append(out, p->entries[i].id, UNIT_ID_LEN);
    for (size_t i = 0; i < p->entries_n; i++)
        buf_u32le(out, p->entries[i].stored_len);
    for (size_t i = 0; i < p->entries_n; i++)
        buf_u32le(out, p->entries[i].raw_len);
    for (size_t i = 0; i < p->entries_n; i++)
        buf_u8(out, p->entries[i].codec);
    return buf_failed(out, err);
}

static void trailer_put(const struct pack *p, uint8_t *at, uint32_t stored,
                        const struct seal_segment *seg)
{
    put_u32(at, (uint32_t)p->len); /* where the index begins */
    put_u32(at + 4, stored);
    put_u32(at + 8, seg->raw_len);
    put_u32(at + 12, seg->index);
    put_u32(at + 16, seg->codec);
    put_u32(at + 20, 0);
    memcpy(at + 24, magic_tail, sizeof(magic_tail));
}

int pack_finish(struct pack *p, struct slice *ret_body, uint8_t *name, struct err *err)
{
    struct seal_segment seg = {.index = (uint32_t)p->entries_n, .last = true};
    auto_buf struct buf index = {0};
    uint32_t stored = 0;
    int rc;

    assert(p->mem);
    if (p->entries_n == 0)
        return err_set(err, -ENODATA, "the pack is empty");
    rc = index_encode(p, &index, err);
    if (!rc)
        rc = append(p, buf_slice(&index), CODEC_LEVEL_DEFAULT, &seg, &stored, err);
    if (rc)
        return rc;
    trailer_put(p, p->mem + p->len + stored, stored, &seg);
    settle(p, p->len + stored + PACK_TRAILER_LEN);
    crypto_hash_get(p->hash, p->name);
    memcpy(name, p->name, PACK_NAME_LEN);
    *ret_body = slice_of(p->mem, p->len);
    p->mem = NULL;
    return 0;
}

void pack_unit(const struct pack *p, size_t i, struct unit *ret)
{
    const struct entry *e = &p->entries[i];

    assert(!p->mem && i < p->entries_n);
    *ret = (struct unit){
        .offset = e->offset,
        .stored_len = e->stored_len,
        .raw_len = e->raw_len,
        .segment = (uint32_t)i,
        .codec = e->codec,
        .kind = (uint8_t)p->kind,
    };
    memcpy(ret->pack, p->name, PACK_NAME_LEN);
    memcpy(ret->salt, p->salt, SEAL_SALT_LEN);
    memcpy(ret->id, e->id, UNIT_ID_LEN);
}

char *pack_key(const uint8_t *name, char *out)
{
    char hex[2 * PACK_NAME_LEN + 1];
    int rc;

    text_hex(name, PACK_NAME_LEN, hex);
    rc = text_print(out, PACK_KEY_MAX, "packs/%.2s/%s", hex, hex);
    assert(rc == 0);
    (void)rc;
    return out;
}

static int put_failpoint(enum unit_kind kind, bool done)
{
    if (kind == UNIT_DATA)
        return done ? failpoint("pack_put_done") : failpoint("pack_put");
    return done ? failpoint("page_put_done") : failpoint("page_put");
}

int pack_put(struct store *s, enum unit_kind kind, const uint8_t *name, struct slice body,
             struct err *err)
{
    char key[PACK_KEY_MAX];
    int rc = put_failpoint(kind, false);

    if (rc)
        return err_set(err, rc, "store a pack: %m");
    rc = store_put(s, pack_key(name, key), body, name, STORE_PUT_REPLACE, err);
    if (rc)
        return err_add(err, rc, "store a pack");
    rc = put_failpoint(kind, true);
    if (rc)
        return err_set(err, rc, "after a pack was stored: %m");
    return 0;
}
