/* SPDX-License-Identifier: Apache-2.0 */
/* Providers' own lists (small ones of their shape), one or several to a catalogue. */
#include "base/fd.h"
#include "base/js.h"
#include "planner/engine/catalogue_read.h"
#include "tests/unit.h"

#include "base/banned.h"

enum { LIST_MAX = 1 << 20 };

struct refusals {
    size_t n;
    const char *columns[16];
};

static void refused(void *ctx, size_t line, const char *column, const char *why)
{
    struct refusals *r = ctx;

    (void)line;
    (void)why;
    if (r->n < ARRAY_LEN(r->columns))
        r->columns[r->n++] = column;
}

static void load(const char *name, struct buf *out)
{
    const char *top = getenv("abs_top_srcdir");
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/tests/data/fuzz_catalogue/%s", top ? top : ".", name);
    assert_ok(fd_load(path, LIST_MAX, out, NULL));
}

/* Files by name, in portions of step bytes. */
static int gather(const struct catalogue_spec *spec, const char *const *files, size_t step,
                  struct catalogue *ret, struct err *err)
{
    auto_catalogue_read struct catalogue_read *r = NULL;
    int rc = catalogue_read_new(spec, &r, err);

    for (; rc == 0 && *files; files++) {
        auto_buf struct buf text = {0};

        load(*files, &text);
        for (size_t at = 0; rc == 0 && at < text.len; at += step)
            rc = catalogue_read_feed(
                r, slice_of(text.data + at, step < text.len - at ? step : text.len - at), err);
        if (rc == 0)
            rc = catalogue_read_file_end(r, err);
    }
    return rc < 0 ? rc : catalogue_read_take(r, ret, err);
}

static const struct catalogue_shape *find(const struct catalogue *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->shapes[i].name, name) == 0)
            return &c->shapes[i];
    }
    fail_msg("no shape %s", name);
    return NULL;
}

static void an_offer_file_of_aws(void **state)
{
    static const char *const files[] = {"aws_ec2.json", NULL};
    struct refusals no = {0};
    struct catalogue_spec spec = {.refused = refused, .ctx = &no};
    auto_catalogue struct catalogue c = {0};
    const struct catalogue_shape *s;

    (void)state;
    assert_ok(gather(&spec, files, 1000, &c, NULL));
    assert_string_equal(c.provider, "aws");
    assert_string_equal(c.region, "us-east-1");
    assert_string_equal(c.currency, "USD");
    assert_int_equal(c.n, 4);
    s = find(&c, "m7i.large");
    assert_int_equal(s->price_micros, 100800);
    assert_int_equal(s->term_micros[CATALOGUE_RESERVED_1Y], 66700); /* nothing in advance */
    assert_int_equal(s->term_micros[CATALOGUE_RESERVED_3Y], 40000); /* 1051.2 / 26,280 h */
    assert_int_equal(s->term_micros[CATALOGUE_ELASTIC], 0);
    assert_int_equal(s->net_bytes_per_s, 1562500000);
    assert_int_equal(s->disk_bytes_per_s, 0); /* "up to" */
    assert_true(find(&c, "m7g.large")->arm && !s->arm);
    assert_int_equal(find(&c, "u-12tb1.metal")->memory_bytes, (uint64_t)12288 << 30);
    assert_int_equal(find(&c, "g6.xlarge")->gpus, 1);
    assert_int_equal(no.n, 1);
    assert_string_equal(no.columns[0], "memory");
}

