/* SPDX-License-Identifier: Apache-2.0 */
/* godwit sync ls, show: does each volume get there, what bounds it, and what its points are. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/cmd_status.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/verbs.h"

#include "base/banned.h"

const struct opt cmd_sync_show_opts[] = {
    {"explain", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "say in words what bounds each volume, and what it would take"},
    {0},
};

/* ---- one list of volumes, of the status of their workloads ---- */

static int copy_member(void *arg, const char *key, const struct js *value)
{
    jsw_js(arg, key, value);
    return 0;
}

static void write_volumes(const struct js *item, struct jsw *w)
{
    const struct js *volumes = js_member(item, "volumes");

    for (size_t i = 0; i < js_len(volumes); i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "workload", js_str(item, "workload", ""));
        js_each(js_at(volumes, i), copy_member, w);
        jsw_end(w);
    }
}

static int flatten(struct cmd_call *call, const struct js *status, struct js **ret, struct err *err)
{
    const struct js *items = js_member(status, "items");
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.sync/1", clock_wall_ms(call->clock));
    jsw_arr(w, "items");
    for (size_t i = 0; i < js_len(items); i++)
        write_volumes(js_at(items, i), w);
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

static int fetch(struct cmd_call *call, struct api *api, void *arg, struct js **ret,
                 struct err *err)
{
    auto_js struct js *status = NULL;
    int r = cmd_status_fetch(call, api, arg, &status, err);

    return r < 0 ? r : flatten(call, status, ret, err);
}

/* ---- tables ---- */

static const struct columns_row ls_rows[] = {
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"VOLUME", "volume", COLUMNS_TEXT, TABLE_LEFT},
    {"HOST", "host", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"CONVERGENCE", "convergence", COLUMNS_STATE, TABLE_LEFT},
    {"BOUND", "bound", COLUMNS_TEXT, TABLE_LEFT},
    {"LAG", "point_lag_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"TARGET", "target_lag_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"WRITE", "write_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"DRAIN", "drain_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"ETA", "eta_s", COLUMNS_ETA, TABLE_RIGHT},
};

static const struct columns_row show_rows[] = {
    {"VOLUME", "volume", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"CONVERGENCE", "convergence", COLUMNS_STATE, TABLE_LEFT},
    {"BOUND", "bound", COLUMNS_TEXT, TABLE_LEFT},
    {"LAG", "point_lag_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"TARGET", "target_lag_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"LATE", "late_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"WRITE", "write_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"DRAIN", "drain_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"SEND", "send_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"LIMIT", "limit_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"ETA", "eta_s", COLUMNS_ETA, TABLE_RIGHT},
    {"POINT", "pushed_seq", COLUMNS_COUNT, TABLE_RIGHT},
    {"KIND", "point_kind", COLUMNS_TEXT, TABLE_LEFT},
    {"CONSISTENT", "consistent_at", COLUMNS_TIME, TABLE_LEFT},
};

static int view_ls(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    if (js_len(js_member(doc, "items")) == 0)
        out_after(o, "No volumes yet.  Next: godwit app edit NAME --file workload.json");
    return columns_fill(o, js_member(doc, "items"), t, ls_rows, ARRAY_LEN(ls_rows), err);
}

enum { PASS_SAID_S = 10 }; /* a shorter one ends before anybody has read of it */

/* A first copy, or a pass that takes long: what it did so far. */
static void say_running(struct out *o, const struct js *v)
{
    const double running = js_f64(v, "running_s", -1), left = js_f64(v, "pass_eta_s", -1);
    char ran[NUM_TEXT_MAX], done[NUM_TEXT_MAX], total[NUM_TEXT_MAX], more[NUM_TEXT_MAX];

    if (running < PASS_SAID_S)
        return;
    num_format_duration((uint64_t)(running * 1000), ran);
    num_format_duration(left > 0 ? (uint64_t)(left * 1000) : 0, more);
    out_after(o, "%s: a pass runs since %s: %s of %s looked at%s%s", js_str(v, "volume", ""), ran,
              out_bytes(o, js_u64(v, "done_bytes", 0), done),
              out_bytes(o, js_u64(v, "total_bytes", 0), total), left >= 0 ? ", done in " : "",
              left >= 0 ? more : "");
}

static int view_show(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");

    for (size_t i = 0; out_is_for_people(o) && i < js_len(items); i++)
        say_running(o, js_at(items, i));
    return columns_fill(o, js_member(doc, "items"), t, show_rows, ARRAY_LEN(show_rows), err);
}

/* ---- in words ---- */

static void explain_points(struct out *o, const struct js *v)
{
    const char *kind = js_str(v, "point_kind", NULL);
    const char *at = js_str(v, "consistent_at", NULL), *why = js_str(v, "consistent_error", NULL);
    char when[TEXT_TIME_MAX];

    if (!kind)
        return;
    out_after(o, "  its newest point is %s%s%s", kind,
              at ? "; the newest consistent one is of " : "", at ? out_time(o, at, when) : "");
    if (why)
        out_after(o, "  no newer consistent point: %s", why);
}

static void explain_rates(struct out *o, const struct js *v)
{
    char writes[NUM_TEXT_MAX], drains[NUM_TEXT_MAX], need[NUM_TEXT_MAX], limit[NUM_TEXT_MAX];
    const uint64_t bound = js_u64(v, "limit_bytes_per_s", 0);

    if (js_u64(v, "drain_bytes_per_s", 0) == 0)
        return;
    out_after(o, "  %s/s newly change, %s/s of it leave while a pass runs",
              out_bytes(o, js_u64(v, "write_bytes_per_s", 0), writes),
              out_bytes(o, js_u64(v, "drain_bytes_per_s", 0), drains));
    if (js_u64(v, "need_bytes_per_s", 0) == 0)
        return;
    out_after(o, "  to catch up it takes at least %s/s on the line%s%s%s",
              out_bytes(o, js_u64(v, "need_bytes_per_s", 0), need), bound ? "; the limit is " : "",
              bound ? out_bytes(o, bound, limit) : "", bound ? "/s" : "");
}

static int view_explain(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");

    for (size_t i = 0; out_is_for_people(o) && i < js_len(items); i++) {
        const struct js *v = js_at(items, i);
        const char *bound = js_str(v, "bound", NULL);

        out_after(o, "%s: %s%s%s", js_str(v, "volume", ""),
                  js_str(v, "convergence", js_str(v, "state", "?")),
                  bound ? ", most of the time goes to the " : "", bound ? bound : "");
        explain_rates(o, v);
        explain_points(o, v);
    }
    return view_show(o, doc, t, err);
}

/* ---- the verbs ---- */

int cmd_sync_ls(struct cmd_call *call, struct err *err)
{
    return fetch_show_by(call, fetch, NULL, view_ls, NULL, err);
}

int cmd_sync_show(struct cmd_call *call, struct err *err)
{
    const bool explain = opt_switch(call->opts, "explain");

    return fetch_show_by(call, fetch, NULL, explain ? view_explain : view_show, NULL, err);
}
