/* SPDX-License-Identifier: Apache-2.0 */
/* Restore points: the chain, its head, and what happens to damaged, exchanged or missing ones. */
#include "tests/vault_fixture.h"

#include "base/gw.h"
#include "base/text.h"
#include "transport/codec.h"
#include "transport/point.h"

#include "base/banned.h"

#define GIB ((uint64_t)1 << 30)

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

static void expect_damaged(int rc, const struct err *err)
{
    assert_int_equal(-EBADMSG, rc);
    assert_int_equal(GW_VAULT_DAMAGED, err->gw);
}

static struct unit made_up(uint64_t n)
{
    struct unit u = {.offset = PACK_HEADER_LEN,
                     .raw_len = 5000,
                     .stored_len = 3000,
                     .segment = (uint32_t)n,
                     .codec = CODEC_ZSTD,
                     .kind = UNIT_MAP};

    fixture_noise(n, u.pack, sizeof(u.pack));
    fixture_noise(n + 1, u.salt, sizeof(u.salt));
    fixture_noise(n + 2, u.id, sizeof(u.id));
    return u;
}

/* The successor of *last (seq 0: the first), committed; *last becomes it. */
static void commit_next(struct vault *v, const char *name, struct replica_point *last)
{
    auto_point struct point p = {0};
    bool weak = true;

    assert_ok(point_set_size(&p, 200 * GIB, NULL));
    p.info.seq = last->seq + 1;
    p.info.epoch = 1;
    p.info.kind = REPLICA_FILESYSTEM;
    p.info.taken_ms = 1000 * p.info.seq;
    memcpy(p.info.parent, last->hash, sizeof(p.info.parent));
    p.dirs[1] = (struct point_dir){.unit = made_up(p.info.seq)};
    text_copy(p.writer, sizeof(p.writer), "unit_point");
    assert_ok(point_commit(v, name, &p, &weak, NULL));
    assert_false(weak);
    *last = p.info;
}

static void commit_many(struct vault *v, const char *name, uint64_t n, struct replica_point *last)
{
    *last = (struct replica_point){0};
    while (last->seq < n)
        commit_next(v, name, last);
}

static void remove_point(struct vault *v, const char *name, uint64_t seq)
{
    char key[POINT_KEY_MAX];

    assert_ok(store_delete(vault_store(v), point_key(name, seq, key), NULL));
}

/* ---- geometry -------------------------------------------------------------- */

static void volumes_are_cut_as_documented(void **state)
{
    (void)state;
    assert_int_equal(0, point_dirs_of(0));
    assert_int_equal(1, point_dirs_of(1));
    assert_int_equal(1, point_dirs_of(64 * GIB));
    assert_int_equal(2, point_dirs_of(64 * GIB + 1));
    assert_int_equal(1, point_regions_of(1, 0));
    assert_int_equal(1024, point_regions_of(65 * GIB, 0));
    assert_int_equal(16, point_regions_of(65 * GIB, 1));
    assert_int_equal(0, point_regions_of(65 * GIB, 2));
    assert_int_equal(0, point_regions_of(65 * GIB, UINT32_MAX));
    assert_int_equal(1, point_sectors_of(1, 0));
    assert_int_equal(2, point_sectors_of(4097, 0));
    assert_int_equal(16384, point_sectors_of(GIB, 15));
    assert_int_equal(0, point_sectors_of(GIB, 16));
    assert_int_equal(1, point_sectors_of(GIB + 1, 16));
}

static void volumes_above_a_pebibyte_are_refused(void **state)
{
    auto_point struct point p = {0};

    (void)state;
    assert_ok(point_set_size(&p, GIB << 20, NULL));
    assert_int_equal(POINT_DIRS_MAX, p.dirs_n);
    assert_fails(-EFBIG, point_set_size(&p, (GIB << 20) + 1, NULL));
    assert_fails(-EFBIG, point_set_size(&p, UINT64_MAX, NULL));
}

/* ---- round trips ----------------------------------------------------------- */

