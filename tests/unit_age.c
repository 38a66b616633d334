/* SPDX-License-Identifier: Apache-2.0 */
/* Files of age: known answers, what stock age wrote, and what must be refused. */
#include "tests/unit.h"

#include "base/fd.h"
#include "base/gw.h"
#include "transport/age.h"

#include "base/banned.h"

#define IDENTITY "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
#define RECIPIENT "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
#define OTHER_IDENTITY "AGE-SECRET-KEY-14EW9ZGK8JNSD2076Z9JJRAL5Z65E8KAA6JRK4MF8GVGVX3U9MC7SE7WL9M"
#define OTHER_RECIPIENT "age1v25g3wgz4qu6ddz5ymqqgj9sl636eqf298wq3zsgkyyj94p585vqedmdsh"
/* Of the point zero. */
#define LOW_RECIPIENT "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"

static void count_up(void *arg, void *out, size_t len)
{
    uint8_t *next = arg, *to = out;

    for (size_t i = 0; i < len; i++)
        to[i] = (*next)++;
}

static struct age_keys identities(const char *text)
{
    struct age_keys keys = {0};
    struct err err = {0};

    if (age_add_identities(&keys, text, &err) != 0)
        fail_msg("%s", err.text);
    return keys;
}

static struct age_keys recipients(const char *a, const char *b)
{
    struct age_keys keys = {0};

    assert_ok(age_add_recipient(&keys, a, NULL));
    if (b)
        assert_ok(age_add_recipient(&keys, b, NULL));
    return keys;
}

static void seal(const struct age_keys *keys, struct slice plain, struct buf *out)
{
    assert_ok(age_seal(keys, &rng_system, plain, out, NULL));
}

static void a_key_is_written_as_age_writes_it(void **state)
{
    uint8_t secret[32], public[32];
    char text[AGE_BECH32_TEXT_MAX];

    (void)state;
    memset(secret, 0x42, sizeof(secret));
    assert_string_equal(IDENTITY, age_bech32_format("AGE-SECRET-KEY-", secret, text));
    assert_ok(crypto_x25519_public(secret, public, NULL));
    assert_string_equal(RECIPIENT, age_bech32_format("age", public, text));
}

static void every_mistyped_character_is_found(void **state)
{
    char text[] = RECIPIENT;
    uint8_t key[32];

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        for (int c = 1; c < 256; c++) {
            char was = text[i];

            text[i] = (char)c;
            if (text[i] != was)
                assert_fails(-EINVAL, age_bech32_parse("age", text, key));
            text[i] = was;
        }
    assert_ok(age_bech32_parse("age", text, key));
}

static void a_recipient_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "age1",
        "x",
        IDENTITY,
        LOW_RECIPIENT "qqqqqq",
        RECIPIENT "q",
        "AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"};
    struct age_keys keys = {0};
    char low[AGE_BECH32_TEXT_MAX];
    uint8_t point[32] = {0};
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(-EINVAL, age_add_recipient(&keys, bad[i], NULL));
    assert_fails(-EINVAL, age_add_recipient(&keys, age_bech32_format("age", point, low), &err));
    assert_int_equal(GW_BAD_VALUE, err.gw);
    assert_non_null(strstr(err.text, "keeps a secret"));
    point[0] = 1;
    assert_fails(-EINVAL, age_add_recipient(&keys, age_bech32_format("age", point, low), NULL));
    assert_ok(age_add_recipient(&keys, RECIPIENT, NULL));
    assert_fails(-EINVAL, age_add_recipient(&keys, RECIPIENT, NULL));
    assert_int_equal(1, keys.n);
}

static void an_identity_file_has_comments_and_nothing_else(void **state)
{
    struct age_keys keys = identities("# created: today\r\n\n" IDENTITY "\r\n" OTHER_IDENTITY);
    struct err err = {0};

    (void)state;
    assert_int_equal(2, keys.n);
    assert_fails(-EINVAL, age_add_identities(&keys, "# nothing\n", &err));
    assert_fails(-EINVAL, age_add_identities(&keys, "\n" IDENTITY "Q\n", &err));
    assert_int_equal(GW_SECRET, err.gw);
    assert_null(strstr(err.text, "GFPYY"));
}

/* Computed apart, by Python's cryptography; stock age opens it. */
static void a_file_with_known_randomness_has_known_bytes(void **state)
{
    static const char header[] = "age-encryption.org/v1\n"
                                 "-> X25519 2J47rXlDfb7Z+ENBgwT0YP8Fx/6B/kqVd6gEy5Nn/2Y\n"
                                 "JuYvfjxxZ2x1c51N7N72dP8YTqIXIixQsBuKG/lCE04\n"
                                 "--- Qny7SviCAFEXBzkZBnRjAomW+8ggtwzAAeLCB51aIpI\n";
    static const uint8_t payload[] = {0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
                                      0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x8a, 0x81, 0x99, 0x82,
                                      0x09, 0xe1, 0xa3, 0x03, 0x8e, 0x06, 0x92, 0x10, 0xd3, 0x01,
                                      0x61, 0x07, 0xdc, 0x61, 0xac, 0xe6, 0xbe, 0xe2};
    uint8_t next = 0;
    const struct rng rng = {.fill = count_up, .arg = &next};
    struct age_keys to = recipients(RECIPIENT, NULL);
    auto_buf struct buf out = {0};

    (void)state;
    assert_ok(age_seal(&to, &rng, slice_str("godwit"), &out, NULL));
    assert_int_equal(sizeof(header) - 1 + sizeof(payload), out.len);
    assert_memory_equal(header, out.data, sizeof(header) - 1);
    assert_memory_equal(payload, out.data + sizeof(header) - 1, sizeof(payload));
}

