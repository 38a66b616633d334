/* SPDX-License-Identifier: Apache-2.0 */
/* One long poll after another; Ctrl-C leaves, the operation goes on in the planner. */
#include "cli/op_watch.h"

#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/out.h"
#include "cli/progress.h"

#include <stdio.h>

#include "base/banned.h"

enum { OP_WATCH_WAIT_S = 20, OP_WATCH_RETRIES = 30 };

struct watch {
    struct cmd_call *call;
    struct api *api;
    uint64_t shown_n; /* steps shown as ended */
    bool back;        /* the line that says so was printed */
    uint64_t began_ms;
};

static double seconds_between(const char *from, const char *to)
{
    uint64_t a, b;

    if (!from || !to || text_parse_time(from, &a, NULL) < 0 || text_parse_time(to, &b, NULL) < 0 ||
        b < a)
        return 0;
    return (double)(b - a) / 1000.0;
}

static int show_step(struct watch *w, const struct js *step, struct err *err)
{
    struct out *o = w->call->out;
    const char *state = js_str(step, "state", "?");
    bool good = text_equal(state, "done");
    char line[256];

    if (js_u64(step, "leg", 0) > 0 && !w->back) {
        out_text(o, " ↩ bringing it back");
        w->back = true;
    }
    (void)text_print(
        line, sizeof(line), "%3llu %-14s %-8s %6.1fs", (unsigned long long)js_u64(step, "n", 0),
        js_str(step, "name", "?"), good ? "ok" : out_state(o, state),
        seconds_between(js_str(step, "started_at", NULL), js_str(step, "ended_at", NULL)));
    out_text(o, "%s", line);
    return out_record(o, "step", step, err);
}

/* Every step that ended and was not shown yet. */
static int show_steps(struct watch *w, const struct js *op, struct err *err)
{
    const struct js *steps = js_member(op, "steps");

    if (out_form(w->call->out) != OUT_JSONL && !out_is_for_people(w->call->out))
        return 0;
    for (size_t i = 0; i < js_len(steps); i++) {
        const struct js *step = js_at(steps, i);
        int r;

        if (js_u64(step, "n", 0) <= w->shown_n || text_equal(js_str(step, "state", ""), "running"))
            continue;
        r = show_step(w, step, err);
        if (r < 0)
            return r;
        w->shown_n = js_u64(step, "n", 0);
    }
    return 0;
}

static const char *sentence(const struct js *op)
{
    const char *state = js_str(op, "state", ""), *kind = js_str(op, "kind", "");

    if (text_equal(state, "rolled_back"))
        return "is serving from its source again. Nothing was lost";
    if (text_equal(state, "halfway"))
        return "needs an operator";
    if (!text_equal(state, "done"))
        return "is as it was";
    if (text_equal(kind, "cutover"))
        return "is live in the cloud";
    if (text_equal(kind, "rollback"))
        return "is back at its source";
    return text_equal(kind, "finalize") ? "is final: the way back is closed" : "passed its test";
}

static const struct columns_row end_rows[] = {
    {"OP", "id", COLUMNS_TEXT, TABLE_LEFT},
    {"KIND", "kind", COLUMNS_TEXT, TABLE_LEFT},
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_TEXT, TABLE_LEFT},
    {"DOWNTIME", "downtime_s", COLUMNS_SECONDS, TABLE_RIGHT},
};

static int view_end(struct out *o, const struct js *op, struct table *t, struct err *err)
{
    double downtime = js_f64(op, "downtime_s", -1);
    const char *workload = js_str(op, "workload", "");
    char text[NUM_TEXT_MAX];

    if (!out_is_for_people(o))
        return columns_one(o, op, t, end_rows, ARRAY_LEN(end_rows), err);
    num_format_duration(downtime < 0 ? 0 : (uint64_t)(downtime * 1000), text);
    out_text(o, "%s %s.%s%s", workload, sentence(op), downtime < 0 ? "" : " Downtime ",
             downtime < 0 ? "" : text);
    if (text_equal(js_str(op, "kind", ""), "cutover") &&
        text_equal(js_str(op, "state", ""), "done"))
        out_text(o, "Undo: godwit rollback %s      Make it final: godwit finalize %s", workload,
                 workload);
    return 0;
}

/* What went wrong, in the words of the operation's own error. */
static void take_cause(struct watch *w, const struct js *op, struct err *err)
{
    const struct js *cause = js_member(op, "error");
    const char *code = js_str(cause, "code", "GW-0");
    uint64_t number = 0;

    (void)num_parse_u64(text_starts(code, "GW-") ? code + 3 : "0", 0, 9999, &number, NULL);
    if (js_str(cause, "why", NULL))
        cmd_keep_error(w->call, js_ref(cause));
    err_set_gw(err, gw_find((unsigned)number) ? (unsigned)number : GW_ROLLED_BACK, -EIO,
               "%s of %s: %s", js_str(op, "kind", ""), js_str(op, "workload", ""),
               js_str(cause, "what", js_str(op, "state", "")));
}

static int end(struct watch *w, const struct js *op, struct err *err)
{
    struct out *o = w->call->out;
    int64_t exit_code = js_i64(op, "exit", GW_EXIT_FAILED);
    int r = out_document(o, op, view_end, err);

    if (r < 0)
        return cmd_end(r, err);
    if (exit_code != GW_EXIT_OK)
        take_cause(w, op, err);
    return (int)exit_code;
}

