/* SPDX-License-Identifier: Apache-2.0 */
/* godwit explain and godwit help: what is known about errors, exit codes, JSON. */
#include "base/complaint.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/help.h"
#include "cli/out.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include <stdio.h>

#include "base/banned.h"

static int view_row(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *next = js_member(doc, "next");

    (void)t;
    (void)err;
    out_text(o, "%s  %s (exit %lld)\n\nwhy   %s", js_str(doc, "code", ""), js_str(doc, "title", ""),
             (long long)js_i64(doc, "exit", 0), js_str(doc, "why", ""));
    for (size_t i = 0; i < js_len(next); i++)
        out_text(o, "%s  %s", i == 0 ? "next" : "    ", js_as_str(js_at(next, i), ""));
    return 0;
}

int cmd_explain(struct cmd_call *call, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    const char *arg = cmd_arg(call, 0);
    const struct gw_row *row;
    uint64_t number = 0;
    char code[16];

    if (strncasecmp(arg, "GW-", 3) == 0)
        arg += 3;
    if (num_parse_u64(arg, 1, 9999, &number, err) < 0)
        return cmd_exit(err);
    row = gw_find((unsigned)number);
    if (!row) {
        err_set_gw(err, GW_NOT_FOUND, -ENOENT, "there is no error GW-%04u", (unsigned)number);
        return cmd_exit(err);
    }
    if (jsw_new(&w, err) < 0)
        return cmd_exit(err);
    (void)text_print(code, sizeof(code), "GW-%04u", (unsigned)number);
    jsw_document(w, "godwit.explain/1", clock_wall_ms(call->clock));
    jsw_str(w, "code", code);
    jsw_i64(w, "exit", row->exit);
    jsw_str(w, "title", row->title);
    jsw_str(w, "why", row->why);
    complaint_lines(w, "next", row->next);
    jsw_end(w);
    return out_writer(call->out, w, view_row, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

static const struct {
    const char *name, *text;
} topics[] = {
    {"exit-codes", "0 done                        7 authentication or permission\n"
                   "1 failed, nothing changed     8 unreachable or timed out\n"
                   "2 usage or configuration      9 verification mismatch: data differs\n"
                   "3 partial                    10 changes, only with --detailed-exitcode\n"
                   "4 no such object             11 cutover failed, rolled back cleanly\n"
                   "5 refused by a gate          12 stopped half-way, operator needed\n"
                   "6 locked by someone else    130 detached by Ctrl-C; the operation goes on\n"
                   "An unknown code must be read as failure."},
    {"json",
     "Every verb has -o json: one document with \"schema\" and \"generated_at\". Bytes are "
     "integers,\n"
     "durations seconds, times RFC 3339 UTC, absent is null. Fields are added, never "
     "renamed, inside\n"
     "one schema number. Failures print godwit.error/1 on stderr.\n"
     "-o jsonl is a stream of records with \"type\": version, then progress, event and step, "
     "at last one\n"
     "result with \"exit\" and the document's members."},
    {"environment",
     "GODWIT_SERVER GODWIT_CONTEXT GODWIT_OUTPUT GODWIT_PROGRESS GODWIT_TOKEN_FILE GODWIT_CONFIG\n"
     "NO_COLOR TZ. S3: AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE "
     "AWS_REGION\n"
     "AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 AWS_CA_BUNDLE GODWIT_S3_PATH_STYLE\n"
     "GODWIT_S3_HTTP2 (0: HTTP/1.1 also where HTTP/2 is offered)."},
};

int cmd_help(struct cmd_call *call, struct err *err)
{
    const char *topic = cmd_arg(call, 0);

    if (!topic)
        return help_overview(call, err);
    for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
        if (text_equal(topics[i].name, topic)) {
            puts(topics[i].text);
            return GW_EXIT_OK;
        }
    }
    err_set_gw(err, GW_NOT_FOUND, -ENOENT, "no topic '%s': exit-codes, json, environment", topic);
    return cmd_exit(err);
}
