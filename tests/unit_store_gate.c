/* SPDX-License-Identifier: Apache-2.0 */
/* The gate on a clock that only moves when told: how many streams a place gets, and its pauses. */
#include "tests/unit.h"

#include "transport/store.h"
#include "transport/store_gate.h"

#include "base/banned.h"

struct world {
    uint64_t now_ms;
    uint64_t slept_ms;
    struct clock clock;
    struct rng rng;
    struct store_gate gate;
    uint64_t helps; /* streams beyond this many move nothing more */
};

static uint64_t world_ms(void *arg)
{
    return ((struct world *)arg)->now_ms;
}

static void world_sleep(void *arg, uint64_t ms)
{
    struct world *w = arg;

    w->now_ms += ms;
    w->slept_ms += ms;
}

static void world_random(void *arg, void *out, size_t len)
{
    (void)arg;
    memset(out, 0x55, len);
}

static void begin(struct world *w, unsigned streams)
{
    *w = (struct world){.now_ms = 1000, .helps = 6};
    w->clock =
        (struct clock){.wall_ms = world_ms, .mono_ms = world_ms, .sleep_ms = world_sleep, .arg = w};
    w->rng = (struct rng){.fill = world_random};
    store_gate_init(&w->gate, streams, &w->clock, &w->rng);
}

static void enter(struct world *w, struct store_gate_turn *turn)
{
    assert_ok(store_gate_enter(&w->gate, true, NULL, turn));
}

/* Packs end one after the other, and each is followed by the next as soon as there is a turn; up to
 * `helps` streams of 10 MB/s add up. */
static void run_for(struct world *w, uint64_t ms, unsigned takers)
{
    struct store_gate_turn turns[STORE_STREAMS_MAX];
    uint64_t until_ms = w->now_ms + ms;
    unsigned first = 0, n = 0;

    while (w->now_ms < until_ms) {
        unsigned most = store_gate_streams(&w->gate);

        while (n < most && n < takers)
            enter(w, &turns[(first + n++) % STORE_STREAMS_MAX]);
        w->now_ms += 4000000 / (10000 * (n < w->helps ? n : w->helps));
        store_gate_leave(&w->gate, &turns[first], STORE_GATE_DONE, 4000000, 0);
        first = (first + 1) % STORE_STREAMS_MAX;
        n--;
    }
    for (; n > 0; n--, first = (first + 1) % STORE_STREAMS_MAX)
        store_gate_leave(&w->gate, &turns[first], STORE_GATE_FAILED, 0, 0);
}

static void streams_grow_while_it_helps(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 0);
    assert_int_equal(STORE_GATE_FIRST, store_gate_streams(&w.gate));
    run_for(&w, 20000, STORE_STREAMS_MAX);
    assert_in_range(store_gate_streams(&w.gate), 6, 9);
    run_for(&w, 300000, STORE_STREAMS_MAX); /* tries again now and then, and falls back */
    assert_in_range(store_gate_streams(&w.gate), 6, 13);
    store_gate_done(&w.gate);
}

static void a_place_that_one_stream_fills_gets_few(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 0);
    w.helps = 1;
    run_for(&w, 20000, STORE_STREAMS_MAX);
    assert_int_equal(STORE_GATE_FIRST, store_gate_streams(&w.gate));
    store_gate_done(&w.gate);
}

static void never_more_than_the_maximum(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 0);
    w.helps = 1000;
    run_for(&w, 100000, STORE_STREAMS_MAX);
    assert_int_equal(STORE_STREAMS_MAX, store_gate_streams(&w.gate));
    store_gate_done(&w.gate);
}

static void turns_that_nobody_takes_say_nothing(void **state)
{
    struct world w;

    (void)state;
    begin(&w, 0);
    w.helps = 1000;
    run_for(&w, 100000, 2);
    assert_int_equal(STORE_GATE_FIRST, store_gate_streams(&w.gate));
    store_gate_done(&w.gate);
}

