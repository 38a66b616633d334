/* SPDX-License-Identifier: Apache-2.0 */
/* The planner's own timer. Everything here can be done twice. */
#include "planner/service/sweep.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/text.h"
#include "planner/service/db_access.h"
#include "planner/service/db_history.h"
#include "planner/service/db_workload.h"
#include "planner/service/event.h"
#include "planner/service/load.h"
#include "planner/service/order.h"
#include "planner/service/service_own.h"
#include "planner/service/workload.h"

#include "base/banned.h"

enum {
    SWEEP_MS = 2000,
    VERIFY_EVERY_MS = 300 * 1000,
    FORGET_EVERY_MS = 3600 * 1000,
    DUE_MAX = 256,
    REQUESTS_KEEP_MS = 24 * 3600 * 1000,
    VERIFY_SLOT_BITS = 40, /* numbers of orders */
    VERIFY_RETRY_MS =
        10 * 1000, /* after one that failed, or whose result was lost with its agent */
    VERIFY_AGAIN_MS = 24 * 3600 * 1000,
    VERIFY_DEADLINE_MS = 6 * 3600 * 1000,
    ORDER_ID_BYTES = 12,
};
/* A host may be away for long before it hears that it owns what it runs anyway. */
#define ADOPT_DEADLINE_MS ((uint64_t)365 * 86400 * 1000)

/* The same question gives the same id, so that asking twice orders once. No dot in it: that would
 * name an operation. */
static void order_id(char letter, const char *workload, const char *identity, uint64_t slot,
                     char out[static ORDER_ID_MAX])
{
    char text[4 * WORKLOAD_NAME_MAX], hex[2 * ORDER_ID_BYTES + 1];
    uint8_t hash[CRYPTO_SHA256_LEN];

    (void)text_print(text, sizeof(text), "%c %s %s %llu", letter, workload, identity,
                     (unsigned long long)slot);
    crypto_sha256(slice_str(text), hash);
    (void)text_print(out, ORDER_ID_MAX, "%c-%s", letter, text_hex(hash, ORDER_ID_BYTES, hex));
}

static bool all_enrolled(const struct workload *w)
{
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < w->hosts_n[side]; i++)
            if (!w->hosts[side][i].identity[0])
                return false;
    return true;
}

/* life tells the orders of a workload from those of an earlier one of its name. */
static int order_adopt(struct service *svc, const struct workload *w, const char *identity,
                       uint64_t life, struct err *err)
{
    char id[ORDER_ID_MAX];
    const struct order_new order = {
        .id = id,
        .host = identity,
        .kind = "adopt",
        .workload = w->name,
        .epoch = 0,
        .deadline_ms = clock_wall_ms(svc->clock) + ADOPT_DEADLINE_MS,
    };

    order_id('a', w->name, identity, life, id);
    return order_create(svc, &order, err);
}

int sweep_adopt(struct service *svc, const char *workload, struct err *err)
{
    auto_workload struct workload *w = NULL;
    struct order_past past = {0};
    int r;

    r = workload_load(svc, workload, &w, err);
    if (r < 0 || !workload_is_applied(w, clock_wall_ms(svc->clock)))
        return r;
    if (!all_enrolled(w))
        return workload_refresh(svc, workload, err);
    r = order_past(svc, workload, "adopt", 0, &past, err);
    for (size_t i = 0; r == 0 && w->epoch == 0 && i < w->hosts_n[WORKLOAD_SOURCE]; i++)
        r = order_adopt(svc, w, w->hosts[WORKLOAD_SOURCE][i].identity, past.n, err);
    if (r == 0)
        r = db_workload_set_adopted(svc->db, workload, err);
    if (r == 0)
        r = workload_refresh(svc, workload, err);
    if (r == 0)
        r = event_note(svc, "workload.started", "planner", workload, err, "replication begins");
    if (r == 0)
        service_config_changed(svc, workload);
    return r;
}

