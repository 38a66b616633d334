/* SPDX-License-Identifier: Apache-2.0 */
/* The page: what it looks like, and its sections in order. */
#include "planner/engine/report.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/js.h"
#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/html.h"
#include "planner/engine/money.h"
#include "planner/engine/runway.h"

#include "base/banned.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b2733;--paper:#fff;--dim:#5b6b7a;--rule:#d5dde5;"
    "--c0:#b3261e;--c1:#0b6e4f;--c2:#a15c00;--c3:#2f5fb3;--fill:#9ec5e8;--shade:#0001}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4ebf1;--paper:#12181f;--dim:#9fb0bf;"
    "--rule:#2c3946;--c0:#ff8a80;--c1:#6fd6ac;--c2:#ffbf69;--c3:#8fb8ff;--fill:#35597d;"
    "--shade:#fff2}}\n"
    "*{box-sizing:border-box}body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);"
    "background:var(--paper);max-width:60rem;margin:0 auto;padding:1rem}\n"
    "h1{font-size:1.7rem;margin:.2em 0}h2{font-size:1.2rem;margin:2rem 0 .4rem;border-bottom:1px "
    "solid var(--rule)}p{max-width:60rem}.dim,.more,figcaption{color:var(--dim)}\n"
    "dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:.6rem}"
    "dl div{border:1px solid var(--rule);border-radius:6px;padding:.5rem .7rem}"
    "dt{color:var(--dim);font-size:.85em}dd{margin:0;font-size:1.25rem;font-weight:600}small{font-"
    "size:.6em;color:var(--dim)}\n"
    "table{border-collapse:collapse;width:100%;font-size:.86em;margin:.6rem 0}caption{text-align:"
    "left;font-weight:600;padding:.3rem 0}th{text-align:left;border-bottom:1px solid var(--dim)}"
    "td,th{padding:.15rem .6rem .15rem 0;vertical-align:top}td{border-bottom:1px solid var(--rule);"
    "overflow-wrap:break-word}.n,.t{font-variant-numeric:tabular-nums;white-space:nowrap}.n{text-"
    "align:"
    "right}.n+:not(.n){padding-left:.6rem}\n"
    "figure{margin:1rem 0}svg{width:100%;height:auto;font:11px system-ui,sans-serif}"
    "svg.map{max-width:44rem;display:block;margin:auto}svg text{fill:var(--ink);text-anchor:middle}"
    "svg .y{text-anchor:end}svg .k{text-anchor:start}\n"
    ".grid{stroke:var(--rule);fill:none}.l0,.l1,.l2,.l3{fill:none;stroke-width:2.2}"
    ".l0{stroke:var(--c0)}.l1{stroke:var(--c1);stroke-dasharray:7 3}.l2{stroke:var(--c2);"
    "stroke-dasharray:2 3}.l3{stroke:var(--c3);stroke-dasharray:10 3 2 3}"
    ".even{stroke:var(--dim);stroke-dasharray:3 3}\n"
    ".seed{fill:var(--fill)}.cut{fill:var(--c3)}.black{fill:var(--shade);stroke:var(--rule)}"
    ".edge{fill:none;stroke:var(--c3);stroke-opacity:.45}.dep{stroke-dasharray:5 4}"
    ".node{fill:var(--c1)}summary{cursor:pointer}.warn{border-left:4px solid var(--c2);"
    "padding-left:.7rem}\n"
    "@media screen and (max-width:40rem){dl{grid-template-columns:1fr "
    "1fr}dd{font-size:1.05rem}figure,"
    "table{display:block;overflow-x:auto}svg{min-width:36rem}}\n"
    "@media print{:root{--ink:#000;--paper:#fff;--dim:#444;--rule:#bbb;--c0:#000;--c1:#000;"
    "--c2:#666;--c3:#333;--fill:#ccc;--shade:#0002}body{max-width:none;font-size:10pt;padding:0}"
    "h2{break-after:avoid}figure,tr,dl div{break-inside:avoid}thead{display:table-header-group}"
    "@page{margin:16mm}}.sign{display:none}@media "
    "print{.sign{display:flex;gap:2rem;margin-top:3rem;"
    "break-inside:avoid}.sign span{flex:1;border-top:1px solid;padding-top:.2rem}}\n";

