/* SPDX-License-Identifier: Apache-2.0 */
/* Whole packs in memory: each comes once however many want it, within the bytes that are allowed.
 */
#include "tests/unit.h"

#include "transport/packs.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/banned.h"

enum { BUDGET = PACK_BYTES_MAX, SMALL = 3 << 20, THREADS = 4, ROUNDS = 200, NAMES = 24 };

struct loader {
    size_t bytes;
    atomic_uint loads;
    bool fails;
    struct packs *packs;
};

static int load(void *arg, struct vault *v, const uint8_t *name, struct buf *body)
{
    struct loader *l = arg;
    uint8_t *at = NULL;

    (void)v;
    assert_int_equal(body->len, 0);
    l->loads++;
    if (l->fails)
        return -ENOENT;
    assert_ok(buf_reserve(body, l->bytes, &at));
    memset(at, name[0], l->bytes);
    buf_grow(body, l->bytes);
    return 0;
}

static void name_of(unsigned i, uint8_t *out)
{
    memset(out, (int)i, PACK_NAME_LEN);
}

static void begin(struct loader *l, size_t bytes)
{
    *l = (struct loader){.bytes = bytes};
    assert_ok(packs_new(BUDGET, load, l, &l->packs, NULL));
}

/* Take it, look at it, put it back. */
static bool get(struct loader *l, unsigned i)
{
    uint8_t name[PACK_NAME_LEN];
    struct slice body = {0};
    size_t slot = 0;

    name_of(i, name);
    if (!packs_get(l->packs, NULL, name, &body, &slot))
        return false;
    assert_int_equal(body.len, l->bytes);
    assert_int_equal(body.data[0], i);
    assert_int_equal(body.data[body.len - 1], i);
    packs_put(l->packs, slot);
    return true;
}

static bool is_there(struct loader *l, unsigned i)
{
    uint8_t name[PACK_NAME_LEN];
    struct slice body = {0};
    size_t slot = 0;

    name_of(i, name);
    if (!packs_find(l->packs, name, &body, &slot))
        return false;
    packs_put(l->packs, slot);
    return true;
}

static void comes_once(void **state)
{
    struct loader l;

    (void)state;
    begin(&l, SMALL);
    assert_false(is_there(&l, 1));
    assert_true(get(&l, 1));
    assert_true(get(&l, 1));
    assert_true(is_there(&l, 1));
    assert_int_equal(l.loads, 1);
    packs_free(l.packs);
}

static void oldest_makes_room(void **state)
{
    struct loader l;

    (void)state;
    begin(&l, SMALL); /* takes 4 MiB: four of them fit */
    for (unsigned i = 1; i <= 4; i++)
        assert_true(get(&l, i));
    assert_int_equal(l.loads, 4);
    assert_true(get(&l, 1));
    assert_true(get(&l, 5));
    assert_true(is_there(&l, 1));
    assert_false(is_there(&l, 2));
    assert_true(is_there(&l, 5));
    packs_free(l.packs);
}

/* Then one at a time is all there is room for, and it must still come. */
static void largest_comes_alone(void **state)
{
    struct loader l;

    (void)state;
    begin(&l, SMALL);
    for (unsigned i = 1; i <= 4; i++)
        assert_true(get(&l, i));
    l.bytes = PACK_BYTES_MAX;
    assert_true(get(&l, 5));
    assert_true(get(&l, 6));
    assert_false(is_there(&l, 4));
    assert_false(is_there(&l, 5));
    assert_true(is_there(&l, 6));
    packs_free(l.packs);
}

static void failure_is_tried_again(void **state)
{
    struct loader l;

    (void)state;
    begin(&l, SMALL);
    l.fails = true;
    assert_false(get(&l, 1));
    assert_false(is_there(&l, 1));
    l.fails = false;
    assert_true(get(&l, 1));
    assert_int_equal(l.loads, 2);
    packs_free(l.packs);
}

static void *reader(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        if (!get(arg, i / 8 % NAMES + 1))
            return arg;
    return NULL;
}

static void threads_share(void **state)
{
    pthread_t threads[THREADS];
    struct loader l;
    void *bad = NULL;

    (void)state;
    begin(&l, 1000);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &l), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    packs_free(l.packs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_once),          cmocka_unit_test(oldest_makes_room),
        cmocka_unit_test(largest_comes_alone), cmocka_unit_test(failure_is_tried_again),
        cmocka_unit_test(threads_share),
    };

    return cmocka_run_group_tests_name("packs", tests, NULL, NULL);
}
