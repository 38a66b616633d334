/* SPDX-License-Identifier: Apache-2.0 */
/* godwit plan, apply: waves on a calendar, by the planner or from a file with no planner at all. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/plan_from.h"
#include "cli/plan_view.h"
#include "cli/slurp.h"
#include "cli/verbs.h"
#include "planner/engine/plan.h"
#include "planner/engine/plan_diff.h"

#include "base/banned.h"

enum { PLAN_FILE_MAX = 16 << 20 };

const struct opt cmd_plan_opts[] = {
    PLAN_FROM_OPTIONS,
    {"policy", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "a godwit.policy/1 document"},
    {"link", 0, OPT_RATE, "RATE", NULL, 1, 0, NULL,
     "what the line to the cloud carries: 1Gbit, 100MiB"},
    {"base", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,
     "with --from: keep to this plan, and move only what has to move"},
    {"diff", 0, OPT_TEXT, "PLAN", NULL, 0, 0, NULL,
     "show what changed, and why, since PLAN: an id, or a file"},
    {"detailed-exitcode", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "with --diff: exit 10 when anything changed"},
    {"fresh", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "plan anew, without keeping to the plan in force"},
    {"out", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "write the plan there too"},
    {0},
};

const struct opt cmd_plan_explain_opts[] = {
    {"plan", 0, OPT_TEXT, "ID", NULL, 0, 0, NULL, "which plan (the newest)"},
    {"from", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "a plan in a file instead of a planner"},
    {0},
};

/* -- showing ---------------------------------------------------------------------- */

static bool any_window(const struct js *waves)
{
    for (size_t i = 0; i < js_len(waves); i++) {
        if (js_str(js_at(waves, i), "cutover_from", NULL))
            return true;
    }
    return false;
}

/* Nothing of it can move: no plan to go by, whatever the reasons (unplaced and the warnings of
 * waves have them). */
static bool moves_nothing(const struct js *doc)
{
    const struct js *waves = js_member(doc, "waves");

    return (js_len(waves) > 0 || js_len(js_member(doc, "unplaced")) > 0) && !any_window(waves);
}

static int view_plan(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    int r = plan_view_waves(o, doc, t, err);

    /* What a planner has kept, it has kept since. */
    if (js_len(js_member(doc, "waves")) == 0 && js_len(js_member(doc, "unplaced")) == 0)
        out_after(o, "There is no workload to move. Make one: godwit app edit APP; what lists of "
                     "hosts tell is planned by: godwit plan --from planner:");
    else if (js_len(js_member(doc, "waves")) == 0)
        out_after(o, "It moves nothing, so there is nothing to apply.");
    else if (moves_nothing(doc))
        out_after(
            o, "No wave has a cutover window, so nothing can be cut over: to apply it would only "
               "begin replication.");
    else if (js_str(doc, "created_at", NULL))
        out_after(o, "Nothing has changed yet. To do exactly this: godwit apply %s",
                  js_str(doc, "id", "?"));
    else
        out_after(o, "Nothing has changed, and no planner knows of it.");
    return r;
}

static void say_which(struct out *o, const struct js *doc)
{
    const char *state = js_str(doc, "state", NULL);

    if (!state) /* of a file */
        return;
    if (text_equal(state, "stale"))
        out_text(o, "Plan %s is out of date: %s. To plan anew: godwit plan",
                 js_str(doc, "plan", "?"), js_str(doc, "stale_because", ""));
    else
        out_text(o, "Plan %s, %s.", js_str(doc, "plan", "?"),
                 text_equal(state, "applied") ? "applied" : "not applied");
}

static int view_explain(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *subject = js_member(doc, "subject"), *why = js_member(subject, "why");
    const struct js *warnings = js_member(doc, "warnings");
    const char *name = js_str(subject, "workload", "");

    (void)t;
    (void)err;
    say_which(o, doc);
    if (!js_str(doc, "wave", NULL))
        out_text(o, "%s is not planned.", name);
    else if (js_str(doc, "cutover_from", NULL))
        out_text(o, "%s moves in wave %s: seed from %s, cutover %s.", name, js_str(doc, "wave", ""),
                 js_str(doc, "seed_from", "-"), js_str(doc, "cutover_from", ""));
    else
        out_text(o, "%s is in wave %s, which has no cutover window.", name,
                 js_str(doc, "wave", ""));
    for (size_t i = 0; i < js_len(why); i++)
        out_text(o, "  %-9s %s", js_str(js_at(why, i), "rule", ""),
                 js_str(js_at(why, i), "text", ""));
    for (size_t i = 0; i < js_len(warnings); i++)
        out_text(o, "! %s", js_as_str(js_at(warnings, i), ""));
    return 0;
}

static const struct columns_row list_rows[] = {
    {"PLAN", "id", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"CREATED", "created_at", COLUMNS_TIME, TABLE_LEFT},
    {"APPLIED", "applied_at", COLUMNS_TIME, TABLE_LEFT},
};