#define COLUMNS(c) .columns = (c), .n = sizeof(c) / sizeof((c)[0]), .max = REPORT_ROWS_MAX

/* -- parts ---------------------------------------------------------------------------------------
 */

static void heading(struct buf *b, const char *id, const char *text)
{
    buf_printf(b, "<h2 id=%s>", id);
    html_text(b, text);
    buf_str(b, "</h2>\n");
}

static void figure_of(struct buf *b, const char *name, const char *currency, int64_t micros)
{
    buf_printf(b, "<div><dt>%s</dt><dd>", name);
    html_money(b, micros);
    buf_str(b, " <small>");
    html_text(b, currency);
    buf_str(b, "</small></dd></div>\n");
}

static void word_of(struct buf *b, const char *name, const char *text)
{
    buf_printf(b, "<div><dt>%s</dt><dd>", name);
    html_text(b, text);
    buf_str(b, "</dd></div>\n");
}

static void head(const struct report_spec *spec, struct buf *b)
{
    buf_str(b, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n<meta name=viewport "
               "content=\"width=device-width, initial-scale=1\">\n<meta "
               "http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src "
               "'unsafe-inline'\">\n<title>");
    html_text(b, spec->title);
    buf_str(b, "</title><style>\n");
    buf_str(b, style);
    buf_str(b, "</style></head>\n<body><main><h1>");
    html_text(b, spec->title);
    buf_str(b, "</h1>\n");
}

/* The day of the last cutover of a plan; out is "" without one. */
static void last_day(const struct js *plan, char out[static 11])
{
    const struct js *waves = js_member(plan, "waves");

    out[0] = '\0';
    for (size_t i = 0; i < js_len(waves); i++) {
        const char *until = js_str(js_at(waves, i), "cutover_until", "");

        if (strcmp(until, out) > 0)
            (void)text_print(out, 11, "%.10s", until);
    }
}

/* What is to be decided, in two sentences. */
static void lead(const struct report_spec *spec, struct buf *b)
{
    const struct js *c = spec->cost;
    int64_t saved = js_i64(c, "saving_micros", 0), stay = js_i64(c, "stay_micros", 0);
    const char *even = js_str(c, "break_even", NULL);

    buf_str(b, saved < 0 ? "<p><strong>Going costs " : "<p><strong>Going saves ");
    html_money(b, saved < 0 ? -saved : saved);
    buf_str(b, " ");
    html_text(b, js_str(c, "currency", ""));
    if (stay > 0)
        buf_printf(b, " (%.0f%%)", 100 * (double)(saved < 0 ? -saved : saved) / (double)stay);
    buf_printf(b, "%s over %zu months</strong>", saved < 0 ? " more than staying" : "",
               js_len(js_member(c, "months")));
    buf_str(b,
            even ? " and has cost no more than staying from " : "; it is never even in that time");
    html_text(b, even ? even : "");
    buf_str(b, even ? " on." : ".");
    if (js_len(js_member(spec->plan, "waves")) > 0)
        buf_printf(b, " It takes %zu waves.", js_len(js_member(spec->plan, "waves")));
    buf_str(b, "</p>\n");
}

static void sources(const struct report_spec *spec, struct buf *b)
{
    const struct js *c = spec->cost, *list = js_member(c, "catalogue");

    buf_printf(b, "<p class=dim>%zu hosts, %zu workloads; %zu months from ",
               estate_hosts(spec->estate), estate_workloads(spec->estate),
               js_len(js_member(c, "months")));
    html_text(b, js_str(c, "start", ""));
    buf_str(b, "; prices of ");
    html_text(b, js_str(list, "provider", ""));
    buf_str(b, " ");
    html_text(b, js_str(list, "region", ""));
    buf_str(b, " of ");
    html_text(b, js_str(list, "date", ""));
    buf_str(b, ".</p>\n");
}

