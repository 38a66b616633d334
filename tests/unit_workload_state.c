/* SPDX-License-Identifier: Apache-2.0 */
/* The lifecycle of a workload from facts: each fact in turn, and who may move what. */
#include "tests/unit.h"

#include "planner/service/workload_state.h"

#include "base/banned.h"

static const struct workload_facts ready = {
    .applied = true,
    .tested = true,
    .authority = WORKLOAD_AT_SOURCE,
    .volumes = 2,
    .volumes_ready = 2,
};

static void assert_next(enum workload_lifecycle want, const struct workload_facts *facts)
{
    assert_string_equal(workload_lifecycle_name(want),
                        workload_lifecycle_name(workload_state_next(WORKLOAD_NOT_READY, facts)));
}

static void replication_that_was_not_started_is_discovered(void **state)
{
    struct workload_facts f = ready;

    (void)state;
    f.applied = false;
    assert_next(WORKLOAD_DISCOVERED, &f);
}

static void hosts_without_agent_wait_for_installation(void **state)
{
    struct workload_facts f = ready;

    (void)state;
    f.hosts_missing = 1;
    assert_next(WORKLOAD_PENDING_INSTALLATION, &f);
}

static void every_volume_counts(void **state)
{
    struct workload_facts f = ready;

    (void)state;
    f.volumes_ready = 1;
    assert_next(WORKLOAD_NOT_READY, &f);
    f.volumes_ready = 2;
    assert_next(WORKLOAD_READY_FOR_CUTOVER, &f);
    f.tested = false;
    assert_next(WORKLOAD_READY_FOR_TEST, &f);
}

static void the_side_that_writes_decides_after_a_switch(void **state)
{
    struct workload_facts f = ready;

    (void)state;
    f.authority = WORKLOAD_AT_TARGET;
    f.volumes_ready = 0;
    assert_next(WORKLOAD_AWAITING_COMMIT, &f);
    f.released = true;
    assert_next(WORKLOAD_CUTOVER_COMPLETE, &f);
}

static void an_open_operation_and_a_frozen_workload_stay(void **state)
{
    struct workload_facts f = ready;

    (void)state;
    f.op_open = true;
    for (int l = 0; l < WORKLOAD_LIFECYCLES; l++)
        assert_int_equal(l, workload_state_next((enum workload_lifecycle)l, &f));
    f.op_open = false;
    f.authority = WORKLOAD_FROZEN;
    for (int l = 0; l < WORKLOAD_LIFECYCLES; l++)
        assert_int_equal(l, workload_state_next((enum workload_lifecycle)l, &f));
}

static void names_go_there_and_back(void **state)
{
    enum workload_lifecycle lifecycle;
    enum workload_authority authority;

    (void)state;
    for (int l = 0; l < WORKLOAD_LIFECYCLES; l++) {
        assert_true(workload_lifecycle_parse(workload_lifecycle_name((enum workload_lifecycle)l),
                                             &lifecycle));
        assert_int_equal(l, lifecycle);
    }
    for (int a = WORKLOAD_AT_SOURCE; a <= WORKLOAD_AT_TARGET; a++) {
        assert_true(workload_authority_parse(workload_authority_name((enum workload_authority)a),
                                             &authority));
        assert_int_equal(a, authority);
    }
    assert_false(workload_lifecycle_parse("ready", &lifecycle));
    assert_false(workload_authority_parse("", &authority));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replication_that_was_not_started_is_discovered),
        cmocka_unit_test(hosts_without_agent_wait_for_installation),
        cmocka_unit_test(every_volume_counts),
        cmocka_unit_test(the_side_that_writes_decides_after_a_switch),
        cmocka_unit_test(an_open_operation_and_a_frozen_workload_stay),
        cmocka_unit_test(names_go_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
