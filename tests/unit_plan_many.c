/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of more than the waves there may be can hold. */
#include "base/buf.h"
#include "base/js.h"
#include "planner/engine/plan.h"
#include "tests/unit.h"

#include "base/banned.h"

/* More than all waves hold: nothing is left out, and the last one says what would be enough. */
static void the_last_wave_takes_what_is_left_and_says_so(void **state)
{
    enum { MANY = PLAN_WAVES_MAX + 2 };
    auto_buf struct buf input = {0};
    auto_js struct js *in = NULL;
    auto_js struct js *policy = NULL;
    auto_js struct js *doc = NULL;
    auto_buf struct buf text = {0};

    (void)state;
    (void)buf_str(&input, "{\"schema\":\"godwit.plan-input/1\",\"now\":\"2026-12-01T00:00:00Z\","
                          "\"workloads\":[");
    for (unsigned i = 0; i < MANY; i++)
        (void)buf_printf(&input,
                         "%s{\"workload\":\"w%04u\",\"hosts\":[\"h%u\"],\"depends\":[],"
                         "\"volumes\":[{\"volume\":\"d\",\"size_bytes\":%u}]}",
                         i > 0 ? "," : "", i, i, i + 1);
    (void)buf_str(&input, "]}");
    assert_ok(js_parse(buf_slice(&input), 0, &in, NULL));
    assert_ok(js_parse(slice_str("{\"schema\":\"godwit.policy/1\",\"max_hosts_per_wave\":1}"), 0,
                       &policy, NULL));
    assert_ok(plan_compute(in, policy, &doc, NULL));
    assert_int_equal(js_len(js_member(doc, "unplaced")), 0);
    assert_int_equal(js_len(js_member(doc, "waves")), PLAN_WAVES_MAX);
    assert_int_equal(js_print(doc, false, false, &text, NULL), 0);
    assert_non_null(strstr(buf_cstr(&text), "max_hosts_per_wave 3 would be enough"));
    assert_non_null(strstr(buf_cstr(&text), "its turn comes after the 365 days"));
    assert_null(strstr(buf_cstr(&text), "blackouts cover it all"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_wave_takes_what_is_left_and_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
