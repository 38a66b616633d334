/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent reads from outside: assignments, orders, tokens, applied points; and when a silent
 * planner lets it decide alone. */
#include "tests/unit.h"

#include "agent/applied.h"
#include "agent/enrol.h"
#include "agent/order.h"
#include "agent/selfabort.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/text.h"

#include "base/banned.h"

#define VOLUME                                                                                     \
    "{\"name\":\"data\",\"replica\":\"shop/data\",\"device\":\"/dev/vdb\",\"mount\":null}"
#define ASSIGNMENT(volumes)                                                                        \
    "{\"workload\":\"shop\",\"side\":\"source\",\"epoch\":1,\"role\":\"push\",\"volumes\":"        \
    "[" volumes "]}"

static int parse_assignment(const char *text, struct assignment **ret, struct err *err)
{
    auto_js struct js *doc = NULL;

    assert_ok(js_parse(slice_str(text), 65536, &doc, NULL));
    return assignment_parse(doc, ret, err);
}

static void an_assignment_is_taken_whole(void **state)
{
    auto_assignment struct assignment *a = NULL;

    (void)state;
    assert_ok(parse_assignment(ASSIGNMENT(VOLUME), &a, NULL));
    assert_string_equal("shop", a->workload);
    assert_int_equal(OWNERSHIP_PUSH, a->role);
    assert_int_equal(5000, a->interval_ms);
    assert_int_equal(1, a->volumes_n);
    assert_string_equal("", a->volumes[0].mount);
    assert_non_null(assignment_volume(a, "data"));
    assert_null(assignment_volume(a, "log"));
}

/* Of 0 to 100 percent, none, and what a push by hand does when the planner says nothing. */
static void what_is_sent_again_is_the_workloads_to_say(void **state)
{
    static const struct {
        const char *member;
        int compact;
    } rows[] = {
        {"", 0}, {"\"compact_percent\":0,", REPLICA_COMPACT_NONE}, {"\"compact_percent\":25,", 25}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_assignment struct assignment *a = NULL;
        auto_buf struct buf text = {0};

        buf_printf(&text, "{%s%s", rows[i].member, &ASSIGNMENT(VOLUME)[1]);
        assert_ok(parse_assignment(buf_cstr(&text), &a, NULL));
        assert_int_equal(rows[i].compact, a->compact);
        assert_int_equal(a->scrub_bytes_per_s, 0);
    }
}

static void a_volume_of_an_assignment_may_have_a_policy(void **state)
{
    auto_assignment struct assignment *a = NULL;

    (void)state;
    assert_ok(
        parse_assignment("{\"workload\":\"shop\",\"side\":\"source\",\"epoch\":1,\"role\":\"push\","
                         "\"target_lag_s\":60,"
                         "\"volumes\":[" VOLUME
                         ",{\"name\":\"log\",\"replica\":\"shop/log\",\"device\":\"/dev/vdc\","
                         "\"target_lag_s\":2.5,\"interval_s\":9}]}",
                         &a, NULL));
    assert_int_equal(60000, a->target_lag_ms);
    assert_int_equal(0, a->volumes[0].target_lag_ms);
    assert_int_equal(2500, a->volumes[1].target_lag_ms);
    assert_int_equal(9000, a->volumes[1].interval_ms);
}

