/* SPDX-License-Identifier: Apache-2.0 */
/* The disk cache of units: what it gives back is what was put, or nothing; it stays within its
 * bytes and outlives its process. And the slots in memory before it. */
#include "tests/unit.h"

#include "transport/lru.h"
#include "transport/unit_cache.h"

#include <fcntl.h>
#include <pthread.h>

#include "base/banned.h"

enum { BODY_LEN = 100000 };

static struct err err;

static int make_dir(void **state)
{
    *state = unit_mkdir();
    return 0;
}

static int remove_dir(void **state)
{
    unit_rmdir(*state);
    return 0;
}

static struct unit unit_of(uint32_t i)
{
    struct unit u = {.segment = i, .stored_len = BODY_LEN};

    memset(u.pack, (int)(i * 37 % 251), sizeof(u.pack));
    memcpy(u.pack, &i, sizeof(i));
    return u;
}

static void put(struct unit_cache *c, uint32_t i)
{
    struct unit u = unit_of(i);
    uint8_t *body = malloc(BODY_LEN);

    assert_non_null(body);
    memset(body, (int)(i % 256), BODY_LEN);
    unit_cache_put(c, &u, slice_of(body, BODY_LEN));
    free(body);
}

static bool has(struct unit_cache *c, uint32_t i)
{
    struct unit u = unit_of(i);
    auto_buf struct buf body = {0};
    bool old = false;

    if (!unit_cache_get(c, &u, &body, &old))
        return false;
    assert_int_equal(BODY_LEN, body.len);
    for (size_t at = 0; at < BODY_LEN; at++)
        if (body.data[at] != i % 256)
            fail_msg("unit %u has other bytes", i);
    return true;
}

static struct unit_cache *open_cache(const char *dir)
{
    struct unit_cache *c = NULL;

    assert_ok(unit_cache_open(dir, UNIT_CACHE_BYTES_MIN, &c, &err));
    return c;
}

static void what_was_put_is_found_also_after_a_restart(void **state)
{
    struct unit_cache *c = open_cache(*state);

    for (uint32_t i = 0; i < 50; i++)
        put(c, i);
    assert_true(has(c, 7));
    assert_false(has(c, 50));
    unit_cache_close(c);
    c = open_cache(*state);
    for (uint32_t i = 0; i < 50; i++)
        assert_true(has(c, i));
    put(c, 50);
    assert_true(has(c, 50));
    unit_cache_close(c);
}

static void it_stays_within_its_bytes_and_loses_the_oldest(void **state)
{
    struct unit_cache *c = open_cache(*state);

    for (uint32_t i = 0; i < 1000; i++) {
        put(c, i);
        assert_true(unit_cache_bytes(c) <= UNIT_CACHE_BYTES_MIN);
    }
    assert_true(unit_cache_is_full(c));
    assert_false(has(c, 0));
    assert_true(has(c, 999));
    assert_true(has(c, 800));
    unit_cache_close(c);
    c = open_cache(*state);
    assert_true(unit_cache_bytes(c) <= UNIT_CACHE_BYTES_MIN);
    assert_true(has(c, 999));
    unit_cache_close(c);
}

static void what_is_dropped_or_put_again_is_so(void **state)
{
    struct unit_cache *c = open_cache(*state);
    struct unit u = unit_of(3);

    for (uint32_t i = 0; i < 5; i++)
        put(c, i);
    unit_cache_drop(c, &u);
    assert_false(has(c, 3));
    assert_true(has(c, 4));
    put(c, 3);
    put(c, 3);
    assert_true(has(c, 3));
    /* Another length than the one that is asked for: not the same unit. */
    u.stored_len--;
    assert_false(unit_cache_has(c, &u));
    unit_cache_close(c);
}

