/* SPDX-License-Identifier: Apache-2.0 */
/* godwit events: who did what, to which, from where; once, or as it comes. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/progress.h"
#include "cli/verbs.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/banned.h"

enum { EVENTS_WAIT_S = 20, EVENTS_MAX = 1000, EVENTS_LAST = 50 };

const struct opt cmd_events_opts[] = {
    {"for", 0, OPT_TEXT, "OBJECT", NULL, 0, 0, NULL, "only of this workload, host or operation"},
    {"since", 0, OPT_DURATION, "DUR", NULL, 1000, 0, NULL, "only what happened in this time"},
    {"last", 0, OPT_U64, "N", NULL, 1, EVENTS_MAX, NULL, "how many (50; with --since 1000)"},
    {0},
};

static const struct columns_row event_rows[] = {
    {"AT", "at", COLUMNS_TIME, TABLE_LEFT},         {"KIND", "kind", COLUMNS_TEXT, TABLE_LEFT},
    {"WHO", "who", COLUMNS_TEXT, TABLE_LEFT},       {"FROM", "from", COLUMNS_TEXT, TABLE_WIDE_ONLY},
    {"OBJECT", "object", COLUMNS_TEXT, TABLE_LEFT}, {"WHAT", "text", COLUMNS_TEXT, TABLE_LEFT},
};

static int view_events(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_fill(o, js_member(doc, "items"), t, event_rows, ARRAY_LEN(event_rows), err);
}

static int skip_items(void *arg, const char *key, const struct js *value)
{
    if (!text_equal(key, "items"))
        jsw_js(arg, key, value);
    return 0;
}

/* In a stream each event is a record of its own, and the result is what is left of the document. */
static int stream_events(struct out *o, const struct js *doc, struct err *err)
{
    const struct js *items = js_member(doc, "items");
    auto_jsw struct jsw *w = NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && i < js_len(items); i++)
        r = out_record(o, "event", js_at(items, i), err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    js_each(doc, skip_items, w);
    jsw_end(w);
    return out_writer(o, w, NULL, err);
}

/* Lines that follow each other for hours are no table. */
static void say_events(struct out *o, const struct js *doc)
{
    const struct js *items = js_member(doc, "items");
    char at[TEXT_TIME_MAX];

    for (size_t i = 0; i < js_len(items); i++) {
        const struct js *e = js_at(items, i);

        out_text(o, "%s  %-16s %-12s %-12s %s", out_time(o, js_str(e, "at", ""), at),
                 js_str(e, "kind", ""), js_str(e, "who", "-"), js_str(e, "object", "-"),
                 js_str(e, "text", ""));
    }
}

static int show_events(struct out *o, const struct js *doc, bool following, struct err *err)
{
    if (out_form(o) == OUT_JSONL)
        return stream_events(o, doc, err);
    if (!following)
        return out_document(o, doc, view_events, err);
    if (js_len(js_member(doc, "items")) == 0)
        return 0;
    if (!out_is_for_people(o))
        return out_event(o, doc, view_events, err);
    say_events(o, doc);
    return 0;
}

/* after NULL: the newest ones; else those that come after it, as soon as there is one. */
static int get_events(struct cmd_call *call, struct api *api, const char *after, struct js **ret,
                      struct err *err)
{
    const char *object = opt_text(call->opts, "for");
    const uint64_t since_s = num_div_up(opt_u64(call->opts, "since"), 1000);
    uint64_t last = opt_u64(call->opts, "last");
    char path[API_PATH_MAX], only[API_PATH_MAX] = "";
    int r = object ? api_path(only, err, "&for=%s", object) : 0;

    if (last == 0)
        last = since_s > 0 ? EVENTS_MAX : EVENTS_LAST;
    if (r == 0)
        r = text_print(path, sizeof(path), "/v1/events?limit=%" PRIu64 "&since=%" PRIu64 "%s%s%s",
                       last, since_s, only, after ? "&wait=20&after=" : "", after ? after : "");
    if (r < 0)
        return err_set_gw(err, GW_BAD_VALUE, r, "'%.40s…' is too long", object);
    return api_do(
        api,
        &(struct api_request){.method = "GET", .path = path, .wait_s = after ? EVENTS_WAIT_S : 0},
        ret, err);
}

/* Each event once, as it comes, until Ctrl-C. */
static int follow_events(struct cmd_call *call, struct api *api, struct err *err)
{
    const atomic_bool *stop = progress_interrupts();
    auto_js struct js *doc = NULL;
    int r = get_events(call, api, NULL, &doc, err);

    if (r == 0)
        r = show_events(call->out, doc, true, err);
    while (r == 0 && !atomic_load(stop)) {
        struct js *more = NULL;

        r = get_events(call, api, js_str(doc, "next", "0"), &more, err);
        if (r < 0 && err->gw == GW_API_UNREACHABLE && !atomic_load(stop)) {
            fprintf(stderr, "%s; trying again\n", err->text);
            err_clear(err);
            clock_sleep_ms(call->clock, 1000);
            r = 0;
            continue;
        }
        if (r == 0)
            r = show_events(call->out, more, true, err);
        if (r == 0) {
            js_free(doc);
            doc = more;
        }
    }
    if (!atomic_load(stop))
        return cmd_exit(err);
    err_clear(err);
    return GW_EXIT_OK;
}

int cmd_events(struct cmd_call *call, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    int r = api_open(call, &api, err);

    if (r == 0 && opt_given(call->opts, "watch"))
        return follow_events(call, api, err);
    if (r == 0)
        r = get_events(call, api, NULL, &doc, err);
    if (r == 0)
        r = show_events(call->out, doc, false, err);
    return cmd_end(r, err);
}