static void what_age_wrote_is_read(void **state)
{
    static const char *const files[] = {"one_recipient", "two_recipients", "ssh_and_x25519"};
    struct age_keys ids = identities(IDENTITY "\n" OTHER_IDENTITY "\n");
    const char *top = getenv("abs_top_srcdir");
    char path[PATH_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        auto_buf struct buf file = {0};
        auto_buf struct buf plain = {0};

        snprintf(path, sizeof(path), "%s/tests/data/fuzz_age/%s", top ? top : ".", files[i]);
        assert_ok(fd_load(path, 4096, &file, NULL));
        assert_ok(age_open(&ids, buf_slice(&file), &plain, NULL));
        assert_string_equal("the godwit flies eight days\n", buf_cstr(&plain));
    }
}

static void each_recipient_reads_and_nobody_else(void **state)
{
    struct age_keys to = recipients(RECIPIENT, OTHER_RECIPIENT), one = recipients(RECIPIENT, NULL);
    struct age_keys a = identities(IDENTITY), b = identities(OTHER_IDENTITY);
    auto_buf struct buf both = {0};
    auto_buf struct buf alone = {0};
    auto_buf struct buf plain = {0};
    struct err err = {0};

    (void)state;
    seal(&to, slice_str("key"), &both);
    seal(&one, slice_str("key"), &alone);
    assert_ok(age_open(&a, buf_slice(&both), &plain, NULL));
    assert_ok(age_open(&b, buf_slice(&both), &plain, NULL));
    assert_string_equal("keykey", buf_cstr(&plain));
    assert_fails(-ENOKEY, age_open(&b, buf_slice(&alone), &plain, &err));
    assert_int_equal(GW_VAULT_KEY, err.gw);
    assert_int_equal(6, plain.len);
}

/* Around the chunks of 64 KiB, and nothing at all. */
static void every_length_comes_back(void **state)
{
    static const size_t lens[] = {0, 1, 65535, 65536, 65537, 131072, 200000};
    struct age_keys to = recipients(RECIPIENT, NULL), id = identities(IDENTITY);
    auto_free uint8_t *data = calloc(1, 200000);

    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        auto_buf struct buf file = {0};
        auto_buf struct buf plain = {0};

        memset(data, (int)i, lens[i]);
        seal(&to, slice_of(data, lens[i]), &file);
        assert_ok(age_open(&id, buf_slice(&file), &plain, NULL));
        assert_int_equal(lens[i], plain.len);
        if (lens[i])
            assert_memory_equal(data, plain.data, lens[i]);
        /* Cut after a whole chunk: the last one must say that it is the last. */
        if (lens[i] > 65536)
            assert_fails(-EBADMSG,
                         age_open(&id, slice_of(file.data, file.len - (lens[i] - 65536) - 16),
                                  &plain, NULL));
    }
}

static void every_changed_or_cut_byte_is_found(void **state)
{
    struct age_keys to = recipients(RECIPIENT, OTHER_RECIPIENT), id = identities(IDENTITY);
    auto_buf struct buf file = {0};
    auto_buf struct buf plain = {0};

    (void)state;
    seal(&to, slice_str("a vault's key"), &file);
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 1;
        assert_true(age_open(&id, buf_slice(&file), &plain, NULL) < 0);
        file.data[i] ^= 1;
        assert_true(age_open(&id, slice_of(file.data, i), &plain, NULL) < 0);
        assert_int_equal(0, plain.len);
    }
    buf_str(&file, "x");
    assert_fails(-EBADMSG, age_open(&id, buf_slice(&file), &plain, NULL));
}

static void other_versions_and_forms_are_named(void **state)
{
    struct age_keys id = identities(IDENTITY);
    auto_buf struct buf plain = {0};
    struct err err = {0};

    (void)state;
    assert_fails(-EPROTO, age_open(&id, slice_str("age-encryption.org/v2\n"), &plain, &err));
    assert_int_equal(GW_VAULT_NEWER, err.gw);
    assert_fails(-EPROTO,
                 age_open(&id, slice_str("-----BEGIN AGE ENCRYPTED FILE-----\n"), &plain, &err));
    assert_non_null(strstr(err.text, "armored"));
    assert_fails(-EBADMSG, age_open(&id, slice_str("hello\n"), &plain, &err));
    assert_fails(-EBADMSG, age_open(&id,
                                    slice_str("age-encryption.org/v1\n--- "
                                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"),
                                    &plain, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_written_as_age_writes_it),
        cmocka_unit_test(every_mistyped_character_is_found),
        cmocka_unit_test(a_recipient_that_is_none_is_refused),
        cmocka_unit_test(an_identity_file_has_comments_and_nothing_else),
        cmocka_unit_test(a_file_with_known_randomness_has_known_bytes),
        cmocka_unit_test(what_age_wrote_is_read),
        cmocka_unit_test(each_recipient_reads_and_nobody_else),
        cmocka_unit_test(every_length_comes_back),
        cmocka_unit_test(every_changed_or_cut_byte_is_found),
        cmocka_unit_test(other_versions_and_forms_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