int sweep_verify(struct service *svc, const struct workload *w, uint64_t slot,
                 const struct js *args, struct jsw *ids, struct err *err)
{
    const enum workload_side side = workload_other(w->holder);
    char id[ORDER_ID_MAX];
    struct order_new order = {
        .id = id,
        .kind = "verify",
        .workload = w->name,
        .epoch = w->settled_epoch,
        .deadline_ms = clock_wall_ms(svc->clock) + VERIFY_DEADLINE_MS,
        .args = args,
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < w->hosts_n[side]; i++) {
        order.host = w->hosts[side][i].identity;
        order_id('v', w->name, order.host, slot, id);
        r = order_create(svc, &order, err);
        if (ids)
            jsw_str(ids, NULL, id);
    }
    return r;
}

int sweep_release(struct service *svc, const struct workload *w, struct err *err)
{
    const uint64_t slot = rng_u64(svc->rng);
    char id[ORDER_ID_MAX];
    struct order_new order = {
        .id = id,
        .kind = "release",
        .workload = w->name,
        .epoch = w->settled_epoch,
        .deadline_ms = clock_wall_ms(svc->clock) + ADOPT_DEADLINE_MS,
    };
    int r = 0;

    for (int side = 0; side < 2; side++)
        for (size_t i = 0; r == 0 && i < w->hosts_n[side]; i++) {
            order.host = w->hosts[side][i].identity;
            order_id('r', w->name, order.host, slot, id);
            r = order.host[0] ? order_create(svc, &order, err) : 0;
        }
    return r;
}

/* -- verifications that are due --------------------------------------------- */

/* The oldest verification of its volumes in *ret_ms; false while a volume has no point. */
static int oldest_verified(struct service *svc, const struct workload *w, bool *ret_ready,
                           uint64_t *ret_ms, struct err *err)
{
    struct db_replication other;
    uint64_t oldest = UINT64_MAX;
    int r;

    for (size_t i = 0; i < w->volumes_n; i++) {
        r = db_workload_report_load(svc->db, w->name, w->volumes[i].name, workload_other(w->holder),
                                    &other, err);
        if (r < 0 && r != -ENOENT)
            return r;
        if (r == -ENOENT || other.taken_ms == 0 || !text_equal(other.role, "follow"))
            return 0;
        /* What was verified before a switch says nothing about what came after. */
        if (other.verified_ms < w->switched_ms)
            other.verified_ms = 0;
        if (other.verified_ms < oldest)
            oldest = other.verified_ms;
    }
    *ret_ready = true;
    *ret_ms = oldest;
    return 0;
}

int sweep_verify_due(struct service *svc, const char *name, struct err *err)
{
    const uint64_t now = clock_wall_ms(svc->clock);
    auto_workload struct workload *w = NULL;
    struct order_past past;
    uint64_t verified_ms = 0;
    bool ready = false;
    int r, open;

    r = workload_load(svc, name, &w, err);
    if (r < 0 || !workload_is_applied(w, now) || w->control.paused ||
        w->authority == WORKLOAD_FROZEN)
        return r;
    open = workload_has_open_op(svc, name, err);
    if (open != 0)
        return open < 0 ? open : 0;
    r = oldest_verified(svc, w, &ready, &verified_ms, err);
    if (r < 0 || !ready)
        return r < 0 && r != -ENOENT ? r : 0;
    if (verified_ms > 0 && now < verified_ms + VERIFY_AGAIN_MS)
        return 0;
    r = order_past(svc, name, "verify", w->settled_epoch, &past, err);
    if (r < 0 || (past.last_ms > 0 && now < past.last_ms + VERIFY_RETRY_MS))
        return r;
    /* The slot names the order: while one is open it is found again, once answered the next may go
     * out. */
    return sweep_verify(svc, w, (w->settled_epoch << VERIFY_SLOT_BITS) + past.n, NULL, NULL, err);
}

