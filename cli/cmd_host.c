/* SPDX-License-Identifier: Apache-2.0 */
/* godwit host: who has an agent, and what is on them. */
#include "cli/api.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include <stdio.h>

#include "base/banned.h"

static const struct table_column host_columns[] = {
    {"HOST", TABLE_LEFT},      {"STATE", TABLE_LEFT},        {"ROLES", TABLE_LEFT},
    {"OS", TABLE_TRUNCATE},    {"KERNEL", TABLE_WIDE_ONLY},  {"AGENT", TABLE_LEFT},
    {"SEEN", TABLE_LEFT},      {"ADDRESS", TABLE_WIDE_ONLY}, {"IDENTITY", TABLE_WIDE_ONLY},
    {"WORKLOADS", TABLE_LEFT},
};

static void join(const struct js *arr, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < js_len(arr) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "," : "",
                                 js_as_str(js_at(arr, i), ""));
}

static int view_host(struct out *o, const struct js *host, struct table *t, struct err *err)
{
    char roles[128], workloads[256];
    const char *cells[] = {
        js_str(host, "host", NULL),
        out_state(o, js_str(host, "state", "?")),
        roles,
        js_str(host, "os", NULL),
        js_str(host, "kernel", NULL),
        js_str(host, "version", NULL),
        js_str(host, "seen_at", NULL),
        js_str(host, "address", NULL),
        js_str(host, "identity", NULL),
        workloads,
    };
    int r = table_row(t, err);

    join(js_member(host, "roles"), roles, sizeof(roles));
    join(js_member(host, "workloads"), workloads, sizeof(workloads));
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(cells); i++)
        r = table_cell(t, cells[i], err);
    return r;
}

static int view_hosts(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");
    int r = table_columns(t, host_columns, ARRAY_LEN(host_columns), err);

    for (size_t i = 0; r == 0 && i < js_len(items); i++)
        r = view_host(o, js_at(items, i), t, err);
    if (js_len(items) == 0)
        out_after(o, "No host has enrolled yet.  Next: godwit token create");
    return r;
}

int cmd_host_ls(struct cmd_call *call, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    int r = api_open(call, &api, err);

    if (r == 0)
        r = api_get(api, "/v1/hosts?limit=1000", &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view_hosts, err);
    return r < 0 ? cmd_exit(err) : GW_EXIT_OK;
}
