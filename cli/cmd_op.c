/* SPDX-License-Identifier: Apache-2.0 */
/* godwit op: what runs and what ran. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/op_watch.h"
#include "cli/verbs.h"

#include "base/banned.h"

const struct opt cmd_op_ls_opts[] = {
    {"for", 0, OPT_TEXT, "APP", NULL, 0, 0, NULL, "only of this workload"},
    {0},
};

static const struct columns_row op_rows[] = {
    {"OP", "id", COLUMNS_TEXT, TABLE_LEFT},
    {"KIND", "kind", COLUMNS_TEXT, TABLE_LEFT},
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"STEP", "step", COLUMNS_TEXT, TABLE_LEFT},
    {"EPOCH", "epoch", COLUMNS_COUNT, TABLE_RIGHT},
    {"DOWNTIME", "downtime_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"STARTED", "started_at", COLUMNS_TIME, TABLE_LEFT},
    {"WHO", "who", COLUMNS_TEXT, TABLE_WIDE_ONLY},
    {"WHY", "error.what", COLUMNS_TEXT, TABLE_TRUNCATE},
};

static const struct columns_row step_rows[] = {
    {"N", "n", COLUMNS_COUNT, TABLE_RIGHT},
    {"STEP", "name", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"EPOCH", "epoch", COLUMNS_COUNT, TABLE_RIGHT},
    {"STARTED", "started_at", COLUMNS_TIME, TABLE_LEFT},
    {"ENDED", "ended_at", COLUMNS_TIME, TABLE_LEFT},
    {"WHY", "detail.error.what", COLUMNS_TEXT, TABLE_TRUNCATE},
};

static int view_ops(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    if (js_len(js_member(doc, "items")) == 0)
        out_after(o, "No operations yet.");
    return columns_fill(o, js_member(doc, "items"), t, op_rows, ARRAY_LEN(op_rows), err);
}

static int view_op(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    if (out_form(o) == OUT_NAME)
        return columns_one(o, doc, t, op_rows, ARRAY_LEN(op_rows), err);
    columns_lines(o, doc, op_rows, ARRAY_LEN(op_rows));
    out_text(o, "%s", "");
    return columns_fill(o, js_member(doc, "steps"), t, step_rows, ARRAY_LEN(step_rows), err);
}

int cmd_op_ls(struct cmd_call *call, struct err *err)
{
    const char *app = opt_text(call->opts, "for");
    char path[API_PATH_MAX];

    if ((app ? api_path(path, err, "/v1/ops?limit=1000&workload=%s", app)
             : text_copy(path, sizeof(path), "/v1/ops?limit=1000")) < 0)
        return cmd_exit(err);
    return fetch_show(call, path, view_ops, err);
}

int cmd_op_show(struct cmd_call *call, struct err *err)
{
    return fetch_show_arg(call, "/v1/ops/%s", view_op, err);
}

int cmd_op_attach(struct cmd_call *call, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    char path[API_PATH_MAX];
    int r = fetch_path(call, "/v1/ops/%s", path, err);

    if (r == 0)
        r = api_open(call, &api, err);
    if (r == 0)
        r = api_get(api, path, &doc, err);
    return r < 0 ? cmd_exit(err) : op_watch(call, api, doc, err);
}

int cmd_op_abort(struct cmd_call *call, struct err *err)
{
    char path[API_PATH_MAX];

    if (fetch_path(call, "/v1/ops/%s/abort", path, err) < 0)
        return cmd_exit(err);
    return fetch_change(call, "POST", path, NULL, view_op, err);
}

int cmd_op_resolve(struct cmd_call *call, struct err *err)
{
    char path[API_PATH_MAX];

    if (fetch_path(call, "/v1/ops/%s/resolve", path, err) < 0)
        return cmd_exit(err);
    return fetch_change(call, "POST", path, NULL, view_op, err);
}
