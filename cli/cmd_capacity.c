/* SPDX-License-Identifier: Apache-2.0 */
/* godwit consolidate, runway, burst: what the machine room can still take, from files alone. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "cli/catalog_arg.h"
#include "cli/columns.h"
#include "cli/cost_arg.h"
#include "cli/slurp.h"
#include "cli/verbs.h"
#include "planner/engine/burst.h"
#include "planner/engine/consolidate.h"
#include "planner/engine/estate.h"
#include "planner/engine/money.h"
#include "planner/engine/runway.h"

#include "base/banned.h"

enum { PLAN_MAX = 64 << 20 };

const struct opt cmd_consolidate_opts[] = {
    ESTATE_ARG_OPTION,
    {"servers", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "servers that carry nothing become virtual machines too"},
    {"show", 0, OPT_CHOICE, "WHAT", "pools|hosts|moves|still", 0, 0, "pools",
     "what a row of the table is"},
    {0},
};

const struct opt cmd_runway_opts[] = {
    ESTATE_ARG_OPTION,
    {"before", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,
     "the same fleet, earlier: growth is measured between the two"},
    {"growth", 0, OPT_TEXT, "PERCENT", NULL, 0, 0, "20", "growth of a year, without --before"},
    {"peak", 0, OPT_TEXT, "FACTOR", NULL, 0, 0, "1",
     "a season's peak by the highest that was measured"},
    {"plan", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "a godwit.plan/1 document: who leaves when"},
    COST_ARG_START_OPTION,
    {0},
};

const struct opt cmd_burst_opts[] = {
    ESTATE_ARG_OPTION,
    CATALOG_ARG_OPTION,
    CATALOG_ARG_OPTIONS,
    {"peak", 0, OPT_TEXT, "FACTOR", NULL, 0, 0, "1",
     "a season's peak by the highest that was measured"},
    {0},
};

static int factor(const struct cmd_call *call, const char *flag, double min, double max,
                  double *ret, struct err *err)
{
    const char *text = opt_text(call->opts, flag);

    if (num_parse_f64(text, ret, NULL) < 0 || !(*ret >= min && *ret <= max))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "--%s: '%s' is not from %g to %g", flag, text,
                          min, max);
    return 0;
}

/* -- consolidate --------------------------------------------------------------------------- */

static const struct columns_row pool_rows[] = {
    {"POOL", "pool", COLUMNS_TEXT, TABLE_LEFT},
    {"MACHINES", "machines", COLUMNS_COUNT, TABLE_RIGHT},
    {"HOSTS", "hosts", COLUMNS_COUNT, TABLE_RIGHT},
    {"IN USE", "in_use", COLUMNS_COUNT, TABLE_RIGHT},
    {"NEEDED", "needed", COLUMNS_COUNT, TABLE_RIGHT},
    {"AT LEAST", "at_least", COLUMNS_COUNT, TABLE_RIGHT},
    {"FREED", "freed", COLUMNS_COUNT, TABLE_RIGHT},
    {"NOT MEASURED", "unmeasured", COLUMNS_COUNT, TABLE_RIGHT},
};
static const struct columns_row host_rows[] = {
    {"HOST", "host", COLUMNS_TEXT, TABLE_LEFT},
    {"POOL", "pool", COLUMNS_TEXT, TABLE_LEFT},
    {"MACHINES", "machines", COLUMNS_COUNT, TABLE_RIGHT},
    {"CPU MEAN", "cpu_mean", COLUMNS_SHARE, TABLE_RIGHT},
    {"CPU HIGH", "cpu_high", COLUMNS_SHARE, TABLE_RIGHT},
    {"MEMORY", "memory", COLUMNS_SHARE, TABLE_RIGHT},
    {"CONTENTION", "contention", COLUMNS_SHARE, TABLE_RIGHT},
    {"HOLDS", "holds", COLUMNS_LIST, TABLE_TRUNCATE},
};
static const struct columns_row move_rows[] = {
    {"HOST", "host", COLUMNS_TEXT, TABLE_LEFT},
    {"FROM", "from", COLUMNS_TEXT, TABLE_LEFT},
    {"TO", "to", COLUMNS_TEXT, TABLE_LEFT},
    {"WHY NOT", "why", COLUMNS_TEXT, TABLE_LEFT},
};
static const struct columns_row still_rows[] = {
    {"HOST", "host", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"WORKLOAD", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"OWNER", "owner", COLUMNS_TEXT, TABLE_LEFT},
    {"CORES", "cores", COLUMNS_COUNT, TABLE_RIGHT},
    {"MEMORY", "memory_bytes", COLUMNS_BYTES, TABLE_RIGHT},
};