static void storage_and_traffic_have_tiers(void **state)
{
    static const char *const files[] = {"aws_ec2.json", NULL};
    auto_catalogue struct catalogue c = {0};
    const struct catalogue_rate *disk, *out;

    (void)state;
    assert_ok(gather(&(struct catalogue_spec){0}, files, LIST_MAX, &c, NULL));
    disk = catalogue_rate_of(&c, CATALOGUE_BLOCK);
    out = catalogue_rate_of(&c, CATALOGUE_EGRESS);
    assert_non_null(disk);
    assert_non_null(out);
    assert_null(catalogue_rate_of(&c, CATALOGUE_OBJECT));
    assert_string_equal(disk->name, "gp3");
    assert_int_equal(catalogue_rate_cost(&c, disk, 100), 8000000);
    assert_int_equal(catalogue_rate_cost(&c, out, 100), 0);
    assert_int_equal(catalogue_rate_cost(&c, out, 110), 900000);
    assert_int_equal(catalogue_rate_cost(&c, out, 60000),
                     10140 * 90000ULL + 40960 * 85000ULL + 8800 * 50000ULL);
    assert_int_equal(catalogue_rate_cost(&c, out, UINT64_MAX), UINT64_MAX);
}

static void windows_is_another_price(void **state)
{
    static const char *const aws[] = {"aws_ec2.json", NULL}, *const azure[] = {"azure_prices.json",
                                                                               NULL};
    struct catalogue_spec spec = {.windows = true};
    auto_catalogue struct catalogue a = {0};
    auto_catalogue struct catalogue b = {0};

    (void)state;
    assert_ok(gather(&spec, aws, 999, &a, NULL));
    assert_int_equal(find(&a, "m7i.large")->price_micros, 192800);
    assert_true(a.windows);
    assert_ok(gather(&spec, azure, 999, &b, NULL));
    assert_int_equal(find(&b, "Standard_D4s_v5")->price_micros, 414000);
}

static void prices_of_azure_and_its_sizes_in_any_order(void **state)
{
    static const char *const one[] = {"azure_prices.json", "azure_sizes.json", NULL},
                             *const other[] = {"azure_sizes.json", "azure_prices.json", NULL};
    auto_catalogue struct catalogue a = {0};
    auto_catalogue struct catalogue b = {0};
    const struct catalogue_shape *s;

    (void)state;
    assert_ok(gather(&(struct catalogue_spec){0}, one, 77, &a, NULL));
    assert_ok(gather(&(struct catalogue_spec){0}, other, 7777, &b, NULL));
    assert_int_equal(a.n, 3); /* a size without a price is nothing to buy */
    assert_int_equal(b.n, a.n);
    assert_memory_equal(a.shapes, b.shapes, a.n * sizeof(*a.shapes));
    s = find(&a, "Standard_D4s_v5");
    assert_int_equal(s->vcpus, 4);
    assert_int_equal(s->disk_bytes_per_s, 150994944);
    assert_int_equal(s->price_micros, 230000);
    assert_int_equal(s->term_micros[CATALOGUE_ELASTIC], 48900);
    assert_int_equal(s->term_micros[CATALOGUE_RESERVED_1Y], 135617); /* 1188 / 8760, up */
    assert_true(find(&a, "Standard_E4ps_v5")->arm);
    assert_int_equal(find(&a, "Standard_Unknown")->vcpus, 0);
    assert_int_equal(catalogue_rate_cost(&a, catalogue_rate_of(&a, CATALOGUE_EGRESS), 101), 80000);
}

static void prices_of_alibaba_and_its_types(void **state)
{
    static const char *const files[] = {"alibaba_types.json", "alibaba_prices.json", NULL};
    struct refusals no = {0};
    struct catalogue_spec spec = {.refused = refused, .ctx = &no};
    auto_catalogue struct catalogue c = {0};

    (void)state;
    assert_ok(gather(&spec, files, 313, &c, NULL));
    assert_string_equal(c.currency, "CNY");
    assert_string_equal(catalogue_date(&c), "2026-05-02");
    assert_int_equal(c.n, 2);
    assert_int_equal(find(&c, "ecs.g7.xlarge")->price_micros, 1060000);
    assert_int_equal(find(&c, "ecs.g7.xlarge")->term_micros[CATALOGUE_RESERVED_3Y], 330000);
    assert_true(find(&c, "ecs.g8y.xlarge")->arm);
    assert_int_equal(no.n, 3);
    assert_string_equal(no.columns[0], "CpuCoreCount");
    assert_string_equal(no.columns[1], "hours");
    assert_string_equal(no.columns[2], "pricingInfo");
}

