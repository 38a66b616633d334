/* SPDX-License-Identifier: Apache-2.0 */
/* godwit status: the dual-run of one workload or of all, once or repainted. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/api.h"
#include "cli/cmd_status.h"
#include "cli/cmd_watch.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include <stdio.h>

#include "base/banned.h"

const struct opt cmd_status_opts[] = {
    {"detailed-exitcode", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "exit 10 when something asks for attention"},
    {0},
};

/* -- one workload: its volumes ------------------------------------------------- */

static const struct table_column volume_columns[] = {
    {"HOST", TABLE_LEFT},   {"VOLUME", TABLE_LEFT},   {"STATE", TABLE_LEFT},
    {"DONE", TABLE_RIGHT},  {"BACKLOG", TABLE_RIGHT}, {"LAG", TABLE_RIGHT},
    {"WRITE", TABLE_RIGHT}, {"SEND", TABLE_RIGHT},    {"ETA", TABLE_RIGHT},
    {"POINT", TABLE_RIGHT}, {"VERIFIED", TABLE_LEFT},
};

static const char *bytes_cell(const struct out *o, const struct js *v, const char *key,
                              const char *suffix, char *out, size_t size)
{
    char text[NUM_TEXT_MAX];

    if (!js_member(v, key) || js_u64(v, key, 0) == 0)
        return "-";
    out_bytes(o, js_u64(v, key, 0), text);
    (void)text_print(out, size, "%s%s", text, suffix);
    return out;
}

/* A duration in seconds, or what stands for "there is none". */
static const char *seconds_cell(const struct out *o, const struct js *v, const char *key,
                                const char *none, char *out)
{
    double s = js_f64(v, key, -1);

    return s < 0 ? none : out_duration(o, s, out);
}

static int view_volume(struct out *o, const struct js *v, struct table *t, struct err *err)
{
    char done[16], backlog[48], lag[NUM_TEXT_MAX], write[48], send[48], eta[NUM_TEXT_MAX],
        point[32];
    const char *cells[] = {
        js_str(v, "host", NULL),
        js_str(v, "volume", NULL),
        out_state(o, js_str(v, "state", "?")),
        done,
        bytes_cell(o, v, "backlog_bytes", "", backlog, sizeof(backlog)),
        seconds_cell(o, v, "lag_s", "-", lag),
        bytes_cell(o, v, "write_bytes_per_s", "/s", write, sizeof(write)),
        bytes_cell(o, v, "send_bytes_per_s", "/s", send, sizeof(send)),
        seconds_cell(o, v, "eta_s", "-", eta),
        point,
        js_str(v, "verified_at", NULL),
    };
    int r = table_row(t, err);

    snprintf(done, sizeof(done), "%.0f%%", js_f64(v, "done", 0) * 100);
    snprintf(point, sizeof(point), "%llu", (unsigned long long)js_u64(v, "applied_seq", 0));
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(cells); i++)
        r = table_cell(t, cells[i], err);
    return r;
}

static void say_warnings(struct out *o, const struct js *w)
{
    const struct js *warnings = js_member(w, "warnings");
    const struct js *next = js_member(w, "next");

    for (size_t i = 0; i < js_len(warnings); i++) {
        const struct js *commands = js_member(js_at(warnings, i), "next");

        out_after(o, "! %s", js_str(js_at(warnings, i), "text", ""));
        for (size_t j = 0; j < js_len(commands); j++)
            out_after(o, "  next  %s", js_as_str(js_at(commands, j), ""));
    }
    if (next && js_str(next, "text", NULL))
        out_after(o, "%s%s%s", js_str(next, "text", ""),
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
    const struct js *volumes = js_member(w, "volumes");
    int r = table_columns(t, volume_columns, ARRAY_LEN(volume_columns), err);

    out_text(o, "%s  %s  active %s · epoch %llu · gate %s", js_str(w, "workload", ""),
             out_state(o, js_str(w, "state", "?")),
             text_equal(js_str(w, "authority", ""), "target") ? "cloud" : "IDC",
             (unsigned long long)js_u64(w, "epoch", 0),
             js_bool(js_member(w, "gate"), "open", false) ? out_state(o, "open")
                                                          : out_state(o, "CLOSED"));
    for (size_t i = 0; r == 0 && i < js_len(volumes); i++)
        r = view_volume(o, js_at(volumes, i), t, err);
    say_gate(o, w);
    say_warnings(o, w);
    return r;
}

/* -- all workloads ---------------------------------------------------------------- */

static const struct table_column workload_columns[] = {
    {"APP", TABLE_LEFT},   {"STATE", TABLE_LEFT},    {"ACTIVE", TABLE_LEFT}, {"WAVE", TABLE_LEFT},
    {"DONE", TABLE_RIGHT}, {"BACKLOG", TABLE_RIGHT}, {"LAG", TABLE_RIGHT},   {"READY", TABLE_RIGHT},
    {"GATE", TABLE_LEFT},  {"EPOCH", TABLE_RIGHT},
};

static int view_line(struct out *o, const struct js *w, struct table *t, struct err *err)
{
    char done[16], backlog[48], lag[NUM_TEXT_MAX], ready[48], epoch[32];
    const char *cells[] = {
        js_str(w, "workload", NULL),
        out_state(o, js_str(w, "state", "?")),
        text_equal(js_str(w, "authority", ""), "target") ? "cloud" : js_str(w, "authority", "?"),
        js_str(w, "wave", NULL),
        done,
        bytes_cell(o, w, "backlog_bytes", "", backlog, sizeof(backlog)),
        seconds_cell(o, w, "lag_s", "-", lag),
        ready,
        js_bool(js_member(w, "gate"), "open", false) ? "open" : "CLOSED",
        epoch,
    };
    int r = table_row(t, err);

    snprintf(done, sizeof(done), "%.0f%%", js_f64(w, "done", 0) * 100);
    snprintf(ready, sizeof(ready), "%llu/%zu", (unsigned long long)js_u64(w, "volumes_ready", 0),
             js_len(js_member(w, "volumes")));
    snprintf(epoch, sizeof(epoch), "%llu", (unsigned long long)js_u64(w, "epoch", 0));
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(cells); i++)
        r = table_cell(t, cells[i], err);
    return r;
}

static int view_all(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");
    int r = table_columns(t, workload_columns, ARRAY_LEN(workload_columns), err);

    for (size_t i = 0; r == 0 && i < js_len(items); i++)
        r = view_line(o, js_at(items, i), t, err);
    for (size_t i = 0; i < js_len(items); i++)
        say_warnings(o, js_at(items, i));
    if (js_len(items) == 0)
        out_after(o, "No workloads yet.  Next: godwit app edit NAME --file workload.json");
    return r;
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

static int fetch(struct cmd_call *call, struct api *api, void *arg, struct js **ret,
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
    return r < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

int cmd_status(struct cmd_call *call, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    out_view_fn view = cmd_arg(call, 0) ? view_workload : view_all;
    int r = api_open(call, &api, err);

    if (r == 0 && opt_given(call->opts, "watch"))
        return cmd_watch(call, api, fetch, NULL, view, err);
    if (r == 0)
        r = fetch(call, api, NULL, &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view, err);
    if (r < 0)
        return cmd_exit(err);
    return opt_switch(call->opts, "detailed-exitcode") && needs_attention(doc) ? GW_EXIT_CHANGES
                                                                               : GW_EXIT_OK;
}
