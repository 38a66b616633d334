/* SPDX-License-Identifier: Apache-2.0 */
/* Units and packs: what is packed is read back the same, or is refused. */
#include "tests/vault_fixture.h"

#include "base/crypto.h"
#include "base/gw.h"
#include "transport/codec.h"

#include "base/banned.h"

enum { SECTOR = 4096 };

static int open_both(void **state)
{
    struct vault **v = calloc(2, sizeof(struct vault *));

    v[0] = fixture_vault("mem:sealed", fixture_key);
    v[1] = fixture_vault("mem:open", NULL);
    *state = v;
    return 0;
}

static int close_both(void **state)
{
    struct vault **v = *state;

    vault_close(v[0]);
    vault_close(v[1]);
    free(v);
    return 0;
}

/* ---- round trips --------------------------------------------------------- */

static void round_trip(struct vault *v, struct slice raw, uint8_t expect_codec)
{
    auto_free uint8_t *out = malloc(raw.len);
    struct unit u;

    fixture_pack(v, UNIT_DATA, &raw, 1, &u);
    assert_int_equal(raw.len, u.raw_len);
    assert_int_equal(expect_codec, u.codec);
    assert_ok(unit_fetch(v, &u, out, NULL));
    assert_memory_equal(raw.data, out, raw.len);
}

static void units_of_every_length_come_back(void **state)
{
    struct vault **v = *state;
    auto_free uint8_t *raw = malloc(UNIT_DATA_MAX);

    for (size_t sectors = 1; sectors <= UNIT_SECTORS_MAX; sectors += sectors < 4 ? 1 : 20) {
        for (int i = 0; i < 2; i++) {
            fixture_prose(sectors, raw, sectors * SECTOR);
            round_trip(v[i], slice_of(raw, sectors * SECTOR), CODEC_ZSTD);
            fixture_noise(sectors, raw, sectors * SECTOR);
            round_trip(v[i], slice_of(raw, sectors * SECTOR), CODEC_RAW);
        }
    }
}

static void every_level_comes_back(void **state)
{
    struct vault **v = *state;
    auto_free uint8_t *raw = malloc(UNIT_DATA_MAX);
    auto_free uint8_t *out = malloc(UNIT_DATA_MAX);
    auto_free uint8_t *back = malloc(UNIT_DATA_MAX);
    auto_codec struct codec *c = NULL;
    size_t len;

    (void)v;
    assert_ok(codec_new(&c, NULL));
    fixture_prose(7, raw, UNIT_DATA_MAX);
    for (int level = CODEC_LEVEL_MIN; level <= CODEC_LEVEL_MAX; level += 6) {
        assert_ok(codec_compress(c, level, slice_of(raw, UNIT_DATA_MAX), out, &len, NULL));
        assert_in_range(len, 1, UNIT_DATA_MAX / 2);
        assert_ok(codec_decompress(c, slice_of(out, len), back, UNIT_DATA_MAX, NULL));
        assert_memory_equal(raw, back, UNIT_DATA_MAX);
    }
    assert_fails(-EINVAL, codec_compress(c, 99, slice_of(raw, SECTOR), out, &len, NULL));
    assert_ok(codec_compress(c, CODEC_LEVEL_RAW, slice_of(raw, SECTOR), out, &len, NULL));
    assert_int_equal(0, len);
}

/* What it saves is time, so it may not cost much more than that; small units are as level 1 has
 * them. */
