/* SPDX-License-Identifier: Apache-2.0 */
/* godwit plan report: everything that a fleet, prices and rates tell, as one HTML file. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/cost_arg.h"
#include "cli/slurp.h"
#include "cli/verbs.h"
#include "planner/engine/burst.h"
#include "planner/engine/calendar.h"
#include "planner/engine/consolidate.h"
#include "planner/engine/estate.h"
#include "planner/engine/report.h"
#include "planner/engine/runway.h"
#include "planner/engine/span.h"

#include "base/banned.h"

enum { PLAN_MAX = 64 << 20 };
static const uint64_t ten_years_ms = 3653ULL * 86400 * 1000;

const struct opt cmd_plan_report_opts[] = {
    COST_ARG_OPTIONS,
    {"blackout", 0, OPT_TEXT, "FILE.ics", NULL, 0, 0, NULL,
     "closed times to draw behind the waves; again for more"},
    {"growth", 0, OPT_TEXT, "PERCENT", NULL, 0, 0, "20", "growth of a year, for the runway"},
    {"title", 0, OPT_TEXT, "TEXT", NULL, 0, 0, "From the data centre to the cloud",
     "what stands above it"},
    {"html", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "where the page goes"},
    {0},
};

struct parts {
    struct estate *estate;
    struct js *cost, *consolidate, *runway, *burst, *plan;
    struct span_list blackouts;
};

static void parts_done(struct parts *p)
{
    estate_free(p->estate);
    js_free(p->cost);
    js_free(p->consolidate);
    js_free(p->runway);
    js_free(p->burst);
    js_free(p->plan);
    span_done(&p->blackouts);
}

static int read_blackouts(struct cmd_call *call, struct parts *p, struct err *err)
{
    const char *file;
    uint64_t from_ms = 0;
    int r = 0;

    (void)text_parse_time(js_str(js_at(js_member(p->plan, "waves"), 0), "seed_from", ""), &from_ms,
                          NULL);
    if (from_ms == 0)
        from_ms = clock_wall_ms(call->clock);
    for (size_t i = 0; r == 0 && (file = opt_text_at(call->opts, "blackout", i)); i++) {
        auto_buf struct buf text = {0};

        r = slurp(file, CALENDAR_TEXT_MAX, &text, err);
        if (r == 0)
            r = calendar_spans(buf_slice(&text), from_ms, from_ms + ten_years_ms, &p->blackouts,
                               err);
        if (r < 0)
            return err_add(err, r, "'%s'", file);
    }
    span_merge(&p->blackouts);
    return r;
}

static int compute(struct cmd_call *call, struct parts *p, struct err *err)
{
    const char *plan = opt_text(call->opts, "plan");
    struct burst_policy burst = {.peak = 1, .gain = 1.5};
    struct runway_spec runway = {.now = p->estate, .peak = 1};
    int r = plan ? slurp_js(plan, PLAN_MAX, &p->plan, err) : 0;

    if (r == 0)
        r = cost_arg_compute(call, p->estate, &p->cost, err);
    if (r == 0)
        r = consolidate_compute(p->estate, &consolidate_policy_default, &p->consolidate, err);
    if (r == 0)
        r = burst_compute(p->estate, &burst, NULL, &p->burst, err);
    if (r == 0 && num_parse_f64(opt_text(call->opts, "growth"), &runway.growth_percent, NULL) < 0)
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "--growth: '%s' is no number",
                       opt_text(call->opts, "growth"));
    if (r == 0)
        r = cost_arg_start(call, &runway.start_month, err);
    runway.plan = p->plan;
    if (r == 0)
        r = runway_compute(&runway, &p->runway, err);
    return r < 0 ? r : read_blackouts(call, p, err);
}

static int write_page(struct cmd_call *call, const struct parts *p, size_t *ret_bytes,
                      struct err *err)
{
    auto_buf struct buf page = {.max = REPORT_BYTES_MAX};
    struct report_spec spec = {.title = opt_text(call->opts, "title"),
                               .estate = p->estate,
                               .cost = p->cost,
                               .consolidate = p->consolidate,
                               .runway = p->runway,
                               .burst = p->burst,
                               .plan = p->plan,
                               .blackouts = &p->blackouts};
    int r = report_html(&spec, &page, err);

    *ret_bytes = page.len;
    return r < 0 ? r : fd_save(opt_text(call->opts, "html"), buf_slice(&page), 0644, err);
}

static const struct columns_row rows[] = {
    {"FILE", "html", COLUMNS_TEXT, TABLE_LEFT},
    {"SIZE", "bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"HOSTS", "hosts", COLUMNS_COUNT, TABLE_RIGHT},
    {"EVEN", "break_even", COLUMNS_TEXT, TABLE_LEFT},
};

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_one(o, doc, t, rows, ARRAY_LEN(rows), err);
}

static int tell(struct cmd_call *call, const struct parts *p, size_t bytes, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.plan-report/1", clock_wall_ms(call->clock));
    jsw_str(w, "html", opt_text(call->opts, "html"));
    jsw_u64(w, "bytes", bytes);
    jsw_u64(w, "hosts", estate_hosts(p->estate));
    jsw_js(w, "stay_micros", js_member(p->cost, "stay_micros"));
    jsw_js(w, "move_micros", js_member(p->cost, "move_micros"));
    jsw_str(w, "break_even", js_str(p->cost, "break_even", NULL));
    jsw_end(w);
    return out_writer(call->out, w, view, err);
}

int cmd_plan_report(struct cmd_call *call, struct err *err)
{
    AUTO(parts_done) struct parts p = {0};
    struct estate_arg_told told = {0};
    size_t bytes = 0;
    int r = opt_text(call->opts, "html")
                ? cost_arg_fleet(call, &told, &p.estate, err)
                : err_set_gw(err, GW_USAGE, -EINVAL, "where to? --html FILE");

    if (r == 0)
        r = compute(call, &p, err);
    if (r == 0)
        r = write_page(call, &p, &bytes, err);
    if (r == 0)
        r = tell(call, &p, bytes, err);
    return r < 0 ? cmd_exit(err) : estate_arg_exit(&told);
}
