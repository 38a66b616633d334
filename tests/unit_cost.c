/* SPDX-License-Identifier: Apache-2.0 */
/* Bills: the parts are the sum to the last digit, and one small enough to be done by hand. */
#include "base/buf.h"
#include "base/js.h"
#include "planner/engine/catalogue_read.h"
#include "planner/engine/cost.h"
#include "planner/engine/cost_rates.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_doc.h"
#include "planner/engine/money.h"
#include "planner/engine/wave_random.h"
#include "tests/unit.h"

#include "base/banned.h"

static const char prices[] =
    "provider,region,currency,price_date,item,name,price_per_gib,from_gib,instance_type,"
    "price_per_hour,reserved_1y,reserved_3y,elastic,vcpu,mem_gib\n"
    "acme,eu,USD,2026-05,,,,,small,0.1,0.07,0.05,0.03,2,4\n"
    "acme,eu,USD,2026-05,,,,,large,0.4,0.3,,0.1,8,32\n"
    "acme,eu,USD,2026-05,block,ssd,0.1,,,,,,,,\n"
    "acme,eu,USD,2026-05,object,any,0.02,,,,,,,,\n"
    "acme,eu,USD,2026-05,egress,out,0.08,100,,,,,,,\n";

static const char one_host[] =
    "{\"schema\": \"godwit.estate/1\", \"hosts\": [{\"host\": \"a\", \"kind\": \"physical\", "
    "\"cores\": 2, \"memory_bytes\": 4294967296, \"workload\": \"w\", \"bought_on\": "
    "\"2027-01-01\","
    "\"watts\": 100, \"disks\": [{\"disk\": \"sda\", \"size_bytes\": 10737418240}]}]}";

struct bill {
    struct catalogue catalogue;
    struct estate *estate;
    struct cost_rates rates;
    struct js *doc;
};

static void bill_done(struct bill *b)
{
    catalogue_done(&b->catalogue);
    estate_free(b->estate);
    js_free(b->doc);
}

static int make_bill(struct bill *b, const char *estate, const char *rates, struct err *err)
{
    auto_js struct js *fleet = NULL;
    auto_js struct js *given = NULL;
    struct cost_spec spec = {.rates = &b->rates, .start_month = 2027 * 12};
    int r = catalogue_read_all(slice_str(prices), &(struct catalogue_spec){0}, &b->catalogue, err);

    if (r == 0)
        r = js_parse(slice_str(estate), 0, &fleet, err);
    if (r == 0)
        r = estate_new(&b->estate, err);
    if (r == 0)
        r = estate_read(fleet, b->estate, err);
    if (r == 0)
        r = estate_settle(b->estate, err);
    if (r == 0 && rates)
        r = js_parse(slice_str(rates), 0, &given, err);
    if (r == 0)
        r = cost_rates_read(given, &b->rates, err);
    spec.catalogue = &b->catalogue;
    spec.estate = b->estate;
    return r < 0 ? r : cost_compute(&spec, &b->doc, err);
}

static const struct js *row(const struct js *list, const char *key, const char *name)
{
    for (size_t i = 0; i < js_len(list); i++) {
        if (strcmp(js_str(js_at(list, i), key, ""), name) == 0)
            return js_at(list, i);
    }
    fail_msg("no %s", name);
    return NULL;
}

static int64_t head(const struct bill *b, const char *name, const char *key)
{
    return js_i64(row(js_member(b->doc, "heads"), "head", name), key, -1);
}

/* -- by hand ------------------------------------------------------------------------------- */

