/* SPDX-License-Identifier: Apache-2.0 */
/* Waves: order, limits, pins, what cannot move, and that the same input gives the same
 * bytes. */
#include "planner/engine/plan_diff.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/gw.h"
#include "base/text.h"
#include "tests/plan_fixture.h"

#include "base/banned.h"

/* The rule that put name where it is. */
static const char *rule_of(const struct js *doc, const char *name)
{
    auto_js struct js *why = NULL;

    if (plan_explain(doc, name, &why, NULL) < 0)
        fail_msg("%s is not in the plan", name);
    /* Lent by doc for as long as the test runs: why holds a reference only. */
    return js_str(js_at(js_member(js_member(why, "subject"), "why"), 0), "rule", "");
}

/* The rule for which name is not planned, or "". */
static const char *rule_against(const struct js *doc, const char *name)
{
    const struct js *list = js_member(doc, "unplaced");

    for (size_t i = 0; i < js_len(list); i++) {
        if (text_equal(js_str(js_at(list, i), "workload", ""), name))
            return js_str(js_at(js_member(js_at(list, i), "why"), 0), "rule", "");
    }
    return "";
}

static void what_nobody_has_seen_is_not_planned(void **state)
{
    const char *input =
        INPUT("{\"workload\":\"ghost\",\"hosts\":[\"h\"],\"unseen\":\"host h has no agent\","
              "\"volumes\":[{\"volume\":\"d\",\"size_bytes\":0}]}," WORKLOAD(
                  "wiki", "", "5", "1000") "," WORKLOAD("shop", "\"ghost\"", "6", "1000"));
    const char *later = INPUT(WORKLOAD("ghost", "", "1", "0") "," WORKLOAD(
        "wiki", "", "5", "1000") "," WORKLOAD("shop", "\"ghost\"", "6", "1000"));
    auto_js struct js *doc = plan(input, NULL);
    auto_js struct js *same = parse(input);
    auto_js struct js *seen = parse(later);
    auto_free char *why = NULL;

    (void)state;
    assert_string_equal(wave_of(doc, "wiki"), "1");
    assert_string_equal(wave_of(doc, "ghost"), "");
    assert_string_equal(rule_against(doc, "ghost"), "unseen");
    assert_string_equal(rule_against(doc, "shop"), "depends");
    assert_int_equal(plan_stale(doc, same, &why, NULL), 0);
    assert_null(why);
    assert_int_equal(plan_stale(doc, seen, &why, NULL), 0);
    assert_string_equal(why, "ghost was not seen yet");
}

static void the_smallest_is_the_pilot_and_dependencies_go_first(void **state)
{
    auto_js struct js *doc =
        plan(INPUT(WORKLOAD("shop", "\"db\"", "100", "1000000") "," WORKLOAD(
                 "db", "", "900", "2000000") "," WORKLOAD("wiki", "", "5", "1000")),
             NULL);

    (void)state;
    assert_string_equal(wave_of(doc, "wiki"), "1");
    assert_string_equal(wave_of(doc, "db"), "2");
    assert_string_equal(wave_of(doc, "shop"), "2");
}

static void a_wave_is_filled_to_its_limit(void **state)
{
    auto_js struct js *doc =
        plan(INPUT(WORKLOAD("a", "", "1", "0") "," WORKLOAD("b", "", "2", "0") "," WORKLOAD(
                 "c", "", "3", "0") "," WORKLOAD("d", "", "4", "0")),
             "{\"max_workloads_per_wave\":2,\"pilot\":false}");

    (void)state;
    assert_string_equal(wave_of(doc, "a"), "1");
    assert_string_equal(wave_of(doc, "b"), "1");
    assert_string_equal(wave_of(doc, "c"), "2");
    assert_string_equal(wave_of(doc, "d"), "2");
}

#define HOSTS3(name, gib, more)                                                                    \
    "{\"workload\":\"" name "\",\"hosts\":[\"1\",\"2\",\"3\"]" more                                \
    ",\"volumes\":[{\"volume\":\"d\",\"size_bytes\":" gib "000000000}]}"

