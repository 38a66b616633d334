/* SPDX-License-Identifier: Apache-2.0 */
/* Policy and input are read strictly: what they say is kept, or it is refused by name. */
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "planner/engine/plan_model.h"
#include "tests/plan_fixture.h"

#include "base/banned.h"

static int read_text(const char *text, struct plan_policy *ret, struct err *err)
{
    auto_js struct js *doc = NULL;

    assert_ok(js_parse(slice_str(text), 0, &doc, NULL));
    return plan_policy_read(doc, ret, err);
}

static void what_is_said_counts_and_the_rest_is_as_usual(void **state)
{
    struct plan_policy p, usual;

    (void)state;
    assert_ok(plan_policy_read(NULL, &usual, NULL));
    assert_int_equal(usual.max_hosts, 10);
    assert_ok(read_text("{\"schema\":\"godwit.policy/1\"}", &p, NULL));
    assert_int_equal(p.soak_s, usual.soak_s);
    assert_ok(read_text("{\"link_share\":1,\"traffic_cost_per_gib\":0,\"max_hosts_per_wave\":3,"
                        "\"max_workloads_per_wave\":4,\"max_bytes_per_wave\":5,\"soak_s\":0,"
                        "\"cutover_s\":7,\"horizon_days\":8,\"pilot\":false}",
                        &p, NULL));
    assert_true(p.link_share >= 1 && p.traffic_cost_per_gib <= 0 && !p.pilot);
    assert_int_equal(p.max_hosts, 3);
    assert_int_equal(p.max_workloads, 4);
    assert_int_equal(p.max_bytes, 5);
    assert_int_equal(p.soak_s, 0);
    assert_int_equal(p.cutover_s, 7);
    assert_int_equal(p.horizon_days, 8);
}

static void what_cannot_be_meant_is_refused_by_name(void **state)
{
    static const struct {
        const char *text, *named;
    } rows[] = {
        {"[]", "godwit.policy/1"},
        {"{\"schema\":\"godwit.rates/1\"}", "godwit.policy/1"},
        {"{\"max_host_per_wave\":1}", "max_host_per_wave"},
        {"{\"max_hosts_per_wave\":0}", "max_hosts_per_wave"},
        {"{\"max_hosts_per_wave\":\"3\"}", "max_hosts_per_wave"},
        {"{\"max_hosts_per_wave\":2.5}", "max_hosts_per_wave"},
        {"{\"max_workloads_per_wave\":null}", "max_workloads_per_wave"},
        {"{\"max_bytes_per_wave\":-1}", "max_bytes_per_wave"},
        {"{\"link_share\":0}", "link_share"},
        {"{\"link_share\":1.5}", "link_share"},
        {"{\"traffic_cost_per_gib\":-1}", "traffic_cost_per_gib"},
        {"{\"soak_s\":9223372036854775807}", "soak_s"},
        {"{\"cutover_s\":-5}", "cutover_s"},
        {"{\"cutover_s\":9223372036854775}", "cutover_s"},
        {"{\"horizon_days\":3661}", "horizon_days"},
        {"{\"pilot\":1}", "pilot"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct plan_policy p;
        struct err err = {0};

        if (read_text(rows[i].text, &p, &err) >= 0 || !strstr(err.text, rows[i].named))
            fail_msg("%s: %s", rows[i].text, err.text);
    }
}

/* A pin, a dependency, a rate that is of another kind would be none. */
static void what_is_of_another_kind_is_refused(void **state)
{
    static const char *const inputs[] = {
        INPUT("{\"workload\":\"a\",\"wave\":\"2\"}"),
        INPUT("{\"workload\":\"a\",\"wave\":-1}"),
        INPUT("{\"workload\":\"a\",\"depends\":\"b\"}"),
        INPUT("{\"workload\":\"a\",\"saving_per_day\":\"much\"}"),
        INPUT("{\"workload\":\"a\",\"volumes\":[{\"volume\":\"d\",\"size_bytes\":1,"
              "\"write_bytes_per_s\":1.5}]}"),
        INPUT_WITH("\"calendars\":[{\"name\":\"x\",\"kind\":\"blackot\",\"calendar\":\"\"}],", ""),
        "{\"schema\":\"godwit.plan-input/1\",\"now\":\"2026-12-01T00:00:00Z\","
        "\"link_bytes_per_s\":-4}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
        auto_js struct js *in = parse(inputs[i]);
        auto_js struct js *out = NULL;
        struct err err = {0};

        if (plan_compute(in, NULL, &out, &err) != -EINVAL || err.gw != GW_BAD_DOCUMENT)
            fail_msg("%s: %s", inputs[i], err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_counts_and_the_rest_is_as_usual),
        cmocka_unit_test(what_is_of_another_kind_is_refused),
        cmocka_unit_test(what_cannot_be_meant_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
