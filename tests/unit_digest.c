/* SPDX-License-Identifier: Apache-2.0 */
/* The volume digest against its definition: vectors, the shape of RFC 6962, regions apart. */
#include "tests/unit.h"

#include "base/crypto.h"
#include "base/text.h"
#include "transport/digest.h"

#include "base/banned.h"

/* RFC 6962 section 2.1 read literally: the reference the streaming tree is held against. */
static void reference(const uint8_t *leaves, size_t n, uint8_t *out)
{
    uint8_t both[65] = {1};
    size_t k = 1;

    if (n == 0) {
        crypto_sha256(slice_of(NULL, 0), out);
        return;
    }
    if (n == 1) {
        memcpy(out, leaves, 32);
        return;
    }
    while (k * 2 < n)
        k *= 2;
    reference(leaves, k, both + 1);
    reference(leaves + k * 32, n - k, both + 33);
    crypto_sha256(slice_of(both, sizeof(both)), out);
}

static void fill_leaves(uint8_t *leaves, size_t n)
{
    for (uint32_t i = 0; i < n; i++)
        crypto_sha256(slice_of(&i, sizeof(i)), leaves + (size_t)i * 32);
}

static void tree_has_the_shape_of_rfc_6962(void **state)
{
    uint8_t leaves[70 * 32];
    uint8_t want[32];
    uint8_t got[32];

    (void)state;
    fill_leaves(leaves, 70);
    for (size_t n = 0; n <= 70; n++) {
        reference(leaves, n, want);
        digest_tree(leaves, n, got);
        assert_memory_equal(want, got, 32);
    }
}

static void regions_apart_give_the_root_of_the_whole(void **state)
{
    const size_t all = 2 * DIGEST_REGION_LEAVES + 3;
    auto_free uint8_t *leaves = malloc(all * 32);
    struct digest d = {0};
    uint8_t want[32];
    uint8_t got[32];

    (void)state;
    assert_non_null(leaves);
    fill_leaves(leaves, all);
    digest_tree(leaves, all, want);
    for (size_t at = 0; at < all; at += DIGEST_REGION_LEAVES) {
        size_t n = all - at < DIGEST_REGION_LEAVES ? all - at : DIGEST_REGION_LEAVES;

        digest_tree(leaves + at * 32, n, got);
        digest_add(&d, got);
    }
    digest_root(&d, got);
    assert_memory_equal(want, got, 32);
}

static void region_of_zeroes_is_known_without_hashing(void **state)
{
    auto_free uint8_t *leaves = calloc(DIGEST_REGION_LEAVES, DIGEST_LEN);
    struct digest d = {0};
    uint8_t want[DIGEST_LEN];
    uint8_t got[DIGEST_LEN];

    (void)state;
    for (size_t i = 0; i < DIGEST_REGION_LEAVES; i++) {
        memcpy(leaves + i * DIGEST_LEN, digest_zero_leaf(), DIGEST_LEN);
        digest_add(&d, digest_zero_leaf());
    }
    digest_root(&d, want);
    digest_tree(leaves, DIGEST_REGION_LEAVES, got);
    assert_memory_equal(want, got, DIGEST_LEN);
    leaves[DIGEST_REGION_LEAVES * DIGEST_LEN - 1] ^= 1;
    digest_tree(leaves, DIGEST_REGION_LEAVES, got);
    assert_memory_not_equal(want, got, DIGEST_LEN);
}

static void zero_leaf_is_the_hash_of_zeroes(void **state)
{
    auto_free uint8_t *block = calloc(1, VOLUME_BLOCK);
    uint8_t want[32];
    uint8_t got[32];

    (void)state;
    crypto_sha256(slice_of(block, VOLUME_BLOCK), want);
    assert_memory_equal(want, digest_zero_leaf(), 32);
    digest_leaf(slice_of(block, VOLUME_BLOCK), got);
    assert_memory_equal(want, got, 32);
    block[VOLUME_BLOCK - 1] = 1;
    crypto_sha256(slice_of(block, VOLUME_BLOCK), want);
    digest_leaf(slice_of(block, VOLUME_BLOCK), got);
    assert_memory_equal(want, got, 32);
}

static void short_last_block_is_hashed_at_its_own_length(void **state)
{
    auto_free uint8_t *block = calloc(1, VOLUME_BLOCK);
    uint8_t want[32];
    uint8_t got[32];

    (void)state;
    crypto_sha256(slice_of(block, 511), want);
    digest_leaf(slice_of(block, 511), got);
    assert_memory_equal(want, got, 32);
    assert_memory_not_equal(got, digest_zero_leaf(), 32);
}