static void what_could_reach_outside_is_refused(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"workload\":\"../x\",\"side\":\"source\",\"epoch\":1,\"role\":\"push\"}",
        "{\"workload\":\"shop\",\"side\":\"left\",\"epoch\":1,\"role\":\"push\"}",
        "{\"workload\":\"shop\",\"side\":\"source\",\"epoch\":-1,\"role\":\"push\"}",
        "{\"workload\":\"shop\",\"side\":\"source\",\"epoch\":1,\"role\":\"king\"}",
        "{\"workload\":\"shop\",\"side\":\"source\",\"epoch\":1,\"role\":\"push\","
        "\"interval_s\":-1}",
        "{\"workload\":\"shop\",\"side\":\"source\",\"epoch\":1,\"role\":\"push\","
        "\"compact_percent\":101}",
        ASSIGNMENT("{\"name\":\"data\",\"replica\":\"shop/data\",\"device\":\"vdb\"}"),
        ASSIGNMENT("{\"name\":\"..\",\"replica\":\"shop/data\",\"device\":\"/dev/vdb\"}"),
        ASSIGNMENT("{\"name\":\"data\",\"replica\":\"/../x\",\"device\":\"/dev/vdb\"}"),
        ASSIGNMENT("{\"name\":\"data\",\"replica\":\"shop/data\",\"device\":\"/dev/vdb\","
                   "\"mount\":\"-o\"}"),
        ASSIGNMENT("{\"name\":\"data\",\"replica\":\"shop/data\",\"device\":\"/dev/vdb\","
                   "\"target_lag_s\":-1}"),
        ASSIGNMENT(VOLUME "," VOLUME),
    };
    struct assignment *a = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_fails(-EINVAL, parse_assignment(texts[i], &a, NULL));
        assert_null(a);
    }
}

/* -- orders ------------------------------------------------------------------- */

static int parse_order(const char *id, const char *kind, struct order **ret)
{
    auto_buf struct buf text = {0};
    auto_js struct js *doc = NULL;

    buf_printf(&text,
               "{\"n\":4,\"id\":\"%s\",\"kind\":\"%s\",\"workload\":\"shop\",\"epoch\":2,"
               "\"deadline\":\"2026-01-01T00:00:00Z\",\"args\":{}}",
               id, kind);
    assert_ok(js_parse(buf_slice(&text), 65536, &doc, NULL));
    return order_parse(doc, ret, NULL);
}

static void the_id_of_an_order_is_safe_as_a_file_name(void **state)
{
    static const char *const bad[] = {"", ".x", "a/b", "..", "a b"};
    auto_order struct order *o = NULL;

    (void)state;
    assert_ok(parse_order("op-1.3.h-00ff", "fence", &o));
    assert_int_equal(4, o->number);
    assert_int_equal(1767225600000, o->deadline_wall_ms);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct order *none = NULL;

        assert_fails(-EINVAL, parse_order(bad[i], "fence", &none));
    }
}

/* Two clocks that are an hour apart, or one that is set: what is left of its time is the same. */
static void the_time_of_an_order_runs_from_its_arrival(void **state)
{
    auto_order struct order *o = NULL;

    (void)state;
    assert_ok(parse_order("op-1.3.h-00ff", "fence", &o));
    order_arrived(o, 1767225600000 - 120000, 5000);
    assert_int_equal(5000 + 120000, o->deadline_mono_ms);
    order_arrived(o, 1767225600000 + 3600000, 5000); /* it is over */
    assert_int_equal(5001, o->deadline_mono_ms);
    o->deadline_wall_ms = 0;
    order_arrived(o, 1767225600000, 5000);
    assert_int_equal(0, o->deadline_mono_ms);
}

static bool yields(const char *running, const char *arrived)
{
    auto_order struct order *a = NULL;
    auto_order struct order *b = NULL;

    assert_ok(parse_order("a", running, &a));
    assert_ok(parse_order("b", arrived, &b));
    return order_yields(a, b);
}

static void an_abort_overtakes_what_it_undoes_and_a_fence_overtakes_checks(void **state)
{
    (void)state;
    assert_true(yields("final", "abort"));
    assert_true(yields("apply", "stand_down"));
    assert_true(yields("test", "fence"));
    assert_true(yields("verify", "apply"));
    assert_true(yields("health", "fence"));
    assert_false(yields("fence", "abort"));
    assert_false(yields("promote", "abort"));
    assert_false(yields("apply", "fence"));
    assert_false(yields("final", "health"));
    assert_false(yields("test", "verify"));
    assert_false(yields("dance", "abort"));
}

/* -- tokens --------------------------------------------------------------------- */

