/* SPDX-License-Identifier: Apache-2.0 */
/* godwit cutover, rollback, finalize, test: ask, confirm, and watch the operation. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/op_watch.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "cli/cmd_switch.h"
#include "cli/verbs.h"

#include <stdio.h>

#include "base/banned.h"

enum { FIRST_PASS_MS = 60000, POLL_MS = 500 };

const struct opt cmd_switch_opts[] = {
    {"max-lag", 0, OPT_DURATION, "TIME", NULL, 1000, 0, NULL,
     "accept a lag of so much, in whole seconds"},
    {"max-downtime", 0, OPT_DURATION, "TIME", NULL, 1000, 0, NULL,
     "abort when it takes longer, in whole seconds"},
    {0},
};

struct switch_verb {
    const char *name;
    const char *what[2]; /* around the name: "cut ", " over to the cloud" */
    bool severe;
};

static int write_request(struct cmd_call *call, const struct cmd_switch_request *req,
                         struct jsw **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    uint8_t id[12];
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    rng_fill(call->rng, id, sizeof(id));
    jsw_obj(w, NULL);
    jsw_hex(w, "request_id", id, sizeof(id));
    jsw_bool(w, "dry_run", req->dry_run);
    if (req->severe)
        jsw_str(w, "confirm", req->workload);
    /* Whole seconds, and never more of them than was asked for. */
    if (req->max_lag_ms > 0)
        jsw_u64(w, "max_lag_s", req->max_lag_ms / 1000);
    if (req->max_downtime_ms > 0)
        jsw_u64(w, "max_downtime_s", req->max_downtime_ms / 1000);
    jsw_end(w);
    *ret = TAKE(w);
    return 0;
}

int cmd_switch_ask(struct cmd_call *call, struct api *api, const struct cmd_switch_request *req,
                   struct js **ret, struct err *err)
{
    auto_jsw struct jsw *body = NULL;
    char path[API_PATH_MAX];
    int r = api_path(path, err, "/v1/workloads/%s/%s", req->workload, req->verb);

    if (r == 0)
        r = write_request(call, req, &body, err);
    return r < 0 ? r
                 : api_do(api, &(struct api_request){.method = "POST", .path = path, .body = body},
                          ret, err);
}

static const struct table_column gate_columns[] = {
    {"GATE", TABLE_LEFT}, {"STATE", TABLE_LEFT}, {"WHY", TABLE_LEFT}};

static int view_gate(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *gate = js_member(doc, "gate");
    const struct js *rows = js_member(gate, "rows");
    char downtime[NUM_TEXT_MAX];
    int r = table_columns(t, gate_columns, ARRAY_LEN(gate_columns), err);

    for (size_t i = 0; r == 0 && i < js_len(rows); i++) {
        const struct js *row = js_at(rows, i);

        r = table_row(t, err);
        if (r == 0)
            r = table_cell(t, js_str(row, "name", ""), err);
        if (r == 0)
            r = table_cell(t, out_state(o, js_bool(row, "ok", false) ? "ok" : "closed"), err);
        if (r == 0)
            r = table_cell(t, js_str(row, "text", ""), err);
    }
    num_format_duration((uint64_t)(js_f64(doc, "expected_downtime_s", 0) * 1000), downtime);
    out_after(o, "%s: gate %s. Expected downtime %s. Nothing was changed.",
              js_str(doc, "workload", ""), js_bool(gate, "open", false) ? "open" : "CLOSED",
              downtime);
    return r;
}

static int show_gate(struct cmd_call *call, const struct js *doc, struct err *err)
{
    if (out_document(call->out, doc, view_gate, err) < 0)
        return cmd_exit(err);
    return js_bool(js_member(doc, "gate"), "open", false) ? GW_EXIT_OK : GW_EXIT_REFUSED;
}

