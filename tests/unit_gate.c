/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: open when all is well, closed by each fact alone, and only by those that count. */
#include "tests/unit.h"

#include "planner/service/gate.h"

#include "base/banned.h"

static struct gate_volume good_volume(void)
{
    return (struct gate_volume){
        .name = "data",
        .seen_holder = true,
        .seen_other = true,
        .has_point = true,
        .lag_s = 3,
        .verified_age_s = 3600,
        .apply_s = 2,
    };
}

static struct gate_facts good_facts(const struct gate_volume *v, size_t n)
{
    return (struct gate_facts){
        .settled = true,
        .applied = true,
        .max_lag_s = 60,
        .max_downtime_s = 600,
        .verify_max_age_s = 86400,
        .require_test = true,
        .tested_age_s = 7200,
        .volumes_n = n,
        .volumes = v,
    };
}

/* Closed by exactly that row. */
static void assert_closed_by(const struct gate_facts *f, const char *name, const char *text)
{
    struct gate_result gate;
    size_t closed = 0;

    gate_evaluate(f, &gate);
    assert_false(gate.open);
    for (size_t i = 0; i < gate.rows_n; i++)
        if (!gate.rows[i].ok) {
            closed++;
            assert_string_equal(name, gate.rows[i].name);
            assert_string_equal(text, gate.rows[i].text);
        }
    assert_int_equal(1, closed);
}

static void good_facts_open_it(void **state)
{
    const struct gate_volume v = good_volume();
    const struct gate_facts f = good_facts(&v, 1);
    struct gate_result gate;

    (void)state;
    gate_evaluate(&f, &gate);
    assert_true(gate.open);
    assert_true(gate.has_lag);
    assert_true(gate.lag_s > 2.9 && gate.lag_s < 3.1);
    assert_true(gate.expected_downtime_s > 1.9 && gate.expected_downtime_s < 2.1);
    for (size_t i = 0; i < gate.rows_n; i++)
        assert_true(gate.rows[i].ok);
}

static void facts_of_the_workload_close_it(void **state)
{
    const struct gate_volume v = good_volume();
    const struct gate_facts good = good_facts(&v, 1);
    struct gate_facts f = good;

    (void)state;
    f.applied = false;
    assert_closed_by(&f, "replication", "replication was never started");
    f = good;
    f.paused = true;
    assert_closed_by(&f, "replication", "replication is paused");
    f = good;
    f.released = true;
    assert_closed_by(&f, "replication", "it was finalized: there is no way back");
    f = good;
    f.settled = false;
    assert_closed_by(&f, "authority", "neither side has the right to write: a switch is under way");
    f = good;
    f.open_op = "op-1";
    assert_closed_by(&f, "operation", "operation op-1 is open");
    f = good;
    f.quarantined = true;
    assert_closed_by(&f, "identity", "an agent is in quarantine");
}

static void facts_of_the_way_out_close_it(void **state)
{
    const struct gate_volume v = good_volume();
    const struct gate_facts good = good_facts(&v, 1);
    struct gate_facts f = good;

    (void)state;
    f.tested_age_s = -1;
    assert_closed_by(&f, "tested", "never tested");
    f = good;
    f.blackout = "blackout until Monday";
    assert_closed_by(&f, "window", "blackout until Monday");
    f = good;
    f.depends_open = "ldap";
    assert_closed_by(&f, "depends", "it needs 'ldap', which has not moved");
}

static void facts_of_a_volume_close_it(void **state)
{
    struct gate_volume v = good_volume();
    const struct gate_facts f = good_facts(&v, 1);

    (void)state;
    v.lag_s = 61;
    assert_closed_by(&f, "lag", "data: lag 1m 1s > 1m");
    v = good_volume();
    v.has_point = false;
    assert_closed_by(&f, "lag", "data: nothing has been applied on the other side yet");
    v = good_volume();
    v.seen_holder = false;
    assert_closed_by(&f, "agents", "data: the agent of the active side did not report lately");
    v = good_volume();
    v.seen_other = false;
    assert_closed_by(&f, "agents", "data: the agent of the other side did not report lately");
    v = good_volume();
    v.verified_age_s = -1;
    assert_closed_by(&f, "verified", "data: never verified in this direction");
    v.verified_age_s = 86401;
    assert_closed_by(&f, "verified", "data: verified 1d ago, limit 1d");
    v = good_volume();
    v.apply_s = 601;
    assert_closed_by(&f, "downtime", "expected downtime 10m 1s, limit 10m");
    v = good_volume();
    v.bad = "I/O error";
    assert_closed_by(&f, "volumes", "data: I/O error");
}

static void limits_are_reached_and_not_passed(void **state)
{
    struct gate_volume v = good_volume();
    const struct gate_facts f = good_facts(&v, 1);
    struct gate_result gate;

    (void)state;
    v.lag_s = 60;
    v.apply_s = 600;
    v.verified_age_s = 86400;
    gate_evaluate(&f, &gate);
    assert_true(gate.open);
}

static void the_worst_volume_speaks(void **state)
{
    struct gate_volume v[3] = {good_volume(), good_volume(), good_volume()};
    const struct gate_facts f = good_facts(v, 3);
    struct gate_result gate;

    (void)state;
    v[1].name = "log";
    v[1].lag_s = 600;
    v[2].lag_s = 90;
    assert_closed_by(&f, "lag", "log: lag 10m > 1m");
    gate_evaluate(&f, &gate);
    assert_true(gate.lag_s > 599);
}

static void the_way_back_waits_for_less(void **state)
{
    struct gate_volume v = good_volume();
    struct gate_facts f = good_facts(&v, 1);
    struct gate_result gate;

    (void)state;
    f.rollback = true;
    f.tested_age_s = -1;
    f.blackout = "closed";
    f.depends_open = "ldap";
    v.verified_age_s = -1;
    gate_evaluate(&f, &gate);
    assert_true(gate.open);
    v.lag_s = 61;
    gate_evaluate(&f, &gate);
    assert_false(gate.open);
}

static void no_test_is_asked_for_when_none_is_required(void **state)
{
    const struct gate_volume v = good_volume();
    struct gate_facts f = good_facts(&v, 1);
    struct gate_result gate;

    (void)state;
    f.require_test = false;
    f.tested_age_s = -1;
    gate_evaluate(&f, &gate);
    assert_true(gate.open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_facts_open_it),
        cmocka_unit_test(facts_of_the_workload_close_it),
        cmocka_unit_test(facts_of_the_way_out_close_it),
        cmocka_unit_test(facts_of_a_volume_close_it),
        cmocka_unit_test(limits_are_reached_and_not_passed),
        cmocka_unit_test(the_worst_volume_speaks),
        cmocka_unit_test(the_way_back_waits_for_less),
        cmocka_unit_test(no_test_is_asked_for_when_none_is_required),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