static void the_pin_of_a_token_is_hex_or_base64url(void **state)
{
    uint8_t want[CERT_PIN_LEN];
    uint8_t pin[CERT_PIN_LEN];

    (void)state;
    memset(want, 0xff, sizeof(want));
    assert_ok(enrol_token_pin(
        "gw1.ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff.id.secret", pin,
        NULL));
    assert_memory_equal(want, pin, sizeof(pin));
    memset(pin, 0, sizeof(pin));
    assert_ok(
        enrol_token_pin("gw1.__________________________________________8.id.secret", pin, NULL));
    assert_memory_equal(want, pin, sizeof(pin));
}

static void what_is_no_join_token_is_refused(void **state)
{
    static const char *const tokens[] = {"",
                                         "gw1",
                                         "gw1.ff.id.secret",
                                         "gw2.ff.id.secret",
                                         "gwo1.id.secret",
                                         "gw1.zz.id.secret.more"};
    uint8_t pin[CERT_PIN_LEN];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        struct err err = {0};

        assert_fails(-EINVAL, enrol_token_pin(tokens[i], pin, &err));
        assert_int_equal(GW_TOKEN_BAD, err.gw);
        assert_null(strstr(err.text, "secret.more")); /* never the token itself */
    }
}

/* -- applied points ------------------------------------------------------------------ */

static struct control_verdict verdict(uint64_t epoch, uint64_t seq, uint8_t digest)
{
    struct control_verdict v = {.decision = CONTROL_PROMOTE, .epoch = epoch, .volumes_n = 1};

    snprintf(v.volumes[0].replica, sizeof(v.volumes[0].replica), "shop/data");
    v.volumes[0].seq = seq;
    memset(v.volumes[0].digest, digest, sizeof(v.volumes[0].digest));
    return v;
}

static void applied_points_match_only_their_own_decision(void **state)
{
    auto_assignment struct assignment *a = NULL;
    struct control_verdict v = verdict(3, 9, 0xab);
    struct control_verdict other;
    struct applied applied;

    (void)state;
    assert_ok(parse_assignment(ASSIGNMENT(VOLUME), &a, NULL));
    assert_ok(applied_from_verdict(&v, a, &applied, NULL));
    assert_true(applied_matches(&applied, &v));
    other = verdict(4, 9, 0xab);
    assert_false(applied_matches(&applied, &other));
    other = verdict(3, 8, 0xab);
    assert_false(applied_matches(&applied, &other));
    other = verdict(3, 9, 0xac);
    assert_false(applied_matches(&applied, &other));
    other = v;
    other.decision = CONTROL_ABORT;
    assert_false(applied_matches(&applied, &other));
    other = v;
    other.volumes_n = 0;
    assert_false(applied_matches(&applied, &other));
    assert_fails(-ENOENT, applied_from_verdict(&other, a, &applied, NULL));
}

static void applied_points_survive_their_file_until_forgotten(void **state)
{
    auto_assignment struct assignment *a = NULL;
    struct control_verdict v = verdict(3, 9, 0xab);
    char *dir = unit_mkdir();
    struct applied applied;
    struct applied back;

    (void)state;
    assert_ok(parse_assignment(ASSIGNMENT(VOLUME), &a, NULL));
    assert_ok(applied_from_verdict(&v, a, &applied, NULL));
    assert_ok(applied_save(dir, &applied, NULL));
    assert_ok(applied_load(dir, &back, NULL));
    assert_true(applied_matches(&back, &v));
    assert_ok(applied_forget(dir, NULL));
    assert_ok(applied_forget(dir, NULL));
    assert_ok(applied_load(dir, &back, NULL));
    assert_int_equal(0, back.epoch);
    unit_rmdir(dir);
}

/* -- self-abort ------------------------------------------------------------------------ */