/* The smaller ones come first, and would have filled the wave before the pin is looked at. */
static void a_pin_has_its_room_before_others_take_it(void **state)
{
    static const char policy[] = "{\"max_hosts_per_wave\":8}";
    static const char costs[] = ",\"saving_per_day\":5";
    const char *const more[] = {"", costs};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        auto_buf struct buf text = {0};
        auto_js struct js *doc = NULL;
        const struct js *waves;

        (void)buf_printf(&text,
                         INPUT(HOSTS3("a", "1", "%s") "," HOSTS3("b", "2", "%s") "," HOSTS3(
                             "c", "3", "%s") "," HOSTS3("d", "4", "%s") "," HOSTS3("pinned", "9",
                                                                                   ",\"wave\":2")),
                         more[i], more[i], more[i], more[i]);
        doc = plan(buf_cstr(&text), policy);
        waves = js_member(doc, "waves");
        assert_string_equal(wave_of(doc, "pinned"), "2");
        assert_string_equal(rule_of(doc, "pinned"), "pin");
        for (size_t k = 0; k < js_len(waves); k++)
            assert_true(js_u64(js_at(waves, k), "hosts", 0) <= 8);
    }
}

static void what_never_converges_is_named_and_takes_its_dependants_along(void **state)
{
    auto_js struct js *doc =
        plan(INPUT(WORKLOAD("hot", "", "1", "90000000") "," WORKLOAD(
                 "web", "\"hot\"", "1", "0") "," WORKLOAD("cold", "", "1", "0")),
             NULL);
    const struct js *unplaced = js_member(doc, "unplaced");

    (void)state;
    assert_int_equal(js_len(unplaced), 2);
    assert_string_equal(wave_of(doc, "cold"), "1");
    assert_string_equal(js_str(js_at(js_member(js_at(unplaced, 0), "why"), 0), "rule", ""),
                        "converge");
}

static void a_cycle_is_named(void **state)
{
    auto_js struct js *in = parse(INPUT(WORKLOAD("a", "\"b\"", "1", "0") "," WORKLOAD(
        "b", "\"c\"", "1", "0") "," WORKLOAD("c", "\"b\"", "1", "0")));
    struct js *out = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(plan_compute(in, NULL, &out, &err), -EINVAL);
    assert_int_equal(err.gw, GW_PLAN_IMPOSSIBLE);
    assert_non_null(strstr(err.text, "b -> c -> b"));
}

static void a_plan_knows_when_it_is_stale(void **state)
{
    auto_js struct js *before = parse(INPUT(WORKLOAD("a", "", "1", "0")));
    auto_js struct js *more =
        parse(INPUT(WORKLOAD("a", "", "1", "0") "," WORKLOAD("b", "", "1", "0")));
    auto_js struct js *busy = parse(INPUT(WORKLOAD("a", "", "1", "9000000")));
    auto_js struct js *frozen = parse(INPUT_WITH(FREEZE, WORKLOAD("a", "", "1", "0")));
    auto_js struct js *doc = plan(INPUT(WORKLOAD("a", "", "1", "0")), NULL);
    const struct js *now[] = {before, more, busy, frozen};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(now); i++) {
        auto_free char *why = NULL;

        assert_int_equal(plan_stale(doc, now[i], &why, NULL), 0);
        assert_int_equal(why != NULL, i > 0);
    }
}

#define TALKS(name, other, gib_per_day, saving)                                                    \
    "{\"workload\":\"" name "\",\"hosts\":[\"h\"],\"volumes\":[],\"saving_per_day\":" saving       \
    ",\"talks\":[{\"workload\":\"" other "\",\"bytes_per_day\":" gib_per_day "000000000}]}"