static void a_point_comes_back_whole(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        auto_point struct point p = {0};
        auto_point struct point back = {0};

        assert_ok(point_set_size(&p, 130 * GIB + 5, NULL));
        p.info.seq = 1;
        p.info.epoch = 9;
        p.info.taken_ms = 1700000000123;
        p.info.changed_bytes = 77;
        p.info.stored_bytes = 33;
        p.info.kind = REPLICA_FINAL;
        fixture_noise(1, p.info.digest, sizeof(p.info.digest));
        p.dirs[0] = (struct point_dir){.unit = made_up(1)};
        p.dirs[2] = (struct point_dir){.unit = made_up(2)};
        text_copy(p.writer, sizeof(p.writer), "godwit 0.1.0 on db-01");
        assert_ok(point_commit(v[i], "web-01/root", &p, NULL, NULL));
        assert_ok(point_load(v[i], "web-01/root", 1, &back, NULL));
        assert_memory_equal(&p.info, &back.info, sizeof(p.info));
        assert_string_equal("godwit 0.1.0 on db-01", back.writer);
        assert_int_equal(3, back.dirs_n);
        assert_true(back.dirs[1].zero);
        assert_memory_equal(&p.dirs[0].unit, &back.dirs[0].unit, sizeof(struct unit));
        assert_memory_equal(&p.dirs[2].unit, &back.dirs[2].unit, sizeof(struct unit));
    }
}

/* Beside who wrote it, for readers that know of no tracker; what is not such a word is left alone.
 */
static void a_point_names_the_tracker_of_its_pass(void **state)
{
    static const struct {
        const char *writer; /* as given, and as it stands when there is no tracker */
        const char *tracker;
        bool all_read;
        const char *back;
        const char *back_tracker;
    } cases[] = {
        {"godwit on db-01", "ebpf", false, "godwit on db-01", "ebpf"},
        {"godwit on db-01", "tracefs", true, "godwit on db-01", "tracefs"},
        {"godwit on db-01", "", true, "godwit on db-01", ""},
        {"on a; tracker x; tracker ebpf", "scan", true, "on a; tracker x; tracker ebpf", "scan"},
        {"on a; tracker ebpf, twice", "", false, "on a; tracker ebpf, twice", ""},
        {"on a; tracker ", "", false, "on a; tracker ", ""},
        {"on a; tracker abcdefghijklmnop", "", false, "on a; tracker abcdefghijklmnop", ""},
    };
    struct vault **v = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_point struct point p = {.info = {.seq = 1, .epoch = 1}};
        auto_point struct point back = {0};
        auto_buf struct buf object = {0};

        p.info.all_read = cases[i].all_read;
        text_copy(p.info.tracker, sizeof(p.info.tracker), cases[i].tracker);
        text_copy(p.writer, sizeof(p.writer), cases[i].writer);
        assert_ok(point_encode(v[0], "t", &p, &object, NULL));
        assert_ok(point_decode(v[0], "t", 1, buf_slice(&object), &back, NULL));
        assert_string_equal(cases[i].back, back.writer);
        assert_string_equal(cases[i].back_tracker, back.info.tracker);
        assert_int_equal(cases[i].back_tracker[0] && cases[i].all_read, back.info.all_read);
    }
}

/* It is left out rather than who wrote it cut. */
static void a_long_writer_has_no_room_for_the_tracker(void **state)
{
    struct vault **v = *state;
    auto_point struct point p = {.info = {.seq = 1, .epoch = 1, .tracker = "ebpf"}};
    auto_point struct point back = {0};
    auto_buf struct buf object = {0};

    memset(p.writer, 'w', sizeof(p.writer) - 1);
    assert_ok(point_encode(v[0], "t", &p, &object, NULL));
    assert_ok(point_decode(v[0], "t", 1, buf_slice(&object), &back, NULL));
    assert_string_equal(p.writer, back.writer);
    assert_string_equal("", back.info.tracker);
}

/* It has another number, so that who does not know of gaps does not take it for a whole one; and
 * the number is sealed. */
static void a_point_tells_what_could_not_be_read(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        auto_buf struct buf object = {0};
        auto_point struct point p = {0};
        auto_point struct point back = {0};
        struct err err = {0};
        char key[POINT_KEY_MAX];

        assert_ok(point_set_size(&p, 130 * GIB + 5, NULL));
        p.info.seq = 1;
        p.dirs[2] = (struct point_dir){.unit = made_up(2)};
        assert_ok(gaps_add(&p.gaps, 4096, 512, NULL));
        assert_ok(gaps_add(&p.gaps, 130 * GIB, 5, NULL));
        assert_ok(point_commit(v[i], "gaps", &p, NULL, NULL));
        assert_ok(point_load(v[i], "gaps", 1, &back, NULL));
        assert_true(gaps_equal(&p.gaps, &back.gaps));
        assert_int_equal(back.info.unreadable_bytes, 517);
        assert_int_equal(back.info.unreadable_n, 2);
        assert_false(back.dirs[2].zero);
        fixture_get(v[i], point_key("gaps", 1, key), &object);
        assert_int_equal(object.data[8], 2);
        for (uint8_t other = 1; other <= 3; other += 2) {
            auto_point struct point none = {0};

            object.data[8] = other;
            err_clear(&err);
            expect_damaged(point_decode(v[i], "gaps", 1, buf_slice(&object), &none, &err), &err);
        }
    }
}

