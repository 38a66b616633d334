/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts are rounded to cents for people, exact for programs. */
#include "cli/cost_view.h"

#include "base/auto.h"
#include "base/text.h"
#include "cli/table.h"
#include "planner/engine/money.h"

#include "base/banned.h"

enum kind { TEXT, COUNT, MONEY, YES };

struct cell {
    const char *name, *key;
    enum kind kind;
};

static int cell(struct out *o, const struct js *v, const struct cell *c, struct table *t,
                struct err *err)
{
    char text[MONEY_TEXT_MAX];
    int64_t amount = js_i64(v, c->key, 0);

    switch (c->kind) {
    case MONEY:
        return table_cell(
            t, out_form(o) == OUT_CSV ? money_exact(amount, text) : money_text(amount, text), err);
    case COUNT:
        return table_cellf(t, err, "%llu", (unsigned long long)js_u64(v, c->key, 0));
    case YES:
        return table_cell(t, js_bool(v, c->key, false) ? "yes" : "no", err);
    case TEXT:
        break;
    }
    return table_cell(t, js_str(v, c->key, NULL), err);
}

static int fill(struct out *o, const struct js *items, struct table *t, const struct cell *cells,
                size_t n, struct err *err)
{
    struct table_column columns[TABLE_COLUMNS_MAX];
    int r;

    for (size_t i = 0; i < n; i++)
        columns[i] = (struct table_column){
            cells[i].name,
            cells[i].kind == TEXT || cells[i].kind == YES ? TABLE_LEFT : TABLE_RIGHT};
    r = table_columns(t, columns, n, err);
    for (size_t i = 0; r == 0 && i < js_len(items); i++) {
        r = table_row(t, err);
        for (size_t k = 0; r == 0 && k < n; k++)
            r = cell(o, js_at(items, i), &cells[k], t, err);
    }
    return r;
}

/* -- what is said around the table ----------------------------------------------------------- */

static void say_head(struct out *o, const struct js *doc)
{
    const struct js *c = js_member(doc, "catalogue");

    out_text(o, "%llu hosts · %s · from %s · prices of %s %s, %s",
             (unsigned long long)js_u64(doc, "hosts", 0), js_str(doc, "currency", ""),
             js_str(doc, "start", ""), js_str(c, "provider", ""), js_str(c, "region", ""),
             js_str(c, "date", ""));
}

static void say_scenarios(struct out *o, const struct js *doc)
{
    const struct js *all = js_member(doc, "scenarios");
    char text[MONEY_TEXT_MAX];

    for (size_t i = 0; i < js_len(all); i++) {
        const struct js *v = js_at(all, i);
        const char *even = js_str(v, "break_even", NULL);

        out_after(o, "  prices fall %g%% a year: going saves %s; even %s%s",
                  js_f64(v, "prices_fall_percent", 0),
                  money_text(js_i64(v, "saving_micros", 0), text), even ? "from " : "never",
                  even ? even : "");
    }
}

static void say_unpriced(struct out *o, const struct js *doc)
{
    unsigned long long n = js_u64(doc, "unpriced", 0);

    if (n > 0)
        out_after(o,
                  "! %llu hosts have no price in the cloud: what going costs lacks them, what "
                  "staying costs has them (--by machine says why)",
                  n);
}

static void say_sum(struct out *o, const struct js *doc)
{
    char stay[MONEY_TEXT_MAX], move[MONEY_TEXT_MAX], before[MONEY_TEXT_MAX], after[MONEY_TEXT_MAX];
    const char *even = js_str(doc, "break_even", NULL);

    out_after(o, "%zu months: staying %s, going %s %s. A month at the end: %s, gone %s. Even: %s.",
              js_len(js_member(doc, "months")), money_text(js_i64(doc, "stay_micros", 0), stay),
              money_text(js_i64(doc, "move_micros", 0), move), js_str(doc, "currency", ""),
              money_text(js_i64(doc, "stay_month_micros", 0), before),
              money_text(js_i64(doc, "moved_month_micros", 0), after), even ? even : "never");
    say_scenarios(o, doc);
    out_after(o, "  The way back: %s for all data that leaves the cloud again, at today's prices.",
              money_text(js_i64(doc, "way_back_micros", 0), before));
    say_unpriced(o, doc);
}

/* -- views ------------------------------------------------------------------------------------- */

int cost_view_months(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    static const struct cell cells[] = {
        {"MONTH", "month", TEXT},
        {"STAY", "stay_micros", MONEY},
        {"MOVE", "move_micros", MONEY},
        {"IN IDC", "idc_micros", MONEY},
        {"BOTH SIDES", "dual_micros", MONEY},
        {"IN CLOUD", "cloud_micros", MONEY},
        {"MOVED", "moved_micros", MONEY},
    };

    say_head(o, doc);
    say_sum(o, doc);
    return fill(o, js_member(doc, "months"), t, cells, ARRAY_LEN(cells), err);
}