static void a_row_has_the_leaves_of_its_blocks(void **state)
{
    enum { BLOCKS = 23, SHORT = 777 };
    size_t len = BLOCKS * (size_t)VOLUME_BLOCK + SHORT;
    auto_free uint8_t *row = calloc(1, len);
    uint8_t got[BLOCKS + 1][DIGEST_LEN];
    uint8_t want[DIGEST_LEN];

    (void)state;
    assert_non_null(row);
    for (size_t b = 0; b <= BLOCKS; b++)
        if (b % 4 != 1)
            memset(row + b * VOLUME_BLOCK + 5, (int)b + 1, SHORT - 5);
    digest_row(slice_of(row, len), got[0]);
    for (size_t b = 0; b <= BLOCKS; b++) {
        crypto_sha256(slice_of(row + b * VOLUME_BLOCK, b < BLOCKS ? VOLUME_BLOCK : SHORT), want);
        assert_memory_equal(got[b], want, DIGEST_LEN);
    }
}

static void counts_blocks_and_regions(void **state)
{
    (void)state;
    assert_int_equal(digest_leaves(0), 0);
    assert_int_equal(digest_leaves(1), 1);
    assert_int_equal(digest_leaves(VOLUME_BLOCK), 1);
    assert_int_equal(digest_leaves(VOLUME_BLOCK + 1), 2);
    assert_int_equal(digest_regions(VOLUME_REGION + 1), 2);
    assert_int_equal(digest_region_leaves(VOLUME_REGION + 1, 0), 1024);
    assert_int_equal(digest_region_leaves(VOLUME_REGION + 1, 1), 1);
    assert_int_equal(digest_region_leaves(VOLUME_REGION + 1, 2), 0);
}

static void tells_zero_from_anything_else(void **state)
{
    uint8_t data[100] = {0};

    (void)state;
    assert_true(digest_is_zero(slice_of(data, 0)));
    assert_true(digest_is_zero(slice_of(data, sizeof(data))));
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = 7;
        assert_false(digest_is_zero(slice_of(data, sizeof(data))));
        data[i] = 0;
    }
    memset(data, 7, sizeof(data));
    assert_false(digest_is_zero(slice_of(data, sizeof(data))));
}

/* The vectors of docs/formats.md; tests/cli_digest.sh makes them again in another language. */
static void vectors_of_the_document(void **state)
{
    static const struct {
        uint64_t size;
        const char *hex;
    } vectors[] = {
        {0, "3252d448c02f60690f17e6046a86b866cbf25100760233185f44ca626b263c93"},
        {1, "44b9ed57ec115778870a5b49f52cf4f1f95f89dfbae19ef6176e4a009eb4e519"},
        {65537, "6a7cd0b9213ccd8eff56226b51541228cb40031791916208d750af5acb2c6f37"},
        {67108865, "134aa9e9b3955ca359d9976b1499e495814287716d10c5df78a102346f4bace4"},
    };
    auto_free uint8_t *block = malloc(VOLUME_BLOCK);

    (void)state;
    memset(block, 'g', VOLUME_BLOCK);
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct digest d = {0};
        uint8_t out[32];
        char hex[65];

        for (uint64_t at = 0; at < vectors[i].size; at += VOLUME_BLOCK) {
            uint64_t left = vectors[i].size - at;

            digest_leaf(slice_of(block, left < VOLUME_BLOCK ? left : VOLUME_BLOCK), out);
            digest_add(&d, out);
        }
        digest_root(&d, out);
        digest_volume(vectors[i].size, out, out);
        assert_string_equal(text_hex(out, 32, hex), vectors[i].hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tree_has_the_shape_of_rfc_6962),
        cmocka_unit_test(regions_apart_give_the_root_of_the_whole),
        cmocka_unit_test(zero_leaf_is_the_hash_of_zeroes),
        cmocka_unit_test(region_of_zeroes_is_known_without_hashing),
        cmocka_unit_test(short_last_block_is_hashed_at_its_own_length),
        cmocka_unit_test(a_row_has_the_leaves_of_its_blocks),
        cmocka_unit_test(counts_blocks_and_regions),
        cmocka_unit_test(tells_zero_from_anything_else),
        cmocka_unit_test(vectors_of_the_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