static void the_quick_level_is_hardly_larger(void **state)
{
    auto_free uint8_t *raw = malloc(UNIT_DATA_MAX);
    auto_free uint8_t *out = malloc(UNIT_DATA_MAX);
    auto_free uint8_t *back = malloc(UNIT_DATA_MAX);
    auto_codec struct codec *c = NULL;
    size_t quick, first;

    (void)state;
    assert_ok(codec_new(&c, NULL));
    fixture_prose(7, raw, UNIT_DATA_MAX);
    for (size_t raw_len = SECTOR; raw_len <= UNIT_DATA_MAX; raw_len *= 4) {
        assert_ok(
            codec_compress(c, CODEC_LEVEL_DEFAULT, slice_of(raw, raw_len), out, &first, NULL));
        assert_ok(codec_compress(c, CODEC_LEVEL_QUICK, slice_of(raw, raw_len), out, &quick, NULL));
        assert_in_range(quick, 1, first + first / 8);
        if (raw_len <= UNIT_DATA_MAX / 4)
            assert_int_equal(quick, first);
        assert_ok(codec_decompress(c, slice_of(out, quick), back, raw_len, NULL));
        assert_memory_equal(raw, back, raw_len);
    }
}

static void noise_is_stored_raw_at_any_level(void **state)
{
    auto_free uint8_t *raw = malloc(UNIT_DATA_MAX);
    auto_free uint8_t *out = malloc(UNIT_DATA_MAX);
    auto_codec struct codec *c = NULL;
    size_t len;

    (void)state;
    assert_ok(codec_new(&c, NULL));
    fixture_noise(3, raw, UNIT_DATA_MAX);
    for (int level = 1; level <= 9; level += 4) {
        assert_ok(codec_compress(c, level, slice_of(raw, UNIT_DATA_MAX), out, &len, NULL));
        assert_int_equal(0, len);
    }
}

static void what_hardly_shrinks_is_stored_raw(void **state)
{
    auto_free uint8_t *raw = malloc(UNIT_DATA_MAX);
    auto_free uint8_t *out = malloc(UNIT_DATA_MAX);
    auto_codec struct codec *c = NULL;
    size_t len;

    (void)state;
    assert_ok(codec_new(&c, NULL));
    fixture_noise(3, raw, UNIT_DATA_MAX);
    memset(raw, 0, UNIT_DATA_MAX / 85); /* one zstd block shrinks, the whole hardly */
    assert_ok(codec_compress(c, 1, slice_of(raw, UNIT_DATA_MAX), out, &len, NULL));
    assert_int_equal(0, len);
    memset(raw, 0, UNIT_DATA_MAX / 16);
    assert_ok(codec_compress(c, 1, slice_of(raw, UNIT_DATA_MAX), out, &len, NULL));
    assert_in_range(len, 1, UNIT_DATA_MAX / 64 * 63);
}

static void decompressing_never_writes_past_the_recorded_length(void **state)
{
    uint8_t raw[2 * SECTOR];
    uint8_t packed[2 * SECTOR];
    uint8_t out[2 * SECTOR];
    auto_codec struct codec *c = NULL;
    size_t len;

    (void)state;
    assert_ok(codec_new(&c, NULL));
    fixture_prose(1, raw, sizeof(raw));
    assert_ok(codec_compress(c, 0, slice_of(raw, sizeof(raw)), packed, &len, NULL));
    memset(out, 0xaa, sizeof(out));
    assert_fails(-EBADMSG, codec_decompress(c, slice_of(packed, len), out, SECTOR, NULL));
    for (size_t i = SECTOR; i < sizeof(out); i++)
        assert_int_equal(0xaa, out[i]);
    assert_fails(-EBADMSG, codec_decompress(c, slice_of(packed, len - 1), out, sizeof(raw), NULL));
    assert_fails(-EBADMSG, codec_decompress(c, slice_of(packed, len), out, sizeof(raw) + 1, NULL));
}

/* ---- packs --------------------------------------------------------------- */

struct seen {
    struct unit units[64];
    size_t n;
};

static int see(void *arg, const struct unit *u)
{
    struct seen *s = arg;

    assert_in_range(s->n, 0, 63);
    s->units[s->n++] = *u;
    return 0;
}

