/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and seals against the known answers of docs/formats.md section 12, computed by other code.
 */
#include "tests/vault_fixture.h"

#include "base/gw.h"
#include "base/text.h"
#include "transport/vault_object.h"

#include "base/banned.h"

static void from(uint8_t first, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(first + i);
}

static void assert_hex(const char *want, const uint8_t *got, size_t len)
{
    char hex[2 * 32 + 1];

    assert_string_equal(want, text_hex(got, len, hex));
}

static void known_keys(bool encrypted, struct seal_keys *ret)
{
    uint8_t id[SEAL_VAULT_ID_LEN];

    from(0xa0, id, sizeof(id));
    assert_ok(seal_keys_derive(encrypted ? fixture_key : NULL, id, ret, NULL));
}

static void derived_keys_are_the_documented_ones(void **state)
{
    struct seal_keys k;

    (void)state;
    known_keys(true, &k);
    assert_hex("532ec084da1e71d6b7d851134265ed1484b5053c1e295f6135947ec2179bc73b", k.check, 32);
    assert_hex("f71e2a31c403e8f545a368536ac44a497ebfe95c85cfce8685b9bc744a7d4301", k.pack, 32);
    assert_hex("967d78b24122fefb94f923480a24bd9992473dbd56c0adc7ee273cf2154ca872", k.id, 32);
    assert_hex("b38ec103742fdc078cd89ddc8bd99d0d10c64499d7d9694d09681ed13a31200c", k.point, 32);
    assert_hex("f6040a53fe8fe303686ae6bf88917e8f895365c254d46d68d67ea152e78dc820", k.control, 32);
}

static void the_vault_object_is_the_documented_one(void **state)
{
    struct seal_keys k;
    auto_buf struct buf object = {0};

    (void)state;
    known_keys(true, &k);
    assert_ok(vault_object_format(&k, &object, NULL));
    assert_string_equal("godwit vault 1\n"
                        "id a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n"
                        "encryption aes-256-gcm\n"
                        "check dc54d8f99d7d1eed0a24084e3f44b398fa7b67e9399650f1b49dcbc85012cd6f\n"
                        "sum b96e56fa1270a782a35195b8ab5a6844e0a680ea7a214ec39e9810abe9794074\n",
                        buf_cstr(&object));
}

static void sealed_segments_are_the_documented_ones(void **state)
{
    static const char *const tags[] = {"f1bdb54e8b8203f8612e632188f60785",
                                       "e6ceaed6411990f23c9e8ea94717f68c"};
    struct seal_segment seg = {.raw_len = 4096};
    uint8_t salt[SEAL_SALT_LEN];
    uint8_t raw[4096];
    uint8_t out[4096 + SEAL_TAG_LEN];

    (void)state;
    from(0x40, salt, sizeof(salt));
    from(0, raw, sizeof(raw));
    for (int i = 0; i < 2; i++) {
        struct seal_keys k;
        auto_seal struct seal *s = NULL;

        known_keys(i, &k);
        assert_ok(seal_new(&k, &s, NULL));
        assert_ok(seal_rekey(s, SEAL_PACK_DATA, salt, NULL));
        assert_ok(seal_shut(s, &seg, slice_of(raw, sizeof(raw)), out, NULL));
        assert_hex(tags[i], out + 4096, SEAL_TAG_LEN);
        assert_int_equal(i, memcmp(raw, out, 4096) != 0);
        assert_ok(seal_open(s, &seg, slice_of(out, sizeof(out)), out, NULL));
        assert_memory_equal(raw, out, 4096);
    }
}

/* Whatever a segment is bound to: changed by one, it no longer opens, and nothing comes out. */
static void every_binding_of_a_segment_counts(void **state)
{
    const struct seal_segment good = {
        .index = 3, .raw_len = 4096, .codec = 0, .context = slice_str("replicas/a")};
    uint8_t salt[SEAL_SALT_LEN] = {1};
    uint8_t other_salt[SEAL_SALT_LEN] = {2};
    uint8_t raw[64];
    uint8_t zero[64] = {0};
    uint8_t sealed[64 + SEAL_TAG_LEN];
    uint8_t out[64];

    (void)state;
    from(1, raw, sizeof(raw));
    for (int i = 0; i < 2; i++) {
        struct seal_keys k;
        auto_seal struct seal *s = NULL;
        struct seal_segment bad[5];

        known_keys(i, &k);
        assert_ok(seal_new(&k, &s, NULL));
        assert_ok(seal_rekey(s, SEAL_PACK_MAP, salt, NULL));
        assert_ok(seal_shut(s, &good, slice_of(raw, sizeof(raw)), sealed, NULL));
        for (size_t b = 0; b < ARRAY_LEN(bad); b++)
            bad[b] = good;
        bad[0].index = 4;
        bad[1].last = true;
        bad[2].raw_len = 4097;
        bad[3].codec = 1;
        bad[4].context = slice_str("replicas/b");
        for (size_t b = 0; b < ARRAY_LEN(bad); b++) {
            struct err err = {0};

            memcpy(out, raw, sizeof(out));
            assert_fails(-EBADMSG,
                         seal_open(s, &bad[b], slice_of(sealed, sizeof(sealed)), out, &err));
            assert_int_equal(GW_VAULT_DAMAGED, err.gw);
            assert_memory_equal(zero, out, sizeof(out));
        }
        assert_ok(seal_rekey(s, SEAL_PACK_DATA, salt, NULL));
        assert_fails(-EBADMSG, seal_open(s, &good, slice_of(sealed, sizeof(sealed)), out, NULL));
        assert_ok(seal_rekey(s, SEAL_PACK_MAP, other_salt, NULL));
        assert_fails(-EBADMSG, seal_open(s, &good, slice_of(sealed, sizeof(sealed)), out, NULL));
        assert_ok(seal_rekey(s, SEAL_PACK_MAP, salt, NULL));
        assert_ok(seal_open(s, &good, slice_of(sealed, sizeof(sealed)), out, NULL));
        assert_fails(-EBADMSG, seal_open(s, &good, slice_of(sealed, SEAL_TAG_LEN - 1), out, NULL));
    }
}

static void a_unit_id_is_the_documented_one(void **state)
{
    struct seal_keys k;
    uint8_t raw[4096];
    uint8_t text[4 + 32] = {0x00, 0x10};
    uint8_t id[32];

    (void)state;
    known_keys(true, &k);
    from(0, raw, sizeof(raw));
    crypto_sha256(slice_of(raw, sizeof(raw)), text + 4);
    crypto_hmac_sha256(slice_of(k.id, 32), slice_of(text, sizeof(text)), id);
    assert_hex("72c09cfd4253b84e1b3d1da9ca24e8db70cf4cfd39cd8a5c", id, UNIT_ID_LEN);
    {
        struct vault *v = fixture_vault("mem:id", fixture_key);
        uint8_t ours[UNIT_ID_LEN];

        crypto_hmac_sha256(slice_of(vault_keys(v)->id, 32), slice_of(text, sizeof(text)), id);
        unit_id_of(v, slice_of(raw, sizeof(raw)), ours);
        assert_memory_equal(id, ours, UNIT_ID_LEN);
        vault_close(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derived_keys_are_the_documented_ones),
        cmocka_unit_test(the_vault_object_is_the_documented_one),
        cmocka_unit_test(sealed_segments_are_the_documented_ones),
        cmocka_unit_test(every_binding_of_a_segment_counts),
        cmocka_unit_test(a_unit_id_is_the_documented_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
