/* SPDX-License-Identifier: Apache-2.0 */
/* loop: timers, posts from other threads, signals, and how it ends. */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/loop.h"

#include <pthread.h>
#include <signal.h>

#include "base/banned.h"

enum { THREADS = 4, POSTS_EACH = 2000 };

static int setup(void **state)
{
    return loop_new((struct loop **)state, NULL);
}

static int teardown(void **state)
{
    loop_free(*state);
    return 0;
}

/* What callbacks write into. */
struct record {
    struct loop *loop;
    struct loop_timer *timer;
    unsigned calls, stop_after;
    uint64_t at_ms;
};

static void count_and_stop(void *arg)
{
    struct record *r = arg;

    r->at_ms = clock_mono_ms(&clock_system);
    if (++r->calls == r->stop_after)
        loop_stop(r->loop);
}

static void timer_fires_once_after_its_delay(void **state)
{
    struct record r = {.loop = *state, .stop_after = 1};
    const uint64_t began_ms = clock_mono_ms(&clock_system);

    assert_ok(loop_timer_new(r.loop, 30, 0, count_and_stop, &r, &r.timer, NULL));
    assert_ok(loop_run(r.loop, NULL));
    assert_int_equal(1, r.calls);
    assert_in_range(r.at_ms - began_ms, 29, 5000); /* the loop's clock counts whole ms */
    loop_timer_free(r.timer);
    loop_timer_free(NULL);
}

static void periodic_timer_fires_again_and_again(void **state)
{
    struct record r = {.loop = *state, .stop_after = 5};
    const uint64_t began_ms = clock_mono_ms(&clock_system);

    assert_ok(loop_timer_new(r.loop, 0, 10, count_and_stop, &r, &r.timer, NULL));
    assert_ok(loop_run(r.loop, NULL));
    assert_int_equal(5, r.calls);
    assert_in_range(r.at_ms - began_ms, 36, 5000);
    loop_timer_free(r.timer);
}

static void free_itself(void *arg)
{
    struct record *r = arg;

    r->calls++;
    loop_timer_free(r->timer);
    r->timer = NULL;
}

static void periodic_timer_may_be_freed_by_its_own_function(void **state)
{
    struct record r = {.loop = *state}, end = {.loop = *state, .stop_after = 1};

    assert_ok(loop_timer_new(r.loop, 0, 1, free_itself, &r, &r.timer, NULL));
    assert_ok(loop_timer_new(r.loop, 30, 0, count_and_stop, &end, &end.timer, NULL));
    assert_ok(loop_run(r.loop, NULL));
    assert_int_equal(1, r.calls);
    assert_null(r.timer);
    loop_timer_free(end.timer);
}

static void freed_timer_does_not_fire(void **state)
{
    struct record r = {.loop = *state}, end = {.loop = *state, .stop_after = 1};

    assert_ok(loop_timer_new(r.loop, 5, 0, count_and_stop, &r, &r.timer, NULL));
    assert_ok(loop_timer_new(r.loop, 30, 0, count_and_stop, &end, &end.timer, NULL));
    loop_timer_free(r.timer);
    assert_ok(loop_run(r.loop, NULL));
    assert_int_equal(0, r.calls);
    loop_timer_free(end.timer);
}

/* One post of many: thread i's k-th. */
struct item {
    struct burst *burst;
    unsigned thread, k;
};

struct burst {
    struct loop *loop;
    struct item items[THREADS][POSTS_EACH];
    unsigned next[THREADS]; /* the k that must come now */
    unsigned out_of_order, seen;
    pthread_t loop_thread;
    bool elsewhere; /* a post ran outside the loop's thread */
};

static void take_item(void *arg)
{
    const struct item *it = arg;
    struct burst *b = it->burst;

    b->out_of_order += it->k != b->next[it->thread]++;
    b->elsewhere |= !pthread_equal(pthread_self(), b->loop_thread);
    if (++b->seen == THREADS * POSTS_EACH)
        loop_stop(b->loop);
}

static void *post_all(void *arg)
{
    struct item *items = arg;

    for (unsigned k = 0; k < POSTS_EACH; k++)
        if (loop_post(items[k].burst->loop, take_item, &items[k]) != 0)
            return (void *)1;
    return NULL;
}