static void fill(struct vault *v, struct unit *units, size_t n)
{
    auto_free uint8_t *mem = malloc(64 * SECTOR);
    struct slice raws[64];

    for (size_t i = 0; i < n; i++) {
        if (i % 2)
            fixture_noise(i, mem + i * SECTOR, SECTOR);
        else
            fixture_prose(i, mem + i * SECTOR, SECTOR);
        raws[i] = slice_of(mem + i * SECTOR, SECTOR);
    }
    fixture_pack(v, UNIT_DATA, raws, n, units);
}

static void a_pack_describes_itself(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        struct unit units[20];
        auto_buf struct buf body = {0};
        struct seen seen = {.n = 0};

        fill(v[i], units, 20);
        assert_ok(pack_load(v[i], units[0].pack, &body, NULL));
        assert_ok(pack_walk(v[i], units[0].pack, buf_slice(&body), see, &seen, NULL));
        assert_int_equal(20, seen.n);
        for (size_t k = 0; k < 20; k++)
            assert_memory_equal(&units[k], &seen.units[k], sizeof(units[k]));
    }
}

static int stop_at_once(void *arg, const struct unit *u)
{
    (void)arg;
    (void)u;
    return -ECANCELED;
}

static void a_walk_ends_when_told(void **state)
{
    struct vault **v = *state;
    struct unit units[3];
    auto_buf struct buf body = {0};

    fill(v[0], units, 3);
    assert_ok(pack_load(v[0], units[0].pack, &body, NULL));
    assert_fails(-ECANCELED,
                 pack_walk(v[0], units[0].pack, buf_slice(&body), stop_at_once, NULL, NULL));
}

static void the_name_is_the_hash_of_the_bytes(void **state)
{
    struct vault **v = *state;
    struct unit units[3];
    auto_buf struct buf body = {0};
    uint8_t sum[32];
    char key[PACK_KEY_MAX];

    fill(v[0], units, 3);
    fixture_get(v[0], pack_key(units[0].pack, key), &body);
    crypto_sha256(buf_slice(&body), sum);
    assert_memory_equal(sum, units[0].pack, 32);
}

static void a_full_pack_says_so_and_stays_within_its_limit(void **state)
{
    struct vault **v = *state;
    auto_free uint8_t *mem = malloc(PACK_BYTES_MAX);
    auto_free uint8_t *raw = malloc(UNIT_DATA_MAX);
    auto_pack struct pack *p = NULL;
    uint8_t id[UNIT_ID_LEN] = {0};
    uint8_t name[PACK_NAME_LEN];
    struct slice body;
    int rc = 0;

    assert_ok(pack_new(v[0], UNIT_DATA, &p, NULL));
    assert_ok(pack_begin(p, mem, NULL));
    fixture_noise(9, raw, UNIT_DATA_MAX);
    while (rc == 0)
        rc = pack_add(p, id, slice_of(raw, UNIT_DATA_MAX), 0, NULL);
    assert_int_equal(-ENOSPC, rc);
    assert_int_equal(63, pack_count(p));
    for (rc = 0; rc == 0;)
        rc = pack_add(p, id, slice_of(raw, SECTOR), 0, NULL);
    assert_int_equal(-ENOSPC, rc);
    assert_ok(pack_finish(p, &body, name, NULL));
    assert_in_range(body.len, PACK_BYTES_MAX - 2 * SECTOR, PACK_BYTES_MAX);
    assert_ok(pack_walk(v[0], name, body, NULL, NULL, NULL));
}

static void an_empty_pack_is_none(void **state)
{
    struct vault **v = *state;
    auto_free uint8_t *mem = malloc(PACK_BYTES_MAX);
    auto_pack struct pack *p = NULL;
    uint8_t name[PACK_NAME_LEN];
    struct slice body;

    assert_ok(pack_new(v[0], UNIT_DATA, &p, NULL));
    assert_ok(pack_begin(p, mem, NULL));
    assert_fails(-ENODATA, pack_finish(p, &body, name, NULL));
}

