/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between threads: order, bounds, closing, stopping, deadlines, and nothing lost. */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/banned.h"

static void *item(size_t i)
{
    return (void *)(uintptr_t)i;
}

static void items_come_out_in_order(void **state)
{
    struct queue *q;
    void *got;

    (void)state;
    assert_ok(queue_new(3, &q, NULL));
    for (size_t round = 0; round < 5; round++) {
        for (size_t i = 1; i <= 3; i++)
            assert_ok(queue_push(q, item(round * 10 + i)));
        assert_int_equal(3, queue_len(q));
        for (size_t i = 1; i <= 3; i++) {
            assert_ok(queue_pop(q, 0, &got));
            assert_ptr_equal(item(round * 10 + i), got);
        }
    }
    assert_int_equal(0, queue_len(q));
    queue_free(q);
}

static void capacity_of_zero_or_from_hell_is_refused(void **state)
{
    struct queue *q = NULL;

    (void)state;
    assert_fails(-EINVAL, queue_new(0, &q, NULL));
    assert_fails(-EINVAL, queue_new(SIZE_MAX, &q, NULL));
    assert_fails(-EINVAL, queue_new(SIZE_MAX / sizeof(void *), &q, NULL));
    assert_null(q);
    queue_free(NULL);
}

static void pop_of_nothing_ends_at_its_deadline(void **state)
{
    struct queue *q;
    void *got = &q;
    uint64_t before;

    (void)state;
    assert_ok(queue_new(1, &q, NULL));
    before = clock_mono_ms(&clock_system);
    assert_fails(-ETIMEDOUT, queue_pop(q, 30, &got));
    assert_true(clock_mono_ms(&clock_system) - before >= 29);
    assert_ptr_equal(&q, got);
    queue_free(q);
}

static void closed_queue_drains_then_says_nodata(void **state)
{
    struct queue *q;
    void *got;

    (void)state;
    assert_ok(queue_new(2, &q, NULL));
    assert_ok(queue_push(q, item(1)));
    queue_close(q);
    assert_fails(-ECANCELED, queue_push(q, item(2)));
    assert_ok(queue_pop(q, 0, &got));
    assert_ptr_equal(item(1), got);
    assert_fails(-ENODATA, queue_pop(q, 0, &got));
    assert_fails(-ENODATA, queue_pop(q, 10, &got));
    queue_free(q);
}

static void stopped_queue_cancels_at_once_and_keeps_its_items(void **state)
{
    struct queue *q;
    void *got = NULL;

    (void)state;
    assert_ok(queue_new(2, &q, NULL));
    assert_ok(queue_push(q, item(1)));
    queue_stop(q);
    assert_fails(-ECANCELED, queue_pop(q, 0, &got));
    assert_fails(-ECANCELED, queue_push(q, item(2)));
    assert_int_equal(1, queue_len(q));
    queue_close(q);
    assert_fails(-ECANCELED, queue_pop(q, 0, &got));
    assert_null(got);
    queue_free(q);
}

struct blocked {
    struct queue *q;
    bool pushes;
    int rc;
};

static void *block(void *arg)
{
    struct blocked *b = arg;
    void *got;

    b->rc = b->pushes ? queue_push(b->q, item(9)) : queue_pop(b->q, 0, &got);
    return NULL;
}

/* Three of one kind blocked (or just about to be) when end is called: all must come back. */
static void assert_released(bool pushes, void (*end)(struct queue *), int want)
{
    struct queue *q;
    struct blocked each[3];
    pthread_t threads[3];

    assert_ok(queue_new(1, &q, NULL));
    if (pushes)
        assert_ok(queue_push(q, item(1)));
    for (size_t i = 0; i < 3; i++) {
        each[i] = (struct blocked){.q = q, .pushes = pushes};
        assert_ok(pthread_create(&threads[i], NULL, block, &each[i]));
    }
    end(q);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(want, each[i].rc);
    }
    queue_free(q);
}

static void stop_and_close_release_everyone_who_waits(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_released(true, queue_stop, -ECANCELED);
        assert_released(true, queue_close, -ECANCELED);
        assert_released(false, queue_stop, -ECANCELED);
        assert_released(false, queue_close, -ENODATA);
    }
}

enum { PRODUCERS = 4, CONSUMERS = 3, EACH = 5000 };

struct traffic {
    struct queue *q;
    atomic_uchar seen[PRODUCERS * EACH];
    atomic_size_t next_producer;
};

static void *produce(void *arg)
{
    struct traffic *t = arg;
    size_t first = atomic_fetch_add(&t->next_producer, 1) * EACH;

    for (size_t i = first; i < first + EACH; i++)
        if (queue_push(t->q, item(i + 1)) != 0)
            return item(1);
    return NULL;
}

static void *consume(void *arg)
{
    struct traffic *t = arg;
    void *got;

    while (queue_pop(t->q, 0, &got) == 0)
        atomic_fetch_add(&t->seen[(uintptr_t)got - 1], 1);
    return NULL;
}

static void nothing_is_lost_or_doubled_under_traffic(void **state)
{
    static struct traffic t;
    pthread_t producers[PRODUCERS];
    pthread_t consumers[CONSUMERS];
    void *failed;

    (void)state;
    assert_ok(queue_new(7, &t.q, NULL));
    for (size_t i = 0; i < CONSUMERS; i++)
        assert_ok(pthread_create(&consumers[i], NULL, consume, &t));
    for (size_t i = 0; i < PRODUCERS; i++)
        assert_ok(pthread_create(&producers[i], NULL, produce, &t));
    for (size_t i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i], &failed);
        assert_null(failed);
    }
    queue_close(t.q);
    for (size_t i = 0; i < CONSUMERS; i++)
        pthread_join(consumers[i], NULL);
    for (size_t i = 0; i < PRODUCERS * EACH; i++)
        assert_int_equal(1, t.seen[i]);
    queue_free(t.q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order),
        cmocka_unit_test(capacity_of_zero_or_from_hell_is_refused),
        cmocka_unit_test(pop_of_nothing_ends_at_its_deadline),
        cmocka_unit_test(closed_queue_drains_then_says_nodata),
        cmocka_unit_test(stopped_queue_cancels_at_once_and_keeps_its_items),
        cmocka_unit_test(stop_and_close_release_everyone_who_waits),
        cmocka_unit_test(nothing_is_lost_or_doubled_under_traffic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