/* -- the timer -------------------------------------------------------------- */

struct due {
    size_t n;
    char names[DUE_MAX][WORKLOAD_NAME_MAX];
};

static int add_due(void *arg, const char *name)
{
    struct due *due = arg;

    return text_copy(due->names[due->n++], WORKLOAD_NAME_MAX, name);
}

typedef int (*due_fn)(struct service *svc, const char *name, struct err *err);

/* One transaction each: what fails with one workload must not stop the others. */
static void do_due(struct service *svc, const struct due *due, due_fn fn, const char *what)
{
    struct err err;
    int r;

    for (size_t i = 0; i < due->n; i++) {
        err = (struct err){0};
        r = db_begin(svc->db, &err);
        if (r == 0)
            r = fn(svc, due->names[i], &err);
        if (r == 0)
            r = db_commit(svc->db, &err);
        if (r < 0) {
            db_rollback(svc->db);
            log_err(LOG_LEVEL_WARNING, &err, what);
        }
    }
}

static void adopt_due(struct service *svc, struct due *due)
{
    struct err err = {0};

    due->n = 0;
    if (db_workload_each_due(svc->db, clock_wall_ms(svc->clock), DUE_MAX, add_due, due, &err) < 0)
        log_err(LOG_LEVEL_WARNING, &err, "look for planned starts");
    do_due(svc, due, sweep_adopt, "start a workload");
}

static void verify_due(struct service *svc, struct due *due)
{
    struct err err = {0};
    char after[WORKLOAD_NAME_MAX] = "";

    do {
        due->n = 0;
        if (db_workload_each(svc->db, NULL, after, DUE_MAX, add_due, due, &err) < 0)
            log_err(LOG_LEVEL_WARNING, &err, "look for verifications");
        do_due(svc, due, sweep_verify_due, "verify a workload");
        if (due->n > 0)
            (void)text_copy(after, sizeof(after), due->names[due->n - 1]);
    } while (due->n == DUE_MAX);
}

/* A slice a tick until a walk is through; then none until the next time. */
static void forget_history(struct service *svc)
{
    struct service_own *own = svc->own;
    const uint64_t keep_ms = own->conf.history_days * 86400 * 1000;
    const uint64_t now_ms = clock_wall_ms(svc->clock);
    struct err err = {0};

    own->forgetting = false;
    if (keep_ms == 0 || now_ms < keep_ms)
        return;
    if (db_history_forget(svc->db, now_ms - keep_ms, &own->history, &own->forgetting, &err) < 0)
        log_err(LOG_LEVEL_WARNING, &err, "forget what is old");
}

static void forget_old(struct service *svc)
{
    struct err err = {0};

    forget_history(svc);
    if (db_access_request_forget(svc->db, clock_wall_ms(svc->clock) - REQUESTS_KEEP_MS, &err) < 0 ||
        load_forget(svc, &err) < 0)
        log_err(LOG_LEVEL_WARNING, &err, "drop old rows");
}

static void on_tick(void *arg)
{
    struct service *svc = arg;
    const uint64_t now = clock_mono_ms(svc->clock);
    auto_free struct due *due = calloc(1, sizeof(*due));

    if (!due)
        return;
    adopt_due(svc, due);
    if (now >= svc->own->next_verify_ms) {
        svc->own->next_verify_ms = now + VERIFY_EVERY_MS;
        verify_due(svc, due);
    }
    if (now >= svc->own->next_forget_ms) {
        svc->own->next_forget_ms = now + FORGET_EVERY_MS;
        forget_old(svc);
    } else if (svc->own->forgetting) {
        forget_history(svc);
    }
}

int sweep_start(struct service *svc, struct loop_timer **ret, struct err *err)
{
    return loop_timer_new(svc->loop, SWEEP_MS, SWEEP_MS, on_tick, svc, ret, err);
}
