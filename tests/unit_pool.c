/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of buffers: aligned, whole, never more than promised, released by stop. */
#include "tests/unit.h"

#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/banned.h"

static void buffers_are_aligned_distinct_and_writable_to_their_end(void **state)
{
    enum { N = 4, SIZE = 10000 }; /* not a multiple of a page */
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct pool *p;
    uint8_t *b[N];

    (void)state;
    assert_ok(pool_new(N, SIZE, &p, NULL));
    assert_int_equal(SIZE, pool_size_bytes(p));
    for (size_t i = 0; i < N; i++) {
        assert_ok(pool_get(p, &b[i]));
        assert_int_equal(0, (uintptr_t)b[i] % page);
        memset(b[i], (int)i, SIZE);
    }
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(i, b[i][0]);
        assert_int_equal(i, b[i][SIZE - 1]);
        pool_put(p, b[i]);
    }
    pool_free(p);
}

static void nonsense_is_refused(void **state)
{
    struct pool *p = NULL;

    (void)state;
    assert_fails(-EINVAL, pool_new(0, 4096, &p, NULL));
    assert_fails(-EINVAL, pool_new(1, 0, &p, NULL));
    assert_null(p);
    pool_free(NULL);
}

static void putting_nothing_back_is_fine(void **state)
{
    struct pool *p;
    uint8_t *b;

    (void)state;
    assert_ok(pool_new(1, 1, &p, NULL));
    pool_put(p, NULL);
    assert_ok(pool_get(p, &b));
    pool_put(p, b);
    pool_free(p);
}

static void *get_one(void *arg)
{
    uint8_t *b = NULL;
    int rc = pool_get(arg, &b);

    if (rc == 0)
        pool_put(arg, b);
    return (void *)(intptr_t)rc;
}

static void a_waiter_gets_what_is_put_back(void **state)
{
    struct pool *p;
    pthread_t waiter;
    uint8_t *b;
    void *rc;

    (void)state;
    assert_ok(pool_new(1, 64, &p, NULL));
    assert_ok(pool_get(p, &b));
    assert_ok(pthread_create(&waiter, NULL, get_one, p));
    pool_put(p, b);
    pthread_join(waiter, &rc);
    assert_null(rc);
    pool_free(p);
}

static void stop_releases_every_waiter(void **state)
{
    struct pool *p;
    pthread_t waiters[3];
    uint8_t *b;
    void *rc;

    (void)state;
    assert_ok(pool_new(1, 64, &p, NULL));
    assert_ok(pool_get(p, &b));
    for (size_t i = 0; i < 3; i++)
        assert_ok(pthread_create(&waiters[i], NULL, get_one, p));
    pool_stop(p);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(waiters[i], &rc);
        assert_int_equal(-ECANCELED, (intptr_t)rc);
    }
    pool_put(p, b); /* giving back still works, so nothing leaks */
    assert_fails(-ECANCELED, pool_get(p, &b));
    pool_free(p);
}

enum { THREADS = 4, BUFFERS = 2, ROUNDS = 2000 };

struct usage {
    struct pool *pool;
    atomic_int out;
    atomic_int most;
    atomic_int torn;
};

static void *churn(void *arg)
{
    struct usage *u = arg;
    uint8_t *b;

    for (int i = 0; i < ROUNDS; i++) {
        if (pool_get(u->pool, &b) != 0)
            return u;
        int out = atomic_fetch_add(&u->out, 1) + 1;
        int most = atomic_load(&u->most);

        while (out > most && !atomic_compare_exchange_weak(&u->most, &most, out))
            ;
        memset(b, i & 0xff, 64);
        if (b[0] != (i & 0xff) || b[63] != (i & 0xff))
            atomic_fetch_add(&u->torn, 1);
        atomic_fetch_sub(&u->out, 1);
        pool_put(u->pool, b);
    }
    return NULL;
}

static void no_buffer_has_two_owners(void **state)
{
    struct usage u = {0};
    pthread_t threads[THREADS];
    void *failed;

    (void)state;
    assert_ok(pool_new(BUFFERS, 64, &u.pool, NULL));
    for (size_t i = 0; i < THREADS; i++)
        assert_ok(pthread_create(&threads[i], NULL, churn, &u));
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(0, u.torn);
    assert_in_range(u.most, 1, BUFFERS);
    pool_free(u.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_are_aligned_distinct_and_writable_to_their_end),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(putting_nothing_back_is_fine),
        cmocka_unit_test(a_waiter_gets_what_is_put_back),
        cmocka_unit_test(stop_releases_every_waiter),
        cmocka_unit_test(no_buffer_has_two_owners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
