/* SPDX-License-Identifier: Apache-2.0 */
/* The work thread. While the planner is away it backs off; everything else goes on with what was
 * saved. */
#include "agent/work.h"

#include "agent/client.h"
#include "agent/order.h"
#include "agent/vaultref.h"
#include "base/err.h"
#include "base/http.h"
#include "base/js.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "base/worker.h"

#include <inttypes.h>

#include "base/banned.h"

enum {
    WAIT_S = 25,
    SPARE_MS = 15 * 1000,
    BACKOFF_BASE_MS = 500,
    BACKOFF_MAX_MS = 20 * 1000,
    NAP_MS = 100,
    RENEW_LOOK_MS = 5 * 60 * 1000,
    ALL_ORDERS_MS = 60 * 1000,
    PATH_TEXT_MAX = 128 + AGENT_INSTANCE_MAX,
};

struct work {
    struct agent *agent;
    struct client *client;
    struct workers *thread;
    uint64_t after;         /* the highest order taken */
    uint64_t all_mono_ms;   /* when to ask for all that are open next */
    uint64_t config;        /* version of the configuration held */
    uint64_t renew_mono_ms; /* when to look at the certificate next */
};

int work_new(struct agent *a, struct work **ret, struct err *err)
{
    struct work *w = calloc(1, sizeof(*w));
    int r;

    if (!w)
        return err_set(err, -ENOMEM, "work: %m");
    w->agent = a;
    r = client_new(a->identity, &a->stop, &w->client, err);
    if (r < 0) {
        free(w);
        return r;
    }
    *ret = w;
    return 0;
}

void work_free(struct work *w)
{
    if (!w)
        return;
    if (w->thread)
        workers_join(w->thread, NULL);
    client_free(w->client);
    free(w);
}

/* -- configuration ----------------------------------------------------------- */

static int assign(struct agent *a, const struct js *doc, struct err *err)
{
    auto_assignment struct assignment *as = NULL;
    struct workload *load = NULL;
    int r = assignment_parse(doc, &as, err);

    if (r == 0)
        r = fleet_get(a->fleet, as->workload, &load, err);
    return r == 0 ? workload_assign(load, TAKE(as), err) : r;
}

struct named {
    const struct js *list;
};

static void drop_unnamed(void *arg, struct workload *w)
{
    const struct named *n = arg;

    for (size_t i = 0; i < js_len(n->list); i++) {
        if (text_equal(js_str(js_at(n->list, i), "workload", ""), w->name))
            return;
    }
    workload_unassign(w);
}

/* A bad assignment is one workload's misfortune: the others are taken up. */
static int take_config(struct agent *a, const struct js *config, struct err *err)
{
    struct named named = {.list = js_member(config, "assignments")};
    int first = vaultref_set(a->vault, js_member(config, "vault"), err);

    if (first < 0)
        return first;
    for (size_t i = 0; i < js_len(named.list); i++) {
        struct err why = {0};
        int r = assign(a, js_at(named.list, i), &why);

        if (r == 0)
            continue;
        log_err(LOG_LEVEL_ERROR, &why, "configuration");
        if (first == 0) {
            first = r;
            if (err)
                *err = why;
        }
    }
    fleet_each(a->fleet, drop_unnamed, &named);
    return first;
}

/* -- orders --------------------------------------------------------------------- */

static void take_order(struct work *w, const struct js *doc, uint64_t planner_wall_ms)
{
    struct order *o = NULL;
    struct workload *load = NULL;
    struct err err = {0};
    int r = order_parse(doc, &o, &err);

    /* Also of one that cannot be read: it would be the answer to each poll, at once. */
    w->after = num_max(w->after, js_u64(doc, "n", 0));
    if (r < 0) {
        log_err(LOG_LEVEL_ERROR, &err, "an order of the planner");
        return;
    }
    order_arrived(o, planner_wall_ms, clock_mono_ms(w->agent->clock));
    r = fleet_get(w->agent->fleet, o->workload, &load, &err);
    if (r == 0) {
        workload_order(load, o);
        return;
    }
    order_refuse(w->agent, o, &err);
    order_free(o);
}

static int take_answer(struct work *w, const struct js *answer, struct err *err)
{
    const struct js *config = js_member(answer, "config");
    const struct js *orders = js_member(answer, "orders");
    uint64_t written_ms = clock_wall_ms(w->agent->clock);
    int r = 0;

    if (js_str(answer, "generated_at", NULL))
        (void)text_parse_time(js_str(answer, "generated_at", ""), &written_ms, NULL);
    if (js_kind(config) == JS_OBJ)
        r = take_config(w->agent, config, err);
    /* What could not be kept is asked for again, after a while. */
    if (r == 0)
        w->config = js_u64(answer, "config_version", w->config);
    for (size_t i = 0; i < js_len(orders); i++)
        take_order(w, js_at(orders, i), written_ms);
    return r;
}

int work_poll(struct work *w, unsigned wait_s, struct err *err)
{
    auto_js struct js *answer = NULL;
    char path[PATH_TEXT_MAX];
    int r;

    text_print(path, sizeof(path),
               "/v1/agent/work?after=%" PRIu64 "&config=%" PRIu64 "&wait=%u&instance=%s", w->after,
               w->config, wait_s, w->agent->instance);
    r = client_do(w->client,
                  &(struct client_call){
                      .method = "GET", .path = path, .timeout_ms = wait_s * 1000 + SPARE_MS},
                  &answer, err);
    if (r < 0)
        return r;
    agent_contact(w->agent);
    return take_answer(w, answer, err);
}

/* -- the thread ------------------------------------------------------------------- */

static void renew(struct work *w)
{
    uint64_t now = clock_mono_ms(w->agent->clock);
    struct err err = {0};

    if (now < w->renew_mono_ms)
        return;
    w->renew_mono_ms = now + RENEW_LOOK_MS;
    if (enrol_renew(w->agent->identity, w->client, clock_wall_ms(w->agent->clock), &err) < 0)
        log_err(LOG_LEVEL_WARNING, &err, "certificate");
}

/*
 * An answer may be lost here (it could not be kept, or was refused), and a planner may come back
 * with an older memory, whose next order has a number that was seen already. So what is open is
 * asked for from the first order on now and then, and whenever the planner was away: an order that
 * is at work here is known, and one that was answered gets the same answer again.
 */
static void ask_for_all(struct work *w, bool away)
{
    uint64_t now = clock_mono_ms(w->agent->clock);

    if (!away && now < w->all_mono_ms)
        return;
    w->after = 0;
    w->all_mono_ms = now + ALL_ORDERS_MS;
}

static void nap(struct agent *a, uint64_t ms)
{
    for (uint64_t slept = 0; slept < ms && !atomic_load(&a->stop); slept += NAP_MS)
        clock_sleep_ms(a->clock, NAP_MS);
}

static int run(void *arg, size_t index, struct err *unused)
{
    struct work *w = arg;
    unsigned failures = 0;

    (void)index;
    (void)unused;
    while (!atomic_load(&w->agent->stop)) {
        struct err err = {0};

        renew(w);
        ask_for_all(w, failures > 0);
        if (work_poll(w, WAIT_S, &err) == 0) {
            if (failures > 0)
                log_info("the planner answers again");
            failures = 0;
            continue;
        }
        if (atomic_load(&w->agent->stop))
            break;
        if (failures++ == 0)
            log_err(LOG_LEVEL_WARNING, &err, "work");
        nap(w->agent, http_backoff_ms(w->agent->rng, failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS));
    }
    return 0;
}

int work_start(struct work *w, struct err *err)
{
    return workers_start(1, "work", run, w, &w->thread, err);
}