static void two_packs_may_be_open_in_one_vault(void **state)
{
    struct vault **v = *state;
    auto_free uint8_t *mem = malloc(2 * (size_t)PACK_BYTES_MAX);
    struct pack *p[2] = {NULL, NULL};
    uint8_t name[PACK_NAME_LEN];
    uint8_t id[UNIT_ID_LEN] = {0};
    uint8_t raw[SECTOR];
    uint8_t out[SECTOR];
    struct slice body;
    struct unit u;

    fixture_noise(1, raw, sizeof(raw));
    for (int i = 0; i < 2; i++) {
        assert_ok(pack_new(v[0], UNIT_DATA, &p[i], NULL));
        assert_ok(pack_begin(p[i], mem + (size_t)i * PACK_BYTES_MAX, NULL));
    }
    for (int i = 0; i < 6; i++)
        assert_ok(pack_add(p[i % 2], id, slice_of(raw, SECTOR), 0, NULL));
    for (int i = 0; i < 2; i++) {
        assert_ok(pack_finish(p[i], &body, name, NULL));
        for (size_t k = 0; k < 3; k++) {
            pack_unit(p[i], k, &u);
            assert_ok(unit_open(v[0], &u, slice_of(body.data + u.offset, u.stored_len), out, NULL));
            assert_memory_equal(raw, out, SECTOR);
        }
        pack_free(p[i]);
    }
}

static void equal_data_has_equal_ids_and_one_byte_changes_them(void **state)
{
    struct vault **v = *state;
    auto_free uint8_t *raw = malloc(UNIT_DATA_MAX);
    uint8_t a[UNIT_ID_LEN];
    uint8_t b[UNIT_ID_LEN];
    uint8_t digests[4 * 32];

    fixture_noise(5, raw, UNIT_DATA_MAX);
    unit_id_of(v[0], slice_of(raw, UNIT_DATA_MAX), a);
    for (size_t i = 0; i < 4; i++)
        crypto_sha256(slice_of(raw + i * UNIT_PIECE, UNIT_PIECE), digests + 32 * i);
    unit_id(v[0], UNIT_DATA_MAX, digests, b);
    assert_memory_equal(a, b, UNIT_ID_LEN);
    raw[UNIT_DATA_MAX - 1] ^= 1;
    unit_id_of(v[0], slice_of(raw, UNIT_DATA_MAX), b);
    assert_memory_not_equal(a, b, UNIT_ID_LEN);
    raw[UNIT_DATA_MAX - 1] ^= 1;
    unit_id_of(v[1], slice_of(raw, UNIT_DATA_MAX), b); /* another vault, another name */
    assert_memory_not_equal(a, b, UNIT_ID_LEN);
}

/* ---- damage -------------------------------------------------------------- */

static void expect_damaged(int rc, const struct err *err)
{
    assert_int_equal(-EBADMSG, rc);
    assert_int_equal(GW_VAULT_DAMAGED, err->gw);
}

