/* SPDX-License-Identifier: Apache-2.0 */
/* sha256: every way against FIPS 180-4 and NIST's CAVP vectors, and against each other. */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/sha256.h"
#include "base/text.h"

#include "base/banned.h"

enum { OUT = 32, MANY = 37, LONGEST = 1000000 };

/* Short ones of CAVP's SHA256ShortMsg, the examples of FIPS 180-4; repeat makes long ones. */
static const struct {
    const char *message;
    size_t len;
    size_t repeat;
    const char *hash;
} vectors[] = {
    {"", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"\xd3", 1, 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"},
    {"\x11\xaf", 2, 1, "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"},
    {"\xb4\x19\x0e", 3, 1, "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2"},
    {"abc", 3, 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
     "lmnopqrsmnopqrstnopqrstu",
     112, 1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    {"a", 1, LONGEST, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

struct place {
    uint8_t *data; /* MANY * LONGEST would be much: messages overlap */
    uint8_t outs[MANY][OUT];
    struct sha256_message messages[MANY];
};

static void place_init(struct place *p, size_t stride)
{
    p->data = malloc(LONGEST + MANY * stride);
    assert_non_null(p->data);
    for (size_t i = 0; i < MANY; i++)
        p->messages[i] = (struct sha256_message){.data = p->data + i * stride, .out = p->outs[i]};
}

static void each_way_gives_the_known_answers(void **state)
{
    struct place p;
    char hex[2 * OUT + 1];

    (void)state;
    place_init(&p, 0);
    for (size_t v = 0; v < ARRAY_LEN(vectors); v++) {
        for (size_t i = 0; i < vectors[v].repeat && vectors[v].len > 0; i++)
            memcpy(p.data + i * vectors[v].len, vectors[v].message, vectors[v].len);
        for (enum sha256_way way = 0; way < SHA256_WAYS; way++) {
            if (!sha256_has(way))
                continue;
            sha256_many_by(way, p.messages, 3, vectors[v].len * vectors[v].repeat);
            for (size_t i = 0; i < 3; i++)
                assert_string_equal(text_hex(p.outs[i], OUT, hex), vectors[v].hash);
        }
    }
    free(p.data);
}

/* Every lane with bytes of its own, any number of them. */
static void check_all(struct place *p, size_t n, size_t len)
{
    uint8_t want[OUT];

    for (enum sha256_way way = 0; way <= SHA256_WAYS; way++) {
        if (way < SHA256_WAYS && !sha256_has(way))
            continue;
        memset(p->outs, 0, sizeof(p->outs));
        if (way < SHA256_WAYS)
            sha256_many_by(way, p->messages, n, len);
        else
            sha256_many(p->messages, n, len);
        for (size_t i = 0; i < n; i++) {
            crypto_sha256(slice_of(p->messages[i].data, len), want);
            assert_memory_equal(p->outs[i], want, OUT);
        }
        for (size_t i = n; i < MANY; i++)
            assert_true(p->outs[i][0] == 0 && p->outs[i][OUT - 1] == 0);
    }
}

static void ways_agree_on_any_number_of_messages(void **state)
{
    struct place p;

    (void)state;
    place_init(&p, 131);
    rng_fill(&rng_system, p.data, LONGEST);
    for (size_t n = 0; n <= MANY; n++)
        check_all(&p, n, 4096);
    free(p.data);
}

static void ways_agree_on_any_length(void **state)
{
    struct place p;

    (void)state;
    place_init(&p, 67);
    rng_fill(&rng_system, p.data, LONGEST);
    for (size_t len = 0; len < 200; len++) /* each border of padding */
        check_all(&p, 17, len);
    for (int i = 0; i < 50; i++)
        check_all(&p, 1 + (size_t)rng_below(&rng_system, MANY),
                  (size_t)rng_below(&rng_system, 70000));
    free(p.data);
}

static void says_what_this_cpu_has(void **state)
{
    (void)state;
    assert_true(sha256_has(SHA256_OPENSSL));
    for (enum sha256_way way = 0; way < SHA256_WAYS; way++)
        print_message("%s: %s\n", sha256_way_name(way), sha256_has(way) ? "tested" : "not here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_gives_the_known_answers),
        cmocka_unit_test(ways_agree_on_any_number_of_messages),
        cmocka_unit_test(ways_agree_on_any_length),
        cmocka_unit_test(says_what_this_cpu_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