static void an_empty_volume_has_a_point(void **state)
{
    struct vault **v = *state;
    auto_point struct point p = {0};
    auto_point struct point back = {0};

    assert_ok(point_set_size(&p, 0, NULL));
    p.info.seq = 1;
    assert_ok(point_commit(v[0], "empty", &p, NULL, NULL));
    assert_ok(point_load(v[0], "empty", 1, &back, NULL));
    assert_int_equal(0, back.info.size_bytes);
    assert_int_equal(0, back.dirs_n);
}

static void a_point_of_ten_terabytes_stays_small(void **state)
{
    struct vault **v = *state;
    auto_point struct point p = {0};
    auto_buf struct buf object = {0};

    assert_ok(point_set_size(&p, 10240 * GIB, NULL));
    p.info.seq = 1;
    for (size_t i = 0; i < p.dirs_n; i++) {
        p.dirs[i] = (struct point_dir){.unit = made_up(1)};
        p.dirs[i].unit.segment = (uint32_t)i;
    }
    assert_ok(point_encode(v[0], "big", &p, &object, NULL));
    assert_in_range(object.len, 1000, 10000);
}

/* ---- committing ------------------------------------------------------------ */

static void a_number_is_committed_once(void **state)
{
    struct vault **v = *state;
    struct replica_point last;
    auto_point struct point again = {0};
    struct replica_point stands;
    struct err err = {0};

    commit_many(v[0], "a", 2, &last);
    assert_ok(point_set_size(&again, 4096, NULL));
    again.info.seq = 2;
    fixture_noise(4, again.info.parent, 32);
    assert_fails(-EEXIST, point_commit(v[0], "a", &again, NULL, &err));
    assert_int_equal(GW_REPLICA_LOCKED, err.gw);
    assert_ok(replica_point(v[0], "a", 2, 0, &stands, NULL));
    assert_memory_equal(last.hash, stands.hash, 32);
}

static void bad_names_never_reach_the_store(void **state)
{
    static const char *const bad[] = {"",     "/",   "a/",        "/a",         "..", "a/../b",
                                      "a//b", "a b", "a/b/c/d/e", "a/points/b", "-a", "a/.b"};
    struct vault **v = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_point struct point p = {0};

        assert_false(vault_is_replica_name(bad[i]));
        p.info.seq = 1;
        assert_fails(-EINVAL, point_commit(v[0], bad[i], &p, NULL, NULL));
        assert_fails(-EINVAL, point_load(v[0], bad[i], 1, &p, NULL));
        assert_fails(-EINVAL, point_head(v[0], bad[i], 0, &p, NULL));
    }
    assert_true(vault_is_replica_name("a"));
    assert_true(vault_is_replica_name("web-01/var_lib/x.y/z"));
}

/* ---- the head -------------------------------------------------------------- */

static void the_head_is_found_for_any_number_of_points(void **state)
{
    struct vault **v = *state;
    struct replica_point last = {0};
    struct replica_point head;

    assert_fails(-ENOENT, replica_point(v[0], "r", 0, 0, &head, NULL));
    for (uint64_t n = 1; n <= 40; n++) {
        commit_next(v[0], "r", &last);
        assert_ok(replica_point(v[0], "r", 0, 0, &head, NULL));
        assert_int_equal(n, head.seq);
        for (uint64_t known = 1; known <= n; known += 7) {
            assert_ok(replica_point(v[0], "r", 0, known, &head, NULL));
            assert_int_equal(n, head.seq);
        }
    }
}