/* Flip each bit of each byte in turn: the name refuses it, and so do the units or the index. */
static void every_flipped_bit_of_a_pack_is_refused(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        struct unit units[2];
        auto_buf struct buf body = {0};
        char key[PACK_KEY_MAX];

        fill(v[i], units, 2);
        fixture_get(v[i], pack_key(units[0].pack, key), &body);
        for (size_t bit = 0; bit<body.len * 8; bit += body.len> 2000 && bit > 4000 ? 61 : 1) {
            auto_buf struct buf out = {0};
            struct err err = {0};

            body.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            fixture_put(v[i], key, buf_slice(&body));
            expect_damaged(pack_load(v[i], units[0].pack, &out, &err), &err);
            body.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

/* pack_walk alone, which does not look at the name: all but the units themselves is guarded. */
static void every_flipped_bit_of_header_index_and_trailer_is_refused(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        struct unit units[2];
        auto_buf struct buf body = {0};
        char key[PACK_KEY_MAX];
        size_t index_at;

        fill(v[i], units, 2);
        fixture_get(v[i], pack_key(units[0].pack, key), &body);
        index_at = units[1].offset + units[1].stored_len;
        for (size_t bit = 0; bit < body.len * 8; bit++) {
            struct err err = {0};
            int rc;

            if (bit / 8 >= PACK_HEADER_LEN && bit / 8 < index_at)
                continue;
            body.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            rc = pack_walk(v[i], units[0].pack, buf_slice(&body), NULL, NULL, &err);
            if (bit / 8 == 8 || bit / 8 == 9) /* the format number: one above is newer */
                assert_true(rc == -EPROTO || rc == -EBADMSG);
            else
                expect_damaged(rc, &err);
            body.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_ok(pack_walk(v[i], units[0].pack, buf_slice(&body), NULL, NULL, NULL));
    }
}

static void every_flipped_bit_of_a_unit_is_refused(void **state)
{
    struct vault **v = *state;
    uint8_t out[SECTOR];

    for (int i = 0; i < 2; i++) {
        struct unit units[2];
        auto_buf struct buf body = {0};
        char key[PACK_KEY_MAX];
        uint8_t *at;

        fill(v[i], units, 2);
        fixture_get(v[i], pack_key(units[0].pack, key), &body);
        at = body.data + units[0].offset;
        for (size_t bit = 0; bit < units[0].stored_len * 8; bit++) {
            struct err err = {0};

            at[bit / 8] ^= (uint8_t)(1 << bit % 8);
            expect_damaged(unit_open(v[i], &units[0], slice_of(at, units[0].stored_len), out, &err),
                           &err);
            at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_ok(unit_open(v[i], &units[0], slice_of(at, units[0].stored_len), out, NULL));
    }
}

static void every_truncation_of_a_pack_is_refused(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        struct unit units[2];
        auto_buf struct buf body = {0};
        char key[PACK_KEY_MAX];

        fill(v[i], units, 2);
        fixture_get(v[i], pack_key(units[0].pack, key), &body);
        for (size_t len = 0; len < body.len; len++) {
            struct err err = {0};

            expect_damaged(
                pack_walk(v[i], units[0].pack, slice_of(body.data, len), NULL, NULL, &err), &err);
        }
        fixture_put(v[i], key, slice_of(body.data, units[1].offset));
        {
            uint8_t out[SECTOR];
            struct err err = {0};

            expect_damaged(unit_fetch(v[i], &units[1], out, &err), &err);
        }
    }
}

/* The location says one thing, the bytes are another's: nothing can be exchanged. */
static void swapped_units_are_refused(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        struct unit a[4];
        struct unit b[4];
        uint8_t out[2 * SECTOR];
        struct unit liar;
        struct err err = {0};

        fill(v[i], a, 4);
        fill(v[i], b, 4);
        liar = a[1];
        liar.segment = 3; /* same length: both are noise */
        expect_damaged(unit_fetch(v[i], &liar, out, &err), &err);
        liar = a[1];
        liar.offset = a[3].offset;
        expect_damaged(unit_fetch(v[i], &liar, out, &err), &err);
        liar = a[1];
        memcpy(liar.pack, b[1].pack, sizeof(liar.pack));
        expect_damaged(unit_fetch(v[i], &liar, out, &err), &err);
        liar = a[0];
        liar.raw_len = 2 * SECTOR;
        expect_damaged(unit_fetch(v[i], &liar, out, &err), &err);
        liar = a[1];
        liar.kind = UNIT_MAP;
        expect_damaged(unit_fetch(v[i], &liar, out, &err), &err);
    }
}

static void units_out_of_bounds_are_refused_before_anything_is_fetched(void **state)
{
    struct vault **v = *state;
    struct unit good[1];
    uint8_t out[SECTOR];
    struct unit bad[8];

    fill(v[0], good, 1);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = good[0];
    bad[0].raw_len = 0;
    bad[1].raw_len = SECTOR + 1;
    bad[2].raw_len = UNIT_DATA_MAX + SECTOR;
    bad[3].stored_len = SECTOR + 17;
    bad[4].offset = PACK_HEADER_LEN - 1;
    bad[5].offset = UINT32_MAX;
    bad[6].codec = 2;
    bad[7].segment = PACK_UNITS_MAX;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};

        expect_damaged(unit_fetch(v[0], &bad[i], out, &err), &err);
        expect_damaged(unit_check(&bad[i], &err), &err);
    }
}