static void say_consolidate(struct out *o, const struct js *doc)
{
    const struct js *freed = js_member(doc, "freed"), *still = js_member(doc, "still");
    const struct js *moves = js_member(doc, "moves");
    auto_buf struct buf names = {0};
    size_t stuck = 0;

    for (size_t i = 0; i < js_len(moves); i++)
        stuck += !js_str(js_at(moves, i), "to", NULL);
    for (size_t i = 0; i < js_len(freed) && i < 8; i++)
        buf_printf(&names, "%s%s", i ? ", " : "", js_str(js_at(freed, i), "host", ""));
    if (js_len(freed) > 8)
        buf_printf(&names, " and %zu more", js_len(freed) - 8);
    if (js_len(freed) == 0)
        out_after(o, "No host becomes free.");
    else
        out_after(o, "Hosts that become free: %zu (%s).", js_len(freed), buf_cstr(&names));
    out_after(o,
              "Machines that do nothing or next to nothing: %zu (--show still). That change their "
              "host: %zu (--show moves).",
              js_len(still), js_len(moves) - stuck);
    if (stuck > 0)
        out_after(o,
                  "! %zu fit on no other host, or what their hosts have is not known: they stay "
                  "(--show moves)",
                  stuck);
}

static int view_pools(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    say_consolidate(o, doc);
    return columns_fill(o, js_member(doc, "pools"), t, pool_rows, ARRAY_LEN(pool_rows), err);
}

static int view_hosts(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_fill(o, js_member(doc, "hosts"), t, host_rows, ARRAY_LEN(host_rows), err);
}

static int view_moves(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_fill(o, js_member(doc, "moves"), t, move_rows, ARRAY_LEN(move_rows), err);
}

static int view_still(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_fill(o, js_member(doc, "still"), t, still_rows, ARRAY_LEN(still_rows), err);
}

static const struct {
    const char *show;
    out_view_fn view;
} shows[] = {
    {"pools", view_pools}, {"hosts", view_hosts}, {"moves", view_moves}, {"still", view_still}};

int cmd_consolidate(struct cmd_call *call, struct err *err)
{
    struct consolidate_policy policy = consolidate_policy_default;
    auto_estate struct estate *e = NULL;
    auto_js struct js *doc = NULL;
    out_view_fn view = view_pools;
    struct estate_arg_told told = {0};
    int r = cost_arg_fleet(call, &told, &e, err);

    policy.servers = opt_switch(call->opts, "servers");
    for (size_t i = 0; i < ARRAY_LEN(shows); i++)
        view = text_equal(shows[i].show, opt_text(call->opts, "show")) ? shows[i].view : view;
    if (r == 0)
        r = consolidate_compute(e, &policy, &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view, err);
    return r < 0 ? cmd_exit(err) : estate_arg_exit(&told);
}

/* -- runway ------------------------------------------------------------------------------------ */

static const struct table_column runway_columns[] = {
    {"POOL", TABLE_LEFT}, {"STEP", TABLE_LEFT},    {"FULL", TABLE_LEFT},  {"BY", TABLE_LEFT},
    {"CPU", TABLE_RIGHT}, {"MEMORY", TABLE_RIGHT}, {"DISK", TABLE_RIGHT},
};

static int runway_row(struct out *o, const struct js *pool, const struct js *step, struct table *t,
                      struct err *err)
{
    static const char *const used[] = {"cpu_used", "memory_used", "disk_used"};
    double unit = out_form(o) == OUT_CSV ? 1 : 100;
    int r = table_row(t, err);

    if (r == 0)
        r = table_cell(t, js_str(pool, "pool", ""), err);
    if (r == 0)
        r = table_cell(t, js_str(step, "step", ""), err);
    if (r == 0)
        r = table_cell(t, runway_full(step), err);
    if (r == 0)
        r = table_cell(t, js_str(step, "by", NULL), err);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(used); i++) {
        double share = js_f64(step, used[i], -1);

        r = share < 0  ? table_cell(t, NULL, err)
            : unit > 1 ? table_cellf(t, err, "%.0f%%", share * unit)
                       : table_cellf(t, err, "%.3f", share);
    }
    return r;
}

static int view_runway(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *pools = js_member(doc, "pools");
    int r;

    if (js_len(pools) == 0)
        out_text(o, "No pool: no list says which hosts carry machines.");
    r = table_columns(t, runway_columns, ARRAY_LEN(runway_columns), err);

    for (size_t i = 0; r == 0 && i < js_len(pools); i++) {
        const struct js *pool = js_at(pools, i), *steps = js_member(pool, "steps");

        out_after(
            o, "%s: %llu hosts, %llu machines; grows %s %g%% CPU, %g%% memory, %g%% disk a year%s",
            js_str(pool, "pool", ""), (unsigned long long)js_u64(pool, "hosts", 0),
            (unsigned long long)js_u64(pool, "machines", 0), js_str(doc, "growth", ""),
            js_f64(pool, "cpu_growth_percent", 0), js_f64(pool, "memory_growth_percent", 0),
            js_f64(pool, "disk_growth_percent", 0),
            js_u64(pool, "disk_bytes", 0) ? "" : "; no list says what disks its hosts have");
        if (!js_u64(pool, "cores", 0) || !js_u64(pool, "memory_bytes", 0))
            out_after(o, "! %s: no list says what all of its hosts have (RVTools: the sheet vHost)",
                      js_str(pool, "pool", ""));
        for (size_t k = 0; r == 0 && k < js_len(steps); k++)
            r = runway_row(o, pool, js_at(steps, k), t, err);
    }
    return r;
}

