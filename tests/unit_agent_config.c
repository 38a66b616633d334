/* SPDX-License-Identifier: Apache-2.0 */
/* What an agent is assigned, from workloads alone: sides, roles, epochs, whose volumes. */
#include "tests/unit.h"

#include "base/buf.h"
#include "base/text.h"
#include "planner/service/agent_config.h"
#include "planner/service/workload_doc.h"

#include "base/banned.h"

enum { NOW = 1000 };

static const char document[] =
    "{\"schema\": \"godwit.workload/1\", \"workload\": \"shop\", \"volumes\": ["
    "{\"name\": \"data\", \"source\": {\"host\": \"db\", \"device\": \"/dev/a\"},"
    " \"target\": {\"host\": \"land\", \"device\": \"/dev/b\", \"mount\": \"/srv\"}},"
    "{\"name\": \"web\", \"source\": {\"host\": \"web\", \"device\": \"/dev/a\"},"
    " \"target\": {\"host\": \"land\", \"device\": \"/dev/c\"},"
    " \"limits\": {\"target_lag_s\": 30, \"interval_s\": 9}}],"
    " \"hooks\": {\"source\": {\"stop\": [\"stop it\"]}, \"target\": {\"start\": [[\"start\"]]}},"
    " \"limits\": {\"interval_s\": 7, \"rate_bytes_per_s\": 100}}";

struct fixture {
    struct js *doc;
    struct workload workload;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    assert_ok(js_parse(slice_str(document), sizeof(document), &f->doc, NULL));
    assert_ok(workload_doc_parse(f->doc, "shop", &f->workload, NULL));
    for (size_t i = 0; i < f->workload.volumes_n; i++)
        for (int side = 0; side < 2; side++) {
            struct workload_place *p = &f->workload.volumes[i].at[side];

            assert_ok(text_print(p->identity, sizeof(p->identity), "h-%s", p->host));
        }
    f->workload.start_ms = 1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    workload_doc_done(&f->workload);
    js_free(f->doc);
    free(f);
    return 0;
}

static struct js *config_of(struct fixture *f, const char *identity)
{
    const struct agent_config_vault vault = {.url = "file:///v", .key = "k"};
    struct workload *one[] = {&f->workload};
    struct jsw *w = NULL;
    struct js *ret = NULL;

    assert_ok(jsw_new(&w, NULL));
    agent_config_write(identity, &vault, one, 1, NOW, w);
    assert_ok(jsw_take(w, &ret, NULL));
    jsw_free(w);
    return ret;
}

static const struct js *assignment(const struct js *config, size_t want_n)
{
    const struct js *list = js_member(config, "assignments");

    assert_int_equal(want_n, js_len(list));
    return js_at(list, 0);
}

static void each_host_gets_its_own_volumes(void **state)
{
    auto_js struct js *db = config_of(*state, "h-db");
    auto_js struct js *land = config_of(*state, "h-land");
    const struct js *a = assignment(db, 1);

    assert_string_equal("file:///v", js_str(js_member(db, "vault"), "url", ""));
    assert_string_equal("k", js_str(js_member(db, "vault"), "key", ""));
    assert_int_equal(1, js_len(js_member(a, "volumes")));
    assert_string_equal("data", js_str(js_at(js_member(a, "volumes"), 0), "name", ""));
    assert_string_equal("shop/data", js_str(js_at(js_member(a, "volumes"), 0), "replica", ""));
    a = assignment(land, 1);
    assert_int_equal(2, js_len(js_member(a, "volumes")));
    assert_string_equal("/dev/c", js_str(js_at(js_member(a, "volumes"), 1), "device", ""));
}

static void a_volume_may_have_a_policy_of_its_own(void **state)
{
    struct fixture *f = *state;
    auto_js struct js *land = NULL;
    const struct js *volumes;

    f->workload.limits.target_lag_s = 60;
    land = config_of(f, "h-land");
    volumes = js_member(assignment(land, 1), "volumes");
    assert_int_equal(60, js_u64(assignment(land, 1), "target_lag_s", 0));
    assert_null(js_member(js_at(volumes, 0), "target_lag_s"));
    assert_int_equal(30, js_u64(js_at(volumes, 1), "target_lag_s", 0));
    assert_int_equal(9, js_u64(js_at(volumes, 1), "interval_s", 0));
    js_free(TAKE(land));
    f->workload.control.interval_s = 60; /* an operator's word is of all of them */
    land = config_of(f, "h-land");
    volumes = js_member(assignment(land, 1), "volumes");
    assert_null(js_member(js_at(volumes, 1), "interval_s"));
}

static void a_policy_out_of_range_is_refused(void **state)
{
    static const char *const limits[] = {"{\"target_lag_s\": 0}", "{\"interval_s\": 86401}",
                                         "{\"consistent_s\": 5}", "7"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        auto_js struct js *doc = NULL;
        struct workload w;
        struct err err = {0};
        char text[512];

        assert_ok(
            text_print(text, sizeof(text),
                       "{\"schema\": \"godwit.workload/1\", \"workload\": \"x\", \"volumes\": "
                       "[{\"name\": \"d\", \"source\": {\"host\": \"a\", \"device\": \"/d\"}, "
                       "\"target\": {\"host\": \"b\", \"device\": \"/d\"}, \"limits\": %s}]}",
                       limits[i]));
        assert_ok(js_parse(slice_str(text), sizeof(text), &doc, NULL));
        assert_int_equal(-EINVAL, workload_doc_parse(doc, "x", &w, &err));
        assert_non_null(strstr(err.text, "limits"));
    }
}

