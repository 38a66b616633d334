/* SPDX-License-Identifier: Apache-2.0 */
/* godwit sync: replication of a workload, begun, paused, limited, verified. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/verbs.h"

#include "base/banned.h"

static const struct columns_row rows[] = {
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"LIFECYCLE", "lifecycle", COLUMNS_STATE, TABLE_LEFT},
    {"STARTED", "started_at", COLUMNS_TIME, TABLE_LEFT},
};

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    columns_lines(o, doc, rows, ARRAY_LEN(rows));
    return 0;
}

static int view_verify(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)doc;
    (void)t;
    (void)err;
    out_text(o, "The other side compares digests now; the result is in godwit status.");
    return 0;
}

static int post(struct cmd_call *call, const char *action, const char *key, uint64_t value,
                struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    char path[API_PATH_MAX];

    if (api_path(path, err, "/v1/workloads/%s/sync", cmd_arg(call, 0)) < 0 || jsw_new(&w, err) < 0)
        return cmd_exit(err);
    jsw_obj(w, NULL);
    jsw_str(w, "action", action);
    if (key)
        jsw_u64(w, key, value);
    jsw_end(w);
    return fetch_change(call, "POST", path, w, view, err);
}

int cmd_sync_start(struct cmd_call *call, struct err *err)
{
    return post(call, "start", NULL, 0, err);
}

int cmd_sync_pause(struct cmd_call *call, struct err *err)
{
    return post(call, "pause", NULL, 0, err);
}

int cmd_sync_resume(struct cmd_call *call, struct err *err)
{
    return post(call, "resume", NULL, 0, err);
}

int cmd_sync_limit(struct cmd_call *call, struct err *err)
{
    uint64_t rate = 0;

    if (!text_equal(cmd_arg(call, 1), "none") && num_parse_rate(cmd_arg(call, 1), &rate, err) < 0)
        return cmd_exit(err);
    return post(call, "limit", "rate_bytes_per_s", rate, err);
}

int cmd_sync_verify(struct cmd_call *call, struct err *err)
{
    char path[API_PATH_MAX];

    if (fetch_path(call, "/v1/workloads/%s/verify", path, err) < 0)
        return cmd_exit(err);
    return fetch_change(call, "POST", path, NULL, view_verify, err);
}