static void a_holder_decides_alone_only_fenced_silent_and_late(void **state)
{
    struct ownership o = {
        .known = true, .owns = true, .max_epoch = 1, .fenced_epoch = 1, .fenced_wall_ms = 1000};

    (void)state;
    assert_true(selfabort_due(&o, 1000 + 900, 900, 900));
    assert_false(selfabort_due(&o, 1000 + 899, 900, 900)); /* the fence is younger */
    assert_false(selfabort_due(&o, 1000 + 900, 899, 900)); /* the planner spoke */
    assert_true(selfabort_due(&o, 500, 900, 900)); /* the clock went back: the silence counts */
    assert_false(selfabort_due(&o, 500, 899, 900));
    assert_false(selfabort_due(&o, 1000 + 86400000, 899, 900)); /* nor does one that is ahead */
    o.owns = false;
    assert_false(selfabort_due(&o, 9000, 9000, 900));
    o.owns = true;
    o.fenced_epoch = 0;
    assert_false(selfabort_due(&o, 9000, 9000, 900));
}

/* Doc b is doc a with a member changed. */
static bool same_work(const char *a, const char *b)
{
    auto_js struct js *x = NULL;
    auto_js struct js *y = NULL;

    assert_ok(js_parse(slice_str(a), 4096, &x, NULL));
    assert_ok(js_parse(slice_str(b), 4096, &y, NULL));
    assert_int_equal(assignment_same_work(x, y), assignment_same_work(y, x));
    return assignment_same_work(x, y);
}

static void only_a_limit_lets_a_pass_go_on(void **state)
{
    static const char *was = "{\"paused\": false, \"volumes\": [], \"rate_bytes_per_s\": 5}";

    (void)state;
    assert_true(same_work(was, was));
    assert_true(same_work(was, "{\"paused\": false, \"volumes\": []}"));
    assert_true(same_work(was, "{\"paused\": false, \"volumes\": [], \"rate_bytes_per_s\": 7, "
                               "\"rate_table\": \"none\"}"));
    assert_false(same_work(was, "{\"paused\": true, \"volumes\": [], \"rate_bytes_per_s\": 5}"));
    assert_false(same_work(was, "{\"volumes\": [], \"rate_bytes_per_s\": 5}"));
    assert_false(same_work(was, "{\"paused\": false, \"volumes\": [1]}"));
}

static void a_timetable_counts_before_the_number(void **state)
{
    static const char *const texts[] = {"none", "08:00-18:00 20MiB/s, none", "5MiB"};
    static const size_t entries[] = {1, 2, 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        auto_assignment struct assignment *a = NULL;
        char doc[512];

        (void)text_print(doc, sizeof(doc),
                         "{\"workload\":\"shop\",\"side\":\"source\",\"epoch\":1,\"role\":\"push\","
                         "\"volumes\":[],\"rate_bytes_per_s\":7,\"rate_table\":\"%s\"}",
                         texts[i]);
        assert_ok(parse_assignment(doc, &a, NULL));
        assert_int_equal(entries[i], a->rate.n);
        assert_int_equal(i == 2 ? 5 << 20 : 0, a->rate.entry[a->rate.n - 1].bytes_per_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_assignment_is_taken_whole),
        cmocka_unit_test(only_a_limit_lets_a_pass_go_on),
        cmocka_unit_test(a_timetable_counts_before_the_number),
        cmocka_unit_test(what_is_sent_again_is_the_workloads_to_say),
        cmocka_unit_test(a_volume_of_an_assignment_may_have_a_policy),
        cmocka_unit_test(what_could_reach_outside_is_refused),
        cmocka_unit_test(the_id_of_an_order_is_safe_as_a_file_name),
        cmocka_unit_test(the_time_of_an_order_runs_from_its_arrival),
        cmocka_unit_test(an_abort_overtakes_what_it_undoes_and_a_fence_overtakes_checks),
        cmocka_unit_test(the_pin_of_a_token_is_hex_or_base64url),
        cmocka_unit_test(what_is_no_join_token_is_refused),
        cmocka_unit_test(applied_points_match_only_their_own_decision),
        cmocka_unit_test(applied_points_survive_their_file_until_forgotten),
        cmocka_unit_test(a_holder_decides_alone_only_fenced_silent_and_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