static void a_plain_list_has_terms_storage_and_traffic_too(void **state)
{
    static const char *const files[] = {"plain.csv", NULL};
    struct refusals no = {0};
    struct catalogue_spec spec = {.refused = refused, .ctx = &no};
    auto_catalogue struct catalogue c = {0};

    (void)state;
    assert_ok(gather(&spec, files, 5, &c, NULL));
    assert_int_equal(c.n, 2);
    assert_int_equal(find(&c, "small")->term_micros[CATALOGUE_ELASTIC], 15000);
    assert_int_equal(find(&c, "large")->term_micros[CATALOGUE_RESERVED_3Y], 0);
    assert_int_equal(catalogue_rate_cost(&c, catalogue_rate_of(&c, CATALOGUE_EGRESS), 1001), 80000);
    assert_int_equal(no.n, 1);
    assert_string_equal(no.columns[0], "item");
}

static void two_currencies_are_refused_and_both_named(void **state)
{
    static const char *const files[] = {"azure_prices.json", "plain.csv", NULL};
    struct catalogue_spec spec = {.currency = NULL};
    struct catalogue c;
    struct err err = {0};

    (void)state;
    assert_fails(-EINVAL, gather(&spec, files, 100, &c, &err));
    assert_non_null(strstr(err.text, "acme"));
    err = (struct err){0};
    assert_fails(-EINVAL, catalogue_read_all(
                              slice_str("provider,region,currency,price_date,sku,price_per_hour\n"
                                        "a,b,USD,2026-01,x,1\na,b,EUR,2026-01,y,1\n"),
                              &spec, &c, &err));
    assert_non_null(strstr(err.text, "'EUR' beside 'USD'"));
}

static void our_own_document_is_the_same_list_again(void **state)
{
    static const char *const lists[][3] = {{"aws_ec2.json"},
                                           {"azure_prices.json", "azure_sizes.json"},
                                           {"alibaba_prices.json", "alibaba_types.json"},
                                           {"plain.csv"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        auto_catalogue struct catalogue a = {0};
        auto_catalogue struct catalogue b = {0};
        auto_js struct js *doc = NULL;
        auto_buf struct buf text = {0};

        assert_ok(gather(&(struct catalogue_spec){0}, lists[i], 1000, &a, NULL));
        assert_ok(catalogue_write(&a, &doc, NULL));
        assert_ok(js_print(doc, false, true, &text, NULL));
        assert_ok(catalogue_read_all(buf_slice(&text), &(struct catalogue_spec){0}, &b, NULL));
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.shapes, b.shapes, a.n * sizeof(*a.shapes));
        assert_int_equal(a.rates_n, b.rates_n);
        for (size_t k = 0; k < a.rates_n; k++)
            assert_memory_equal(&a.rates[k].from_gib, &b.rates[k].from_gib, 16);
    }
}

static void what_is_cut_off_or_unknown_is_refused(void **state)
{
    struct catalogue_spec spec = {0};
    struct catalogue c;
    auto_buf struct buf text = {0};

    (void)state;
    load("aws_ec2.json", &text);
    assert_fails(-EINVAL, catalogue_read_all(slice_of(text.data, text.len - 3), &spec, &c, NULL));
    assert_fails(-EINVAL, catalogue_read_all(slice_str("{\"a\": 1}"), &spec, &c, NULL));
    assert_fails(-ENOENT,
                 catalogue_read_all(slice_str("{\"offerCode\": \"AmazonEC2\"}"), &spec, &c, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_file_of_aws),
        cmocka_unit_test(storage_and_traffic_have_tiers),
        cmocka_unit_test(windows_is_another_price),
        cmocka_unit_test(prices_of_azure_and_its_sizes_in_any_order),
        cmocka_unit_test(prices_of_alibaba_and_its_types),
        cmocka_unit_test(a_plain_list_has_terms_storage_and_traffic_too),
        cmocka_unit_test(two_currencies_are_refused_and_both_named),
        cmocka_unit_test(our_own_document_is_the_same_list_again),
        cmocka_unit_test(what_is_cut_off_or_unknown_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
