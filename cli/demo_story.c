/* SPDX-License-Identifier: Apache-2.0 */
/* What the demo shows, in the order of a real migration; every wait has a deadline. */
#include "cli/demo.h"

#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/cmd_switch.h"
#include "cli/op_watch.h"
#include "cli/out.h"
#include "cli/plan_view.h"
#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

enum {
    POLL_MS = 100,
    WATCH_MS = 3000,  /* how long the lag is measured */
    WRITES_MS = 3000, /* how long the ledger writes in the cloud */
    GENTLE_INTERVAL_S = 20,
    SAY_MAX = 512,
};

void demo_story_say(struct demo *d, const char *label, const char *fmt, ...)
{
    char line[SAY_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    out_text(d->call->out, "%-9s %s", label, line);
}

int demo_story_pause(struct demo *d, uint64_t until_mono_ms, const char *what, struct err *err)
{
    if (atomic_load(progress_interrupts()))
        return err_set_gw(err, GW_STOPPED, -ECANCELED, "stopped");
    if (clock_mono_ms(d->call->clock) > until_mono_ms)
        return err_set(err, -ETIMEDOUT, "waited too long until %s", what);
    clock_sleep_ms(d->call->clock, POLL_MS);
    return 0;
}

static int let_write(struct demo *d, uint64_t ms, struct err *err)
{
    uint64_t until = clock_mono_ms(d->call->clock) + ms;
    int r = 0;

    while (r == 0 && clock_mono_ms(d->call->clock) < until)
        r = demo_story_pause(d, UINT64_MAX, "", err);
    return r;
}

/* -- asking --------------------------------------------------------------------- */

static int post(struct demo *d, const char *path, const char *action, struct js **ret,
                struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    uint8_t id[12];
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    rng_fill(d->call->rng, id, sizeof(id));
    jsw_obj(w, NULL);
    jsw_hex(w, "request_id", id, sizeof(id));
    if (action)
        jsw_str(w, "action", action);
    if (text_equal(action, "interval"))
        jsw_u64(w, "interval_s", GENTLE_INTERVAL_S);
    jsw_end(w);
    return api_do(d->api, &(struct api_request){.method = "POST", .path = path, .body = w}, ret,
                  err);
}

/* -- waiting -------------------------------------------------------------------- */

typedef bool (*ready_fn)(const struct js *workload);

static bool is_measured(const struct js *w)
{
    return js_u64(js_at(js_member(w, "volumes"), 0), "size_bytes", 0) > 0;
}

static bool is_dual_run(const struct js *w)
{
    return text_equal(js_str(w, "state", ""), "dual-run");
}

static bool is_verified(const struct js *w)
{
    return js_str(js_at(js_member(w, "volumes"), 0), "verified_at", NULL) != NULL;
}

static bool is_open(const struct js *w)
{
    return js_bool(js_member(w, "gate"), "open", false);
}

static bool is_in_sync(const struct js *w)
{
    return text_equal(js_str(js_at(js_member(w, "volumes"), 0), "state", ""), "in sync");
}

/* Until ready says so; ret gets the document then. */
static int wait_until(struct demo *d, ready_fn ready, const char *what, struct js **ret,
                      struct err *err)
{
    uint64_t until = clock_mono_ms(d->call->clock) + DEMO_STEP_MS;
    int r = 0;

    while (r == 0) {
        auto_js struct js *doc = NULL;

        r = api_get(d->api, "/v1/status/" DEMO_WORKLOAD, &doc, err);
        if (r == 0 && ready(js_at(js_member(doc, "items"), 0))) {
            if (ret)
                *ret = TAKE(doc);
            return 0;
        }
        if (r == 0)
            r = demo_story_pause(d, until, what, err);
    }
    return r;
}

static int plan_and_apply(struct demo *d, struct err *err)
{
    auto_js struct js *plan = NULL, *applied = NULL;
    char path[API_PATH_MAX];
    int r = wait_until(d, is_measured, "the planner knows how large the volume is", NULL, err);

    if (r == 0)
        r = post(d, "/v1/plans", NULL, &plan, err);
    if (r == 0 && out_is_for_people(d->call->out))
        r = out_document(d->call->out, plan, plan_view_waves, err);
    if (r == 0)
        r = api_path(path, err, "/v1/plans/%s/apply", js_str(plan, "id", ""));
    if (r == 0)
        r = post(d, path, NULL, &applied, err);
    return r;
}

/* The lag as the planner measures it, the worst of a few seconds. */
static int measure_lag(struct demo *d, struct err *err)
{
    uint64_t until = clock_mono_ms(d->call->clock) + WATCH_MS;
    int r = 0;

    while (r == 0 && clock_mono_ms(d->call->clock) < until) {
        auto_js struct js *doc = NULL;
        double lag = 0;

        r = api_get(d->api, "/v1/status/" DEMO_WORKLOAD, &doc, err);
        if (r == 0)
            lag = js_f64(js_at(js_member(doc, "items"), 0), "lag_s", 0);
        d->lag_s = lag > d->lag_s ? lag : d->lag_s;
        if (r == 0)
            r = demo_story_pause(d, UINT64_MAX, "", err);
    }
    return r;
}

/* -- steps ------------------------------------------------------------------------ */

static int seed(struct demo *d, struct err *err)
{
    uint64_t began = clock_mono_ms(d->call->clock);
    auto_js struct js *verify = NULL, *doc = NULL;
    char took[NUM_TEXT_MAX], lag[NUM_TEXT_MAX];
    int r = wait_until(d, is_dual_run, "both sides run side by side", NULL, err);

    if (r < 0)
        return r;
    num_format_duration(clock_mono_ms(d->call->clock) - began, took);
    demo_story_say(d, "Dual-run", "after %s: the cloud side holds the volume and follows", took);
    r = post(d, "/v1/workloads/" DEMO_WORKLOAD "/verify", NULL, &verify, err);
    if (r == 0)
        r = measure_lag(d, err);
    if (r == 0)
        r = wait_until(d, is_verified, "the cloud side is verified", &doc, err);
    if (r < 0)
        return r;
    num_format_duration((uint64_t)(d->lag_s * 1000), lag);
    demo_story_say(d, "Lag", "%s at most while the ledger writes; verified by its own digest", lag);
    return 0;
}

static int run_op(struct demo *d, const char *verb, struct js **ret, struct err *err)
{
    auto_js struct js *op = NULL;
    struct cmd_switch_request req = {
        .verb = verb, .workload = DEMO_WORKLOAD, .severe = !text_equal(verb, "test")};
    int r = cmd_switch_ask(d->call, d->api, &req, &op, err);

    return r < 0 ? cmd_exit(err) : op_watch_steps(d->call, d->api, op, ret, err);
}

static void say_proof(struct demo *d, const struct demo_switch *s, const char *where)
{
    char took[NUM_TEXT_MAX];

    num_format_duration((uint64_t)(s->downtime_s * 1000), took);
    demo_story_say(d, "Downtime", "%s", took);
    demo_story_say(d, "Proof",
                   "%s: %llu records acknowledged (%llu at the IDC, %llu in the cloud), %llu lost; "
                   "e2fsck finds no fault",
                   where, (unsigned long long)s->proof.acknowledged,
                   (unsigned long long)s->proof.by_source, (unsigned long long)s->proof.by_target,
                   (unsigned long long)s->proof.lost);
}

static int cut_over(struct demo *d, struct err *err)
{
    auto_js struct js *op = NULL;
    int code;

    out_text(d->call->out, "\ndemo: IDC -> cloud");
    code = run_op(d, "cutover", &op, err);
    if (code != GW_EXIT_OK)
        return code;
    d->cutover.downtime_s = js_f64(op, "downtime_s", -1);
    /* What is written there must come back, too. */
    if (let_write(d, WRITES_MS, err) < 0 ||
        demo_proof_take(d, "target", &d->cutover.proof, err) < 0)
        return cmd_exit(err);
    say_proof(d, &d->cutover, "cloud");
    return GW_EXIT_OK;
}

static int roll_back(struct demo *d, struct err *err)
{
    auto_js struct js *op = NULL;
    int code;

    out_text(d->call->out, "\ndemo: cloud -> IDC, with what was written there");
    code = run_op(d, "rollback", &op, err);
    if (code != GW_EXIT_OK)
        return code;
    d->rollback.downtime_s = js_f64(op, "downtime_s", -1);
    if (demo_proof_take(d, "source", &d->rollback.proof, err) < 0)
        return cmd_exit(err);
    if (d->rollback.proof.by_target == 0) {
        err_set(err, -ENODATA, "nothing was written in the cloud, so nothing is proved");
        return cmd_exit(err);
    }
    say_proof(d, &d->rollback, "IDC");
    return GW_EXIT_OK;
}

static int test(struct demo *d, struct err *err)
{
    auto_js struct js *op = NULL;
    int code;

    out_text(d->call->out, "\ndemo: test of the newest point, in isolation");
    code = run_op(d, "test", &op, err);
    if (code == GW_EXIT_OK && wait_until(d, is_open, "the gate is open", NULL, err) < 0)
        return cmd_exit(err);
    return code;
}

/* Ready for the next cutover, and slower: it may be left running for days. */
static int settle(struct demo *d, struct err *err)
{
    auto_js struct js *verify = NULL, *slower = NULL;
    int r = wait_until(d, is_in_sync, "the cloud side follows again", NULL, err);

    if (r == 0)
        r = post(d, "/v1/workloads/" DEMO_WORKLOAD "/verify", NULL, &verify, err);
    if (r == 0)
        r = wait_until(d, is_open, "the gate is open again", NULL, err);
    if (r == 0)
        r = post(d, "/v1/workloads/" DEMO_WORKLOAD "/sync", "interval", &slower, err);
    return r;
}

int demo_story_tell(struct demo *d, struct err *err)
{
    int code, r = demo_fleet_put_workload(d, err);

    if (r == 0)
        r = demo_fleet_start_ledger(d, "source", false, err);
    if (r == 0)
        r = plan_and_apply(d, err);
    if (r == 0)
        r = seed(d, err);
    if (r < 0)
        return cmd_end(r, err);
    code = test(d, err);
    if (code == GW_EXIT_OK)
        code = cut_over(d, err);
    if (code == GW_EXIT_OK)
        code = roll_back(d, err);
    if (code != GW_EXIT_OK)
        return code;
    r = settle(d, err);
    return cmd_end(r, err);
}