/* 24 months, moves in month 2, both sides from 1 on, the machine is gone in month 3. */
static const char by_hand[] =
    "{\"schema\": \"godwit.rates/1\", \"currency\": \"USD\", \"scenarios\": [], \"rates\": {"
    "\"months\": {\"value\": 24, \"source\": \"t\"}, \"begin_month\": {\"value\": 2, \"source\": "
    "\"t\"},"
    "\"server_base\": {\"value\": 6000, \"source\": \"t\"}, \"server_per_core\": {\"value\": 0, "
    "\"source\": \"t\"},"
    "\"server_per_gib\": {\"value\": 0, \"source\": \"t\"}, \"kwh\": {\"value\": 0.1, \"source\": "
    "\"t\"},"
    "\"pue\": {\"value\": 2, \"source\": \"t\"}, \"support_percent\": {\"value\": 10, \"source\": "
    "\"t\"},"
    "\"disk_headroom\": {\"value\": 1, \"source\": \"t\"}}}";

static void a_bill_done_by_hand(void **state)
{
    AUTO(bill_done) struct bill b = {0};

    (void)state;
    assert_ok(make_bill(&b, one_host, by_hand, NULL));
    /* 6,000 over 60 months; what is left after three of them is written off. */
    assert_int_equal(head(&b, "hardware", "stay_micros"), 24 * 100000000LL);
    assert_int_equal(head(&b, "hardware", "idc_micros"), 3 * 100000000LL);
    assert_int_equal(head(&b, "write_off", "dual_micros"), 57 * 100000000LL);
    assert_int_equal(head(&b, "maintenance", "stay_micros"), 24 * 50000000LL);
    /* 100 W, twice for the room, 730 h, 0.1 a kWh: 14.60 a month. */
    assert_int_equal(head(&b, "power", "stay_micros"), 24 * 14600000LL);
    /* small, 0.07 an hour for a year: 51.10 a month, 22 months. */
    assert_int_equal(head(&b, "compute", "cloud_micros"), 22 * 51100000LL);
    assert_int_equal(head(&b, "block", "cloud_micros"), 22 * 1000000LL);
    assert_int_equal(head(&b, "support", "cloud_micros"), 22 * 5210000LL);
    /* a fifth of the compute, and the disk, for a month; the vault for two. */
    assert_int_equal(head(&b, "landing", "dual_micros"), 10220000 + 1000000);
    assert_int_equal(head(&b, "vault", "dual_micros"), 2 * 200000);
    /* 1.5 days for the host, 5 for the workload. */
    assert_int_equal(head(&b, "effort", "dual_micros"), 3900 * 1000000LL);
    assert_int_equal(js_i64(js_at(js_member(b.doc, "months"), 23), "idc_micros", -1), 0);
    assert_int_equal(js_i64(b.doc, "way_back_micros", -1), 0); /* 10 GiB: the first 100 are free */
}

/* Nobody knows on what it runs: a quarter of a core of a server of 32. */
static const char guests[] =
    "{\"schema\": \"godwit.estate/1\", \"hosts\": ["
    "{\"host\": \"v\", \"kind\": \"virtual\", \"cores\": 1, \"memory_bytes\": 1073741824, "
    "\"workload\": \"w\"}]}";
static const char carried[] =
    "{\"schema\": \"godwit.estate/1\", \"hosts\": ["
    "{\"host\": \"esx\", \"kind\": \"hypervisor\", \"cores\": 32, \"memory_bytes\": 1073741824}, "
    "{\"host\": \"v\", \"kind\": \"virtual\", \"runs_on\": \"esx\", \"cores\": 1, "
    "\"memory_bytes\": 1073741824, \"workload\": \"w\"}, "
    "{\"host\": \"x\", \"kind\": \"virtual\", \"runs_on\": \"esx\", \"cores\": 128, "
    "\"memory_bytes\": 1073741824, \"workload\": \"w\"}]}";

static void small_parts_of_a_server_are_not_rounded_away(void **state)
{
    static const char rates[] =
        "{\"schema\": \"godwit.rates/1\", \"currency\": \"USD\", \"rates\": {\"kwh\": "
        "{\"value\": 1, \"source\": \"t\"}, \"pue\": {\"value\": 1, \"source\": \"t\"}, "
        "\"months\": {\"value\": 1, \"source\": \"t\"}}}";
    AUTO(bill_done) struct bill b = {0};

    (void)state;
    assert_ok(make_bill(&b, guests, rates, NULL));
    /* 110 W x 0.007812 of a server and 1.5 W, x 730 h */
    assert_int_equal(head(&b, "power", "stay_micros"), 1722303);
}