static void summary(const struct report_spec *spec, struct buf *b)
{
    const struct js *c = spec->cost;
    const char *currency = js_str(c, "currency", "");
    char last[11];

    last_day(spec->plan, last);
    lead(spec, b);
    sources(spec, b);
    buf_str(b, "<dl>\n");
    figure_of(b, "Staying", currency, js_i64(c, "stay_micros", 0));
    figure_of(b, "Going", currency, js_i64(c, "move_micros", 0));
    figure_of(b, "Saved", currency, js_i64(c, "saving_micros", 0));
    word_of(b, "Even from", js_str(c, "break_even", "never in this time"));
    figure_of(b, "A month, staying", currency, js_i64(c, "stay_month_micros", 0));
    figure_of(b, "A month, gone", currency, js_i64(c, "moved_month_micros", 0));
    figure_of(b, "All data out again", currency, js_i64(c, "way_back_micros", 0));
    word_of(b, "Last cutover", *last ? last : "no plan yet");
    buf_str(b, "</dl>\n");
    if (js_u64(c, "unpriced", 0) > 0)
        buf_printf(b,
                   "<p class=warn>Hosts without a price in the cloud: %llu; what going costs lacks "
                   "them, what staying costs has them. Machines, below, say why.</p>\n",
                   (unsigned long long)js_u64(c, "unpriced", 0));
}

static void scenarios(const struct report_spec *spec, struct buf *b)
{
    const struct js *all = js_member(spec->cost, "scenarios");

    buf_str(b,
            "<table><caption>When prices keep falling</caption><thead><tr><th scope=col>A year</th>"
            "<th scope=col class=n>Going</th><th scope=col class=n>Saved</th><th scope=col>Even "
            "from</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < js_len(all); i++) {
        const struct js *v = js_at(all, i);

        buf_printf(b, "<tr><td>%g%%</td><td class=n>", 0 - js_f64(v, "prices_fall_percent", 0));
        html_money(b, js_i64(v, "move_micros", 0));
        buf_str(b, "</td><td class=n>");
        html_money(b, js_i64(v, "saving_micros", 0));
        buf_str(b, "</td><td>");
        html_text(b, js_str(v, "break_even", "never"));
        buf_str(b, "</td></tr>\n");
    }
    buf_str(b, "</tbody></table>\n");
}

static void money(const struct report_spec *spec, struct buf *b)
{
    static const struct html_column heads[] = {
        {"Head", "head", HTML_TEXT},           {"Stay", "stay_micros", HTML_MONEY},
        {"Move", "move_micros", HTML_MONEY},   {"Both sides", "dual_micros", HTML_MONEY},
        {"Moved", "moved_micros", HTML_MONEY}, {"On", "on", HTML_YES},
        {"What", "what", HTML_TEXT},           {"How", "how", HTML_TEXT},
    };
    static const struct html_column workloads[] = {
        {"Workload", "workload", HTML_TEXT},
        {"Hosts", "hosts", HTML_COUNT},
        {"Moves", "moves", HTML_WORD},
        {"Stay", "stay_micros", HTML_MONEY},
        {"Move", "move_micros", HTML_MONEY},
        {"A month, staying", "stay_month_micros", HTML_MONEY},
        {"A month, gone", "moved_month_micros", HTML_MONEY},
    };

    heading(b, "cost", "What it costs");
    report_cost(spec, b);
    scenarios(spec, b);
    html_table(b, &(struct html_table){.caption = "By head", COLUMNS(heads)},
               js_member(spec->cost, "heads"));
    html_table(b,
               &(struct html_table){.caption = "By workload, the dearest first",
                                    COLUMNS(workloads),
                                    .by = "stay_micros"},
               js_member(spec->cost, "workloads"));
}

