/* SPDX-License-Identifier: Apache-2.0 */
/* tags: both ways against a GMAC made here, and against each other. */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "transport/tags_impl.h"

#include "base/banned.h"

enum { ROUNDS = 200, WAYS = 2 };

struct place {
    uint8_t key[TAGS_KEY_LEN];
    uint8_t block[VOLUME_BLOCK];
    struct tags *ways[WAYS];
    int n;
};

static void place_init(struct place *p)
{
    rng_fill(&rng_system, p->key, sizeof(p->key));
    rng_fill(&rng_system, p->block, sizeof(p->block));
    p->n = tags_wide_has() ? WAYS : 1;
    print_message("avx-512 with carry-less products: %s\n", p->n == WAYS ? "tested" : "not here");
    for (int i = 0; i < p->n; i++)
        assert_return_code(tags_new_by(p->key, i == 1, &p->ways[i], NULL), 0);
}

static void place_done(struct place *p)
{
    for (int i = 0; i < p->n; i++)
        tags_free(p->ways[i]);
}

static uint64_t gmac(const uint8_t *key, const uint8_t *sector)
{
    static const uint8_t nonce[CRYPTO_NONCE_LEN];
    uint8_t mac[CRYPTO_TAG_LEN];
    struct crypto_aead *a = NULL;
    uint64_t first;

    assert_return_code(crypto_aead_new(&a, NULL), 0);
    assert_return_code(crypto_aead_key(a, key, NULL), 0);
    assert_return_code(
        crypto_aead_seal(a, nonce, slice_of(sector, VOLUME_SECTOR), slice_of(NULL, 0), mac, NULL),
        0);
    crypto_aead_free(a);
    memcpy(&first, mac, sizeof(first));
    return first;
}

static void check(struct place *p)
{
    static const uint8_t zeroes[VOLUME_SECTOR];
    uint64_t none = gmac(p->key, zeroes);
    uint64_t got[TAGS_A_BLOCK];

    for (int way = 0; way < p->n; way++) {
        assert_return_code(tags_block(p->ways[way], p->block, TAGS_A_BLOCK, got, NULL), 0);
        for (size_t i = 0; i < TAGS_A_BLOCK; i++)
            assert_int_equal(got[i], gmac(p->key, p->block + i * VOLUME_SECTOR) ^ none);
    }
}

static void each_way_gives_the_gmac_without_that_of_zeroes(void **state)
{
    struct place p;

    (void)state;
    for (int i = 0; i < 20; i++) {
        place_init(&p);
        check(&p);
        place_done(&p);
    }
}

/* Each bit of a sector has a factor of its own, and each must be right. */
static void any_one_bit_counts(void **state)
{
    struct place p;

    (void)state;
    place_init(&p);
    for (int i = 0; i < ROUNDS; i++) {
        memset(p.block, 0, sizeof(p.block));
        for (size_t s = 0; s < TAGS_A_BLOCK; s++) {
            uint64_t bit = rng_below(&rng_system, (uint64_t)VOLUME_SECTOR * 8);

            p.block[s * VOLUME_SECTOR + bit / 8] = (uint8_t)(1U << bit % 8);
        }
        check(&p);
    }
    memset(p.block, 0xff, sizeof(p.block));
    check(&p);
    place_done(&p);
}

static void zeroes_and_what_is_past_the_end_have_none(void **state)
{
    uint64_t got[TAGS_A_BLOCK];
    struct place p;

    (void)state;
    place_init(&p);
    for (int way = 0; way < p.n; way++) {
        assert_return_code(tags_block(p.ways[way], p.block, 3, got, NULL), 0);
        assert_true(got[0] != 0 && got[2] != 0);
        for (size_t i = 3; i < TAGS_A_BLOCK; i++)
            assert_int_equal(got[i], 0);
        assert_return_code(tags_block(p.ways[way], NULL, TAGS_A_BLOCK, got, NULL), 0);
        assert_int_equal(got[0], 0);
    }
    memset(p.block, 0, sizeof(p.block));
    check(&p);
    for (int way = 0; way < p.n; way++) {
        assert_return_code(tags_block(p.ways[way], p.block, TAGS_A_BLOCK, got, NULL), 0);
        assert_int_equal(got[7], 0);
    }
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_gives_the_gmac_without_that_of_zeroes),
        cmocka_unit_test(any_one_bit_counts),
        cmocka_unit_test(zeroes_and_what_is_past_the_end_have_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