static void posts_of_many_threads_all_run_in_the_loop_in_order(void **state)
{
    struct burst *b = calloc(1, sizeof(*b));
    pthread_t threads[THREADS];

    b->loop = *state;
    b->loop_thread = pthread_self();
    for (unsigned i = 0; i < THREADS; i++) {
        for (unsigned k = 0; k < POSTS_EACH; k++)
            b->items[i][k] = (struct item){.burst = b, .thread = i, .k = k};
        assert_int_equal(0, pthread_create(&threads[i], NULL, post_all, b->items[i]));
    }
    assert_ok(loop_run(b->loop, NULL));
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(THREADS * POSTS_EACH, b->seen);
    assert_int_equal(0, b->out_of_order);
    assert_false(b->elsewhere);
    free(b);
}

static void count(void *arg)
{
    ++*(unsigned *)arg;
}

static void stop_twice_and_post(void *arg)
{
    struct record *r = arg;

    assert_ok(loop_post(r->loop, count, &r->calls));
    loop_stop(r->loop);
    loop_stop(r->loop);
    assert_fails(-ECANCELED, loop_post(r->loop, count, &r->calls));
}

static void accepted_posts_run_before_the_end_and_later_ones_are_refused(void **state)
{
    struct record r = {.loop = *state};

    assert_ok(loop_post(r.loop, stop_twice_and_post, &r));
    assert_ok(loop_run(r.loop, NULL));
    assert_int_equal(1, r.calls);
    assert_fails(-ECANCELED, loop_post(r.loop, count, &r.calls));
}

static void stop_before_run_ends_it_at_once(void **state)
{
    unsigned calls = 0;

    assert_ok(loop_post(*state, count, &calls));
    loop_stop(*state);
    assert_ok(loop_run(*state, NULL));
    assert_int_equal(1, calls);
}

static void loop_that_never_ran_is_freed_whole(void **state)
{
    struct loop *l;
    unsigned calls = 0;

    (void)state;
    assert_ok(loop_new(&l, NULL));
    assert_ok(loop_post(l, count, &calls));
    assert_ok(loop_signals(l, NULL, NULL, NULL));
    loop_free(l);
    loop_free(NULL);
    assert_int_equal(0, calls);
}

static void raise_hup(void *arg)
{
    (void)arg;
    raise(SIGHUP);
}

static void on_hup(void *arg)
{
    struct record *r = arg;

    r->calls++;
    raise((int)r->stop_after);
}

static void hup_is_told_and_term_and_int_stop(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct record r = {.stop_after = (unsigned)signals[i]};

        assert_ok(loop_new(&r.loop, NULL));
        assert_ok(loop_signals(r.loop, on_hup, &r, NULL));
        assert_ok(loop_post(r.loop, raise_hup, NULL));
        assert_ok(loop_run(r.loop, NULL));
        assert_int_equal(1, r.calls);
        loop_free(r.loop);
    }
}

static void stop_on_hup(void *arg)
{
    loop_stop(arg);
}

static void hup_without_a_function_is_harmless(void **state)
{
    struct loop *l = *state;

    assert_ok(loop_signals(l, NULL, NULL, NULL));
    assert_ok(loop_post(l, raise_hup, NULL));
    assert_ok(loop_post(l, stop_on_hup, l));
    assert_ok(loop_run(l, NULL));
}

#define WITH_LOOP(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(timer_fires_once_after_its_delay),
        WITH_LOOP(periodic_timer_fires_again_and_again),
        WITH_LOOP(periodic_timer_may_be_freed_by_its_own_function),
        WITH_LOOP(freed_timer_does_not_fire),
        WITH_LOOP(posts_of_many_threads_all_run_in_the_loop_in_order),
        WITH_LOOP(accepted_posts_run_before_the_end_and_later_ones_are_refused),
        WITH_LOOP(stop_before_run_ends_it_at_once),
        cmocka_unit_test(loop_that_never_ran_is_freed_whole),
        cmocka_unit_test(hup_is_told_and_term_and_int_stop),
        WITH_LOOP(hup_without_a_function_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
