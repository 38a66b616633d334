/* SPDX-License-Identifier: Apache-2.0 */
/* Opening vaults: keys that fit or do not, newer formats, damage; key files; two makers at once. */
#include "tests/vault_fixture.h"

#include "base/gw.h"
#include "base/text.h"
#include "base/worker.h"
#include "transport/vault_object.h"

#include "base/banned.h"

static const uint8_t other_key[32] = {9};

static int open_at(const char *url, const uint8_t *key, bool create, struct vault **ret,
                   struct err *err)
{
    struct vault_conf conf = {.store = {.url = url}, .key = key, .create = create};

    return vault_open(&conf, ret, err);
}

static void expect(int code, unsigned gw, const char *url, const uint8_t *key)
{
    struct vault *v = NULL;
    struct err err = {0};

    assert_fails(code, open_at(url, key, false, &v, &err));
    assert_int_equal(gw, err.gw);
    assert_null(v);
}

/* A store without a vault, held open so that a mem: place stays. */
static struct store *bare_store(const char *url)
{
    struct store_conf conf = {.url = url};
    struct store *s = NULL;

    assert_ok(store_open(&conf, &s, NULL));
    return s;
}

/* ---- opening --------------------------------------------------------------- */

static void a_vault_is_made_once_and_opened_again(void **state)
{
    struct vault *a = fixture_vault("mem:v", fixture_key);
    struct vault *b = fixture_vault("mem:v", fixture_key);
    struct vault *c = NULL;

    (void)state;
    assert_memory_equal(vault_id(a), vault_id(b), VAULT_ID_LEN);
    assert_true(vault_encrypted(a));
    assert_ok(vault_dup(a, &c, NULL));
    assert_memory_equal(vault_keys(a), vault_keys(c), sizeof(struct seal_keys));
    assert_ptr_not_equal(vault_seal(a), vault_seal(c));
    vault_close(c);
    vault_close(b);
    vault_close(a);
}

static void no_vault_is_said_so(void **state)
{
    auto_store struct store *s = bare_store("mem:none");

    (void)state;
    expect(-ENOENT, GW_NO_VAULT, "mem:none", fixture_key);
}

/* A vault made over it would have another id: what is there would never open again. */
static void a_lost_vault_object_is_not_replaced_while_points_are_there(void **state)
{
    static const char point[] = "replicas/web/points/0000000000000001";
    auto_store struct store *s = bare_store("mem:lost");
    struct vault *v = fixture_vault("mem:lost", fixture_key);
    struct vault *again = NULL;
    auto_buf struct buf object = {0};
    struct err err = {0};

    (void)state;
    assert_ok(store_put(s, point, slice_str("x"), NULL, 0, NULL));
    assert_ok(store_get(s, "vault", (struct store_range){0}, &object, NULL));
    assert_ok(store_delete(s, "vault", NULL));
    assert_fails(-EBADMSG, open_at("mem:lost", fixture_key, true, &again, &err));
    assert_int_equal(GW_VAULT_OBJECT, err.gw);
    assert_non_null(strstr(err.text, point));
    assert_fails(-EBADMSG, open_at("mem:lost", fixture_key, false, &again, &err));
    assert_int_equal(GW_VAULT_OBJECT, err.gw);
    assert_fails(-ENOENT, store_head(s, "vault", NULL, NULL));

    assert_ok(store_put(s, "vault", buf_slice(&object), NULL, 0, NULL));
    assert_ok(open_at("mem:lost", fixture_key, true, &again, NULL));
    assert_memory_equal(vault_id(v), vault_id(again), VAULT_ID_LEN);
    vault_close(again);
    vault_close(v);
}

static void only_the_right_key_opens(void **state)
{
    struct vault *sealed = fixture_vault("mem:sealed", fixture_key);
    struct vault *open = fixture_vault("mem:open", NULL);

    (void)state;
    expect(-EKEYREJECTED, GW_VAULT_KEY, "mem:sealed", other_key);
    expect(-EKEYREJECTED, GW_VAULT_KEY, "mem:sealed", NULL);
    expect(-EKEYREJECTED, GW_VAULT_PLAIN, "mem:open", fixture_key);
    assert_false(vault_encrypted(open));
    vault_close(sealed);
    vault_close(open);
}