static int view_list(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_fill(o, js_member(doc, "items"), t, list_rows, ARRAY_LEN(list_rows), err);
}

static const struct columns_row applied_rows[] = {
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"WAVE", "wave", COLUMNS_TEXT, TABLE_LEFT},
    {"REPLICATION FROM", "start_at", COLUMNS_TIME, TABLE_LEFT},
};

static int view_applied(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *changed = js_member(doc, "changed");

    if (js_len(changed) == 0)
        out_after(o, "Nothing changed: plan %s is in force already, or moves nothing.",
                  js_str(doc, "plan", ""));
    return columns_fill(o, changed, t, applied_rows, ARRAY_LEN(applied_rows), err);
}

static const struct columns_row diff_rows[] = {
    {"KIND", "kind", COLUMNS_TEXT, TABLE_LEFT},     {"NAME", "name", COLUMNS_TEXT, TABLE_LEFT},
    {"CHANGE", "change", COLUMNS_TEXT, TABLE_LEFT}, {"WAS", "was", COLUMNS_TEXT, TABLE_LEFT},
    {"NOW", "now", COLUMNS_TEXT, TABLE_LEFT},       {"WHY", "why", COLUMNS_TEXT, TABLE_TRUNCATE},
};

static int view_diff(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *changes = js_member(doc, "changes");

    if (js_len(changes) == 0)
        out_after(o, "Plan %s moves what plan %s does, when it does: nothing changed.",
                  js_str(doc, "to", "?"), js_str(doc, "from", "?"));
    else
        out_after(o, "Plan %s, after plan %s.", js_str(doc, "to", "?"), js_str(doc, "from", "?"));
    return columns_fill(o, changes, t, diff_rows, ARRAY_LEN(diff_rows), err);
}

/* -- making ------------------------------------------------------------------------- */

static int save(const char *path, const struct js *doc, struct err *err)
{
    auto_buf struct buf text = {0};
    int r = js_print(doc, false, true, &text, err);

    if (r == 0)
        r = buf_str(&text, "\n");
    return r < 0 ? r : fd_save(path, buf_slice(&text), 0644, err);
}

/* *ret_input is what the plan was made from: a plan that is compared names the blackouts in it. */
static int plan_offline(struct cmd_call *call, const struct js *policy,
                        struct estate_arg_told *told, struct js **ret_input, struct js **ret,
                        struct err *err)
{
    const char *base_file = opt_text(call->opts, "base");
    auto_js struct js *base = NULL;
    auto_js struct js *linked = NULL;
    int r = plan_from(call, told, &linked, err);

    if (r == 0 && base_file)
        r = slurp_js(base_file, PLAN_FILE_MAX, &base, err);
    if (r < 0)
        return r;
    if (base)
        r = plan_rebase(linked, base, ret_input, err);
    else
        *ret_input = TAKE(linked);
    return r < 0 ? r : plan_compute(*ret_input, policy, ret, err);
}

static int plan_online(struct cmd_call *call, const struct js *policy, struct js **ret,
                       struct err *err)
{
    auto_api struct api *api = NULL;
    auto_jsw struct jsw *w = NULL;
    int r = api_open(call, &api, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    if (policy)
        jsw_js(w, "policy", policy);
    if (opt_u64(call->opts, "link") > 0)
        jsw_u64(w, "link_bytes_per_s", opt_u64(call->opts, "link"));
    if (opt_switch(call->opts, "fresh"))
        jsw_bool(w, "fresh", true);
    jsw_bool(w, "dry_run", opt_switch(call->opts, "dry-run"));
    jsw_end(w);
    return api_do(api, &(struct api_request){.method = "POST", .path = "/v1/plans", .body = w}, ret,
                  err);
}

/* An id is asked for, anything else is a file. */
static bool is_id(const char *text)
{
    return strlen(text) == PLAN_ID_LEN && strspn(text, "0123456789abcdef") == PLAN_ID_LEN;
}

static int load_old(struct cmd_call *call, const char *name, struct js **ret, struct err *err)
{
    auto_api struct api *api = NULL;
    char path[API_PATH_MAX];
    int r;

    if (!is_id(name))
        return slurp_js(name, PLAN_FILE_MAX, ret, err);
    r = api_open(call, &api, err);
    if (r == 0)
        r = api_path(path, err, "/v1/plans/%s", name);
    return r < 0 ? r : api_get(api, path, ret, err);
}

static int load_input(struct cmd_call *call, struct js **ret, struct err *err)
{
    auto_api struct api *api = NULL;
    int r = api_open(call, &api, err);

    return r < 0 ? r : api_get(api, "/v1/plan-input", ret, err);
}

/* done: what it ends with when nothing is to be said of changes. */
static int show_diff(struct cmd_call *call, const struct js *plan, struct js *taken_input, int done,
                     struct err *err)
{
    auto_js struct js *input = taken_input;
    auto_js struct js *old = NULL;
    auto_js struct js *diff = NULL;
    int r = load_old(call, opt_text(call->opts, "diff"), &old, err);