static void an_older_head_than_one_seen_is_refused(void **state)
{
    struct vault **v = *state;
    struct replica_point last;
    struct replica_point head;
    struct err err = {0};

    commit_many(v[0], "r", 5, &last);
    remove_point(v[0], "r", 5);
    assert_fails(-ESTALE, replica_point(v[0], "r", 0, 5, &head, &err));
    assert_int_equal(GW_VAULT_OLDER_HEAD, err.gw);
    assert_fails(-ESTALE, replica_point(v[0], "r", 2, 5, &head, &err));
    assert_ok(replica_point(v[0], "r", 0, 4, &head, NULL));
    assert_int_equal(4, head.seq);
}

/* Objects beside the points that a listing shows must not lead the search astray. */
static void a_listing_that_lies_is_not_believed(void **state)
{
    struct vault **v = *state;
    struct replica_point last;
    struct replica_point head;

    commit_many(v[0], "r", 3, &last);
    fixture_put(v[0], "replicas/r/points/notanumber", slice_str("x"));
    fixture_put(v[0], "replicas/r/points/0000000000000003x", slice_str("x"));
    assert_ok(replica_point(v[0], "r", 0, 0, &head, NULL));
    assert_int_equal(3, head.seq);
}

static void a_damaged_head_is_an_error_and_never_skipped(void **state)
{
    struct vault **v = *state;
    struct replica_point last;
    struct replica_point head;
    struct err err = {0};
    char key[POINT_KEY_MAX];

    commit_many(v[0], "r", 3, &last);
    fixture_put(v[0], point_key("r", 3, key), slice_str("not a point"));
    expect_damaged(replica_point(v[0], "r", 0, 0, &head, &err), &err);
    assert_non_null(strstr(err.text, "restore point"));
}

static int count_points(void *arg, const struct replica_point *p)
{
    uint64_t *n = arg;

    assert_int_equal(++*n, p->seq);
    return *n == 7 ? -ECANCELED : 0;
}

static void points_are_walked_in_order_along_the_chain(void **state)
{
    struct vault **v = *state;
    struct replica_point last;
    uint64_t n = 0;

    commit_many(v[0], "r", 6, &last);
    assert_ok(replica_points(v[0], "r", count_points, &n, NULL));
    assert_int_equal(6, n);
    commit_next(v[0], "r", &last);
    n = 0;
    assert_fails(-ECANCELED, replica_points(v[0], "r", count_points, &n, NULL));
}

static int ignore_point(void *arg, const struct replica_point *p)
{
    (void)arg;
    (void)p;
    return 0;
}

static void a_point_with_another_parent_breaks_the_chain(void **state)
{
    struct vault **v = *state;
    struct replica_point last;
    struct err err = {0};

    commit_many(v[0], "r", 2, &last);
    last.hash[5] ^= 1; /* as if 2 had been another */
    commit_next(v[0], "r", &last);
    expect_damaged(replica_points(v[0], "r", ignore_point, NULL, &err), &err);
}

static void epochs_never_fall_along_the_chain(void **state)
{
    struct replica_point parent = {.seq = 1, .epoch = 5};
    struct replica_point child = {.seq = 2, .epoch = 5};
    struct err err = {0};

    (void)state;
    assert_ok(point_check_chain(&parent, &child, NULL));
    child.epoch = 6;
    assert_ok(point_check_chain(&parent, &child, NULL));
    child.epoch = 4;
    expect_damaged(point_check_chain(&parent, &child, &err), &err);
    child.epoch = 5;
    child.seq = 3;
    expect_damaged(point_check_chain(&parent, &child, &err), &err);
}

struct names {
    char text[256];
};

static int add_name(void *arg, const char *name)
{
    struct names *n = arg;
    size_t used = strlen(n->text);

    return text_print(n->text + used, sizeof(n->text) - used, "%s ", name);
}

static void replicas_are_named_once_each(void **state)
{
    struct vault **v = *state;
    struct replica_point last;
    struct names n = {.text = ""};

    commit_many(v[0], "b", 3, &last);
    commit_many(v[0], "a/x", 2, &last);
    commit_many(v[0], "a", 2, &last);
    fixture_put(v[0], "replicas/junk", slice_str("x"));
    fixture_put(v[0], "replicas/j/points/12", slice_str("x"));
    assert_ok(replica_names(v[0], add_name, &n, NULL));
    assert_string_equal("a a/x b ", n.text);
}

/* ---- damage ---------------------------------------------------------------- */