static void elastic(const struct report_spec *spec, struct buf *b)
{
    static const struct html_column sets[] = {
        {"Workload", "workload", HTML_TEXT},
        {"First host", "first_host", HTML_TEXT},
        {"Machines", "machines", HTML_COUNT},
        {"Always needed", "base", HTML_COUNT},
        {"Scales", "scales", HTML_YES},
        {"A month, all", "full_month_micros", HTML_MONEY},
        {"By load", "shaped_month_micros", HTML_MONEY},
    };
    static const struct html_column bursts[] = {
        {"Workload", "workload", HTML_TEXT},
        {"First host", "first_host", HTML_TEXT},
        {"Now", "machines", HTML_COUNT},
        {"Always", "base", HTML_COUNT},
        {"In the cloud", "in_cloud", HTML_COUNT},
        {"Hours a week", "hours_a_week", HTML_COUNT},
        {"Across, a second", "path_bytes_per_s", HTML_BYTES},
        {"Ready", "ready", HTML_YES},
    };

    heading(b, "elastic", "What breathes");
    buf_str(b, "<p>Like machines of one workload: as many as are always needed, and the rest for "
               "the hours that want them. Only what owners tagged scale=yes is priced so.</p>\n");
    html_table(b, &(struct html_table){.caption = "By the load of the week", COLUMNS(sets)},
               js_member(spec->cost, "elastic"));
    html_table(b, &(struct html_table){.caption = "On both sides for a peak", COLUMNS(bursts)},
               js_member(spec->burst, "sets"));
}

static void runway(const struct report_spec *spec, struct buf *b)
{
    static const char *const used[] = {"cpu_used", "memory_used", "disk_used"};
    const struct js *pools = js_member(spec->runway, "pools");

    buf_str(b,
            "<table><caption>When each pool is full</caption><thead><tr><th scope=col>Pool</th><th "
            "scope=col>After</th><th scope=col>Full</th><th scope=col>By</th><th "
            "scope=col class=n>CPU</th><th scope=col class=n>Memory</th><th scope=col "
            "class=n>Disk</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < js_len(pools) && i < REPORT_ROWS_MAX; i++) {
        const struct js *steps = js_member(js_at(pools, i), "steps");

        for (size_t k = 0; k < js_len(steps); k++) {
            const struct js *v = js_at(steps, k);

            buf_str(b, "<tr><td>");
            html_text(b, js_str(js_at(pools, i), "pool", ""));
            buf_str(b, "</td><td>");
            html_text(b, js_str(v, "step", ""));
            buf_str(b, "</td><td>");
            html_text(b, runway_full(v));
            buf_str(b, "</td><td>");
            html_text(b, js_str(v, "by", "–"));
            buf_str(b, "</td>");
            for (size_t u = 0; u < ARRAY_LEN(used); u++) {
                double share = js_f64(v, used[u], -1);

                if (share < 0)
                    buf_str(b, "<td class=n>–</td>");
                else
                    buf_printf(b, "<td class=n>%.0f%%</td>", share * 100);
            }
            buf_str(b, "</tr>\n");
        }
    }
    buf_str(b, "</tbody></table>\n");
}

static void room(const struct report_spec *spec, struct buf *b)
{
    static const struct html_column pools[] = {
        {"Pool", "pool", HTML_TEXT},      {"Machines", "machines", HTML_COUNT},
        {"Hosts", "hosts", HTML_COUNT},   {"In use", "in_use", HTML_COUNT},
        {"Needed", "needed", HTML_COUNT}, {"At least", "at_least", HTML_COUNT},
        {"Freed", "freed", HTML_COUNT},
    };
    static const struct html_column still[] = {
        {"Host", "host", HTML_TEXT},         {"State", "state", HTML_TEXT},
        {"Workload", "workload", HTML_TEXT}, {"Owner", "owner", HTML_TEXT},
        {"Cores", "cores", HTML_COUNT},      {"Memory", "memory_bytes", HTML_BYTES},
    };
    static const struct html_column freed[] = {
        {"Host", "host", HTML_TEXT}, {"Pool", "pool", HTML_TEXT}, {"Rack", "rack", HTML_TEXT}};

    heading(b, "room", "What the machine room still takes");
    runway(spec, b);
    html_table(b, &(struct html_table){.caption = "Packed anew", COLUMNS(pools)},
               js_member(spec->consolidate, "pools"));
    html_table(b,
               &(struct html_table){.caption = "Does nothing, or next to nothing: ask the owner",
                                    COLUMNS(still)},
               js_member(spec->consolidate, "still"));
    html_table(b, &(struct html_table){.caption = "Hosts that become free", COLUMNS(freed)},
               js_member(spec->consolidate, "freed"));
}