static void gpus_are_a_part_of_the_price(void **state)
{
    static const char with[] =
        "{\"schema\": \"godwit.estate/1\", \"hosts\": [{\"host\": \"a\", \"kind\": \"physical\", "
        "\"cores\": 2, \"memory_bytes\": 4294967296, \"gpus\": 3, \"workload\": \"w\", "
        "\"bought_on\": \"2027-01-01\"}]}";
    static const char rates[] =
        "{\"schema\": \"godwit.rates/1\", \"currency\": \"USD\", \"rates\": {\"kwh\": "
        "{\"value\": 1, \"source\": \"t\"}, \"pue\": {\"value\": 1, \"source\": \"t\"}, "
        "\"months\": {\"value\": 1, \"source\": \"t\"}}}";
    AUTO(bill_done) struct bill b = {0};

    (void)state;
    assert_ok(make_bill(&b, with, rates, NULL));
    /* 3,000 + 2 x 110 + 4 x 6 + 3 x 10,000 over 60 months; 110 + 2 x 6 + 3 x 300 W. */
    assert_int_equal(head(&b, "hardware", "stay_micros"), 33244 * 1000000LL / 60);
    assert_int_equal(head(&b, "power", "stay_micros"), 1022 * 730 * 1000LL);
}

static void the_line_is_paid_by_who_runs_on_hypervisors(void **state)
{
    AUTO(bill_done) struct bill b = {0};
    const struct js *all, *w;

    (void)state;
    assert_ok(make_bill(&b, carried, NULL, NULL));
    all = js_member(b.doc, "workloads");
    w = js_at(all, 0);
    assert_string_equal(js_str(w, "workload", ""), "w");
    assert_int_equal(js_i64(w, "stay_micros", 0), js_i64(b.doc, "stay_micros", 1));
    assert_int_equal(js_u64(w, "unpriced", 0), 1); /* 128 cores fit no shape */
    assert_int_equal(js_u64(b.doc, "unpriced", 0), 1);
}

static void a_machine_is_due_for_its_successor(void **state)
{
    static const char old[] = "{\"schema\": \"godwit.estate/1\", \"hosts\": [{\"host\": \"a\", "
                              "\"kind\": \"physical\", \"cores\": 2,"
                              "\"memory_bytes\": 4294967296, \"bought_on\": \"2021-03-01\", "
                              "\"refresh_on\": \"2027-07-01\"}]}";
    AUTO(bill_done) struct bill b = {0};
    const struct js *due;

    (void)state;
    assert_ok(make_bill(&b, old, by_hand, NULL));
    due = js_at(js_member(b.doc, "refreshes"), 0);
    assert_string_equal(js_str(due, "due", ""), "2027-07");
    assert_true(js_bool(due, "avoided", false)); /* it is gone in 2027-04 */
    assert_int_equal(head(&b, "write_off", "dual_micros"), 0);
    /* Written off until it is six; nothing until 2027-07; then its successor: 18 months. */
    assert_int_equal(head(&b, "hardware", "stay_micros"), 18 * 100000000LL);
}

static void what_is_switched_off_costs_nothing(void **state)
{
    static const char off[] =
        "{\"schema\": \"godwit.rates/1\", \"off\": {\"power\": \"included in the "
        "rent\", \"effort\": \"done by own people\"}}";
    AUTO(bill_done) struct bill b = {0};

    (void)state;
    assert_ok(make_bill(&b, one_host, off, NULL));
    assert_int_equal(head(&b, "power", "stay_micros"), 0);
    assert_int_equal(head(&b, "effort", "move_micros"), 0);
    assert_string_equal(js_str(row(js_member(b.doc, "heads"), "head", "power"), "off_why", ""),
                        "included in the rent");
}

