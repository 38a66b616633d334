/* SPDX-License-Identifier: Apache-2.0 */
/* godwit host: who has an agent, and what is on them. */
#include "base/auto.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/verbs.h"

#include "base/banned.h"

static const struct columns_row host_rows[] = {
    {"HOST", "host", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"SOURCE", "source", COLUMNS_TEXT, TABLE_LEFT},
    {"LIST", "list", COLUMNS_TEXT, TABLE_WIDE_ONLY},
    {"IMPORTED", "imported_at", COLUMNS_TIME, TABLE_WIDE_ONLY},
    {"ROLES", "roles", COLUMNS_LIST, TABLE_LEFT},
    {"OS", "os", COLUMNS_TEXT, TABLE_TRUNCATE},
    {"KERNEL", "kernel", COLUMNS_TEXT, TABLE_WIDE_ONLY},
    {"AGENT", "version", COLUMNS_TEXT, TABLE_LEFT},
    {"SEEN", "seen_at", COLUMNS_TIME, TABLE_LEFT},
    {"ADDRESS", "address", COLUMNS_TEXT, TABLE_WIDE_ONLY},
    {"IDENTITY", "identity", COLUMNS_TEXT, TABLE_WIDE_ONLY},
    {"WORKLOADS", "workloads", COLUMNS_LIST, TABLE_LEFT},
};

static const struct columns_row volume_rows[] = {
    {"DEVICE", "path", COLUMNS_TEXT, TABLE_LEFT},
    {"SIZE", "size_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"TYPE", "type", COLUMNS_TEXT, TABLE_LEFT},
    {"FS", "filesystem.type", COLUMNS_TEXT, TABLE_LEFT},
    {"MODEL", "model", COLUMNS_TEXT, TABLE_TRUNCATE},
};

static int view_hosts(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");

    if (js_len(items) == 0)
        out_after(o, "No host is known yet.  Next: godwit token create · godwit host import FILE");
    return columns_fill(o, items, t, host_rows, ARRAY_LEN(host_rows), err);
}

static int view_host(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *block = js_member(js_member(doc, "inventory"), "block");

    columns_lines(o, doc, host_rows, ARRAY_LEN(host_rows));
    out_text(o, "%s", "");
    return columns_fill(o, js_kind(block) == JS_ARR ? block : js_member(block, "devices"), t,
                        volume_rows, ARRAY_LEN(volume_rows), err);
}

static int view_gone(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_text(o, "%s is forgotten; its certificates are refused from now on.",
             js_str(doc, "host", "It"));
    return 0;
}

static int view_rejoin(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_value(o, js_str(doc, "token", ""));
    out_text(
        o,
        "Give it to exactly one of the places: godwit-agent enrol --again --server URL --join -");
    return 0;
}

int cmd_host_ls(struct cmd_call *call, struct err *err)
{
    return fetch_show_list(call, "/v1/hosts?limit=1000", view_hosts, err);
}

int cmd_host_show(struct cmd_call *call, struct err *err)
{
    return fetch_show_arg(call, "/v1/hosts/%s", view_host, err);
}

static int change(struct cmd_call *call, const char *method, const char *fmt, out_view_fn view,
                  struct err *err)
{
    char path[API_PATH_MAX];

    if (api_path(path, err, fmt, cmd_arg(call, 0)) < 0 ||
        cmd_confirm(call, cmd_arg(call, 0), "refuse every certificate that this host has", err) < 0)
        return cmd_exit(err);
    return fetch_change(call, method, path, NULL, view, err);
}

int cmd_host_rm(struct cmd_call *call, struct err *err)
{
    return change(call, "DELETE", "/v1/hosts/%s", view_gone, err);
}

int cmd_host_rejoin(struct cmd_call *call, struct err *err)
{
    return change(call, "POST", "/v1/hosts/%s/rejoin", view_rejoin, err);
}