    if (r == 0 && !input)
        r = load_input(call, &input, err);
    if (r == 0)
        r = plan_diff(old, plan, input, &diff, err);
    if (r == 0)
        r = out_document(call->out, diff, view_diff, err);
    if (r < 0)
        return cmd_end(r, err);
    return opt_switch(call->opts, "detailed-exitcode") && !js_bool(diff, "same", true)
               ? GW_EXIT_CHANGES
               : done;
}

static int check_plan_flags(const struct cmd_call *call, struct err *err)
{
    bool offline = opt_given(call->opts, "from");

    if (opt_given(call->opts, "base") && !offline)
        return err_set_gw(
            err, GW_USAGE, -EINVAL,
            "--base goes with --from: the planner keeps to the plan in force by itself");
    if (opt_switch(call->opts, "fresh") && offline)
        return err_set_gw(
            err, GW_USAGE, -EINVAL,
            "--fresh is for a planner: with --from, a plan is kept to only with --base");
    if (opt_switch(call->opts, "detailed-exitcode") && !opt_given(call->opts, "diff"))
        return err_set_gw(err, GW_USAGE, -EINVAL, "--detailed-exitcode goes with --diff");
    return 0;
}

static int done_with(const struct js *doc, const struct estate_arg_told *told)
{
    return moves_nothing(doc) ? GW_EXIT_REFUSED : estate_arg_exit(told);
}

int cmd_plan(struct cmd_call *call, struct err *err)
{
    auto_js struct js *policy = NULL;
    auto_js struct js *input = NULL;
    auto_js struct js *doc = NULL;
    struct estate_arg_told told = {0};
    const char *file = opt_text(call->opts, "policy"), *out = opt_text(call->opts, "out");
    int r = check_plan_flags(call, err);

    if (r == 0 && file)
        r = slurp_js(file, PLAN_FILE_MAX, &policy, err);
    if (r == 0)
        r = opt_given(call->opts, "from") ? plan_offline(call, policy, &told, &input, &doc, err)
                                          : plan_online(call, policy, &doc, err);
    if (r == 0 && out)
        r = save(out, doc, err);
    if (r == 0 && opt_given(call->opts, "diff"))
        return show_diff(call, doc, TAKE(input), done_with(doc, &told), err);
    if (r == 0)
        r = out_document(call->out, doc, view_plan, err);
    return r < 0 ? cmd_end(r, err) : done_with(doc, &told);
}

int cmd_plan_ls(struct cmd_call *call, struct err *err)
{
    return fetch_show(call, "/v1/plans?limit=100", view_list, err);
}

int cmd_plan_show(struct cmd_call *call, struct err *err)
{
    return fetch_show_arg(call, "/v1/plans/%s", view_plan, err);
}

static int newest_plan(struct api *api, char *out, size_t size, struct err *err)
{
    auto_js struct js *list = NULL;
    const struct js *items, *best = NULL;
    int r = api_get(api, "/v1/plans?limit=1000", &list, err);

    if (r < 0)
        return r;
    items = js_member(list, "items");
    for (size_t i = 0; i < js_len(items); i++) {
        if (!best ||
            strcmp(js_str(js_at(items, i), "created_at", ""), js_str(best, "created_at", "")) > 0)
            best = js_at(items, i);
    }
    if (!best)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT,
                          "there is no plan yet; make one: godwit plan");
    return text_copy(out, size, js_str(best, "id", ""));
}

static int load_plan(struct cmd_call *call, struct js **ret, struct err *err)
{
    auto_api struct api *api = NULL;
    const char *id = opt_text(call->opts, "plan");
    char path[API_PATH_MAX], newest[64];
    int r;

    if (opt_given(call->opts, "from"))
        return slurp_js(opt_text(call->opts, "from"), PLAN_FILE_MAX, ret, err);
    r = api_open(call, &api, err);
    if (r == 0 && !id)
        r = newest_plan(api, newest, sizeof(newest), err);
    if (r == 0)
        r = api_path(path, err, "/v1/plans/%s", id ? id : newest);
    return r < 0 ? r : api_get(api, path, ret, err);
}

int cmd_plan_explain(struct cmd_call *call, struct err *err)
{
    auto_js struct js *plan = NULL;
    auto_js struct js *doc = NULL;
    int r = load_plan(call, &plan, err);

    if (r == 0)
        r = plan_explain(plan, cmd_arg(call, 0), &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view_explain, err);
    return cmd_end(r, err);
}

int cmd_apply(struct cmd_call *call, struct err *err)
{
    char path[API_PATH_MAX];

    if (fetch_path(call, "/v1/plans/%s/apply", path, err) < 0)
        return cmd_exit(err);
    return fetch_change(call, "POST", path, NULL, view_applied, err);
}