static void every_flipped_bit_and_truncation_of_a_point_is_refused(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        auto_buf struct buf object = {0};
        auto_point struct point p = {0};
        struct replica_point last;
        char key[POINT_KEY_MAX];

        commit_many(v[i], "r", 1, &last);
        fixture_get(v[i], point_key("r", 1, key), &object);
        for (size_t bit = 0; bit < object.len * 8; bit++) {
            struct err err = {0};
            int rc;

            object.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            rc = point_decode(v[i], "r", 1, buf_slice(&object), &p, &err);
            if (bit / 8 == 8 || bit / 8 == 9) /* the format number: one above is newer */
                assert_true(rc == -EPROTO || rc == -EBADMSG);
            else
                expect_damaged(rc, &err);
            object.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t len = 0; len < object.len; len++) {
            struct err err = {0};

            expect_damaged(point_decode(v[i], "r", 1, slice_of(object.data, len), &p, &err), &err);
        }
        assert_ok(point_decode(v[i], "r", 1, buf_slice(&object), &p, NULL));
    }
}

static void points_put_in_the_place_of_others_are_refused(void **state)
{
    struct vault **v = *state;

    for (int i = 0; i < 2; i++) {
        auto_buf struct buf object = {0};
        auto_point struct point p = {0};
        struct replica_point last;
        struct err err = {0};
        char key[POINT_KEY_MAX];
        const char *name = i ? "second" : "first";

        commit_many(v[i], name, 2, &last);
        fixture_get(v[i], point_key(name, 1, key), &object);
        fixture_put(v[i], point_key(name, 2, key), buf_slice(&object));
        expect_damaged(point_load(v[i], name, 2, &p, &err), &err);
        fixture_put(v[i], point_key("other", 1, key), buf_slice(&object));
        expect_damaged(point_load(v[i], "other", 1, &p, &err), &err);
        fixture_put(v[1 - i], point_key(name, 1, key), buf_slice(&object));
        expect_damaged(point_load(v[1 - i], name, 1, &p, &err), &err);
    }
}

static void a_newer_point_is_told_apart_from_a_damaged_one(void **state)
{
    struct vault **v = *state;
    auto_buf struct buf object = {0};
    auto_point struct point p = {0};
    struct replica_point last;
    struct err err = {0};
    char key[POINT_KEY_MAX];

    commit_many(v[0], "r", 1, &last);
    fixture_get(v[0], point_key("r", 1, key), &object);
    object.data[8] = 3;
    expect_damaged(point_decode(v[0], "r", 1, buf_slice(&object), &p, &err), &err);
    assert_non_null(strstr(err.text, "format number"));
    object.data[object.len - 1] ^= 1; /* nothing that ours would seal */
    assert_fails(-EPROTO, point_decode(v[0], "r", 1, buf_slice(&object), &p, &err));
    assert_int_equal(GW_VAULT_NEWER, err.gw);
    object.data[object.len - 1] ^= 1;
    assert_fails(-EPROTO,
                 point_decode(v[0], "r", 1, slice_of(object.data, object.len - 3), &p, &err));
    assert_int_equal(GW_VAULT_NEWER, err.gw);
}

#define BOTH(test) cmocka_unit_test_setup_teardown(test, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(volumes_are_cut_as_documented),
        BOTH(volumes_above_a_pebibyte_are_refused),
        BOTH(a_point_comes_back_whole),
        BOTH(a_point_names_the_tracker_of_its_pass),
        BOTH(a_long_writer_has_no_room_for_the_tracker),
        BOTH(a_point_tells_what_could_not_be_read),
        BOTH(an_empty_volume_has_a_point),
        BOTH(a_point_of_ten_terabytes_stays_small),
        BOTH(a_number_is_committed_once),
        BOTH(bad_names_never_reach_the_store),
        BOTH(the_head_is_found_for_any_number_of_points),
        BOTH(an_older_head_than_one_seen_is_refused),
        BOTH(a_listing_that_lies_is_not_believed),
        BOTH(a_damaged_head_is_an_error_and_never_skipped),
        BOTH(points_are_walked_in_order_along_the_chain),
        BOTH(a_point_with_another_parent_breaks_the_chain),
        BOTH(epochs_never_fall_along_the_chain),
        BOTH(replicas_are_named_once_each),
        BOTH(every_flipped_bit_and_truncation_of_a_point_is_refused),
        BOTH(points_put_in_the_place_of_others_are_refused),
        BOTH(a_newer_point_is_told_apart_from_a_damaged_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
