/* SPDX-License-Identifier: Apache-2.0 */
/* crypto: known answers of FIPS 180-4, RFC 4231, RFC 5869, RFC 4648 and the GCM specification. */
#include "tests/unit.h"

#include "base/crypto.h"

#include <ctype.h>

#include "base/banned.h"

enum { HEX_BYTES_MAX = 256 };

/* Bytes of a vector, written as hex digits. */
struct bytes {
    uint8_t data[HEX_BYTES_MAX];
    size_t len;
};

static uint8_t nibble(char c)
{
    return (uint8_t)(isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10);
}

static struct bytes unhex(const char *hex)
{
    struct bytes b = {.len = strlen(hex) / 2};

    assert_true(b.len <= sizeof(b.data));
    for (size_t i = 0; i < b.len; i++)
        b.data[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return b;
}

static struct bytes repeat(uint8_t byte, size_t len)
{
    struct bytes b = {.len = len};

    memset(b.data, byte, len);
    return b;
}

static struct bytes count_up(uint8_t from, size_t len)
{
    struct bytes b = {.len = len};

    for (size_t i = 0; i < len; i++)
        b.data[i] = (uint8_t)(from + i);
    return b;
}

static struct slice slice(const struct bytes *b)
{
    return slice_of(b->data, b->len);
}

static void assert_bytes(const char *hex, const uint8_t *got)
{
    const struct bytes want = unhex(hex);

    assert_memory_equal(want.data, got, want.len);
}

static const struct {
    const char *text, *hash;
} sha256_vectors[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void sha256_gives_the_known_answers(void **state)
{
    uint8_t out[CRYPTO_SHA256_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sha256_vectors); i++) {
        crypto_sha256(slice_str(sha256_vectors[i].text), out);
        assert_bytes(sha256_vectors[i].hash, out);
    }
    crypto_sha256((struct slice){0}, out);
    assert_bytes(sha256_vectors[0].hash, out);
}

static void hash_of_a_stream_is_the_hash_of_the_whole(void **state)
{
    struct crypto_hash *h;
    uint8_t out[CRYPTO_SHA256_LEN];
    char piece[1000];

    (void)state;
    memset(piece, 'a', sizeof(piece));
    assert_ok(crypto_hash_new(&h, NULL));
    for (int i = 0; i < 1000; i++)
        crypto_hash_add(h, slice_of(piece, sizeof(piece)));
    crypto_hash_get(h, out);
    assert_bytes("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", out);
    crypto_hash_free(h);
}

static void hash_can_be_reset_at_any_moment(void **state)
{
    struct crypto_hash *h;
    uint8_t out[CRYPTO_SHA256_LEN];

    (void)state;
    assert_ok(crypto_hash_new(&h, NULL));
    crypto_hash_add(h, slice_str("half"));
    for (size_t i = 0; i < ARRAY_LEN(sha256_vectors); i++) {
        crypto_hash_reset(h);
        crypto_hash_add(h, slice_str(sha256_vectors[i].text));
        crypto_hash_get(h, out);
        assert_bytes(sha256_vectors[i].hash, out);
    }
    crypto_hash_free(h);
    crypto_hash_free(NULL);
}

static void hmac_gives_the_answers_of_rfc_4231(void **state)
{
    const struct {
        struct bytes key;
        const char *text;
        struct bytes data; /* when text is NULL */
        const char *mac;
    } cases[] = {
        {repeat(0x0b, 20),
         "Hi There",
         {.len = 0},
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {unhex("4a656665"),
         "what do ya want for nothing?",
         {.len = 0},
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {repeat(0xaa, 20), NULL, repeat(0xdd, 50),
         "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {count_up(1, 25), NULL, repeat(0xcd, 50),
         "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {repeat(0xaa, 131),
         "Test Using Larger Than Block-Size Key - Hash Key First",
         {.len = 0},
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {repeat(0xaa, 131),
         "This is a test using a larger than block-size key and a larger than block-size data. "
         "The key needs to be hashed before being used by the HMAC algorithm.",
         {.len = 0},
         "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
    };
    uint8_t out[CRYPTO_SHA256_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        crypto_hmac_sha256(slice(&cases[i].key),
                           cases[i].text ? slice_str(cases[i].text) : slice(&cases[i].data), out);
        assert_bytes(cases[i].mac, out);
    }
}

static void hmac_with_an_empty_key_has_no_dummy_key(void **state)
{
    uint8_t out[CRYPTO_SHA256_LEN];

    (void)state;
    crypto_hmac_sha256((struct slice){0}, (struct slice){0}, out);
    assert_bytes("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", out);
}

static void hkdf_gives_the_answers_of_rfc_5869(void **state)
{
    const struct {
        struct bytes key, salt, info;
        const char *okm;
    } cases[] = {
        {repeat(0x0b, 22), count_up(0, 13), count_up(0xf0, 10),
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {count_up(0, 80), count_up(0x60, 80), count_up(0xb0, 80),
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6"
         "5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {repeat(0x0b, 22),
         {.len = 0},
         {.len = 0},
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    uint8_t out[HEX_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_ok(crypto_hkdf(slice(&cases[i].key), slice(&cases[i].salt), slice(&cases[i].info),
                              out, strlen(cases[i].okm) / 2, NULL));
        assert_bytes(cases[i].okm, out);
    }
}

static void hkdf_refuses_lengths_that_the_rfc_forbids(void **state)
{
    static uint8_t out[255 * CRYPTO_SHA256_LEN + 1];
    const struct slice key = slice_str("key"), none = {0};

    (void)state;
    assert_ok(crypto_hkdf(key, none, none, out, sizeof(out) - 1, NULL));
    assert_fails(-EINVAL, crypto_hkdf(key, none, none, out, sizeof(out), NULL));
    assert_fails(-EINVAL, crypto_hkdf(key, none, none, out, 0, NULL));
    assert_fails(-EINVAL, crypto_hkdf(none, none, none, out, 32, NULL));
}

static const struct {
    const char *key, *nonce, *ad, *plain, *sealed;
} gcm_vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void seal_and_open_give_the_answers_of_the_gcm_specification(void **state)
{
    struct crypto_aead *a;
    uint8_t out[HEX_BYTES_MAX];

    (void)state;
    assert_ok(crypto_aead_new(&a, NULL));
    for (size_t i = 0; i < ARRAY_LEN(gcm_vectors); i++) {
        const struct bytes key = unhex(gcm_vectors[i].key), nonce = unhex(gcm_vectors[i].nonce);
        const struct bytes ad = unhex(gcm_vectors[i].ad), plain = unhex(gcm_vectors[i].plain);
        const struct bytes sealed = unhex(gcm_vectors[i].sealed);

        assert_ok(crypto_aead_key(a, key.data, NULL));
        assert_ok(crypto_aead_seal(a, nonce.data, slice(&ad), slice(&plain), out, NULL));
        assert_memory_equal(sealed.data, out, sealed.len);
        assert_ok(crypto_aead_open(a, nonce.data, slice(&ad), slice(&sealed), out, NULL));
        assert_memory_equal(plain.data, out, plain.len);
    }
    crypto_aead_free(a);
    crypto_aead_free(NULL);
}

static void seal_and_open_work_in_place(void **state)
{
    const struct bytes key = unhex(gcm_vectors[2].key), nonce = unhex(gcm_vectors[2].nonce);
    const struct bytes ad = unhex(gcm_vectors[2].ad), plain = unhex(gcm_vectors[2].plain);
    const struct bytes sealed = unhex(gcm_vectors[2].sealed);
    struct bytes text = plain;
    struct crypto_aead *a;

    (void)state;
    assert_ok(crypto_aead_new(&a, NULL));
    assert_ok(crypto_aead_key(a, key.data, NULL));
    assert_ok(crypto_aead_seal(a, nonce.data, slice(&ad), slice(&text), text.data, NULL));
    assert_memory_equal(sealed.data, text.data, sealed.len);
    text.len = sealed.len;
    assert_ok(crypto_aead_open(a, nonce.data, slice(&ad), slice(&text), text.data, NULL));
    assert_memory_equal(plain.data, text.data, plain.len);
    crypto_aead_free(a);
}

static void open_refuses_every_changed_bit_and_leaves_nothing(void **state)
{
    const struct bytes key = unhex(gcm_vectors[2].key), nonce = unhex(gcm_vectors[2].nonce);
    const struct bytes ad = unhex(gcm_vectors[2].ad);
    static const uint8_t zeros[HEX_BYTES_MAX];
    struct bytes sealed = unhex(gcm_vectors[2].sealed);
    uint8_t out[HEX_BYTES_MAX];
    struct crypto_aead *a;
    struct err err = {0};

    (void)state;
    assert_ok(crypto_aead_new(&a, NULL));
    assert_ok(crypto_aead_key(a, key.data, NULL));
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_fails(-EBADMSG,
                     crypto_aead_open(a, nonce.data, slice(&ad), slice(&sealed), out, &err));
        assert_memory_equal(zeros, out, sealed.len - CRYPTO_TAG_LEN);
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_fails(-EBADMSG,
                 crypto_aead_open(a, nonce.data, slice_str("other"), slice(&sealed), out, NULL));
    assert_fails(-EBADMSG, crypto_aead_open(a, nonce.data, slice(&ad),
                                            slice_of(sealed.data, CRYPTO_TAG_LEN - 1), out, NULL));
    assert_ok(crypto_aead_open(a, nonce.data, slice(&ad), slice(&sealed), out, NULL));
    crypto_aead_free(a);
}

static void equal_compares_all_bytes(void **state)
{
    (void)state;
    assert_true(crypto_equal("abc", "abc", 3));
    assert_true(crypto_equal("abc", "abd", 2));
    assert_false(crypto_equal("abc", "abd", 3));
    assert_false(crypto_equal("xbc", "abc", 3));
    assert_true(crypto_equal(NULL, NULL, 0));
}

static void wipe_leaves_zeros(void **state)
{
    uint8_t secret[4] = {1, 2, 3, 4}, zeros[4] = {0};

    (void)state;
    crypto_wipe(secret, sizeof(secret));
    assert_memory_equal(zeros, secret, sizeof(secret));
    crypto_wipe(NULL, 0);
}

static void b64url_gives_the_answers_of_rfc_4648(void **state)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff", "-_8"}};
    char text[16], bytes[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const size_t n = strlen(cases[i].bytes);

        assert_string_equal(cases[i].text, crypto_b64url(cases[i].bytes, n, text));
        assert_ok(crypto_unb64url(text, bytes, n, &len));
        assert_int_equal(n, len);
        assert_memory_equal(cases[i].bytes, bytes, n);
    }
}

static void unb64url_refuses_what_no_encoder_writes(void **state)
{
    static const char *const bad[] = {"Z",     "Zm9vY", "Zm9=", "Zh",      "Zm9",
                                      "Zm 9v", "Zm+v",  "Zm/v", "\xc3\xa4"};
    char bytes[16];
    size_t len = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(-EINVAL, crypto_unb64url(bad[i], bytes, sizeof(bytes), &len));
    assert_fails(-EINVAL, crypto_unb64url("Zm9v", bytes, 2, &len));
    assert_int_equal(77, len);
}

static void b64_has_the_other_two_digits(void **state)
{
    char text[8], bytes[4];
    size_t len;

    (void)state;
    assert_string_equal("+/8", crypto_b64("\xfb\xff", 2, text));
    assert_ok(crypto_unb64("+/8", bytes, sizeof(bytes), &len));
    assert_int_equal(2, len);
    assert_memory_equal("\xfb\xff", bytes, 2);
    assert_fails(-EINVAL, crypto_unb64("-_8", bytes, sizeof(bytes), &len));
}

static void x25519_gives_the_answers_of_rfc_7748(void **state)
{
    const struct bytes bob = unhex(
                           "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
                       point = unhex(
                           "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
                       scalar = unhex(
                           "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    uint8_t out[CRYPTO_X25519_LEN];

    (void)state;
    assert_ok(crypto_x25519(scalar.data, point.data, out, NULL));
    assert_bytes("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552", out);
    assert_ok(crypto_x25519_public(bob.data, out, NULL));
    assert_bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", out);
}

/* The points of order 1, 2, 4 and 8, and how else they can be written. */
static void x25519_refuses_points_of_low_order(void **state)
{
    static const char *const low[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    const struct bytes secret = count_up(1, CRYPTO_X25519_LEN);
    uint8_t out[CRYPTO_X25519_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(low); i++)
        assert_fails(-EBADMSG, crypto_x25519(secret.data, unhex(low[i]).data, out, NULL));
}

/* RFC 8439, section 2.8.2. */
static void chacha_gives_the_answer_of_rfc_8439(void **state)
{
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                               "only one tip for the future, sunscreen would be it.";
    const struct bytes ad = unhex("50515253c0c1c2c3c4c5c6c7"), key = count_up(0x80, 32),
                       nonce = unhex("070000004041424344454647");
    uint8_t sealed[sizeof(text) - 1 + CRYPTO_TAG_LEN], plain[sizeof(text)];
    struct crypto_aead *a = NULL;

    (void)state;
    assert_ok(crypto_aead_new_chacha(&a, NULL));
    assert_ok(crypto_aead_key(a, key.data, NULL));
    assert_ok(crypto_aead_seal(a, nonce.data, slice(&ad), slice_str(text), sealed, NULL));
    assert_bytes("d31a8d34648e60db7b86afbc53ef7ec2", sealed);
    assert_bytes("1ae10b594f09e26a7e902ecbd0600691", sealed + sizeof(text) - 1);
    assert_ok(
        crypto_aead_open(a, nonce.data, slice(&ad), slice_of(sealed, sizeof(sealed)), plain, NULL));
    assert_memory_equal(text, plain, sizeof(text) - 1);
    sealed[3] ^= 1;
    assert_fails(-EBADMSG, crypto_aead_open(a, nonce.data, slice(&ad),
                                            slice_of(sealed, sizeof(sealed)), plain, NULL));
    crypto_aead_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_known_answers),
        cmocka_unit_test(hash_of_a_stream_is_the_hash_of_the_whole),
        cmocka_unit_test(hash_can_be_reset_at_any_moment),
        cmocka_unit_test(hmac_gives_the_answers_of_rfc_4231),
        cmocka_unit_test(hmac_with_an_empty_key_has_no_dummy_key),
        cmocka_unit_test(hkdf_gives_the_answers_of_rfc_5869),
        cmocka_unit_test(hkdf_refuses_lengths_that_the_rfc_forbids),
        cmocka_unit_test(seal_and_open_give_the_answers_of_the_gcm_specification),
        cmocka_unit_test(seal_and_open_work_in_place),
        cmocka_unit_test(open_refuses_every_changed_bit_and_leaves_nothing),
        cmocka_unit_test(equal_compares_all_bytes),
        cmocka_unit_test(wipe_leaves_zeros),
        cmocka_unit_test(b64url_gives_the_answers_of_rfc_4648),
        cmocka_unit_test(unb64url_refuses_what_no_encoder_writes),
        cmocka_unit_test(b64_has_the_other_two_digits),
        cmocka_unit_test(x25519_gives_the_answers_of_rfc_7748),
        cmocka_unit_test(x25519_refuses_points_of_low_order),
        cmocka_unit_test(chacha_gives_the_answer_of_rfc_8439),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