int cmd_runway(struct cmd_call *call, struct err *err)
{
    const char *plan_file = opt_text(call->opts, "plan"), *before = opt_text(call->opts, "before");
    auto_estate struct estate *now = NULL;
    auto_estate struct estate *then = NULL;
    auto_js struct js *plan = NULL;
    auto_js struct js *doc = NULL;
    struct runway_spec spec = {0};
    struct estate_arg_told told = {0};
    int r = cost_arg_fleet(call, &told, &now, err);

    if (r == 0 && before)
        r = estate_arg_load(before, &then, err);
    if (r == 0)
        r = factor(call, "growth", -50, 1000, &spec.growth_percent, err);
    if (r == 0)
        r = factor(call, "peak", 0.1, 100, &spec.peak, err);
    if (r == 0)
        r = cost_arg_start(call, &spec.start_month, err);
    if (r == 0 && plan_file)
        r = slurp_js(plan_file, PLAN_MAX, &plan, err);
    spec.now = now;
    spec.before = then;
    spec.plan = plan;
    if (r == 0)
        r = runway_compute(&spec, &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view_runway, err);
    return r < 0 ? cmd_exit(err) : estate_arg_exit(&told);
}

/* -- burst ---------------------------------------------------------------------------------------
 */

static const struct columns_row burst_rows[] = {
    {"WORKLOAD", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"FIRST HOST", "first_host", COLUMNS_TEXT, TABLE_LEFT},
    {"NOW", "machines", COLUMNS_COUNT, TABLE_RIGHT},
    {"ALWAYS", "base", COLUMNS_COUNT, TABLE_RIGHT},
    {"IN CLOUD", "in_cloud", COLUMNS_COUNT, TABLE_RIGHT},
    {"HOURS/WEEK", "hours_a_week", COLUMNS_COUNT, TABLE_RIGHT},
    {"CORES FREED", "cores_freed", COLUMNS_COUNT, TABLE_RIGHT},
    {"DATA PATH", "path_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"READY", "ready", COLUMNS_YES, TABLE_LEFT},
};

static int view_burst(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *sets = js_member(doc, "sets");

    if (js_len(sets) == 0)
        out_text(o,
                 "No workload gains from it. It takes hours of the week that were measured, and a "
                 "peak of half as much again as their mean.");
    for (size_t i = 0; i < js_len(sets); i++) {
        const struct js *set = js_at(sets, i), *needs = js_member(set, "needs");
        const struct js *against = js_member(set, "against");
        char text[MONEY_TEXT_MAX];

        for (size_t k = 1; k < js_len(needs); k++)
            out_after(o, "  %s needs %s: %s", js_str(set, "first_host", ""),
                      js_str(js_at(needs, k), "what", ""), js_str(js_at(needs, k), "text", ""));
        for (size_t k = 0; k < js_len(against); k++)
            out_after(o, "! %s: %s", js_str(set, "first_host", ""),
                      js_str(js_at(against, k), "text", ""));
        if (js_member(set, "month_micros"))
            out_after(o, "  %s in the cloud: %s, %s %s a month", js_str(set, "first_host", ""),
                      js_str(set, "shape", ""), money_text(js_i64(set, "month_micros", 0), text),
                      js_str(set, "currency", ""));
    }
    return columns_fill(o, sets, t, burst_rows, ARRAY_LEN(burst_rows), err);
}

int cmd_burst(struct cmd_call *call, struct err *err)
{
    struct burst_policy policy = {.gain = 1.5};
    auto_catalogue struct catalogue catalogue = {0};
    auto_estate struct estate *e = NULL;
    auto_js struct js *doc = NULL;
    bool priced = opt_given(call->opts, "catalog");
    struct estate_arg_told told = {0};
    int r = cost_arg_fleet(call, &told, &e, err);

    if (r == 0 && priced)
        r = catalog_arg_flag(call, &catalogue, err);
    if (r == 0)
        r = factor(call, "peak", 0.1, 100, &policy.peak, err);
    if (r == 0)
        r = burst_compute(e, &policy, priced ? &catalogue : NULL, &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view_burst, err);
    return r < 0 ? cmd_exit(err) : estate_arg_exit(&told);
}
