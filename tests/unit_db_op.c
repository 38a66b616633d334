/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of operations and orders: none is lost on the way back from the database, and what became of
 * others costs nobody time. */
#include "tests/db_place.h"

#include "planner/service/db_op.h"
#include "planner/service/order.h"
#include "planner/service/schema.h"
#include "planner/service/switch.h"

#include <time.h>

#include "base/banned.h"

enum { OPEN_N = 300, HISTORY_N = 20000, ASKED_N = 100 };

static void create(struct home *h, const char *workload, uint64_t started_ms, uint64_t ended_ms,
                   struct db_op *ret)
{
    *ret = (struct db_op){.at = {.kind = SWITCH_CUTOVER, .step = STEP_FENCE},
                          .started_ms = started_ms,
                          .ended_ms = ended_ms,
                          .who = "operator:test",
                          .args = "{}"};
    snprintf(ret->workload, sizeof(ret->workload), "%s", workload);
    assert_ok(db_op_create(&h->svc, ret, NULL));
}

static int count(void *arg, const struct db_op *op)
{
    (void)op;
    ++*(size_t *)arg;
    return 0;
}

/* A planner that begins anew drives only what it finds: the others would stand still for ever. */
static void every_open_operation_is_found(void **state)
{
    struct home *h = *state;
    size_t n = 0;

    assert_ok(db_begin(h->svc.db, NULL));
    for (unsigned i = 0; i < OPEN_N; i++) {
        struct db_op op;
        char name[32];

        snprintf(name, sizeof(name), "app-%u", i);
        create(h, name, 1000, 0, &op);
    }
    assert_ok(db_commit(h->svc.db, NULL));
    assert_ok(db_op_each_open(&h->svc, count, &n, NULL));
    assert_int_equal(OPEN_N, n);
}

struct seen {
    size_t n;
    struct db_op last;
    char ids[8][DB_OP_ID_MAX];
};

static int see(void *arg, const struct db_op *op)
{
    struct seen *s = arg;

    assert_true(s->n < ARRAY_LEN(s->ids));
    memcpy(s->ids[s->n++], op->id, DB_OP_ID_MAX);
    s->last = *op;
    return 0;
}

/* Page after page, every operation once, also those of one moment. */
static void pages_miss_none_and_tell_none_twice(void **state)
{
    struct home *h = *state;
    struct db_op_page page = {.workload = "app", .after = "", .limit = 2};
    struct seen seen = {0};
    struct db_op op;
    size_t before;

    for (unsigned i = 0; i < 5; i++)
        create(h, "app", i < 3 ? 1000 : 2000, 3000, &op);
    create(h, "other", 1500, 3000, &op);
    do {
        before = seen.n;
        page.after = seen.last.id;
        assert_ok(db_op_each(&h->svc, &page, see, &seen, NULL));
    } while (seen.n > before);
    assert_int_equal(5, seen.n);
    assert_int_equal(1000, seen.last.started_ms);
    for (size_t i = 0; i < seen.n; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(seen.ids[i], seen.ids[k]);
    page = (struct db_op_page){.after = "", .limit = 100};
    seen.n = 0;
    assert_ok(db_op_each(&h->svc, &page, see, &seen, NULL));
    assert_int_equal(6, seen.n);
}

static double ask(struct home *h)
{
    const struct db_op_page page = {.workload = "shop", .after = "", .limit = INT64_MAX};
    const clock_t begun = clock();
    char text[64];
    size_t n = 0;

    for (unsigned i = 0; i < ASKED_N; i++) {
        struct order_past past;
        struct db_op op;

        assert_ok(order_past(&h->svc, "shop", "verify", 0, &past, NULL));
        assert_int_equal(0, past.n);
        assert_ok(order_failure(&h->svc, "shop", "adopt", text, sizeof(text), NULL));
        assert_fails(-ENOENT, db_op_open(&h->svc, "shop", &op, NULL));
        assert_ok(db_op_each(&h->svc, &page, count, &n, NULL));
    }
    return (double)(clock() - begun) / CLOCKS_PER_SEC;
}

/* Each report and each sweep asks these of every workload, in the thread that answers everybody. */
static void the_history_of_others_costs_nothing(void **state)
{
    static const char history[] =
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d)"
        " INSERT INTO %s FROM c";
    struct home *h = *state;
    char sql[1024];
    double before, after;

    before = ask(h);
    snprintf(sql, sizeof(sql), history, HISTORY_N,
             "ord (id, host, kind, workload, epoch, deadline_ms, args, state, created_ms)"
             " SELECT 'v-' || i, 'h', 'verify', 'app-' || i % 500, 0, 0, '{}', 'done', i");
    assert_ok(db_exec(h->svc.db, sql, NULL));
    snprintf(sql, sizeof(sql), history, HISTORY_N,
             "op SELECT 'op-' || i, NULL, 'test', 'app-' || i % 500, 'x', '{}', 0, 'test', 'done',"
             " 0, 0, 1, 1, i, i, 0, 0, i, i, 0, 0, 0, 0, 0, NULL");
    assert_ok(db_exec(h->svc.db, sql, NULL));
    after = ask(h);
    if (after > 10 * before + 0.05)
        fail_msg("%d questions took %.3f s, and %.3f s beside the history of others", ASKED_N,
                 before, after);
}

