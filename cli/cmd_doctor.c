/* SPDX-License-Identifier: Apache-2.0 */
/* godwit doctor: what the planner can tell about itself, and how its clock stands to ours. */
#include "base/auto.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/verbs.h"

#include "base/banned.h"

static const struct columns_row rows[] = {
    {"CHECK", "check", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "severity", COLUMNS_STATE, TABLE_LEFT},
    {"WHAT", "text", COLUMNS_TEXT, TABLE_LEFT},
    {"NEXT", "next", COLUMNS_TEXT, TABLE_LEFT},
};

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_fill(o, js_member(doc, "items"), t, rows, ARRAY_LEN(rows), err);
}

static bool is_well(const struct js *doc)
{
    const struct js *items = js_member(doc, "items");

    for (size_t i = 0; i < js_len(items); i++) {
        if (!text_equal(js_str(js_at(items, i), "severity", ""), "ok"))
            return false;
    }
    return true;
}

int cmd_doctor(struct cmd_call *call, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    int r = api_open(call, &api, err);

    if (r == 0)
        r = api_get(api, "/v1/doctor", &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view, err);
    if (r < 0)
        return cmd_end(r, err);
    return is_well(doc) ? GW_EXIT_OK : GW_EXIT_PARTIAL;
}