static int attention(struct watch *w, const struct js *op, struct err *err)
{
    take_cause(w, op, err);
    out_text(w->call->out,
             "Step %s does not end. It is tried again and again; look at: godwit op show %s",
             js_str(op, "step", ""), js_str(op, "id", ""));
    return GW_EXIT_HALFWAY;
}

static int next_state(struct watch *w, const struct js *op, struct js **ret, struct err *err)
{
    char path[API_PATH_MAX], base[API_PATH_MAX];
    uint64_t wait_ms = opt_u64(w->call->opts, "wait");
    uint64_t wait_s =
        wait_ms ? num_min(OP_WATCH_WAIT_S, num_div_up(wait_ms, 1000)) : OP_WATCH_WAIT_S;
    int r = api_path(base, err, "/v1/ops/%s", js_str(op, "id", ""));

    if (r == 0)
        r = text_print(path, sizeof(path), "%s?after=%llu&wait=%llu", base,
                       (unsigned long long)js_u64(op, "version", 0), (unsigned long long)wait_s);
    if (r < 0)
        return r;
    return api_do(w->api, &(struct api_request){.method = "GET", .path = path, .wait_s = wait_s},
                  ret, err);
}

static bool is_patience_over(const struct watch *w)
{
    uint64_t wait_ms = opt_u64(w->call->opts, "wait");

    return wait_ms > 0 && clock_mono_ms(w->call->clock) - w->began_ms > wait_ms;
}

/* A planner that restarts in the middle is no reason to stop watching. */
static int next_state_patient(struct watch *w, const struct js *op, struct js **ret,
                              struct err *err)
{
    const atomic_bool *interrupted = progress_interrupts();
    int r = -EAGAIN;

    for (int i = 0; i < OP_WATCH_RETRIES && !atomic_load(interrupted); i++) {
        err_clear(err);
        r = next_state(w, op, ret, err);
        if (r == 0 || !(err->retryable || err->gw == GW_API_UNREACHABLE) || is_patience_over(w))
            return r;
        clock_sleep_ms(w->call->clock, 1000);
    }
    return r;
}

/* --wait=DUR is over: the operation goes on, we do not. */
static int out_of_patience(struct watch *w, const struct js *op, struct err *err)
{
    char waited[NUM_TEXT_MAX];

    err_set_gw(err, GW_UNREACHABLE, -ETIMEDOUT,
               "%s of %s is still at step %s after %s; follow it with: godwit op attach %s",
               js_str(op, "kind", ""), js_str(op, "workload", ""), js_str(op, "step", ""),
               num_format_duration(opt_u64(w->call->opts, "wait"), waited), js_str(op, "id", ""));
    return cmd_exit(err);
}

/* The planner does not answer: what it began goes on as soon as it is back. */
static int lost_sight(const struct js *op, struct err *err)
{
    (void)err_add(err, err->code,
                  "%s of %s was at step %s and goes on; follow it with: godwit op attach %s",
                  js_str(op, "kind", ""), js_str(op, "workload", ""), js_str(op, "step", ""),
                  js_str(op, "id", ""));
    return cmd_exit(err);
}

/* 0 when it ended; else the exit code with which watching ends before that. */
static int follow(struct watch *w, struct js **now, struct err *err)
{
    const atomic_bool *interrupted = progress_interrupts();

    for (;;) {
        struct js *next = NULL;

        if (show_steps(w, *now, err) < 0)
            return cmd_exit(err);
        if (!text_equal(js_str(*now, "state", ""), "running"))
            return 0;
        if (js_bool(*now, "attention", false))
            return attention(w, *now, err);
        if (atomic_load(interrupted))
            return GW_EXIT_DETACHED;
        if (is_patience_over(w))
            return out_of_patience(w, *now, err);
        if (next_state_patient(w, *now, &next, err) < 0)
            return atomic_load(interrupted) ? GW_EXIT_DETACHED : lost_sight(*now, err);
        js_free(*now);
        *now = next;
    }
}

int op_watch(struct cmd_call *call, struct api *api, const struct js *op, struct err *err)
{
    struct watch w = {.call = call, .api = api, .began_ms = clock_mono_ms(call->clock)};
    auto_js struct js *now = js_ref(op);
    int code = follow(&w, &now, err);

    if (code == 0)
        return end(&w, now, err);
    if (code == GW_EXIT_DETACHED) {
        err_clear(err);
        fprintf(stderr, "Detached; the operation goes on: godwit op attach %s\n",
                js_str(now, "id", ""));
    }
    return code;
}

int op_watch_steps(struct cmd_call *call, struct api *api, const struct js *op, struct js **ret,
                   struct err *err)
{
    struct watch w = {.call = call, .api = api, .began_ms = clock_mono_ms(call->clock)};
    auto_js struct js *now = js_ref(op);
    int code = follow(&w, &now, err);

    if (code == 0)
        code = (int)js_i64(now, "exit", GW_EXIT_FAILED);
    if (code == GW_EXIT_OK)
        *ret = TAKE(now);
    else if (!err->code && code != GW_EXIT_DETACHED)
        take_cause(&w, now, err);
    return code;
}