/* -- what is refused ------------------------------------------------------------------------ */

static void two_currencies_need_an_exchange(void **state)
{
    char rates[32768] = "{\"schema\": \"godwit.rates/1\", \"currency\": \"EUR\", \"rates\": {";
    auto_js struct js *defaults = NULL;
    auto_js struct js *all = NULL;
    struct cost_rates r;
    struct err err = {0};

    (void)state;
    cost_rates_default(&r);
    /* A default in dollars is no amount in euros. */
    assert_ok(js_parse(slice_str("{\"schema\": \"godwit.rates/1\", \"currency\": \"EUR\"}"), 0,
                       &all, NULL));
    assert_fails(-EINVAL, cost_rates_read(all, &r, &err));
    assert_non_null(strstr(err.text, "server_base"));
    assert_ok(cost_rates_write(&r, &defaults, NULL));
    {
        auto_buf struct buf text = {0};
        AUTO(bill_done) struct bill without = {0};
        AUTO(bill_done) struct bill with = {0};
        AUTO(bill_done) struct bill plain = {0};

        assert_ok(js_print(js_member(defaults, "rates"), false, false, &text, NULL));
        snprintf(rates, sizeof(rates),
                 "{\"schema\": \"godwit.rates/1\", \"currency\": \"EUR\", \"rates\": %s}",
                 buf_cstr(&text));
        assert_fails(-EINVAL, make_bill(&without, one_host, rates, &err));
        assert_non_null(strstr(err.text, "USD"));
        assert_non_null(strstr(err.text, "EUR"));
        snprintf(
            rates, sizeof(rates),
            "{\"schema\": \"godwit.rates/1\", \"currency\": \"EUR\", \"rates\": %s, \"exchange\": "
            "{\"from\": \"USD\", \"rate\": 0.5, \"source\": \"t\"}}",
            buf_cstr(&text));
        assert_ok(make_bill(&with, one_host, rates, NULL));
        assert_ok(make_bill(&plain, one_host, NULL, NULL));
        assert_int_equal(head(&plain, "compute", "move_micros"),
                         2 * head(&with, "compute", "move_micros"));
    }
}