static void keys_differ_by_vault_and_by_purpose(void **state)
{
    struct seal_keys a;
    struct seal_keys b;
    const uint8_t id_a[VAULT_ID_LEN] = {1};
    const uint8_t id_b[VAULT_ID_LEN] = {2};

    (void)state;
    assert_ok(seal_keys_derive(fixture_key, id_a, &a, NULL));
    assert_ok(seal_keys_derive(fixture_key, id_b, &b, NULL));
    assert_memory_not_equal(a.pack, b.pack, 32);
    assert_memory_not_equal(a.pack, a.point, 32);
    assert_memory_not_equal(a.pack, a.id, 32);
    assert_memory_not_equal(a.id, a.control, 32);
    assert_memory_not_equal(a.control, a.check, 32);
}

static void a_newer_format_is_known_before_anything_else_is_read(void **state)
{
    static const char *const newer[] = {"godwit vault 2\nanything at all",
                                        "godwit vault 17\n\xff\xfe\n", "godwit vault 999999\n"};
    auto_store struct store *s = bare_store("mem:newer");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(newer); i++) {
        assert_ok(store_put(s, "vault", slice_str(newer[i]), NULL, STORE_PUT_REPLACE, NULL));
        expect(-EPROTO, GW_VAULT_NEWER, "mem:newer", fixture_key);
    }
}

/* Each bit of the object: whatever it makes of the format number is damage, and never "newer". */
static void an_altered_number_is_damage(void **state)
{
    struct vault *v = fixture_vault("mem:altered", fixture_key);
    auto_buf struct buf object = {0};
    struct store_range all = {.max_bytes = 4096};

    (void)state;
    assert_ok(store_get(vault_store(v), "vault", all, &object, NULL));
    for (size_t bit = 0; bit < object.len * 8; bit++) {
        object.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_ok(
            store_put(vault_store(v), "vault", buf_slice(&object), NULL, STORE_PUT_REPLACE, NULL));
        expect(-EBADMSG, GW_VAULT_OBJECT, "mem:altered", fixture_key);
        object.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    vault_close(v);
}

static void things_that_are_no_vault_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "{\"format\":1}",
                                      "godwit vault",
                                      "godwit vault \n",
                                      "godwit vault 1",
                                      "godwit vault 1\n",
                                      "godwit vault 01\n",
                                      "godwit vault 99999999999999\n",
                                      "godwit vault 1\nid 00\nencryption none\n"};
    auto_store struct store *s = bare_store("mem:bad");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_ok(store_put(s, "vault", slice_str(bad[i]), NULL, STORE_PUT_REPLACE, NULL));
        expect(-EBADMSG, GW_VAULT_OBJECT, "mem:bad", fixture_key);
    }
}

static void every_flipped_bit_and_truncation_of_the_object_is_refused(void **state)
{
    struct vault *v = fixture_vault("mem:flip", fixture_key);
    auto_buf struct buf object = {0};
    struct seal_keys keys;

    (void)state;
    fixture_get(v, "vault", &object);
    for (size_t bit = 0; bit < object.len * 8; bit++) {
        struct err err = {0};
        int rc;

        object.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        rc = vault_object_open(buf_slice(&object), fixture_key, &keys, &err);
        if (bit / 8 == strlen("godwit vault ")) /* the format number itself */
            assert_true(rc == -EPROTO || rc == -EBADMSG);
        else
            assert_int_equal(-EBADMSG, rc);
        object.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < object.len; len++)
        assert_fails(-EBADMSG,
                     vault_object_open(slice_of(object.data, len), fixture_key, &keys, NULL));
    buf_u8(&object, '\n');
    assert_fails(-EBADMSG, vault_object_open(buf_slice(&object), fixture_key, &keys, NULL));
    vault_close(v);
}

static void a_vault_cannot_be_turned_into_one_without_encryption(void **state)
{
    struct vault *v = fixture_vault("mem:down", fixture_key);
    struct seal_keys plain;
    auto_buf struct buf forged = {0};

    (void)state;
    assert_ok(seal_keys_derive(NULL, vault_id(v), &plain, NULL));
    assert_ok(vault_object_format(&plain, &forged, NULL));
    fixture_put(v, "vault", buf_slice(&forged));
    expect(-EKEYREJECTED, GW_VAULT_PLAIN, "mem:down", fixture_key);
    vault_close(v);
}

