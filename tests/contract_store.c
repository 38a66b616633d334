/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every object store must do. Runs over file and mem; and over an S3 service when
 * GODWIT_TEST_S3_URL (s3://bucket/prefix) is set, with the AWS_* environment that reaches it.
 * GODWIT_TEST_S3_CREATE_ONLY=no: that service refuses create-only PUTs, and must be said to.
 */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/text.h"
#include "base/worker.h"
#include "transport/store.h"

#include "base/banned.h"

struct place {
    const char *kind;
    char url[PATH_MAX];
    char *dir;       /* of a file store */
    struct store *s; /* open for the whole test: a mem place lives as long as a handle */
};

static void place_url(struct place *p)
{
    unsigned long long id = (unsigned long long)rng_u64(&rng_system);

    if (strcmp(p->kind, "file") == 0) {
        p->dir = unit_mkdir();
        assert_ok(text_print(p->url, sizeof(p->url), "file://%s/vault", p->dir));
    } else if (strcmp(p->kind, "mem") == 0) {
        assert_ok(text_print(p->url, sizeof(p->url), "mem:t%016llx", id));
    } else {
        assert_ok(
            text_print(p->url, sizeof(p->url), "%s/t%016llx", getenv("GODWIT_TEST_S3_URL"), id));
    }
}

static struct store *place_open(const struct place *p)
{
    struct store_conf conf = {.url = p->url, .path_style = -1};
    struct store *s = NULL;
    struct err err = {0};

    if (store_open(&conf, &s, &err) < 0)
        fail_msg("%s: %s", p->url, err.text);
    return s;
}

static int setup(const char *kind, void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    p->kind = kind;
    place_url(p);
    p->s = place_open(p);
    *state = p;
    return 0;
}

static int setup_file(void **state)
{
    return setup("file", state);
}

static int setup_mem(void **state)
{
    return setup("mem", state);
}

static int setup_s3(void **state)
{
    return setup("s3", state);
}

static int remove_key(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    (void)size_bytes;
    (void)mtime_ms;
    return store_delete(arg, key, NULL);
}

static int teardown(void **state)
{
    struct place *p = *state;
    auto_store struct store *d = place_open(p);

    store_list(p->s, "", NULL, remove_key, d, NULL);
    store_close(p->s);
    if (p->dir)
        unit_rmdir(p->dir);
    free(p);
    return 0;
}

static bool creates_only(void)
{
    const char *answer = getenv("GODWIT_TEST_S3_CREATE_ONLY");

    return !answer || strcmp(answer, "no") != 0;
}

/* How new objects are written: as strictly as the store can. */
static enum store_put_flags anew(void)
{
    return creates_only() ? STORE_PUT_CREATE_ONLY : STORE_PUT_REPLACE;
}

static void put_text(struct store *s, const char *key, const char *text)
{
    struct err err = {0};

    if (store_put(s, key, slice_str(text), NULL, anew(), &err) < 0)
        fail_msg("put %s: %s", key, err.text);
}

static void assert_body(struct store *s, const char *key, struct slice want)
{
    auto_buf struct buf got = {0};
    struct store_range whole = {0};
    struct err err = {0};

    if (store_get(s, key, whole, &got, &err) < 0)
        fail_msg("get %s: %s", key, err.text);
    assert_int_equal(want.len, got.len);
    if (want.len > 0)
        assert_memory_equal(want.data, got.data, want.len);
}

static void put_then_get_returns_the_bytes(void **state)
{
    struct place *p = *state;
    uint8_t body[5000];
    uint8_t sha[CRYPTO_SHA256_LEN];
    uint64_t size = 0;

    rng_fill(&rng_system, body, sizeof(body));
    crypto_sha256(slice_of(body, sizeof(body)), sha);
    assert_ok(store_put(p->s, "a/b/object", slice_of(body, sizeof(body)), sha, anew(), NULL));
    assert_body(p->s, "a/b/object", slice_of(body, sizeof(body)));
    assert_ok(store_head(p->s, "a/b/object", &size, NULL));
    assert_int_equal(sizeof(body), size);
}

static void an_empty_object_is_an_object(void **state)
{
    struct place *p = *state;
    uint64_t size = 1;

    put_text(p->s, "empty", "");
    assert_body(p->s, "empty", slice_of(NULL, 0));
    assert_ok(store_head(p->s, "empty", &size, NULL));
    assert_int_equal(0, size);
}

static void a_pack_sized_object_comes_back_whole(void **state)
{
    struct place *p = *state;
    size_t len = ((size_t)16 << 20) + 13;
    auto_free uint8_t *body = malloc(len);

    rng_fill(&rng_system, body, len);
    assert_ok(store_put(p->s, "packs/00/big", slice_of(body, len), NULL, anew(), NULL));
    assert_body(p->s, "packs/00/big", slice_of(body, len));
}

static void missing_objects_are_enoent(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range whole = {0};
    struct store_range part = {.offset = 1, .len = 1};
    uint64_t size = 77;

    assert_fails(-ENOENT, store_get(p->s, "none", whole, &out, NULL));
    assert_fails(-ENOENT, store_get(p->s, "none/at/all", part, &out, NULL));
    assert_fails(-ENOENT, store_head(p->s, "none", &size, NULL));
    assert_int_equal(77, size);
    assert_int_equal(0, out.len);
    put_text(p->s, "file", "x");
    assert_fails(-ENOENT, store_get(p->s, "file/below", whole, &out, NULL));
    assert_ok(store_delete(p->s, "none", NULL));
}

/* Refused as such, and nothing written: neither anew nor over what is there. */
static void create_only_is_refused(struct place *p)
{
    struct err err = {0};
    uint64_t size = 0;

    assert_fails(-EOPNOTSUPP,
                 store_put(p->s, "once", slice_str("second"), NULL, STORE_PUT_CREATE_ONLY, &err));
    assert_true(err.text[0] != '\0');
    assert_fails(-ENOENT, store_head(p->s, "once", &size, NULL));
    put_text(p->s, "once", "first");
    assert_fails(-EOPNOTSUPP,
                 store_put(p->s, "once", slice_str("second"), NULL, STORE_PUT_CREATE_ONLY, NULL));
    assert_body(p->s, "once", slice_str("first"));
}

static void create_only_never_replaces(void **state)
{
    struct place *p = *state;
    struct err err = {0};

    if (!creates_only()) {
        create_only_is_refused(p);
        return;
    }
    put_text(p->s, "once", "first");
    assert_fails(-EEXIST,
                 store_put(p->s, "once", slice_str("second"), NULL, STORE_PUT_CREATE_ONLY, &err));
    assert_true(err.text[0] != '\0');
    assert_body(p->s, "once", slice_str("first"));
    /* Not even with the same bytes: an earlier call made it, not this one. */
    assert_fails(-EEXIST,
                 store_put(p->s, "once", slice_str("first"), NULL, STORE_PUT_CREATE_ONLY, NULL));
}

static void replace_replaces(void **state)
{
    struct place *p = *state;

    put_text(p->s, "k", "a longer first body");
    assert_ok(store_put(p->s, "k", slice_str("second"), NULL, STORE_PUT_REPLACE, NULL));
    assert_body(p->s, "k", slice_str("second"));
}

static void delete_makes_it_gone(void **state)
{
    struct place *p = *state;
    uint64_t size;

    put_text(p->s, "d/k", "x");
    assert_ok(store_delete(p->s, "d/k", NULL));
    assert_fails(-ENOENT, store_head(p->s, "d/k", &size, NULL));
    assert_ok(store_delete(p->s, "d/k", NULL));
    put_text(p->s, "d/k", "again");
    assert_body(p->s, "d/k", slice_str("again"));
}

static void ranges_are_exact(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range middle = {.offset = 3, .len = 4};
    struct store_range tail = {.offset = 7};
    struct store_range last = {.offset = 9, .len = 1};
    struct store_range nothing = {.offset = 10};

    put_text(p->s, "ten", "0123456789");
    assert_ok(store_get(p->s, "ten", middle, &out, NULL));
    assert_ok(store_get(p->s, "ten", tail, &out, NULL));
    assert_ok(store_get(p->s, "ten", last, &out, NULL));
    assert_ok(store_get(p->s, "ten", nothing, &out, NULL));
    assert_string_equal("34567899", buf_cstr(&out));
}

static void ranges_past_the_end_are_erange(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range across = {.offset = 8, .len = 3};
    struct store_range beyond = {.offset = 10, .len = 1};
    struct store_range far = {.offset = 11};

    put_text(p->s, "ten", "0123456789");
    assert_fails(-ERANGE, store_get(p->s, "ten", across, &out, NULL));
    assert_fails(-ERANGE, store_get(p->s, "ten", beyond, &out, NULL));
    assert_fails(-ERANGE, store_get(p->s, "ten", far, &out, NULL));
    assert_int_equal(0, out.len);
}

static void more_than_max_bytes_is_efbig(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range tight = {.max_bytes = 9};
    struct store_range fits = {.max_bytes = 10};
    struct store_range greedy = {.len = 11, .max_bytes = 10};

    put_text(p->s, "ten", "0123456789");
    assert_fails(-EFBIG, store_get(p->s, "ten", tight, &out, NULL));
    assert_int_equal(0, out.len);
    assert_ok(store_get(p->s, "ten", fits, &out, NULL));
    assert_int_equal(10, out.len);
    assert_fails(-EINVAL, store_get(p->s, "ten", greedy, &out, NULL));
}

static void get_appends(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range whole = {0};

    put_text(p->s, "k", "body");
    assert_ok(buf_str(&out, "before "));
    assert_ok(store_get(p->s, "k", whole, &out, NULL));
    assert_string_equal("before body", buf_cstr(&out));
}

static void bad_keys_are_refused(void **state)
{
    static const char *const bad[] = {"",      "/",      "/a",     "a/",      "a//b", ".",
                                      "..",    "a/../b", "../a",   "a/./b",   "a b",  "a~b",
                                      "a%2fb", "a\nb",   "~tmp/x", "\xc3\xa9"};
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range whole = {0};
    char big[STORE_KEY_MAX + 2];
    uint64_t size;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_fails(-EINVAL,
                     store_put(p->s, bad[i], slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
        assert_fails(-EINVAL, store_get(p->s, bad[i], whole, &out, NULL));
        assert_fails(-EINVAL, store_head(p->s, bad[i], &size, NULL));
        assert_fails(-EINVAL, store_delete(p->s, bad[i], NULL));
    }
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = i % 50 == 49 ? '/' : 'k';
    big[sizeof(big) - 1] = '\0';
    assert_fails(-EINVAL, store_put(p->s, big, slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    big[STORE_KEY_MAX] = '\0';
    assert_ok(store_put(p->s, big, slice_str("x"), NULL, STORE_PUT_REPLACE, NULL));
    assert_body(p->s, big, slice_str("x"));
}

static void every_letter_of_the_alphabet_is_stored(void **state)
{
    static const char *const good[] = {"ABCXYZ/abcxyz/0189", "a=b/c=d", "..a/.b/c..",
                                       "-/_/=", "x.y-z_=/...."};
    struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        put_text(p->s, good[i], good[i]);
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_body(p->s, good[i], slice_str(good[i]));
}

struct listing {
    struct buf text;
    unsigned n;
    unsigned stop_at; /* 0 = never */
};

static int list_add(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    struct listing *l = arg;

    assert_true(mtime_ms > 1500000000000);
    assert_ok(buf_printf(&l->text, "%s:%llu ", key, (unsigned long long)size_bytes));
    l->n++;
    return l->n == l->stop_at ? 42 : 0;
}

static void assert_listing(struct store *s, const char *prefix, const char *after, const char *want)
{
    struct listing l = {0};

    assert_ok(store_list(s, prefix, after, list_add, &l, NULL));
    assert_string_equal(want, buf_cstr(&l.text));
    buf_done(&l.text);
}

static void list_is_in_byte_order_of_whole_keys(void **state)
{
    struct place *p = *state;

    assert_listing(p->s, "", NULL, "");
    put_text(p->s, "a/x", "1");
    put_text(p->s, "a-b", "22");
    put_text(p->s, "a.c/y", "333");
    put_text(p->s, "a0", "4444");
    put_text(p->s, "a/B", "");
    put_text(p->s, "b", "1");
    put_text(p->s, "B", "1");
    assert_listing(p->s, "", NULL, "B:1 a-b:2 a.c/y:3 a/B:0 a/x:1 a0:4 b:1 ");
    assert_listing(p->s, NULL, NULL, "B:1 a-b:2 a.c/y:3 a/B:0 a/x:1 a0:4 b:1 ");
}

static void list_keeps_to_prefix_and_after(void **state)
{
    struct place *p = *state;

    put_text(p->s, "p/1", "x");
    put_text(p->s, "p/2/a", "x");
    put_text(p->s, "p/2/b", "x");
    put_text(p->s, "p/3", "x");
    put_text(p->s, "p1", "x");
    put_text(p->s, "q", "x");
    assert_listing(p->s, "p/", NULL, "p/1:1 p/2/a:1 p/2/b:1 p/3:1 ");
    assert_listing(p->s, "p/2", NULL, "p/2/a:1 p/2/b:1 ");
    assert_listing(p->s, "p/2/b", NULL, "p/2/b:1 ");
    assert_listing(p->s, "p", "p/2/a", "p/2/b:1 p/3:1 p1:1 ");
    assert_listing(p->s, "p/", "p/2", "p/2/a:1 p/2/b:1 p/3:1 ");
    assert_listing(p->s, "p/", "a", "p/1:1 p/2/a:1 p/2/b:1 p/3:1 ");
    assert_listing(p->s, "p/", "z", "");
    assert_listing(p->s, "none/", NULL, "");
    assert_listing(p->s, "", "p/3", "p1:1 q:1 ");
}

static void list_ends_when_told(void **state)
{
    struct place *p = *state;
    struct listing l = {.stop_at = 2};

    put_text(p->s, "1", "x");
    put_text(p->s, "2", "x");
    put_text(p->s, "3", "x");
    assert_int_equal(42, store_list(p->s, "", NULL, list_add, &l, NULL));
    assert_string_equal("1:1 2:1 ", buf_cstr(&l.text));
    buf_done(&l.text);
}

static void dups_and_other_handles_see_the_same_place(void **state)
{
    struct place *p = *state;
    auto_store struct store *d = NULL;
    auto_store struct store *other = place_open(p);
    struct store_counts c;

    assert_ok(store_dup(p->s, &d, NULL));
    put_text(d, "k", "from the dup");
    assert_body(p->s, "k", slice_str("from the dup"));
    assert_body(other, "k", slice_str("from the dup"));
    store_counts(p->s, &c);
    assert_int_equal(1, c.put_n);
    assert_int_equal(1, c.get_n);
    assert_int_equal(12, c.bytes_out);
    assert_int_equal(12, c.bytes_in);
    assert_string_equal(p->url, store_url(d));
}

enum { RACERS = 8, ROUNDS = 6 };

struct race {
    struct store *handles[RACERS];
    char key[16];
    atomic_uint won;
    atomic_uint lost;
};

static int race_put(void *arg, size_t index, struct err *err)
{
    struct race *r = arg;
    char body[16];
    int rc;

    assert_ok(text_print(body, sizeof(body), "racer %zu", index));
    rc = store_put(r->handles[index], r->key, slice_str(body), NULL, STORE_PUT_CREATE_ONLY, err);
    if (rc == 0)
        atomic_fetch_add(&r->won, 1);
    if (rc == -EEXIST)
        atomic_fetch_add(&r->lost, 1);
    return rc == -EEXIST ? 0 : rc;
}

static void of_many_creators_one_wins(void **state)
{
    struct place *p = *state;
    struct race r = {0};

    if (!creates_only())
        skip();
    for (size_t i = 0; i < RACERS; i++)
        assert_ok(store_dup(p->s, &r.handles[i], NULL));
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct workers *w = NULL;
        struct err err = {0};

        atomic_store(&r.won, 0);
        atomic_store(&r.lost, 0);
        assert_ok(text_print(r.key, sizeof(r.key), "race/%u", round));
        assert_ok(workers_start(RACERS, "race", race_put, &r, &w, NULL));
        if (workers_join(w, &err) < 0)
            fail_msg("%s", err.text);
        assert_int_equal(1, atomic_load(&r.won));
        assert_int_equal(RACERS - 1, atomic_load(&r.lost));
    }
    for (size_t i = 0; i < RACERS; i++)
        store_close(r.handles[i]);
}

static void a_probe_finds_everything_and_leaves_nothing(void **state)
{
    struct place *p = *state;
    struct store_caps caps = {0};
    struct err err = {0};

    if (store_probe(p->s, &caps, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(caps.reads && caps.writes && caps.deletes && caps.lists && caps.ranges);
    assert_int_equal(creates_only(), caps.create_only);
    assert_in_range(caps.clock_skew_ms + 5000, 0, 10000);
    assert_listing(p->s, "", NULL, "");
}

static void bad_urls_are_named(void **state)
{
    static const char *const bad[] = {
        "",        "x",        "/tmp", "ftp://x", "file:/x",
        "file://", "file://x", "mem:", "mem:a/b", "file:///proc/self/nowhere/at/all"};
    struct store *s = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct store_conf conf = {.url = bad[i]};
        struct err err = {0};

        assert_fails(-EINVAL, store_open(&conf, &s, &err));
        assert_true(err.text[0] != '\0');
    }
    assert_null(s);
}

#define OVER(kind)                                                                                 \
    cmocka_unit_test_setup_teardown(put_then_get_returns_the_bytes, setup_##kind, teardown),       \
        cmocka_unit_test_setup_teardown(an_empty_object_is_an_object, setup_##kind, teardown),     \
        cmocka_unit_test_setup_teardown(a_pack_sized_object_comes_back_whole, setup_##kind,        \
                                        teardown),                                                 \
        cmocka_unit_test_setup_teardown(missing_objects_are_enoent, setup_##kind, teardown),       \
        cmocka_unit_test_setup_teardown(create_only_never_replaces, setup_##kind, teardown),       \
        cmocka_unit_test_setup_teardown(replace_replaces, setup_##kind, teardown),                 \
        cmocka_unit_test_setup_teardown(delete_makes_it_gone, setup_##kind, teardown),             \
        cmocka_unit_test_setup_teardown(ranges_are_exact, setup_##kind, teardown),                 \
        cmocka_unit_test_setup_teardown(ranges_past_the_end_are_erange, setup_##kind, teardown),   \
        cmocka_unit_test_setup_teardown(more_than_max_bytes_is_efbig, setup_##kind, teardown),     \
        cmocka_unit_test_setup_teardown(get_appends, setup_##kind, teardown),                      \
        cmocka_unit_test_setup_teardown(bad_keys_are_refused, setup_##kind, teardown),             \
        cmocka_unit_test_setup_teardown(every_letter_of_the_alphabet_is_stored, setup_##kind,      \
                                        teardown),                                                 \
        cmocka_unit_test_setup_teardown(list_is_in_byte_order_of_whole_keys, setup_##kind,         \
                                        teardown),                                                 \
        cmocka_unit_test_setup_teardown(list_keeps_to_prefix_and_after, setup_##kind, teardown),   \
        cmocka_unit_test_setup_teardown(list_ends_when_told, setup_##kind, teardown),              \
        cmocka_unit_test_setup_teardown(dups_and_other_handles_see_the_same_place, setup_##kind,   \
                                        teardown),                                                 \
        cmocka_unit_test_setup_teardown(of_many_creators_one_wins, setup_##kind, teardown),        \
        cmocka_unit_test_setup_teardown(a_probe_finds_everything_and_leaves_nothing, setup_##kind, \
                                        teardown)

int main(void)
{
    const struct CMUnitTest local[] = {
        OVER(file),
        OVER(mem),
        cmocka_unit_test(bad_urls_are_named),
    };
    const struct CMUnitTest remote[] = {OVER(s3)};
    const char *s3_url = getenv("GODWIT_TEST_S3_URL");

    if (s3_url && s3_url[0] != '\0')
        return cmocka_run_group_tests_name("s3", remote, NULL, NULL);
    return cmocka_run_group_tests_name("local", local, NULL, NULL);
}
