/* SPDX-License-Identifier: Apache-2.0 */
/* godwit token: what lets an agent join, or an operator in. Secrets are printed once. */
#include "base/auto.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/verbs.h"

#include <stdio.h>

#include "base/banned.h"

/* As the planner has it. */
#define TTL_MAX_MS (UINT64_C(3660) * 86400 * 1000)

const struct opt cmd_token_create_opts[] = {
    {"ttl", 0, OPT_DURATION, "TIME", NULL, 1000, TTL_MAX_MS, "1h", "how long it is good"},
    {"uses", 0, OPT_U64, "N", NULL, 1, 1000, "1", "how many agents may join with it"},
    {"host", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "only for the host of that name"},
    {"operator", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "a token for a person instead"},
    {"scope", 0, OPT_CHOICE, "SCOPE", "admin|read", 0, 0, "admin", "what that person may do"},
    {0},
};

static const struct columns_row rows[] = {
    {"ID", "id", COLUMNS_TEXT, TABLE_LEFT},
    {"KIND", "kind", COLUMNS_TEXT, TABLE_LEFT},
    {"STATE", "state", COLUMNS_STATE, TABLE_LEFT},
    {"NAME", "name", COLUMNS_TEXT, TABLE_LEFT},
    {"HOST", "host", COLUMNS_TEXT, TABLE_LEFT},
    {"LEFT", "uses_left", COLUMNS_COUNT, TABLE_RIGHT},
    {"BY", "created_by", COLUMNS_TEXT, TABLE_LEFT},
    {"EXPIRES", "expires_at", COLUMNS_TIME, TABLE_LEFT},
};

static int view_list(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_fill(o, js_member(doc, "items"), t, rows, ARRAY_LEN(rows), err);
}

static int view_created(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_value(o, js_str(doc, "token", ""));
    /* Not beside the token: standard output is what `enrol --join -` reads. */
    if (text_equal(js_str(doc, "kind", ""), "join") && out_is_for_people(o) && !out_quiet(o))
        fprintf(stderr, "Shown once. On the host: godwit-agent enrol --server URL --join -   (the "
                        "token on standard input)\n");
    return 0;
}

static int view_revoked(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_text(o, "%s is revoked.", js_str(doc, "id", "It"));
    return 0;
}

int cmd_token_create(struct cmd_call *call, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    const char *person = opt_text(call->opts, "operator");

    if (jsw_new(&w, err) < 0)
        return cmd_exit(err);
    jsw_obj(w, NULL);
    jsw_str(w, "kind", person ? "operator" : "join");
    if (person) {
        jsw_str(w, "name", person);
        jsw_str(w, "scope", opt_text(call->opts, "scope"));
    } else {
        jsw_u64(w, "uses", opt_u64(call->opts, "uses"));
        jsw_str(w, "host", opt_text(call->opts, "host"));
    }
    if (!person || opt_given(call->opts, "ttl"))
        jsw_u64(w, "ttl_s", opt_u64(call->opts, "ttl") / 1000);
    jsw_end(w);
    return fetch_change(call, "POST", "/v1/tokens", w, view_created, err);
}

int cmd_token_ls(struct cmd_call *call, struct err *err)
{
    return fetch_show(call, "/v1/tokens?limit=1000", view_list, err);
}

int cmd_token_revoke(struct cmd_call *call, struct err *err)
{
    char path[API_PATH_MAX];

    if (fetch_path(call, "/v1/tokens/%s", path, err) < 0 ||
        cmd_ask(call, "make this token useless", err) < 0)
        return cmd_exit(err);
    return fetch_change(call, "DELETE", path, NULL, view_revoked, err);
}
