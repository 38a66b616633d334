/* SPDX-License-Identifier: Apache-2.0 */
/* godwit sync: replication of a workload, begun, paused, limited, verified. */
#include "base/auto.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/verbs.h"
#include "transport/rate_table.h"

#include "base/banned.h"

enum { SYNC_TABLE_MAX = 512 };

static const struct columns_row rows[] = {
    {"APP", "workload", COLUMNS_TEXT, TABLE_LEFT},
    {"LIFECYCLE", "lifecycle", COLUMNS_STATE, TABLE_LEFT},
    {"STARTED", "started_at", COLUMNS_TIME, TABLE_LEFT},
    {"PAUSED", "paused", COLUMNS_YES, TABLE_LEFT},
    {"LIMIT", "rate_bytes_per_s", COLUMNS_RATE, TABLE_LEFT},
    {"TIMETABLE", "rate_table", COLUMNS_TEXT, TABLE_LEFT},
};

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_card(o, doc, t, rows, ARRAY_LEN(rows), err);
}

static int view_verify(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)doc;
    (void)t;
    (void)err;
    out_text(o, "The other side compares digests now; the result is in godwit status.");
    return 0;
}

static int begin(struct cmd_call *call, const char *action, char *path, struct jsw **ret,
                 struct err *err)
{
    int r = api_path(path, err, "/v1/workloads/%s/sync", cmd_arg(call, 0));

    if (r == 0)
        r = jsw_new(ret, err);
    if (r < 0)
        return r;
    jsw_obj(*ret, NULL);
    jsw_str(*ret, "action", action);
    return 0;
}

/* key NULL: the action says it all. */
static int post(struct cmd_call *call, const char *action, const char *key, const char *value,
                struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    char path[API_PATH_MAX];

    if (begin(call, action, path, &w, err) < 0)
        return cmd_exit(err);
    if (key)
        jsw_str(w, key, value);
    jsw_end(w);
    return fetch_change(call, "POST", path, w, view, err);
}

static int post_u64(struct cmd_call *call, const char *key, uint64_t value, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    char path[API_PATH_MAX];

    if (begin(call, "limit", path, &w, err) < 0)
        return cmd_exit(err);
    jsw_u64(w, key, value);
    jsw_end(w);
    return fetch_change(call, "POST", path, w, view, err);
}

int cmd_sync_start(struct cmd_call *call, struct err *err)
{
    return post(call, "start", NULL, NULL, err);
}

int cmd_sync_pause(struct cmd_call *call, struct err *err)
{
    return post(call, "pause", NULL, NULL, err);
}

int cmd_sync_resume(struct cmd_call *call, struct err *err)
{
    return post(call, "resume", NULL, NULL, err);
}

const struct opt cmd_sync_limit_opts[] = {
    {"between", 0, OPT_TEXT, "HOURS", NULL, 0, 0, NULL,
     "only then, without a limit at other times: 08:00-18:00, 'Mon-Fri 08:00-18:00'"},
    {0},
};

/* One rate is a number for the planner, which shows it; all else is a timetable. */
int cmd_sync_limit(struct cmd_call *call, struct err *err)
{
    const char *between = opt_text(call->opts, "between");
    const char *rate = cmd_arg(call, 1);
    struct rate_table table;
    char text[SYNC_TABLE_MAX];
    int r = between ? text_print(text, sizeof(text), "%s %s", between, rate)
                    : text_copy(text, sizeof(text), rate);

    if (r < 0)
        r = err_set_gw(err, GW_BAD_VALUE, r, "the timetable is too long");
    else
        r = rate_table_parse(text, &table, err);
    if (r < 0)
        return cmd_end(r, err);
    if (rate_table_is_flat(&table))
        return post_u64(call, "rate_bytes_per_s", table.entry[0].bytes_per_s, err);
    return post(call, "limit", "rate_table", text, err);
}

int cmd_sync_verify(struct cmd_call *call, struct err *err)
{
    char path[API_PATH_MAX];

    if (fetch_path(call, "/v1/workloads/%s/verify", path, err) < 0)
        return cmd_exit(err);
    return fetch_change(call, "POST", path, NULL, view_verify, err);
}

static int view_resync(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)doc;
    (void)t;
    (void)err;
    out_text(o, "The other side compares every block now and fetches what differs; godwit status "
                "shows the rest.");
    return 0;
}

int cmd_sync_resync(struct cmd_call *call, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    char path[API_PATH_MAX];

    if (fetch_path(call, "/v1/workloads/%s/verify", path, err) < 0 ||
        cmd_confirm(call, cmd_arg(call, 0), "overwrite what was written on the other side", err) <
            0 ||
        jsw_new(&w, err) < 0)
        return cmd_exit(err);
    jsw_obj(w, NULL);
    jsw_bool(w, "resync", true);
    jsw_end(w);
    return fetch_change(call, "POST", path, w, view_resync, err);
}
