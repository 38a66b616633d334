/* SPDX-License-Identifier: Apache-2.0 */
/* What is forgotten after its time, and what never is. */
#include "tests/db_place.h"

#include "base/buf.h"
#include "planner/service/db_history.h"
#include "planner/service/order.h"
#include "planner/service/schema.h"

#include "base/banned.h"

enum { OLD = 1000, CUT = 5000, NEW = 9000, MANY = 1500 };

static void run(struct home *h, const char *fmt, ...)
{
    char sql[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sql, sizeof(sql), fmt, args);
    va_end(args);
    assert_ok(db_exec(h->svc.db, sql, NULL));
}

static void event(struct home *h, unsigned at_ms, const char *kind, const char *object)
{
    run(h,
        "INSERT INTO event (n, at_ms, kind, who, address, object, what)"
        " SELECT coalesce(max(n), 0) + 1, %u, '%s', 'x', '', '%s', 'w' FROM event",
        at_ms, kind, object);
}

/* ended_ms 0: open, and so no end of its own state */
static void op(struct home *h, const char *id, const char *kind, const char *workload,
               unsigned started_ms, unsigned ended_ms)
{
    run(h,
        "INSERT INTO op SELECT '%s', NULL, '%s', '%s', 'x', '{}', 0, 'observe', '%s', 0, 0, 1, 1,"
        " %u, %u, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL",
        id, kind, workload, ended_ms ? "done" : "running", started_ms, ended_ms);
    run(h, "INSERT INTO op_step VALUES ('%s', 1, 'fence', 0, 1, 'done', %u, %u, NULL)", id,
        started_ms, ended_ms);
}

static void order(struct home *h, const char *id, const char *workload, const char *state,
                  unsigned at_ms)
{
    run(h,
        "INSERT INTO ord (id, host, kind, workload, epoch, deadline_ms, args, state, created_ms,"
        " ended_ms) VALUES ('%s', 'h', 'verify', '%s', 0, 0, '{}', '%s', %u, %u)",
        id, workload, state, at_ms, at_ms);
}

static void forget(struct home *h)
{
    struct db_history at = {0};
    bool more = true;

    for (unsigned slices = 0; more; slices++) {
        assert_ok(db_history_forget(h->svc.db, CUT, &at, &more, NULL));
        assert_in_range(slices, 0, 100);
    }
    assert_int_equal(0, at.event_n);
    assert_int_equal(0, at.order_n);
}

/* The ids of a query, with blanks between them. */
static void assert_left(struct home *h, const char *sql, const char *want)
{
    auto_stmt struct db_stmt *st = NULL;
    auto_buf struct buf left = {0};

    assert_ok(db_prepare(h->svc.db, sql, &st, NULL));
    while (db_step(st, NULL) > 0)
        buf_printf(&left, "%s%s", left.len ? " " : "", db_text(st, 0));
    assert_string_equal(want, left.len ? buf_cstr(&left) : "");
}

static void what_is_old_goes_and_what_is_young_stays(void **state)
{
    struct home *h = *state;

    event(h, OLD, "host.enrolled", "web-1");
    event(h, OLD, "op.step", "shop");
    event(h, NEW, "host.enrolled", "web-2");
    order(h, "old", "shop", "done", OLD);
    order(h, "void", "shop", "void", OLD);
    order(h, "young", "shop", "failed", NEW);
    op(h, "op-old", "test", "shop", OLD, OLD + 1);
    op(h, "op-young", "test", "shop", NEW, NEW + 1);
    op(h, "op-long", "test", "blog", OLD, NEW);
    forget(h);
    assert_left(h, "SELECT object FROM event ORDER BY n", "web-2");
    assert_left(h, "SELECT id FROM ord ORDER BY n", "young");
    assert_left(h, "SELECT id FROM op ORDER BY id", "op-long op-young");
    assert_left(h, "SELECT op FROM op_step ORDER BY op", "op-long op-young");
}

static void what_an_open_operation_may_need_stays(void **state)
{
    struct home *h = *state;

    event(h, OLD, "replication.state", "shop");
    event(h, OLD, "replication.state", "blog");
    event(h, NEW, "x", "y");
    op(h, "op-before", "test", "shop", OLD - 1, OLD);
    op(h, "op-open", "cutover", "shop", OLD, 0);
    order(h, "op-open.1.h", "shop", "done", OLD);
    order(h, "waits", "blog", "open", OLD);
    order(h, "runs", "blog", "running", OLD);
    order(h, "last", "blog", "done", NEW);
    order(h, "last-of-shop", "shop", "done", NEW);
    forget(h);
    assert_left(h, "SELECT object FROM event ORDER BY n", "shop y");
    assert_left(h, "SELECT id FROM op ORDER BY id", "op-before op-open");
    assert_left(h, "SELECT id FROM ord ORDER BY n", "op-open.1.h waits runs last last-of-shop");
}

static void how_a_workload_came_to_its_end_stays(void **state)
{
    struct home *h = *state;

    op(h, "op-1", "test", "shop", OLD, OLD + 1);
    op(h, "op-2", "test", "shop", OLD + 1, OLD + 2);
    op(h, "op-3", "cutover", "shop", OLD + 2, OLD + 3);
    op(h, "op-4", "rollback", "shop", OLD + 4, OLD + 5);
    op(h, "op-5", "cutover", "shop", OLD + 6, OLD + 7);
    op(h, "op-6", "finalize", "shop", OLD + 8, OLD + 9);
    event(h, OLD, "op.step", "shop");
    event(h, OLD, "replication.state", "shop");
    event(h, NEW, "x", "y");
    forget(h);
    assert_left(h, "SELECT id FROM op ORDER BY id", "op-2 op-3 op-4 op-5 op-6");
    assert_left(h, "SELECT op FROM op_step ORDER BY op", "op-2 op-3 op-4 op-5 op-6");
    assert_left(h, "SELECT kind FROM event ORDER BY n", "op.step x");
}

/* The next event's number and the next order's id come from them. */
static void the_newest_of_each_stays_however_old(void **state)
{
    struct order_past past;
    struct home *h = *state;

    event(h, OLD, "x", "y");
    event(h, OLD, "x", "z");
    order(h, "v-1", "shop", "done", OLD);
    order(h, "v-2", "shop", "failed", OLD);
    op(h, "op-1", "cutover", "shop", OLD, OLD + 1);
    forget(h);
    assert_left(h, "SELECT object FROM event ORDER BY n", "z");
    assert_left(h, "SELECT id FROM ord ORDER BY n", "v-2");
    assert_left(h, "SELECT id FROM op ORDER BY id", "op-1");
    assert_ok(order_past(&h->svc, "shop", "verify", 0, &past, NULL));
    assert_int_equal(2, past.n);
}

static void many_go_slice_by_slice_past_those_that_stay(void **state)
{
    struct home *h = *state;

    op(h, "op-open", "cutover", "shop", OLD, 0);
    run(h,
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d)"
        " INSERT INTO event SELECT i, %d, 'x', 'x', '', CASE WHEN i < 700 THEN 'shop' ELSE 'y' END,"
        " 'w' FROM c",
        MANY, OLD);
    forget(h);
    assert_left(h, "SELECT count(*) FROM event", "700"); /* the newest, too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_old_goes_and_what_is_young_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_open_operation_may_need_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(how_a_workload_came_to_its_end_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_of_each_stays_however_old, setup, teardown),
        cmocka_unit_test_setup_teardown(many_go_slice_by_slice_past_those_that_stay, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