static void machines(const struct report_spec *spec, struct buf *b)
{
    static const struct html_column columns[] = {
        {"Host", "host", HTML_TEXT},
        {"Workload", "workload", HTML_TEXT},
        {"Shape", "shape", HTML_TEXT},
        {"Bought", "term", HTML_TEXT},
        {"Hours a week", "hours_a_week", HTML_COUNT},
        {"Compute", "compute_month_micros", HTML_MONEY},
        {"Disks", "disk_month_micros", HTML_MONEY},
    };
    static const struct html_column why[] = {{"Host", "host", HTML_TEXT},
                                             {"Workload", "workload", HTML_TEXT},
                                             {"Why", "why", HTML_TEXT}};
    static const struct html_column due[] = {
        {"Host", "host", HTML_TEXT},         {"Due", "due", HTML_TEXT},
        {"Empty", "empty", HTML_TEXT},       {"Price", "price_micros", HTML_MONEY},
        {"Not needed", "avoided", HTML_YES}, {"Date assumed", "assumed", HTML_YES},
    };

    heading(b, "machines", "Machines");
    html_table(
        b, &(struct html_table){.caption = "Not bought in the cloud", COLUMNS(why), .only = "why"},
        js_member(spec->cost, "machines"));
    html_table(b,
               &(struct html_table){.caption = "In the cloud, the dearest first",
                                    COLUMNS(columns),
                                    .by = "compute_month_micros",
                                    .only = "shape"},
               js_member(spec->cost, "machines"));
    html_table(b, &(struct html_table){.caption = "Due for a successor", COLUMNS(due)},
               js_member(spec->cost, "refreshes"));
}

/* Every figure with its source. */
static void rates(const struct report_spec *spec, struct buf *b)
{
    const struct js *all = js_member(spec->cost, "rates");

    heading(b, "rates", "Where the figures are from");
    buf_str(
        b,
        "<table><caption>Rates</caption><thead><tr><th scope=col>Rate</th><th "
        "scope=col class=n>Value</th><th scope=col>Unit</th><th scope=col>Source</th></tr></thead>"
        "<tbody>\n");
    for (size_t i = 0; i < js_len(all); i++) {
        const struct js *v = js_at(all, i);

        buf_str(b, "<tr><td>");
        html_text(b, js_str(v, "rate", ""));
        buf_printf(b, "</td><td class=n>%g</td><td>", js_f64(v, "value", 0));
        html_text(b, js_str(v, "unit", ""));
        buf_str(b, "</td><td>");
        html_text(b, js_str(v, "source", ""));
        buf_str(b, "</td></tr>\n");
    }
    buf_str(b, "</tbody></table>\n<p class=dim>Lists that the fleet was read from: ");
    for (size_t i = 1; i <= estate_files(spec->estate) && i <= REPORT_ROWS_MAX; i++) {
        buf_str(b, i > 1 ? ", " : "");
        html_text(b, estate_file(spec->estate, (uint32_t)i));
    }
    buf_str(b, estate_files(spec->estate) ? ".</p>\n" : "not said.</p>\n");
}

int report_html(const struct report_spec *spec, struct buf *out, struct err *err)
{
    int r;

    head(spec, out);
    summary(spec, out);
    heading(out, "when", "When");
    report_gantt(spec, out);
    money(spec, out);
    heading(out, "map", "Who talks to whom");
    r = report_map(spec, out, err);
    if (r < 0)
        return r;
    elastic(spec, out);
    room(spec, out);
    machines(spec, out);
    rates(spec, out);
    buf_str(out, "<div class=sign><span>Approved</span><span>Name</span><span>Date</span></div>\n"
                 "</main></body></html>\n");
    return buf_failed(out, err);
}
