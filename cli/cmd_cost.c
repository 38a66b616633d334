/* SPDX-License-Identifier: Apache-2.0 */
/* godwit cost: stay, move, moved; month by month, from files alone. */
#include "base/auto.h"
#include "base/text.h"
#include "cli/catalog_arg.h"
#include "cli/cost_arg.h"
#include "cli/cost_view.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "planner/engine/estate.h"

#include "base/banned.h"

const struct opt cmd_cost_opts[] = {
    COST_ARG_OPTIONS,
    {"by", 0, OPT_CHOICE, "WHAT", "month|workload|head|machine", 0, 0, "month",
     "what a row of the table is"},
    {"app", 0, OPT_TEXT, "APP", NULL, 0, 0, NULL, "one workload alone, by its heads"},
    {0},
};

const struct opt cmd_cost_rates_opts[] = {COST_ARG_RATES_OPTION, {0}};

static const struct {
    const char *by;
    out_view_fn view;
} views[] = {
    {"month", cost_view_months},
    {"workload", cost_view_workloads},
    {"head", cost_view_heads},
    {"machine", cost_view_machines},
};

static out_view_fn view_of(const struct cmd_call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        if (text_equal(views[i].by, opt_text(call->opts, "by")))
            return views[i].view;
    }
    return cost_view_months;
}

/* The parts of a bill that concern one workload, as a document of the same schema. */
static int only(const struct js *doc, const char *app, struct js **ret, struct err *err)
{
    static const char *const kept[] = {"schema", "currency", "start", "catalogue"};
    const struct js *all = js_member(doc, "workloads"), *machines = js_member(doc, "machines");
    const struct js *found = NULL;
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    for (size_t i = 0; i < js_len(all) && !found; i++)
        found = text_equal(js_str(js_at(all, i), "workload", NULL), app) ? js_at(all, i) : NULL;
    if (!found)
        return err_set_gw(err, GW_NOT_FOUND, -ENOENT, "there is no workload '%s' in it", app);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        jsw_js(w, kept[i], js_member(doc, kept[i]));
    jsw_u64(w, "hosts", js_u64(found, "hosts", 0));
    jsw_u64(w, "unpriced", js_u64(found, "unpriced", 0));
    jsw_js(w, "heads", js_member(found, "heads"));
    jsw_arr(w, "workloads");
    jsw_js(w, NULL, found);
    jsw_end(w);
    jsw_arr(w, "machines");
    for (size_t i = 0; i < js_len(machines); i++) {
        if (text_equal(js_str(js_at(machines, i), "workload", NULL), app))
            jsw_js(w, NULL, js_at(machines, i));
    }
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

int cmd_cost(struct cmd_call *call, struct err *err)
{
    const char *app = opt_text(call->opts, "app");
    auto_js struct js *doc = NULL;
    auto_js struct js *part = NULL;
    auto_estate struct estate *e = NULL;
    struct estate_arg_told told = {0};
    int r = cost_arg_fleet(call, &told, &e, err);

    if (r == 0)
        r = cost_arg_compute(call, e, &doc, err);
    if (r == 0 && app)
        r = only(doc, app, &part, err);
    if (r == 0 && app)
        r = out_document(call->out, part,
                         opt_given(call->opts, "by") ? view_of(call) : cost_view_workload, err);
    else if (r == 0)
        r = out_document(call->out, doc, view_of(call), err);
    if (r == 0 && js_u64(app ? part : doc, "unpriced", 0) > 0)
        return GW_EXIT_PARTIAL;
    return r < 0 ? cmd_exit(err) : estate_arg_exit(&told);
}

int cmd_cost_rates(struct cmd_call *call, struct err *err)
{
    auto_js struct js *doc = NULL;
    auto_jsw struct jsw *w = NULL;
    struct cost_rates rates;
    int r = cost_arg_rates(call, &rates, err);

    if (r == 0 && !out_is_for_values(call->out))
        r = cost_rates_write(&rates, &doc, err);
    else if (r == 0)
        r = jsw_new(&w, err);
    if (r == 0 && w) {
        jsw_obj(w, NULL);
        jsw_str(w, "currency", rates.currency);
        jsw_arr(w, "items");
        cost_rates_list(&rates, w);
        jsw_end(w);
        jsw_end(w);
        r = jsw_take(w, &doc, err);
    }
    if (r == 0)
        r = out_document(call->out, doc, cost_view_rates, err);
    return cmd_end(r, err);
}