static int show_detached(struct cmd_call *call, const struct js *op, struct err *err)
{
    if (out_is_for_values(call->out)) {
        out_value(call->out, js_str(op, "id", ""));
        return GW_EXIT_OK;
    }
    return out_document(call->out, op, NULL, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

/* -- right after a switch ------------------------------------------------------------ */

/* Closed only because the first pass in the new direction is not in yet: that passes by itself. */
static bool is_first_pass_missing(const struct js *gate)
{
    const struct js *rows = js_member(gate, "rows");

    if (js_bool(gate, "open", false) || js_f64(gate, "lag_s", -1) >= 0)
        return false;
    for (size_t i = 0; i < js_len(rows); i++) {
        const char *name = js_str(js_at(rows, i), "name", "");

        if (!js_bool(js_at(rows, i), "ok", false) && !text_equal(name, "lag") &&
            !text_equal(name, "volumes") && !text_equal(name, "agents"))
            return false;
    }
    return true;
}

static bool is_at_target(struct api *api, const char *workload)
{
    auto_js struct js *doc = NULL;
    char path[API_PATH_MAX];

    return api_path(path, NULL, "/v1/workloads/%s", workload) == 0 &&
           api_get(api, path, &doc, NULL) == 0 &&
           text_equal(js_str(doc, "authority", ""), "target");
}

/* The way back opens some seconds after a cutover. A gate that stays closed is for the operation
 * to tell. -ECANCELED: Ctrl-C, nothing was asked for. */
static int await_first_pass(struct cmd_call *call, struct api *api,
                            const struct cmd_switch_request *req, struct err *err)
{
    const atomic_bool *stop = progress_interrupts();
    struct cmd_switch_request look = *req;
    uint64_t until = clock_mono_ms(call->clock) + FIRST_PASS_MS;
    bool said = false;

    look.dry_run = true;
    while (clock_mono_ms(call->clock) < until) {
        auto_js struct js *doc = NULL;

        if (atomic_load(stop))
            return err_set_gw(err, GW_STOPPED, -ECANCELED, "stopped; nothing was changed");
        if (cmd_switch_ask(call, api, &look, &doc, NULL) < 0 ||
            !is_first_pass_missing(js_member(doc, "gate")))
            return 0;
        if (!said && !is_at_target(api, req->workload))
            return 0;
        if (!said && !out_quiet(call->out))
            fprintf(stderr, "Waiting for the first pass of the way back, at most %d s\n",
                    FIRST_PASS_MS / 1000);
        said = true;
        clock_sleep_ms(call->clock, POLL_MS);
    }
    return 0;
}

static bool may_wait(const struct cmd_call *call, const struct cmd_switch_request *req)
{
    return text_equal(req->verb, "rollback") && !req->dry_run &&
           !opt_switch(call->opts, "detach") && !opt_switch(call->opts, "no-input");
}

/* -- the verbs --------------------------------------------------------------------- */

static int run_switch(struct cmd_call *call, const struct switch_verb *verb, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    bool limits = text_equal(verb->name, "cutover") || text_equal(verb->name, "rollback");
    struct cmd_switch_request req = {
        .verb = verb->name,
        .workload = cmd_arg(call, 0),
        .severe = verb->severe,
        .dry_run = opt_switch(call->opts, "dry-run"),
        .max_lag_ms = limits ? opt_u64(call->opts, "max-lag") : 0,
        .max_downtime_ms = limits ? opt_u64(call->opts, "max-downtime") : 0,
    };
    char what[256];
    int r = 0;

    (void)text_print(what, sizeof(what), "%s%s%s", verb->what[0], cmd_arg(call, 0), verb->what[1]);
    if (verb->severe)
        r = cmd_confirm(call, cmd_arg(call, 0), what, err);
    if (r == 0)
        r = api_open(call, &api, err);
    if (r == 0 && may_wait(call, &req))
        r = await_first_pass(call, api, &req, err);
    if (r == 0)
        r = cmd_switch_ask(call, api, &req, &doc, err);
    if (r < 0)
        return r == -ECANCELED ? GW_EXIT_DETACHED : cmd_exit(err);
    if (opt_switch(call->opts, "dry-run"))
        return show_gate(call, doc, err);
    if (opt_switch(call->opts, "detach"))
        return show_detached(call, doc, err);
    return op_watch(call, api, doc, err);
}

int cmd_cutover(struct cmd_call *call, struct err *err)
{
    return run_switch(call, &(struct switch_verb){"cutover", {"cut ", " over to the cloud"}, true},
                      err);
}

int cmd_rollback(struct cmd_call *call, struct err *err)
{
    return run_switch(
        call, &(struct switch_verb){"rollback", {"bring ", " back to its source"}, true}, err);
}

int cmd_finalize(struct cmd_call *call, struct err *err)
{
    return run_switch(
        call, &(struct switch_verb){"finalize", {"close the way back of ", " for good"}, true},
        err);
}

int cmd_test(struct cmd_call *call, struct err *err)
{
    return run_switch(call, &(struct switch_verb){"test", {"test ", ""}, false}, err);
}
