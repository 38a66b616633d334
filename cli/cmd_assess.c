/* SPDX-License-Identifier: Apache-2.0 */
/* godwit assess: what becomes of each workload, from lists alone. */
#include "base/auto.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/estate_arg.h"
#include "cli/verbs.h"
#include "planner/engine/assess.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_group.h"

#include "base/banned.h"

const struct opt cmd_assess_opts[] = {
    ESTATE_ARG_OPTION,
    {"app", 0, OPT_TEXT, "APP", NULL, 0, 0, NULL, "one workload, with everything for and against"},
    {0},
};

static const struct columns_row rows[] = {
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"HOSTS", "hosts", COLUMNS_COUNT, TABLE_RIGHT},
    {"STRATEGY", "strategy", COLUMNS_TEXT, TABLE_LEFT},
    {"CONFIDENCE", "confidence", COLUMNS_SHARE, TABLE_RIGHT},
    {"RUNS", "software", COLUMNS_LIST, TABLE_TRUNCATE},
    {"ON ARM", "arm_hosts", COLUMNS_COUNT, TABLE_RIGHT},
    {"GPUS", "gpus", COLUMNS_COUNT, TABLE_WIDE_ONLY},
    {"DATA", "data_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"BECAUSE", "because", COLUMNS_TEXT, TABLE_LEFT},
};

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    out_after(o, "What speaks against each, and the other ways: godwit assess --app APP");
    return columns_fill(o, js_member(doc, "workloads"), t, rows, ARRAY_LEN(rows), err);
}

static void say_reasons(struct out *o, const struct js *list, const char *sign)
{
    for (size_t i = 0; i < js_len(list); i++)
        out_text(o, "  %s %-12s %s", sign, js_str(js_at(list, i), "rule", ""),
                 js_str(js_at(list, i), "text", ""));
}

static int view_one(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *w = js_at(js_member(doc, "workloads"), 0);
    const struct js *others = js_member(w, "alternatives");

    if (!out_is_for_people(o))
        return view(o, doc, t, err);
    out_text(o, "%s: %s (%.0f%%)", js_str(w, "workload", ""), js_str(w, "strategy", ""),
             js_f64(w, "confidence", 0) * 100);
    say_reasons(o, js_member(w, "why"), "+");
    say_reasons(o, js_member(w, "against"), "-");
    for (size_t i = 0; i < js_len(others); i++) {
        out_text(o, "or %s", js_str(js_at(others, i), "strategy", ""));
        say_reasons(o, js_member(js_at(others, i), "why"), "+");
        say_reasons(o, js_member(js_at(others, i), "against"), "-");
    }
    return 0;
}

/* The same document with one workload alone. */
static int only(const struct js *doc, const char *app, struct js **ret, struct err *err)
{
    const struct js *all = js_member(doc, "workloads"), *found = NULL;
    auto_jsw struct jsw *w = NULL;
    int r;

    for (size_t i = 0; i < js_len(all) && !found; i++)
        found = text_equal(js_str(js_at(all, i), "workload", NULL), app) ? js_at(all, i) : NULL;
    if (!found)
        return err_set_gw(err, GW_NOT_FOUND, -ENOENT, "there is no workload '%s' in it", app);
    r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", js_str(doc, "schema", NULL));
    jsw_arr(w, "workloads");
    jsw_js(w, NULL, found);
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

int cmd_assess(struct cmd_call *call, struct err *err)
{
    auto_estate_groups struct estate_groups groups = {0};
    const struct estate_group_policy policy = {0};
    const char *app = opt_text(call->opts, "app");
    auto_estate struct estate *e = NULL;
    struct estate_arg_told told = {0};
    auto_js struct js *doc = NULL;
    auto_js struct js *part = NULL;
    int r = estate_arg_take(call, &told, &e, err);

    if (r == 0)
        r = estate_group(e, &policy, &groups, err);
    if (r == 0)
        r = assess_write(e, &groups, &doc, err);
    if (r == 0 && app)
        r = only(doc, app, &part, err);
    if (r == 0)
        r = app ? out_document(call->out, part, view_one, err)
                : out_document(call->out, doc, view, err);
    return r < 0 ? cmd_end(r, err) : estate_arg_exit(&told);
}