static void a_torn_index_costs_only_what_is_torn(void **state)
{
    struct unit_cache *c = open_cache(*state);
    char path[PATH_MAX];
    struct stat st;
    int fd;

    for (uint32_t i = 0; i < 5; i++)
        put(c, i);
    unit_cache_close(c);
    fd = open(unit_path(*state, "00000001.index", path), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(1, pwrite(fd, "X", 1, 40)); /* in the second record */
    assert_int_equal(0, ftruncate(fd, st.st_size - 5));
    close(fd);
    c = open_cache(*state);
    assert_true(has(c, 0));
    assert_false(has(c, 1));
    assert_true(has(c, 3));
    assert_false(has(c, 4));
    unit_cache_close(c);
}

static void two_do_not_share_one(void **state)
{
    struct unit_cache *c = open_cache(*state);
    struct unit_cache *d = NULL;

    assert_fails(-EWOULDBLOCK, unit_cache_open(*state, 1, &d, &err));
    unit_cache_close(c);
}

static void a_disk_that_refuses_ends_the_writing_once(void **state)
{
    struct unit_cache *c = open_cache(*state);
    char path[PATH_MAX];

    put(c, 1);
    /* A directory where the next segment would be written to. */
    assert_int_equal(0, mkdir(unit_path(*state, "00000002.units", path), 0700));
    for (uint32_t i = 2; i < 30; i++)
        put(c, i);
    assert_true(has(c, 1));
    assert_true(unit_cache_is_full(c));
    assert_true(unit_cache_trouble(c, &err));
    assert_non_null(strstr(err.text, "nothing is added"));
    assert_false(unit_cache_trouble(c, &err));
    unit_cache_close(c);
}

static struct lru_key key_of(uint8_t i)
{
    return (struct lru_key){.bytes = {i}};
}

static void slots_give_up_what_was_used_longest_ago(void **state)
{
    struct lru *l = NULL;
    size_t slot[3];
    size_t other = 9;

    (void)state;
    assert_ok(lru_new(2, &l, &err));
    for (uint8_t i = 0; i < 2; i++) {
        struct lru_key key = key_of(i);

        assert_false(lru_get(l, &key, &slot[i]));
        lru_loaded(l, slot[i], true);
        lru_put(l, slot[i]);
    }
    assert_true(lru_get(l, &(struct lru_key){.bytes = {0}}, &other)); /* used again, and held */
    assert_int_equal(slot[0], other);
    assert_true(lru_claim(l, &(struct lru_key){.bytes = {2}}, &slot[2]));
    assert_int_equal(slot[1], slot[2]);
    assert_false(lru_claim(l, &(struct lru_key){.bytes = {2}}, &other)); /* it is coming */
    assert_false(lru_claim(l, &(struct lru_key){.bytes = {3}}, &other)); /* all are held */
    lru_loaded(l, slot[2], false);
    assert_true(lru_claim(l, &(struct lru_key){.bytes = {3}}, &other));
    lru_loaded(l, other, true);
    lru_put(l, other);
    lru_put(l, slot[0]);
    lru_free(l);
}

struct waiting {
    struct lru *l;
    size_t slot;
    bool there;
};

static void *wait_for_it(void *arg)
{
    struct waiting *w = arg;
    struct lru_key key = key_of(1);

    w->there = lru_get(w->l, &key, &w->slot);
    if (!w->there)
        lru_loaded(w->l, w->slot, true);
    lru_put(w->l, w->slot);
    return NULL;
}

static void who_waits_for_a_failed_load_does_it_himself(void **state)
{
    struct lru_key key = key_of(1);
    struct waiting w = {.there = true};
    pthread_t thread;
    size_t slot;

    (void)state;
    assert_ok(lru_new(1, &w.l, &err));
    assert_false(lru_get(w.l, &key, &slot));
    assert_int_equal(0, pthread_create(&thread, NULL, wait_for_it, &w));
    lru_loaded(w.l, slot, false);
    pthread_join(thread, NULL);
    assert_false(w.there);
    assert_true(lru_get(w.l, &key, &slot));
    lru_put(w.l, slot);
    lru_free(w.l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_found_also_after_a_restart, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(it_stays_within_its_bytes_and_loses_the_oldest, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(what_is_dropped_or_put_again_is_so, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_torn_index_costs_only_what_is_torn, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(two_do_not_share_one, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_disk_that_refuses_ends_the_writing_once, make_dir,
                                        remove_dir),
        cmocka_unit_test(slots_give_up_what_was_used_longest_ago),
        cmocka_unit_test(who_waits_for_a_failed_load_does_it_himself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
