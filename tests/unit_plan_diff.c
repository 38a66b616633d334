/* SPDX-License-Identifier: Apache-2.0 */
/* Two plans side by side: what changed, and why. */
#include "planner/engine/plan_diff.h"

#include "tests/plan_fixture.h"

#include "base/banned.h"

static void a_difference_names_its_cause(void **state)
{
    auto_js struct js *was =
        plan(INPUT(WORKLOAD("a", "", "1", "0") "," WORKLOAD("b", "", "2", "0")), NULL);
    auto_js struct js *input =
        parse(INPUT("{\"workload\":\"a\",\"hosts\":[],\"moved\":true,\"planned_wave\":1,"
                    "\"volumes\":[]}," PLANNED("b", "", "900", "2")));
    auto_js struct js *is = NULL;
    auto_js struct js *diff = NULL;
    const struct js *changes;

    (void)state;
    assert_int_equal(plan_compute(input, NULL, &is, NULL), 0);
    assert_int_equal(plan_diff(was, is, input, &diff, NULL), 0);
    changes = js_member(diff, "changes");
    assert_int_equal(js_len(changes), 4);
    assert_string_equal(js_str(js_at(changes, 0), "change", ""), "earlier");
    assert_non_null(strstr(js_str(js_at(changes, 0), "why", ""), "it carries 838"));
    assert_string_equal(js_str(js_at(changes, 1), "change", ""), "gone");
    assert_string_equal(js_str(js_at(changes, 2), "change", ""), "data");
    assert_string_equal(js_str(js_at(changes, 2), "name", ""), "b");
    assert_string_equal(js_str(js_at(changes, 3), "change", ""), "moved");
    assert_string_equal(js_str(js_at(changes, 3), "name", ""), "a");
    assert_int_equal(plan_diff(was, input, NULL, &diff, NULL), -EINVAL);
}

static void what_has_grown_is_no_longer_the_same(void **state)
{
    auto_js struct js *was = plan(INPUT(WORKLOAD("a", "", "10", "0")), NULL);
    auto_js struct js *input = parse(INPUT(WORKLOAD("a", "", "12", "0")));
    auto_js struct js *is = NULL;
    auto_js struct js *diff = NULL;
    const struct js *change;

    (void)state;
    assert_int_equal(plan_compute(input, NULL, &is, NULL), 0);
    assert_int_equal(plan_diff(was, is, input, &diff, NULL), 0);
    assert_false(js_bool(diff, "same", true));
    change = js_at(js_member(diff, "changes"), js_len(js_member(diff, "changes")) - 1);
    assert_string_equal(js_str(change, "kind", ""), "workload");
    assert_string_equal(js_str(change, "change", ""), "data");
    assert_string_equal(js_str(change, "was", ""), "1");
    assert_non_null(strstr(js_str(change, "why", ""), "in place of"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_difference_names_its_cause),
        cmocka_unit_test(what_has_grown_is_no_longer_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