static void rates_that_make_no_sense_are_named(void **state)
{
    static const struct {
        const char *doc, *says;
    } bad[] = {
        {"{\"schema\": \"godwit.rates/1\", \"rates\": {\"kw\": {\"value\": 1, \"source\": \"t\"}}}",
         "kw"},
        {"{\"schema\": \"godwit.rates/1\", \"rates\": {\"kwh\": {\"value\": -1, \"source\": "
         "\"t\"}}}",
         "kwh"},
        {"{\"schema\": \"godwit.rates/1\", \"rates\": {\"kwh\": {\"value\": 1}}}", "from"},
        {"{\"schema\": \"godwit.rates/1\", \"off\": {\"sunshine\": \"t\"}}", "sunshine"},
        {"{\"schema\": \"godwit.rates/1\", \"off\": {\"power\": \"\"}}", "power"},
        {"{\"schema\": \"godwit.rates/1\", \"prices\": 1}", "prices"},
        {"{\"schema\": \"godwit.rates/1\", \"scenarios\": [90]}", "scenarios"},
        {"{\"schema\": \"godwit.policy/1\"}", "godwit.rates/1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        auto_js struct js *doc = NULL;
        struct cost_rates r;
        struct err err = {0};

        assert_ok(js_parse(slice_str(bad[i].doc), 0, &doc, NULL));
        assert_fails(-EINVAL, cost_rates_read(doc, &r, &err));
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
    }
}

static void what_the_defaults_are_is_read_back(void **state)
{
    auto_js struct js *doc = NULL;
    struct cost_rates a, b;

    (void)state;
    cost_rates_default(&a);
    assert_ok(cost_rates_write(&a, &doc, NULL));
    assert_ok(cost_rates_read(doc, &b, NULL));
    for (size_t i = 0; i < COST_RATES; i++)
        assert_int_equal(a.value[i].micros, b.value[i].micros);
}

/* -- any fleet ------------------------------------------------------------------------------ */

static void random_usage(struct wave_random *r, struct buf *b)
{
    buf_printf(b, ",\"usage\":{\"cpu_percent\":{\"samples\":100,\"mean\":%u,\"p99\":%u,\"max\":%u",
               (unsigned)wave_random_below(r, 50), 50 + (unsigned)wave_random_below(r, 20), 90);
    if (wave_random_below(r, 2)) {
        buf_str(b, ",\"week\":[");
        for (unsigned h = 0; h < ESTATE_WEEK; h++)
            buf_printf(b, "%s%u", h ? "," : "", (unsigned)wave_random_below(r, 60));
        buf_str(b, "]");
    }
    buf_printf(b, "},\"net_bytes_per_s\":{\"mean\":%u}}", (unsigned)wave_random_below(r, 10000000));
}

static const char *random_fleet(struct wave_random *r, struct buf *b)
{
    unsigned n = 1 + (unsigned)wave_random_below(r, 12);

    buf_str(b, "{\"schema\":\"godwit.estate/1\",\"hosts\":[");
    for (unsigned i = 0; i < n; i++) {
        static const char *const kinds[] = {"virtual", "physical", "hypervisor"};

        buf_printf(b,
                   "%s{\"host\":\"h-%02u\",\"kind\":\"%s\",\"cores\":%u,\"memory_bytes\":%llu,"
                   "\"os_family\":\"%s\"",
                   i ? "," : "", i, kinds[wave_random_below(r, 3)],
                   (unsigned)wave_random_below(r, 9),
                   (unsigned long long)wave_random_below(r, 33) << 30,
                   wave_random_below(r, 3) ? "linux" : "windows");
        if (wave_random_below(r, 3))
            buf_printf(b, ",\"workload\":\"w%u\"", (unsigned)wave_random_below(r, 4));
        if (wave_random_below(r, 2))
            buf_printf(b, ",\"runs_on\":\"h-%02u\"", (unsigned)wave_random_below(r, n));
        if (wave_random_below(r, 2))
            buf_printf(b, ",\"rack\":\"r%u\"", (unsigned)wave_random_below(r, 3));
        if (wave_random_below(r, 2))
            buf_printf(b, ",\"bought_on\":\"%u-06-30\"", 2015 + (unsigned)wave_random_below(r, 15));
        if (wave_random_below(r, 2))
            buf_str(b, ",\"tags\":[{\"key\":\"scale\",\"value\":\"yes\"}]");
        buf_printf(b, ",\"disks\":[{\"disk\":\"d\",\"size_bytes\":%llu}]",
                   (unsigned long long)wave_random_below(r, 1000) << 30);
        if (wave_random_below(r, 3))
            random_usage(r, b);
        buf_str(b, "}");
    }
    buf_str(b, "]}");
    return buf_cstr(b);
}

static int64_t sum(const struct js *list, const char *key)
{
    int64_t all = 0;

    for (size_t i = 0; i < js_len(list); i++)
        all += js_i64(js_at(list, i), key, 0);
    return all;
}

static void check_sums(const struct js *doc)
{
    static const char *const keys[] = {"stay_micros", "move_micros", "dual_micros"};
    const struct js *months = js_member(doc, "months"), *heads = js_member(doc, "heads");
    const struct js *workloads = js_member(doc, "workloads");

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_int_equal(sum(months, keys[i]), sum(heads, keys[i]));
        assert_int_equal(sum(months, keys[i]), sum(workloads, keys[i]));
    }
    for (size_t i = 0; i < js_len(months); i++) {
        const struct js *m = js_at(months, i);

        assert_int_equal(js_i64(m, "move_micros", 0), js_i64(m, "idc_micros", 0) +
                                                          js_i64(m, "dual_micros", 0) +
                                                          js_i64(m, "cloud_micros", 0));
    }
    for (size_t i = 0; i < js_len(workloads); i++) {
        const struct js *w = js_at(workloads, i);

        assert_int_equal(sum(js_member(w, "heads"), "move_micros"), js_i64(w, "move_micros", 0));
        assert_int_equal(sum(js_member(w, "heads"), "stay_micros"), js_i64(w, "stay_micros", 0));
    }
    assert_int_equal(sum(months, "stay_micros"), js_i64(doc, "stay_micros", 0));
    assert_int_equal(sum(months, "move_micros"), js_i64(doc, "move_micros", 0));
    assert_int_equal(js_i64(doc, "saving_micros", 0),
                     js_i64(doc, "stay_micros", 0) - js_i64(doc, "move_micros", 0));
}