static void a_given_number_stays(void **state)
{
    struct world w;
    struct store_gate_turn turn;

    (void)state;
    begin(&w, 5);
    run_for(&w, 20000, STORE_STREAMS_MAX);
    assert_int_equal(5, store_gate_streams(&w.gate));
    enter(&w, &turn);
    store_gate_leave(&w.gate, &turn, STORE_GATE_BUSY, 0, 0);
    assert_int_equal(5, store_gate_streams(&w.gate));
    store_gate_done(&w.gate);
}

static void one_refusal_pauses_all_and_counts_once(void **state)
{
    struct world w;
    struct store_gate_turn a, b, c;
    unsigned before;

    (void)state;
    begin(&w, 0);
    run_for(&w, 20000, STORE_STREAMS_MAX);
    enter(&w, &a);
    enter(&w, &b);
    before = store_gate_streams(&w.gate);
    store_gate_leave(&w.gate, &a, STORE_GATE_BUSY, 0, 3000);
    assert_int_equal(before / 2, store_gate_streams(&w.gate));
    store_gate_leave(&w.gate, &b, STORE_GATE_BUSY, 0, 60000);
    assert_int_equal(before / 2, store_gate_streams(&w.gate)); /* it was under way already */
    w.slept_ms = 0;
    enter(&w, &c);
    assert_in_range(w.slept_ms, 3000, 3750);
    store_gate_leave(&w.gate, &c, STORE_GATE_DONE, 1, 0);
    w.slept_ms = 0;
    assert_ok(store_gate_enter(&w.gate, false, NULL, &c));
    assert_int_equal(0, w.slept_ms);
    store_gate_leave(&w.gate, &c, STORE_GATE_DONE, 0, 0);
    store_gate_done(&w.gate);
}

static void pauses_grow_until_a_call_succeeds(void **state)
{
    struct world w;
    struct store_gate_turn turn;
    uint64_t last_ms = 0;

    (void)state;
    begin(&w, 0);
    for (int i = 0; i < 6; i++) {
        w.slept_ms = 0;
        assert_ok(store_gate_enter(&w.gate, false, NULL, &turn));
        assert_true(i == 0 || w.slept_ms > last_ms);
        last_ms = w.slept_ms;
        store_gate_leave(&w.gate, &turn, STORE_GATE_BUSY, 0, 0);
    }
    assert_ok(store_gate_enter(&w.gate, false, NULL, &turn));
    store_gate_leave(&w.gate, &turn, STORE_GATE_DONE, 0, 0);
    assert_ok(store_gate_enter(&w.gate, false, NULL, &turn));
    store_gate_leave(&w.gate, &turn, STORE_GATE_BUSY, 0, UINT64_MAX); /* believed up to a bound */
    w.slept_ms = 0;
    assert_ok(store_gate_enter(&w.gate, false, NULL, &turn));
    assert_in_range(w.slept_ms, STORE_GATE_AFTER_MAX_MS, STORE_GATE_AFTER_MAX_MS * 5 / 4);
    store_gate_leave(&w.gate, &turn, STORE_GATE_DONE, 0, 0);
    store_gate_done(&w.gate);
}

static void a_stop_ends_every_wait(void **state)
{
    struct world w;
    struct store_gate_turn turn, other;
    atomic_bool stop = true;

    (void)state;
    begin(&w, 1);
    enter(&w, &turn);
    assert_fails(-ECANCELED, store_gate_enter(&w.gate, true, &stop, &other));
    store_gate_leave(&w.gate, &turn, STORE_GATE_BUSY, 0, 5000);
    assert_fails(-ECANCELED, store_gate_enter(&w.gate, true, &stop, &other));
    enter(&w, &turn); /* the turn was given back */
    store_gate_leave(&w.gate, &turn, STORE_GATE_DONE, 0, 0);
    store_gate_done(&w.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_grow_while_it_helps),
        cmocka_unit_test(a_place_that_one_stream_fills_gets_few),
        cmocka_unit_test(never_more_than_the_maximum),
        cmocka_unit_test(turns_that_nobody_takes_say_nothing),
        cmocka_unit_test(a_given_number_stays),
        cmocka_unit_test(one_refusal_pauses_all_and_counts_once),
        cmocka_unit_test(pauses_grow_until_a_call_succeeds),
        cmocka_unit_test(a_stop_ends_every_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