static void what_talks_moves_together_and_what_saves_moves_first(void **state)
{
    /* By name and size alone a goes with b, and c with d. */
    static const char *const input = INPUT(TALKS("a", "c", "500", "1") "," TALKS(
        "b", "d", "500", "90") "," TALKS("c", "a", "500", "1") "," TALKS("d", "b", "500", "90"));
    static const char *const policy = "{\"max_workloads_per_wave\":2,\"pilot\":false}";
    auto_js struct js *doc = plan(input, policy);
    auto_js struct js *again = plan(input, policy);
    auto_buf struct buf tx = {0}, ty = {0};
    const struct js *least = js_member(doc, "least_cost");

    (void)state;
    assert_string_equal(wave_of(doc, "b"), "1");
    assert_string_equal(wave_of(doc, "d"), "1");
    assert_string_equal(wave_of(doc, "a"), "2");
    assert_string_equal(wave_of(doc, "c"), "2");
    assert_true(js_f64(least, "gap", 1) == 0);
    assert_int_equal(js_print(doc, true, false, &tx, NULL), 0);
    assert_int_equal(js_print(again, true, false, &ty, NULL), 0);
    assert_string_equal(buf_cstr(&tx), buf_cstr(&ty));
}

static void what_is_planned_stays_where_it_is_when_more_comes(void **state)
{
    auto_js struct js *doc =
        plan(INPUT(PLANNED("a", "", "9", "1") "," PLANNED("b", "", "8", "2") "," PLANNED(
                 "c", "", "7", "3") "," WORKLOAD("tiny", "", "1", "0")),
             "{\"max_workloads_per_wave\":2}");

    (void)state;
    assert_string_equal(wave_of(doc, "a"), "1"); /* no longer the smallest, and the pilot still */
    assert_string_equal(wave_of(doc, "b"), "2");
    assert_string_equal(wave_of(doc, "c"), "3");
    assert_string_equal(wave_of(doc, "tiny"), "2");
    assert_string_equal(rule_of(doc, "b"), "kept");
}

static void what_is_planned_moves_only_when_it_must(void **state)
{
    auto_js struct js *doc =
        plan(INPUT(PLANNED("a", "", "1", "1") "," PLANNED("b", "\"late\"", "2", "2") "," PLANNED(
                 "c", "", "3", "2") "," PLANNED("late", "", "4", "4")),
             NULL);

    (void)state;
    assert_string_equal(wave_of(doc, "a"), "1");
    assert_string_equal(wave_of(doc, "c"), "2");
    assert_string_equal(wave_of(doc, "late"), "4");
    assert_string_equal(wave_of(doc, "b"), "4"); /* it depends on what moves in wave 4 now */
    assert_string_equal(rule_of(doc, "b"), "depends");
}

static void a_wave_that_has_grown_keeps_those_who_come_first(void **state)
{
    auto_js struct js *doc = plan(INPUT(PLANNED("a", "", "1", "1") "," PLANNED(
                                      "b", "", "2", "2") "," PLANNED("c", "", "9", "2")),
                                  "{\"max_bytes_per_wave\":10000000000}");

    (void)state;
    assert_string_equal(wave_of(doc, "b"), "2");
    assert_string_equal(wave_of(doc, "c"), "3");
    assert_string_equal(rule_of(doc, "c"), "kept");
}

static void the_number_of_a_wave_that_has_moved_is_not_used_again(void **state)
{
    auto_js struct js *doc =
        plan(INPUT("{\"workload\":\"old\",\"hosts\":[],\"moved\":true,\"planned_wave\":2,"
                   "\"volumes\":[]}," WORKLOAD("new", "", "1", "0")),
             NULL);

    (void)state;
    assert_string_equal(wave_of(doc, "new"), "3");
}

#define APART(name, gib, from, more)                                                               \
    "{\"workload\":\"" name "\",\"hosts\":[\"h\"],\"apart\":[" from "]" more                       \
    ",\"volumes\":[{\"volume\":\"d\",\"size_bytes\":" gib "000000000}]}"