/* Prices that fall faster never make the cloud dearer. */
static void check_scenarios(const struct js *doc)
{
    const struct js *all = js_member(doc, "scenarios");

    for (size_t i = 1; i < js_len(all); i++)
        assert_true(js_i64(js_at(all, i), "move_micros", 0) <=
                    js_i64(js_at(all, i - 1), "move_micros", 0));
    for (size_t i = 0; i < js_len(all); i++)
        assert_int_equal(js_i64(js_at(all, i), "stay_micros", 0), js_i64(doc, "stay_micros", 0));
}

static void the_parts_are_the_sum_in_any_fleet(void **state)
{
    struct wave_random random = {.state = 4};

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        auto_buf struct buf fleet = {0};
        auto_buf struct buf first = {0};
        auto_buf struct buf again = {0};
        AUTO(bill_done) struct bill a = {0};
        AUTO(bill_done) struct bill b = {0};
        const char *text = random_fleet(&random, &fleet);

        assert_ok(make_bill(&a, text, NULL, NULL));
        check_sums(a.doc);
        check_scenarios(a.doc);
        assert_ok(make_bill(&b, text, NULL, NULL));
        assert_ok(js_print(a.doc, false, false, &first, NULL));
        assert_ok(js_print(b.doc, false, false, &again, NULL));
        assert_string_equal(buf_cstr(&first), buf_cstr(&again));
    }
}

static void amounts_are_printed_exactly(void **state)
{
    char out[MONEY_TEXT_MAX];

    (void)state;
    assert_string_equal(money_text(1234567894999, out), "1,234,567.89");
    assert_string_equal(money_text(-995000, out), "-1.00");
    assert_string_equal(money_text(0, out), "0.00");
    assert_string_equal(money_text(999999999, out), "1,000.00");
    assert_string_equal(money_exact(100800, out), "0.1008");
    assert_string_equal(money_exact(-1, out), "-0.000001");
    assert_string_equal(money_exact(7000000, out), "7.00");
    assert_int_equal(money_part(10, 1, 4), 3);
    assert_int_equal(money_part(-10, 1, 4), -3);
    assert_int_equal(money_add(MONEY_MAX, MONEY_MAX), MONEY_MAX);
    assert_int_equal(money_part(MONEY_MAX, UINT64_MAX, 1), MONEY_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bill_done_by_hand),
        cmocka_unit_test(small_parts_of_a_server_are_not_rounded_away),
        cmocka_unit_test(gpus_are_a_part_of_the_price),
        cmocka_unit_test(the_line_is_paid_by_who_runs_on_hypervisors),
        cmocka_unit_test(a_machine_is_due_for_its_successor),
        cmocka_unit_test(what_is_switched_off_costs_nothing),
        cmocka_unit_test(two_currencies_need_an_exchange),
        cmocka_unit_test(rates_that_make_no_sense_are_named),
        cmocka_unit_test(what_the_defaults_are_is_read_back),
        cmocka_unit_test(the_parts_are_the_sum_in_any_fleet),
        cmocka_unit_test(amounts_are_printed_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