int cost_view_workloads(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    static const struct cell cells[] = {
        {"WORKLOAD", "workload", TEXT},
        {"HOSTS", "hosts", COUNT},
        {"MOVES", "moves", TEXT},
        {"STAY", "stay_micros", MONEY},
        {"MOVE", "move_micros", MONEY},
        {"BOTH SIDES", "dual_micros", MONEY},
        {"STAY/MONTH", "stay_month_micros", MONEY},
        {"MOVED/MONTH", "moved_month_micros", MONEY},
    };

    say_head(o, doc);
    say_sum(o, doc);
    return fill(o, js_member(doc, "workloads"), t, cells, ARRAY_LEN(cells), err);
}

int cost_view_heads(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    static const struct cell cells[] = {
        {"HEAD", "head", TEXT},
        {"ON", "on", YES},
        {"STAY", "stay_micros", MONEY},
        {"MOVE", "move_micros", MONEY},
        {"IN IDC", "idc_micros", MONEY},
        {"BOTH SIDES", "dual_micros", MONEY},
        {"IN CLOUD", "cloud_micros", MONEY},
        {"WHAT", "what", TEXT},
    };

    say_head(o, doc);
    say_sum(o, doc);
    return fill(o, js_member(doc, "heads"), t, cells, ARRAY_LEN(cells), err);
}

int cost_view_workload(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    static const struct cell cells[] = {{"HEAD", "head", TEXT},
                                        {"STAY", "stay_micros", MONEY},
                                        {"MOVE", "move_micros", MONEY},
                                        {"HOW", "how", TEXT}};
    const struct js *of = js_at(js_member(doc, "workloads"), 0);
    char stay[MONEY_TEXT_MAX], move[MONEY_TEXT_MAX];

    out_text(o, "%s · %llu hosts · moves %s · %s", js_str(of, "workload", ""),
             (unsigned long long)js_u64(of, "hosts", 0), js_str(of, "moves", "never"),
             js_str(doc, "currency", ""));
    out_after(o, "In all: staying %s, going %s.", money_text(js_i64(of, "stay_micros", 0), stay),
              money_text(js_i64(of, "move_micros", 0), move));
    say_unpriced(o, doc);
    return fill(o, js_member(doc, "heads"), t, cells, ARRAY_LEN(cells), err);
}

static void say_elastic(struct out *o, const struct js *doc)
{
    const struct js *all = js_member(doc, "elastic");
    char full[MONEY_TEXT_MAX], shaped[MONEY_TEXT_MAX];

    for (size_t i = 0; i < js_len(all); i++) {
        const struct js *v = js_at(all, i);

        if (js_i64(v, "shaped_month_micros", 0) >= js_i64(v, "full_month_micros", 0))
            continue;
        out_after(
            o, "%s and %llu like it: %llu of %llu are needed all week; %s a month by load, %s %s",
            js_str(v, "first_host", ""), (unsigned long long)js_u64(v, "machines", 1) - 1,
            (unsigned long long)js_u64(v, "base", 0), (unsigned long long)js_u64(v, "machines", 0),
            money_text(js_i64(v, "shaped_month_micros", 0), shaped),
            money_text(js_i64(v, "full_month_micros", 0), full),
            js_bool(v, "scales", false) ? "all the time" : "as they are (tag them scale=yes)");
    }
}

int cost_view_machines(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    static const struct cell cells[] = {
        {"HOST", "host", TEXT},
        {"WORKLOAD", "workload", TEXT},
        {"SHAPE", "shape", TEXT},
        {"TERM", "term", TEXT},
        {"HOURS/WEEK", "hours_a_week", COUNT},
        {"COMPUTE/MONTH", "compute_month_micros", MONEY},
        {"DISK GiB", "disk_gib", COUNT},
        {"DISK/MONTH", "disk_month_micros", MONEY},
        {"OUT GiB", "egress_gib", COUNT},
        {"OUT/MONTH", "egress_month_micros", MONEY},
        {"WHY NOT", "why", TEXT},
    };

    say_head(o, doc);
    say_elastic(o, doc);
    return fill(o, js_member(doc, "machines"), t, cells, ARRAY_LEN(cells), err);
}

int cost_view_rates(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    static const struct table_column columns[] = {
        {"RATE", TABLE_LEFT}, {"VALUE", TABLE_RIGHT}, {"SOURCE", TABLE_LEFT}};
    const struct js *rates = js_member(doc, "items");
    int r = table_columns(t, columns, ARRAY_LEN(columns), err);

    out_text(o, "%s · with -o json: a godwit.rates/1 document to begin with",
             js_str(doc, "currency", ""));
    for (size_t i = 0; r == 0 && i < js_len(rates); i++) {
        const struct js *v = js_at(rates, i);

        r = table_row(t, err);
        if (r == 0)
            r = table_cell(t, js_str(v, "rate", ""), err);
        if (r == 0)
            r = table_cellf(t, err, "%g", js_f64(v, "value", 0));
        if (r == 0)
            r = table_cellf(t, err, "%s; %s", js_str(v, "unit", ""), js_str(v, "source", ""));
    }
    return r;
}