static void what_is_to_be_apart_is_in_two_waves(void **state)
{
    static const char no_pilot[] = "{\"pilot\":false}";
    auto_js struct js *two =
        plan(INPUT(WORKLOAD("a", "", "1", "0") "," APART("b", "2", "\"a\"", "")), no_pilot);
    /* With costs: all would be cheapest at once. */
    auto_js struct js *costs =
        plan(INPUT(APART("a", "1", "", ",\"saving_per_day\":5") "," APART(
                 "b", "2", "\"a\"", ",\"saving_per_day\":5") "," APART("c", "3", "\"a\",\"b\"",
                                                                       ",\"saving_per_day\":5")),
             no_pilot);
    auto_js struct js *pins =
        plan(INPUT(APART("a", "1", "", ",\"wave\":2") "," APART("b", "2", "\"a\"", ",\"wave\":2")),
             no_pilot);

    (void)state;
    assert_string_equal(wave_of(two, "a"), "1");
    assert_string_equal(wave_of(two, "b"), "2");
    assert_string_equal(rule_of(two, "b"), "apart");
    assert_int_equal(js_len(js_member(costs, "waves")), 3);
    assert_string_equal(wave_of(pins, "a"), "2");
    assert_string_equal(rule_against(pins, "b"), "pin");
}

static void apart_from_nobody_is_refused(void **state)
{
    auto_js struct js *in = parse(INPUT(APART("a", "1", "\"ghost\"", "")));
    struct js *out = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(plan_compute(in, NULL, &out, &err), -EINVAL);
    assert_non_null(strstr(err.text, "ghost"));
}

static void a_talk_with_nobody_is_refused(void **state)
{
    auto_js struct js *in = parse(INPUT(TALKS("a", "ghost", "1", "0")));
    struct js *out = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(plan_compute(in, NULL, &out, &err), -EINVAL);
    assert_int_equal(err.gw, GW_BAD_DOCUMENT);
}

static void an_explanation_gives_rules_and_times(void **state)
{
    auto_js struct js *doc = plan(INPUT(WORKLOAD("a", "", "1", "0")), NULL);
    struct js *none = NULL, *why = NULL;
    struct err err = {0};

    (void)state;
    assert_int_equal(plan_explain(doc, "a", &why, &err), 0);
    assert_string_equal(js_str(why, "wave", ""), "1");
    assert_true(js_len(js_member(js_member(why, "subject"), "why")) > 0);
    js_free(why);
    assert_int_equal(plan_explain(doc, "zzz", &none, &err), -ENOENT);
}

/* -- properties over random inputs --------------------------------------------------- */

static struct js *random_input(uint64_t *seed, unsigned n, bool reversed, bool costs)
{
    auto_buf struct buf text = {0};
    uint64_t s = *seed;
    char items[24][320];

    for (unsigned i = 0; i < n; i++) {
        unsigned depends = 0;

        s = s * 6364136223846793005ULL + 1442695040888963407ULL;
        depends = i > 0 ? (unsigned)(s >> 40) % i : 0;
        (void)text_print(items[i], sizeof(items[i]),
                         "{\"workload\":\"w%02u\",\"hosts\":[\"x\",\"y\"],\"saving_per_day\":%u,"
                         "\"depends\":[%s%.*s%s],\"volumes\":[{\"volume\":\"v\","
                         "\"size_bytes\":%llu,\"write_bytes_per_s\":%llu}]}",
                         i, costs ? (unsigned)(s >> 50) % 100 : 0,
                         i > 0 && (s >> 33) % 2 ? "\"w" : "", i > 0 && (s >> 33) % 2 ? 2 : 0,
                         (char[]){(char)('0' + depends / 10), (char)('0' + depends % 10)},
                         i > 0 && (s >> 33) % 2 ? "\"" : "",
                         (unsigned long long)(s >> 24) % 2000000000000ULL,
                         (unsigned long long)(s >> 30) % 60000000);
    }
    buf_str(&text,
            "{\"schema\":\"godwit.plan-input/1\",\"now\":\"2026-12-01T00:00:00Z\",\"workloads\":[");
    for (unsigned i = 0; i < n; i++)
        buf_printf(&text, "%s%s", i ? "," : "", items[reversed ? n - 1 - i : i]);
    buf_str(&text, "]}");
    *seed = s;
    return parse(buf_cstr(&text));
}