/* ---- two makers ------------------------------------------------------------ */

struct makers {
    const char *url;
    uint8_t ids[8][VAULT_ID_LEN];
};

static int make_one(void *arg, size_t index, struct err *err)
{
    struct makers *m = arg;
    struct vault *v = NULL;
    int rc = open_at(m->url, fixture_key, true, &v, err);

    if (rc)
        return rc;
    memcpy(m->ids[index], vault_id(v), VAULT_ID_LEN);
    vault_close(v);
    return 0;
}

static void makers_race(const char *url)
{
    struct makers m = {.url = url};
    struct workers *group = NULL;
    struct err err = {0};

    assert_ok(workers_start(ARRAY_LEN(m.ids), "maker", make_one, &m, &group, NULL));
    if (workers_join(group, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 1; i < ARRAY_LEN(m.ids); i++)
        assert_memory_equal(m.ids[0], m.ids[i], VAULT_ID_LEN);
}

static void makers_at_once_get_the_same_vault(void **state)
{
    char *dir = unit_mkdir();

    (void)state;
    for (int round = 0; round < 20; round++) {
        char url[PATH_MAX + 32];
        char path[PATH_MAX];
        char name[32];

        snprintf(name, sizeof(name), "race%d", round);
        {
            auto_store struct store *keep = NULL;

            snprintf(url, sizeof(url), "mem:%s", name);
            keep = bare_store(url);
            makers_race(url);
        }
        assert_int_equal(0, mkdir(unit_path(dir, name, path), 0700));
        snprintf(url, sizeof(url), "file://%s", path);
        makers_race(url);
    }
    unit_rmdir(dir);
}

/* ---- key files ------------------------------------------------------------- */

static void key_files_are_made_once_and_load_again(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    uint8_t made[32];
    uint8_t loaded[32];
    struct stat st;

    (void)state;
    unit_path(dir, "key", path);
    assert_ok(vault_key_create(path, &rng_system, made, NULL));
    assert_int_equal(0, stat(path, &st));
    assert_int_equal(0600, st.st_mode & 0777);
    assert_ok(vault_key_load(path, loaded, NULL));
    assert_memory_equal(made, loaded, 32);
    assert_fails(-EEXIST, vault_key_create(path, &rng_system, made, NULL));
    assert_int_equal(0, chmod(path, 0644));
    assert_fails(-EPERM, vault_key_load(path, loaded, NULL));
    unit_rmdir(dir);
}

static void mistyped_keys_are_refused(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    uint8_t key[32];
    char text[128] = "";
    FILE *f;

    (void)state;
    assert_ok(vault_key_create(unit_path(dir, "key", path), &rng_system, key, NULL));
    f = fopen(path, "re");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    text[strcspn(text, "\n")] = '\0';
    assert_ok(vault_key_parse(text, key, NULL));
    for (size_t i = 0; text[i]; i++) {
        char was = text[i];
        struct err err = {0};

        text[i] = was == 'x' ? 'y' : 'x';
        assert_fails(-EINVAL, vault_key_parse(text, key, &err));
        assert_int_equal(GW_VAULT_KEY, err.gw);
        text[i] = '\0'; /* cut */
        assert_fails(-EINVAL, vault_key_parse(text, key, NULL));
        text[i] = was;
    }
    assert_fails(-EINVAL, vault_key_parse("", key, NULL));
    unit_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vault_is_made_once_and_opened_again),
        cmocka_unit_test(no_vault_is_said_so),
        cmocka_unit_test(a_lost_vault_object_is_not_replaced_while_points_are_there),
        cmocka_unit_test(only_the_right_key_opens),
        cmocka_unit_test(keys_differ_by_vault_and_by_purpose),
        cmocka_unit_test(a_newer_format_is_known_before_anything_else_is_read),
        cmocka_unit_test(an_altered_number_is_damage),
        cmocka_unit_test(things_that_are_no_vault_are_refused),
        cmocka_unit_test(every_flipped_bit_and_truncation_of_the_object_is_refused),
        cmocka_unit_test(a_vault_cannot_be_turned_into_one_without_encryption),
        cmocka_unit_test(makers_at_once_get_the_same_vault),
        cmocka_unit_test(key_files_are_made_once_and_load_again),
        cmocka_unit_test(mistyped_keys_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
