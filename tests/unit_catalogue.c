/* SPDX-License-Identifier: Apache-2.0 */
/* Price lists: read exactly, never two currencies in one; and the cheapest shape that fits. */
#include "planner/engine/catalogue_read.h"
#include "planner/engine/shape.h"
#include "planner/engine/wave_random.h"
#include "tests/unit.h"

#include "base/banned.h"

static const uint64_t gib = (uint64_t)1 << 30;

static const char list[] =
    "provider,region,currency,instance_type,vcpu,mem_mib,arch,ebs_mbps,net_mbps,gpu_count,"
    "price_per_hour,price_date\n"
    "aws,here,USD,m.large,2,8192,amd64,800,1000,,0.1,2026-07-20\n"
    "aws,here,USD,r.large,2,16384,amd64,,1000,,0.1,2026-07-20\r\n"
    "aws,here,USD,g.large,2,8192,arm64,800,1000,,0.080,2026-07-20\n"
    "aws,here,USD,m.xlarge,4,16384,amd64,8000,1000,,0.2000019,2026-07\n"
    "aws,here,USD,u.metal,448,25165824,amd64,8000,1000,,200,2026-07-20\n"
    "aws,here,USD,p.large,8,65536,amd64,8000,1000,1,3,2026-07-20\n"
    "\n"
    "aws,there,CNY,m.large,2,8192,amd64,800,1000,,0.7,2026-07-20\n";

static int read_list(const char *csv, const char *region, struct catalogue *c)
{
    struct catalogue_spec spec = {.provider = "aws", .region = region};

    return catalogue_read_all(slice_str(csv), &spec, c, NULL);
}

static const char *x86_for(const struct catalogue *c, struct size_need need)
{
    struct shape_choice choice = {0};

    return shape_choose(c, &need, false, &choice, NULL) == 0 ? choice.x86->name : "none";
}

static void a_list_is_read_to_the_millionth(void **state)
{
    auto_catalogue struct catalogue c = {0};

    (void)state;
    assert_ok(read_list(list, "here", &c));
    assert_int_equal(c.n, 6);
    assert_int_equal(c.shapes[5].memory_bytes, 24 * 1024 * gib);
    assert_string_equal(c.currency, "USD");
    assert_string_equal(c.shapes[0].name, "g.large");
    assert_true(c.shapes[0].arm && c.shapes[0].price_micros == 80000);
    assert_int_equal(c.shapes[3].price_micros, 200001);
    assert_string_equal(c.shapes[3].date, "2026-07");
    assert_int_equal(c.shapes[1].memory_bytes, 8 * gib);
    assert_int_equal(c.shapes[1].disk_bytes_per_s, 100000000);
}

static void currencies_and_regions_are_never_mixed(void **state)
{
    struct catalogue c = {0};

    (void)state;
    assert_fails(-EINVAL, read_list(list, NULL, &c));
    assert_fails(-ENOENT, read_list(list, "nowhere", &c));
}

static void families_of_alibaba_that_end_in_y_are_arm(void **state)
{
    static const char csv[] =
        "provider,region,currency,instance_type,vcpu,mem_gib,arch,gpu,zones,price_per_hour,"
        "price_date\n"
        "alibaba,r,CNY,ecs.c8y.large,2,4,amd64,0,1,0.3,2024-10\n"
        "alibaba,r,CNY,ecs.t1.nano,1,0.5,amd64,0,1,0.1,2024-10\n"
        "alibaba,r,CNY,ecs.c8a.large,2,4,amd64,0,1,0.4,2024-10\n";
    auto_catalogue struct catalogue c = {0};

    (void)state;
    assert_ok(catalogue_read_all(slice_str(csv), &(struct catalogue_spec){0}, &c, NULL));
    assert_int_equal(c.shapes[0].memory_bytes, gib / 2);
    assert_true(c.shapes[1].arm);
    assert_false(c.shapes[2].arm);
}

struct refusals {
    size_t n, lines[8];
    const char *columns[8];
};

static void refused(void *ctx, size_t line, const char *column, const char *why)
{
    struct refusals *r = ctx;

    (void)why;
    r->lines[r->n] = line;
    r->columns[r->n++] = column;
}

static void rows_that_make_no_sense_are_named_and_left_out(void **state)
{
    static const char csv[] = "provider,region,currency,sku,price_per_hour,price_date,vcpu\n"
                              "azure,r,USD,A0,,2026-06-18,1\n"
                              "azure,r,USD,A1,0.02,June,1\n"
                              "azure,r,USD,A2,0.04,2026-06-18,-1\n"
                              "azure,r,USD,A3,99999999999999999999,2026-06-18,1\n"
                              "azure,r,USD\n"
                              "azure,r,USD,A5,0.02,2026-13-01,1\n"
                              "azure,r,USD,A6,0.02,2026-06-00,1\n"
                              "azure,r,USD,A4,0.08,2026-06-18,4\n";
    struct refusals r = {0};
    struct catalogue_spec spec = {.refused = refused, .ctx = &r};
    auto_catalogue struct catalogue c = {0};

    (void)state;
    assert_ok(catalogue_read_all(slice_str(csv), &spec, &c, NULL));
    assert_int_equal(c.n, 1);
    assert_int_equal(r.n, 7);
    assert_string_equal(r.columns[5], "price_date");
    assert_string_equal(r.columns[6], "price_date");
    assert_int_equal(r.lines[2], 4);
    assert_string_equal(r.columns[0], "price_per_hour");
    assert_string_equal(r.columns[1], "price_date");
    assert_string_equal(r.columns[2], "vcpu");
    assert_string_equal(r.columns[3], "price_per_hour");
    assert_string_equal(r.columns[4], "sku");
}