static void a_stranger_gets_no_key_either(void **state)
{
    auto_js struct js *config = config_of(*state, "h-other");

    assignment(config, 0);
    assert_int_equal(JS_NULL, js_kind(js_member(config, "vault")));
}

static void the_holder_pushes_and_the_other_follows(void **state)
{
    struct fixture *f = *state;
    auto_js struct js *db = config_of(f, "h-db");
    auto_js struct js *land = config_of(f, "h-land");

    assert_string_equal("push", js_str(assignment(db, 1), "role", ""));
    assert_string_equal("follow", js_str(assignment(land, 1), "role", ""));
    js_free(TAKE(db));
    js_free(TAKE(land));
    f->workload.holder = WORKLOAD_TARGET;
    f->workload.authority = WORKLOAD_AT_TARGET;
    f->workload.epoch = f->workload.settled_epoch = 3;
    db = config_of(f, "h-db");
    land = config_of(f, "h-land");
    assert_string_equal("follow", js_str(assignment(db, 1), "role", ""));
    assert_string_equal("push", js_str(assignment(land, 1), "role", ""));
    assert_int_equal(3, js_u64(assignment(land, 1), "epoch", 0));
}

static void an_open_switch_changes_no_assignment(void **state)
{
    struct fixture *f = *state;
    auto_js struct js *before = config_of(f, "h-db");
    auto_js struct js *during = NULL;
    auto_buf struct buf a = {0};
    auto_buf struct buf b = {0};

    f->workload.authority = WORKLOAD_FROZEN;
    f->workload.epoch = 1;
    during = config_of(f, "h-db");
    assert_ok(js_print(before, true, false, &a, NULL));
    assert_ok(js_print(during, true, false, &b, NULL));
    assert_string_equal(buf_cstr(&a), buf_cstr(&b));
}

static void hooks_are_of_its_side(void **state)
{
    auto_js struct js *db = config_of(*state, "h-db");
    const struct js *hooks = js_member(assignment(db, 1), "hooks");

    assert_int_equal(1, js_len(js_member(hooks, "stop")));
    assert_int_equal(0, js_len(js_member(hooks, "start")));
    assert_int_equal(JS_ARR, js_kind(js_member(hooks, "freeze")));
    assert_int_equal(JS_ARR, js_kind(js_member(js_member(hooks, "traffic"), "to_source")));
}

static void controls_win_over_the_document(void **state)
{
    struct fixture *f = *state;
    auto_js struct js *plain = config_of(f, "h-db");
    auto_js struct js *controlled = NULL;
    auto_js struct js *timed = NULL;

    assert_int_equal(7, js_u64(assignment(plain, 1), "interval_s", 0));
    assert_int_equal(100, js_u64(assignment(plain, 1), "rate_bytes_per_s", 1));
    assert_int_equal(10, js_u64(assignment(plain, 1), "compact_percent", 0));
    assert_int_equal(0, js_u64(assignment(plain, 1), "scrub_bytes_per_s", 1));
    f->workload.control =
        (struct workload_control){.paused = true, .interval_s = 60, .rate_bytes_per_s = 0};
    controlled = config_of(f, "h-db");
    assert_int_equal(60, js_u64(assignment(controlled, 1), "interval_s", 0));
    assert_int_equal(0, js_u64(assignment(controlled, 1), "rate_bytes_per_s", 1));
    assert_true(js_bool(assignment(controlled, 1), "paused", false));
    assert_null(js_member(assignment(controlled, 1), "rate_table"));
    (void)text_copy(f->workload.control.rate_table, sizeof(f->workload.control.rate_table),
                    "08:00-18:00 1MiB, none");
    timed = config_of(f, "h-db");
    assert_string_equal("08:00-18:00 1MiB, none", js_str(assignment(timed, 1), "rate_table", ""));
}

static void before_the_start_it_only_looks_and_after_the_end_it_forgets(void **state)
{
    struct fixture *f = *state;
    auto_js struct js *before = NULL;
    auto_js struct js *after = NULL;

    f->workload.start_ms = NOW + 1;
    before = config_of(f, "h-db");
    assert_string_equal(js_str(assignment(before, 1), "role", ""), "idle");
    assert_int_equal(js_kind(js_member(before, "vault")), JS_NULL); /* and gets no key for that */
    f->workload.start_ms = NOW;
    f->workload.released = true;
    after = config_of(f, "h-db");
    assignment(after, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_host_gets_its_own_volumes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_volume_may_have_a_policy_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_policy_out_of_range_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stranger_gets_no_key_either, setup, teardown),
        cmocka_unit_test_setup_teardown(the_holder_pushes_and_the_other_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(an_open_switch_changes_no_assignment, setup, teardown),
        cmocka_unit_test_setup_teardown(hooks_are_of_its_side, setup, teardown),
        cmocka_unit_test_setup_teardown(controls_win_over_the_document, setup, teardown),
        cmocka_unit_test_setup_teardown(before_the_start_it_only_looks_and_after_the_end_it_forgets,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