/* What nobody is told to have asked was not asked: the operator sees an error, and asks again. */
static void a_request_without_its_event_changes_nothing(void **state)
{
    struct home *h = *state;
    struct db_op op;

    create(h, "app", 1000, 0, &op);
    op.state = SWITCH_HALFWAY;
    op.attention = true;
    op.ended_ms = 2000;
    assert_ok(db_op_save(&h->svc, &op, NULL));
    assert_ok(db_exec(h->svc.db, "ALTER TABLE event RENAME TO away", NULL));
    assert_fails(-EINVAL, switch_resolve(&h->svc, op.id, "operator:test", NULL));
    assert_ok(db_op_load(&h->svc, op.id, &op, NULL));
    assert_true(op.attention);
    assert_ok(db_exec(h->svc.db, "ALTER TABLE away RENAME TO event", NULL));
    assert_ok(switch_resolve(&h->svc, op.id, "operator:test", NULL));
    assert_ok(db_op_load(&h->svc, op.id, &op, NULL));
    assert_false(op.attention);
}

/* Who is called is told why: not the one without the other. */
static void an_operator_is_called_with_an_event_or_not_at_all(void **state)
{
    const struct err why = {.code = -EIO, .gw = GW_HOOK_FAILED, .text = "it hangs"};
    struct home *h = *state;
    struct db_op op, found;

    create(h, "app", 1000, 0, &op);
    found = op;
    assert_ok(db_exec(h->svc.db, "ALTER TABLE event RENAME TO away", NULL));
    assert_fails(-EINVAL, switch_call_operator(&h->svc, &op, &why, NULL));
    assert_ok(db_op_load(&h->svc, op.id, &found, NULL));
    assert_false(found.attention);
    assert_ok(db_exec(h->svc.db, "ALTER TABLE away RENAME TO event", NULL));
    op = found;
    assert_ok(switch_call_operator(&h->svc, &op, &why, NULL));
    assert_ok(db_op_load(&h->svc, op.id, &found, NULL));
    assert_true(found.attention);
    assert_string_equal("it hangs", found.cause.text);
}

static void order_of(struct home *h, const char *id, const char *host)
{
    assert_ok(order_create(&h->svc,
                           &(struct order_new){.id = id,
                                               .host = host,
                                               .kind = "verify",
                                               .workload = "shop",
                                               .deadline_ms = UINT64_MAX / 4},
                           NULL));
}

static size_t open_orders(struct home *h, const char *host)
{
    struct jsw *w = NULL;
    size_t n = 0;

    assert_ok(jsw_new(&w, NULL));
    jsw_obj(w, NULL);
    assert_ok(order_write_open(&h->svc, host, 0, w, &n, NULL));
    jsw_free(w);
    return n;
}

static void nobody_waits_for_a_host_that_is_forgotten(void **state)
{
    struct home *h = *state;

    order_of(h, "one", "h-gone");
    order_of(h, "two", "h-gone");
    order_of(h, "three", "h-here");
    assert_int_equal(2, open_orders(h, "h-gone"));
    assert_ok(order_void_host(&h->svc, "h-gone", NULL));
    assert_int_equal(0, open_orders(h, "h-gone"));
    assert_int_equal(1, open_orders(h, "h-here"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_open_operation_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_miss_none_and_tell_none_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_without_its_event_changes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_operator_is_called_with_an_event_or_not_at_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_history_of_others_costs_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_host_that_is_forgotten, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