static void a_missing_pack_is_named(void **state)
{
    struct vault **v = *state;
    struct unit u[1];
    uint8_t out[SECTOR];
    auto_buf struct buf body = {0};
    struct err err = {0};
    char key[PACK_KEY_MAX];

    fill(v[0], u, 1);
    assert_ok(store_delete(vault_store(v[0]), pack_key(u[0].pack, key), NULL));
    assert_fails(-ENOENT, unit_fetch(v[0], &u[0], out, &err));
    assert_int_equal(GW_VAULT_MISSING, err.gw);
    assert_non_null(strstr(err.text, key));
    assert_fails(-ENOENT, pack_load(v[0], u[0].pack, &body, NULL));
}

static void a_pack_of_another_vault_is_refused(void **state)
{
    struct vault **v = *state;
    struct vault *other = fixture_vault("mem:other", fixture_key);
    struct unit units[2];
    auto_buf struct buf body = {0};
    uint8_t out[SECTOR];
    struct err err = {0};
    char key[PACK_KEY_MAX];

    fill(other, units, 2);
    fixture_get(other, pack_key(units[0].pack, key), &body);
    fixture_put(v[0], key, buf_slice(&body));
    expect_damaged(unit_fetch(v[0], &units[0], out, &err), &err);
    expect_damaged(pack_walk(v[0], units[0].pack, buf_slice(&body), NULL, NULL, &err), &err);
    vault_close(other);
}

static void a_newer_pack_is_told_apart_from_a_damaged_one(void **state)
{
    struct vault **v = *state;
    struct unit units[2];
    auto_buf struct buf body = {0};
    struct err err = {0};
    char key[PACK_KEY_MAX];

    fill(v[0], units, 2);
    fixture_get(v[0], pack_key(units[0].pack, key), &body);
    body.data[8] = 2;
    assert_fails(-EPROTO, pack_walk(v[0], units[0].pack, buf_slice(&body), NULL, NULL, &err));
    assert_int_equal(GW_VAULT_NEWER, err.gw);
}

#define BOTH(test) cmocka_unit_test_setup_teardown(test, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(units_of_every_length_come_back),
        BOTH(every_level_comes_back),
        cmocka_unit_test(the_quick_level_is_hardly_larger),
        BOTH(noise_is_stored_raw_at_any_level),
        BOTH(what_hardly_shrinks_is_stored_raw),
        BOTH(decompressing_never_writes_past_the_recorded_length),
        BOTH(a_pack_describes_itself),
        BOTH(a_walk_ends_when_told),
        BOTH(the_name_is_the_hash_of_the_bytes),
        BOTH(a_full_pack_says_so_and_stays_within_its_limit),
        BOTH(an_empty_pack_is_none),
        BOTH(two_packs_may_be_open_in_one_vault),
        BOTH(equal_data_has_equal_ids_and_one_byte_changes_them),
        BOTH(every_flipped_bit_of_a_pack_is_refused),
        BOTH(every_flipped_bit_of_header_index_and_trailer_is_refused),
        BOTH(every_flipped_bit_of_a_unit_is_refused),
        BOTH(every_truncation_of_a_pack_is_refused),
        BOTH(swapped_units_are_refused),
        BOTH(units_out_of_bounds_are_refused_before_anything_is_fetched),
        BOTH(a_missing_pack_is_named),
        BOTH(a_pack_of_another_vault_is_refused),
        BOTH(a_newer_pack_is_told_apart_from_a_damaged_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
