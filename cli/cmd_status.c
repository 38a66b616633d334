/* SPDX-License-Identifier: Apache-2.0 */
/* godwit status: the dual-run of one workload or of all, once or repainted. */
#include "base/auto.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/cmd_status.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/out.h"
#include "cli/verbs.h"

#include <stdio.h>

#include "base/banned.h"

const struct opt cmd_status_opts[] = {
    {"detailed-exitcode", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "exit 10 when something asks for attention"},
    {0},
};

/* -- one workload: its volumes ------------------------------------------------- */

static const struct columns_row volume_rows[] = {
    {"HOST", "host", COLUMNS_TEXT, TABLE_LEFT},
    {"VOLUME", "volume", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"DONE", "done", COLUMNS_SHARE, TABLE_RIGHT},
    {"BACKLOG", "backlog_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"LAG", "lag_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"TARGET", "target_lag_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"WRITE", "write_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"SEND", "send_bytes_per_s", COLUMNS_RATE, TABLE_RIGHT},
    {"ETA", "eta_s", COLUMNS_ETA, TABLE_RIGHT},
    {"POINT", "applied_seq", COLUMNS_COUNT, TABLE_RIGHT},
    {"KIND", "point_kind", COLUMNS_TEXT, TABLE_LEFT},
    {"CONSISTENT", "consistent_at", COLUMNS_TIME, TABLE_LEFT},
    {"VERIFIED", "verified_at", COLUMNS_TIME, TABLE_LEFT},
};

/* app: NULL where only one is shown. */
static void say_warnings(struct out *o, const struct js *w, const char *app)
{
    const struct js *warnings = js_member(w, "warnings");
    const struct js *next = js_member(w, "next");
    const char *name = app ? app : "", *colon = app ? ": " : "";

    for (size_t i = 0; i < js_len(warnings); i++) {
        const struct js *commands = js_member(js_at(warnings, i), "next");

        out_after(o, "! %s%s%s", name, colon, js_str(js_at(warnings, i), "text", ""));
        for (size_t j = 0; j < js_len(commands); j++)
            out_after(o, "  next  %s", js_as_str(js_at(commands, j), ""));
    }
    if (next && js_str(next, "text", NULL))
        out_after(o, "%s%s%s%s%s", name, colon, js_str(next, "text", ""),
                  js_str(next, "command", NULL) ? "  Next: " : "", js_str(next, "command", ""));
}

static void say_gate(struct out *o, const struct js *w)
{
    const struct js *reasons = js_member(js_member(w, "gate"), "reasons");

    for (size_t i = 0; i < js_len(reasons); i++)
        out_after(o, "Gate closed: %s.", js_as_str(js_at(reasons, i), ""));
}

static int view_workload(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *w = js_at(js_member(doc, "items"), 0);
    const struct js *gate = js_member(w, "gate");
    const bool has_gate = js_kind(gate) == JS_OBJ; /* what was finalized has none */

    out_text(o, "%s  %s  active %s · epoch %llu%s%s", js_str(w, "workload", ""),
             out_state(o, js_str(w, "state", "?")),
             text_equal(js_str(w, "authority", ""), "target") ? "cloud" : "IDC",
             (unsigned long long)js_u64(w, "epoch", 0), has_gate ? " · gate " : "",
             !has_gate ? "" : out_state(o, js_bool(gate, "open", false) ? "open" : "CLOSED"));
    say_gate(o, w);
    say_warnings(o, w, NULL);
    return columns_fill(o, js_member(w, "volumes"), t, volume_rows, ARRAY_LEN(volume_rows), err);
}

/* -- all workloads ---------------------------------------------------------------- */

static const struct columns_row workload_rows[] = {
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"ACTIVE", "authority", COLUMNS_SIDE, TABLE_LEFT},
    {"WAVE", "wave", COLUMNS_TEXT, TABLE_LEFT},
    {"DONE", "done", COLUMNS_SHARE, TABLE_RIGHT},
    {"BACKLOG", "backlog_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"LAG", "lag_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"READY", "volumes_ready", COLUMNS_COUNT, TABLE_RIGHT},
    {"OF", "volumes", COLUMNS_LEN, TABLE_LEFT},
    {"GATE", "gate.open", COLUMNS_OPEN, TABLE_LEFT},
    {"EPOCH", "epoch", COLUMNS_COUNT, TABLE_RIGHT},
};

static int view_all(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");

    for (size_t i = 0; i < js_len(items); i++)
        say_warnings(o, js_at(items, i), js_str(js_at(items, i), "workload", NULL));
    if (js_len(items) == 0)
        out_after(o, "No workloads yet.  Next: godwit app edit NAME --file workload.json");
    return columns_fill(o, items, t, workload_rows, ARRAY_LEN(workload_rows), err);
}

/* -- the verb ----------------------------------------------------------------------- */

static bool needs_attention(const struct js *doc)
{
    const struct js *items = js_member(doc, "items");

    for (size_t i = 0; i < js_len(items); i++) {
        if (js_len(js_member(js_at(items, i), "warnings")) > 0)
            return true;
    }
    return js_len(js_member(doc, "warnings")) > 0;
}

int cmd_status_fetch(struct cmd_call *call, struct api *api, void *arg, struct js **ret,
                     struct err *err)
{
    const char *app = cmd_arg(call, 0);
    char path[API_PATH_MAX];
    int r = app ? api_path(path, err, "/v1/status/%s", app)
                : text_copy(path, sizeof(path), "/v1/status");

    (void)arg;
    return r < 0 ? r : api_get(api, path, ret, err);
}

int cmd_status_show(struct cmd_call *call, struct api *api, const char *workload, struct err *err)
{
    auto_js struct js *doc = NULL;
    char path[API_PATH_MAX];
    int r = api_path(path, err, "/v1/status/%s", workload);

    if (r == 0)
        r = api_get(api, path, &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view_workload, err);
    return cmd_end(r, err);
}

int cmd_status(struct cmd_call *call, struct err *err)
{
    auto_js struct js *doc = NULL;
    out_view_fn view = cmd_arg(call, 0) ? view_workload : view_all;
    int code = fetch_show_by(call, cmd_status_fetch, NULL, view, &doc, err);

    if (code == GW_EXIT_OK && opt_switch(call->opts, "detailed-exitcode") && needs_attention(doc))
        return GW_EXIT_CHANGES;
    return code;
}