static void check_constraints(const struct js *doc, const struct js *input)
{
    const struct js *workloads = js_member(input, "workloads"), *waves = js_member(doc, "waves");
    size_t placed = js_len(js_member(doc, "unplaced"));

    for (size_t i = 0; i < js_len(waves); i++) {
        size_t members = js_len(js_member(js_at(waves, i), "workloads"));

        placed += members;
        assert_true(members <= 20);
        assert_true(members == 1 || js_u64(js_at(waves, i), "hosts", 0) <= 10);
    }
    assert_int_equal(placed, js_len(workloads));
    for (size_t i = 0; i < js_len(workloads); i++) {
        const struct js *depends = js_member(js_at(workloads, i), "depends");
        const char *wave = wave_of(doc, js_str(js_at(workloads, i), "workload", ""));

        for (size_t d = 0; *wave && d < js_len(depends); d++) {
            const char *other = wave_of(doc, js_as_str(js_at(depends, d), ""));

            assert_true(*other && (strlen(other) < strlen(wave) ||
                                   (strlen(other) == strlen(wave) && strcmp(other, wave) <= 0)));
        }
    }
}

static void random_plans_keep_every_constraint_and_are_the_same_twice(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        uint64_t again = seed;
        unsigned n = 1 + round % 24;
        bool costs = n == 7 && round < 250;
        auto_js struct js *a = random_input(&seed, n, false, costs);
        auto_js struct js *b = random_input(&again, n, true, costs);
        auto_js struct js *x = NULL;
        auto_js struct js *y = NULL;
        auto_buf struct buf tx = {0}, ty = {0};

        assert_int_equal(plan_compute(a, NULL, &x, NULL), 0);
        assert_int_equal(plan_compute(b, NULL, &y, NULL), 0);
        check_constraints(x, a);
        assert_int_equal(js_print(x, true, false, &tx, NULL), 0);
        assert_int_equal(js_print(y, true, false, &ty, NULL), 0);
        assert_string_equal(buf_cstr(&tx), buf_cstr(&ty));
    }
}

static void a_plan_that_is_kept_to_comes_out_the_same(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        auto_js struct js *input = random_input(&seed, 1 + round % 24, false, false);
        auto_js struct js *first = NULL;
        auto_js struct js *based = NULL;
        auto_js struct js *second = NULL;
        auto_js struct js *diff = NULL;

        assert_int_equal(plan_compute(input, NULL, &first, NULL), 0);
        assert_int_equal(plan_rebase(input, first, &based, NULL), 0);
        assert_int_equal(plan_compute(based, NULL, &second, NULL), 0);
        check_constraints(second, input);
        assert_int_equal(plan_diff(first, second, based, &diff, NULL), 0);
        if (!js_bool(diff, "same", false))
            fail_msg("round %u: %s", round,
                     js_str(js_at(js_member(diff, "changes"), 0), "why", "?"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_has_seen_is_not_planned),
        cmocka_unit_test(the_smallest_is_the_pilot_and_dependencies_go_first),
        cmocka_unit_test(a_wave_is_filled_to_its_limit),
        cmocka_unit_test(a_pin_has_its_room_before_others_take_it),
        cmocka_unit_test(what_never_converges_is_named_and_takes_its_dependants_along),
        cmocka_unit_test(a_cycle_is_named),
        cmocka_unit_test(a_plan_knows_when_it_is_stale),
        cmocka_unit_test(what_talks_moves_together_and_what_saves_moves_first),
        cmocka_unit_test(what_is_planned_stays_where_it_is_when_more_comes),
        cmocka_unit_test(what_is_planned_moves_only_when_it_must),
        cmocka_unit_test(a_wave_that_has_grown_keeps_those_who_come_first),
        cmocka_unit_test(the_number_of_a_wave_that_has_moved_is_not_used_again),
        cmocka_unit_test(what_is_to_be_apart_is_in_two_waves),
        cmocka_unit_test(apart_from_nobody_is_refused),
        cmocka_unit_test(a_talk_with_nobody_is_refused),
        cmocka_unit_test(an_explanation_gives_rules_and_times),
        cmocka_unit_test(random_plans_keep_every_constraint_and_are_the_same_twice),
        cmocka_unit_test(a_plan_that_is_kept_to_comes_out_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
