/* SPDX-License-Identifier: Apache-2.0 */
/* godwit app: workloads, as documents that are reviewed like code. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/slurp.h"
#include "cli/verbs.h"

#include "base/banned.h"

enum { APP_FILE_MAX = 1 << 20 };

const struct opt cmd_app_edit_opts[] = {
    {"file", 'f', OPT_TEXT, "FILE", NULL, 0, 0, "-",
     "a godwit.workload/1 document; - is standard input"},
    {0},
};

enum { LIST_ROWS = 9 };

/* One workload has more than the list: how often it is to have a point, and how old the newest may
 * get. */
static const struct columns_row rows[] = {
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"LIFECYCLE", "lifecycle", COLUMNS_STATE, TABLE_LEFT},
    {"AUTHORITY", "authority", COLUMNS_TEXT, TABLE_LEFT},
    {"EPOCH", "epoch", COLUMNS_COUNT, TABLE_RIGHT},
    {"WAVE", "wave", COLUMNS_TEXT, TABLE_LEFT},
    {"VOLUMES", "volumes", COLUMNS_COUNT, TABLE_RIGHT},
    {"HOSTS", "hosts", COLUMNS_LIST, TABLE_LEFT},
    {"TARGETS", "targets", COLUMNS_LIST, TABLE_LEFT},
    {"DEPENDS", "depends", COLUMNS_LIST, TABLE_LEFT},
    {"INTERVAL", "document.limits.interval_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"TARGET LAG", "document.limits.target_lag_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"CONSISTENT", "document.limits.consistent_s", COLUMNS_SECONDS, TABLE_RIGHT},
};

static int view_list(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");

    if (js_len(items) == 0)
        out_after(o, "No workloads yet.  Next: godwit app edit NAME --file workload.json");
    return columns_fill(o, items, t, rows, LIST_ROWS, err);
}

static int view_one(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *warnings = js_member(doc, "warnings");

    for (size_t i = 0; i < js_len(warnings); i++)
        out_after(o, "! %s", js_as_str(js_at(warnings, i), ""));
    return columns_card(o, doc, t, rows, ARRAY_LEN(rows), err);
}

static int view_gone(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_text(o, "%s is forgotten. Its replicas stay in the vault.", js_str(doc, "workload", "It"));
    return 0;
}

int cmd_app_ls(struct cmd_call *call, struct err *err)
{
    return fetch_show(call, "/v1/workloads?limit=1000", view_list, err);
}

int cmd_app_show(struct cmd_call *call, struct err *err)
{
    return fetch_show_arg(call, "/v1/workloads/%s", view_one, err);
}

/* The planner says what is wrong inside; this is for what is no workload at all. */
static int check_document(const struct js *doc, const char *workload, struct err *err)
{
    const char *schema = js_str(doc, "schema", NULL);

    if (js_kind(doc) != JS_OBJ)
        return err_set_gw(err, GW_BAD_WORKLOAD, -EINVAL,
                          "the document is %s, not an object of schema godwit.workload/1",
                          js_kind(doc) == JS_ARR    ? "a list"
                          : js_kind(doc) == JS_NULL ? "null"
                                                    : "a plain value");
    if (!text_equal(schema, "godwit.workload/1"))
        return err_set_gw(err, GW_BAD_WORKLOAD, -EINVAL,
                          "the document's schema is '%s', not 'godwit.workload/1'",
                          schema ? schema : "");
    if (!text_equal(js_str(doc, "workload", NULL), workload))
        return err_set_gw(err, GW_BAD_WORKLOAD, -EINVAL,
                          "the document is of workload '%s', not '%s'", js_str(doc, "workload", ""),
                          workload);
    return 0;
}

int cmd_app_edit(struct cmd_call *call, struct err *err)
{
    auto_js struct js *doc = NULL;
    auto_jsw struct jsw *w = NULL;
    char path[API_PATH_MAX];
    int r = api_path(path, err, "/v1/workloads/%s", cmd_arg(call, 0));

    if (r == 0)
        r = slurp_js(opt_text(call->opts, "file"), APP_FILE_MAX, &doc, err);
    if (r == 0)
        r = check_document(doc, cmd_arg(call, 0), err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return cmd_end(r, err);
    jsw_js(w, NULL, doc);
    return fetch_change(call, "PUT", path, w, view_one, err);
}

int cmd_app_rm(struct cmd_call *call, struct err *err)
{
    char path[API_PATH_MAX];

    if (api_path(path, err, "/v1/workloads/%s", cmd_arg(call, 0)) < 0 ||
        cmd_confirm(call, cmd_arg(call, 0), "forget this workload", err) < 0)
        return cmd_exit(err);
    return fetch_change(call, "DELETE", path, NULL, view_gone, err);
}
