/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole packs as they come from a store, and the index behind the seal: there the harness seals
 * the input itself, or no mutation would ever get past the tag.
 */
#include "tests/fuzz.h"

#include "transport/codec.h"
#include "transport/pack.h"
#include "transport/vault_impl.h"

#include "tests/vault_fixture.h"

#include "base/banned.h"

enum { FILLER_MAX = 1 << 16 };

static const uint8_t name[PACK_NAME_LEN];
static const uint8_t salt[SEAL_SALT_LEN];

/* arg: where the units end, as the walk says. */
static int check(void *arg, const struct unit *u)
{
    uint32_t *end = arg;

    if (unit_check(u, NULL) != 0)
        abort();
    *end = u->offset + u->stored_len;
    return 0;
}

static void header(struct buf *out)
{
    buf_str(out, "GODWITPK");
    buf_u16le(out, VAULT_FORMAT);
    buf_u8(out, 1);
    buf_u8(out, UNIT_DATA);
    buf_u32le(out, 0);
    buf_append(out, salt, sizeof(salt));
}

/* input: u16 bytes of units to pretend, then the raw index. */
static void try_index(struct vault *v, struct slice input)
{
    static const uint8_t filler[FILLER_MAX];
    auto_buf struct buf pack = {0};
    struct slice index = slice_of(input.data + 2, input.len - 2);
    uint32_t filler_len = (uint32_t)(input.data[0] | input.data[1] << 8);
    struct seal_segment seg = {
        .index = (uint32_t)(index.len / 33), .last = true, .raw_len = (uint32_t)index.len};
    uint32_t end = 0;
    uint8_t *at;

    header(&pack);
    buf_append(&pack, filler, filler_len);
    if (buf_reserve(&pack, index.len + SEAL_TAG_LEN, &at) != 0 ||
        seal_rekey(vault_seal(v), SEAL_PACK_DATA, salt, NULL) != 0 ||
        seal_shut(vault_seal(v), &seg, index, at, NULL) != 0)
        abort();
    buf_grow(&pack, index.len + SEAL_TAG_LEN);
    buf_u32le(&pack, PACK_HEADER_LEN + filler_len);
    buf_u32le(&pack, (uint32_t)index.len + SEAL_TAG_LEN);
    buf_u32le(&pack, seg.raw_len);
    buf_u32le(&pack, seg.index);
    buf_u64le(&pack, 0);
    buf_str(&pack, "GODWITPE");
    if (pack_walk(v, name, buf_slice(&pack), check, &end, NULL) == 0 &&
        end != PACK_HEADER_LEN + filler_len)
        abort();
}

static void fuzz_run(struct slice input)
{
    static struct vault *v; /* one for the life of the process */
    uint32_t end;

    if (!v)
        v = fixture_vault("mem:fuzz", fixture_key);
    pack_walk(v, name, input, check, &end, NULL);
    if (input.len > 2 && input.len < FILLER_MAX)
        try_index(v, input);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_pack", argc, argv);
}
#endif
