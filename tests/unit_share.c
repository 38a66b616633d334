/* SPDX-License-Identifier: Apache-2.0 */
/* What shares a machine: never more than fits, never fewer than can be. */
#include "planner/engine/share.h"
#include "planner/engine/wave_random.h"
#include "tests/unit.h"

#include "base/banned.h"

enum { ITEMS = 40, SLOTS = 6 };

struct place {
    float load[ITEMS][SLOTS];
    struct share_item items[ITEMS];
    struct share_bin bins[ITEMS];
    size_t where[ITEMS], used;
    struct share_spec spec;
};

static void begin(struct place *p, size_t items, size_t bins, struct share_bin bin)
{
    *p = (struct place){0};
    p->spec = (struct share_spec){
        .items = p->items, .bins = p->bins, .items_n = items, .bins_n = bins, .slots = SLOTS};
    for (size_t i = 0; i < items; i++)
        p->items[i] = (struct share_item){.load = p->load[i], .memory = 1, .kind = i};
    for (size_t b = 0; b < bins; b++)
        p->bins[b] = bin;
}

static struct share_fill fill_of(const struct place *p, size_t bin)
{
    size_t mine[ITEMS], n = 0;

    for (size_t i = 0; i < p->spec.items_n; i++) {
        if (p->where[i] == bin)
            mine[n++] = i;
    }
    return share_fill(&p->spec, bin, mine, n);
}

static void days_and_nights_share_a_machine(void **state)
{
    struct place p;

    (void)state;
    begin(&p, 4, 4, (struct share_bin){.cores = 2, .memory = 100});
    for (size_t i = 0; i < 4; i++)
        p.load[i][i % 2] = 1;
    assert_ok(share_fit(&p.spec, p.where, &p.used, NULL));
    assert_int_equal(p.used, 1);
    assert_int_equal(share_bound(&p.spec), 1);
}

static void memory_is_never_given_twice(void **state)
{
    struct place p;

    (void)state;
    begin(&p, 6, 6, (struct share_bin){.cores = 100, .memory = 10});
    for (size_t i = 0; i < 6; i++)
        p.items[i].memory = 5;
    assert_ok(share_fit(&p.spec, p.where, &p.used, NULL));
    assert_int_equal(p.used, 3);
    p.items[0].memory = 11;
    assert_ok(share_fit(&p.spec, p.where, &p.used, NULL));
    assert_int_equal(p.where[0], SHARE_NOWHERE);
}

static void what_varies_wants_room(void **state)
{
    struct place p;

    (void)state;
    begin(&p, 4, 4, (struct share_bin){.cores = 4, .memory = 100});
    for (size_t i = 0; i < 4; i++) {
        p.load[i][0] = 1;
        p.items[i].variance = 1;
    }
    assert_ok(share_fit(&p.spec, p.where, &p.used, NULL));
    assert_int_equal(p.used, 1);
    p.spec.z = 1; /* 3 + sqrt(3) > 4, 2 + sqrt(2) < 4 */
    assert_ok(share_fit(&p.spec, p.where, &p.used, NULL));
    assert_int_equal(p.used, 2);
    p.spec.z = 0;
    p.spec.drift = 0.5; /* 3 * 1.5 > 4 */
    assert_ok(share_fit(&p.spec, p.where, &p.used, NULL));
    assert_int_equal(p.used, 2);
}

static void half_of_a_kind_at_most(void **state)
{
    struct place p;
    size_t seen[4] = {0};

    (void)state;
    begin(&p, 4, 4, (struct share_bin){.cores = 10, .memory = 100});
    for (size_t i = 0; i < 4; i++) {
        p.items[i].kind = 7;
        p.items[i].most = 2;
    }
    assert_ok(share_fit(&p.spec, p.where, &p.used, NULL));
    for (size_t i = 0; i < 4; i++)
        seen[p.where[i]]++;
    assert_int_equal(p.used, 2);
    for (size_t b = 0; b < 4; b++)
        assert_true(seen[b] <= 2);
}

static void contention_is_what_the_normal_distribution_says(void **state)
{
    struct place p;

    (void)state;
    begin(&p, 1, 1, (struct share_bin){.cores = 3, .memory = 100});
    for (size_t s = 0; s < SLOTS; s++)
        p.load[0][s] = 1;
    p.items[0].variance = 1;
    p.spec.z = 2;
    assert_true(fill_of(&p, 0).over > 0.0227 && fill_of(&p, 0).over < 0.0228); /* z = 2 */
    assert_true(fill_of(&p, 0).high > 0.999 && fill_of(&p, 0).high < 1.001);
}

static void random_place(struct wave_random *r, struct place *p)
{
    size_t n = 1 + wave_random_below(r, ITEMS);

    begin(p, n, ITEMS, (struct share_bin){.cores = 8, .memory = 64});
    p->spec.z = (double)wave_random_below(r, 4);
    for (size_t i = 0; i < n; i++) {
        for (size_t s = 0; s < SLOTS; s++)
            p->load[i][s] = (float)wave_random_below(r, 300) / 100;
        p->items[i].variance = (double)wave_random_below(r, 100) / 400;
        p->items[i].memory = 1 + wave_random_below(r, 30);
        p->items[i].kind = i / 3;
        p->items[i].most = wave_random_below(r, 2) ? 1 : 0;
    }
    for (size_t i = 1; i < n; i++) /* one rule a kind */
        p->items[i].most = i % 3 ? p->items[i - 1].most : p->items[i].most;
}

static void nothing_is_ever_too_full(void **state)
{
    struct wave_random random = {.state = 11};

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct place p;
        size_t again[ITEMS], used;

        random_place(&random, &p);
        assert_ok(share_fit(&p.spec, p.where, &p.used, NULL));
        assert_true(p.used >= share_bound(&p.spec));
        for (size_t b = 0; b < p.spec.bins_n; b++) {
            struct share_fill fill = fill_of(&p, b);

            assert_true(fill.high <= 1 + 1e-9 && fill.memory <= 1);
        }
        for (size_t i = 0; i < p.spec.items_n; i++) {
            assert_true(p.where[i] < p.spec.bins_n);
            for (size_t k = 0; k < i && p.items[i].most; k++)
                assert_true(p.items[k].kind != p.items[i].kind || p.where[k] != p.where[i]);
        }
        assert_ok(share_fit(&p.spec, again, &used, NULL));
        assert_memory_equal(again, p.where, p.spec.items_n * sizeof(*again));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_nights_share_a_machine),
        cmocka_unit_test(memory_is_never_given_twice),
        cmocka_unit_test(what_varies_wants_room),
        cmocka_unit_test(half_of_a_kind_at_most),
        cmocka_unit_test(contention_is_what_the_normal_distribution_says),
        cmocka_unit_test(nothing_is_ever_too_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