static void what_is_no_price_list_is_refused(void **state)
{
    struct catalogue_spec spec = {0};
    struct catalogue c;

    (void)state;
    assert_fails(-ENOENT, catalogue_read_all(slice_str(""), &spec, &c, NULL));
    assert_fails(-EINVAL, catalogue_read_all(slice_str("provider,region\nx,y\n"), &spec, &c, NULL));
    assert_fails(-EINVAL, catalogue_read_all(slice_of("a\0b", 3), &spec, &c, NULL));
}

static void the_cheapest_shape_that_carries_everything(void **state)
{
    auto_catalogue struct catalogue c = {0};

    (void)state;
    assert_ok(read_list(list, "here", &c));
    assert_string_equal(x86_for(&c, (struct size_need){.vcpus = 1}), "r.large");
    assert_string_equal(x86_for(&c, (struct size_need){.vcpus = 2.1}), "m.xlarge");
    assert_string_equal(x86_for(&c, (struct size_need){.disk_bytes_per_s = 200000000}), "r.large");
    assert_string_equal(x86_for(&c, (struct size_need){.vcpus = 4, .disk_bytes_per_s = 2e8}),
                        "m.xlarge");
    assert_string_equal(x86_for(&c, (struct size_need){.net_bytes_per_s = 200000000}), "none");
    assert_string_equal(x86_for(&c, (struct size_need){.vcpus = 449}), "none");
    assert_string_equal(x86_for(&c, (struct size_need){.gpus = 1}), "p.large");
}

static void arm_is_offered_where_it_runs_and_costs_less(void **state)
{
    auto_catalogue struct catalogue c = {0};
    struct size_need small = {.vcpus = 1, .disk_bytes_per_s = 1}, big = {.vcpus = 3};
    struct shape_choice choice;

    (void)state;
    assert_ok(read_list(list, "here", &c));
    assert_ok(shape_choose(&c, &small, true, &choice, NULL));
    assert_string_equal(choice.arm->name, "g.large");
    assert_int_equal(choice.unknown, SHAPE_DISK_UNKNOWN);
    assert_ok(shape_choose(&c, &small, false, &choice, NULL));
    assert_null(choice.arm);
    assert_ok(shape_choose(&c, &big, true, &choice, NULL));
    assert_null(choice.arm);
}

static void what_is_lent_is_not_counted_on(void **state)
{
    static const char csv[] =
        "provider,region,currency,sku,price_per_hour,price_date,vcpu,mem_gib\n"
        "aws,r,USD,t3.large,0.08,2026-07,2,8\n"
        "aws,r,USD,m7i.large,0.1,2026-07,2,8\n";
    auto_catalogue struct catalogue c = {0};

    (void)state;
    assert_ok(catalogue_read_all(slice_str(csv), &(struct catalogue_spec){0}, &c, NULL));
    assert_string_equal(x86_for(&c, (struct size_need){.vcpus = 0.4}), "t3.large");
    assert_string_equal(x86_for(&c, (struct size_need){.vcpus = 0.5}), "m7i.large");
}

static void what_fits_nowhere_is_said(void **state)
{
    auto_catalogue struct catalogue c = {0};
    struct size_need need = {.memory_bytes = 100 * 1024 * gib};
    struct shape_choice choice;
    struct err err = {0};

    (void)state;
    assert_ok(read_list(list, "here", &c));
    assert_fails(-ENOENT, shape_choose(&c, &need, true, &choice, &err));
    assert_non_null(strstr(err.text, "memory"));
}

/* Needing more never costs less. */
static void prices_rise_with_needs(void **state)
{
    struct wave_random random = {.state = 9};
    auto_catalogue struct catalogue c = {0};

    (void)state;
    assert_ok(read_list(list, "here", &c));
    for (unsigned i = 0; i < 2000; i++) {
        struct size_need need = {.vcpus = wave_random_below(&random, 5),
                                 .memory_bytes = wave_random_below(&random, 17) * gib};
        struct shape_choice less, more;

        if (shape_choose(&c, &need, false, &less, NULL) < 0)
            continue;
        need.vcpus += wave_random_below(&random, 3);
        need.memory_bytes += wave_random_below(&random, 5) * gib;
        if (shape_choose(&c, &need, false, &more, NULL) == 0)
            assert_true(more.x86->price_micros >= less.x86->price_micros);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_to_the_millionth),
        cmocka_unit_test(currencies_and_regions_are_never_mixed),
        cmocka_unit_test(families_of_alibaba_that_end_in_y_are_arm),
        cmocka_unit_test(rows_that_make_no_sense_are_named_and_left_out),
        cmocka_unit_test(what_is_no_price_list_is_refused),
        cmocka_unit_test(the_cheapest_shape_that_carries_everything),
        cmocka_unit_test(arm_is_offered_where_it_runs_and_costs_less),
        cmocka_unit_test(what_is_lent_is_not_counted_on),
        cmocka_unit_test(what_fits_nowhere_is_said),
        cmocka_unit_test(prices_rise_with_needs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
