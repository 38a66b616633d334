/* SPDX-License-Identifier: Apache-2.0 */
/* godwit window: when cutovers may happen, and when nothing may. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/fetch.h"
#include "cli/slurp.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "planner/engine/calendar.h"

#include <stdio.h>
#include <time.h>

#include "base/banned.h"

enum { WINDOW_FILE_MAX = 1 << 20 };

#define YEAR_MS (366 * UINT64_C(86400000))

const struct opt cmd_window_opts[] = {
    {"blackout", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "nothing may move then"},
    {"name", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "what to call it"},
    {0},
};

static const struct columns_row rows[] = {
    {"WINDOW", "window", COLUMNS_TEXT, TABLE_LEFT},
    {"NAME", "name", COLUMNS_TEXT, TABLE_LEFT},
    {"KIND", "kind", COLUMNS_TEXT, TABLE_LEFT},
    {"CREATED", "created_at", COLUMNS_TIME, TABLE_LEFT},
};

static const struct table_column list_columns[] = {{"WINDOW", TABLE_LEFT}, {"NAME", TABLE_LEFT},
                                                   {"KIND", TABLE_LEFT},   {"NEXT", TABLE_LEFT},
                                                   {"UNTIL", TABLE_LEFT},  {"CREATED", TABLE_LEFT}};

static bool find_within(const char *calendar, uint64_t from_ms, uint64_t until_ms, struct span *ret)
{
    struct span_list spans = {0};
    bool found = false;

    if (calendar_spans(slice_str(calendar), from_ms, until_ms, &spans, NULL) == 0) {
        span_merge(&spans);
        found = spans.n > 0;
        if (found)
            *ret = spans.spans[0];
    }
    span_done(&spans);
    return found;
}

/* The earliest occurrence that is not over. What comes daily is found at once, what comes once in
 * ten years as well. */
static bool find_next(const char *calendar, uint64_t now_ms, struct span *ret)
{
    return find_within(calendar, now_ms, now_ms + YEAR_MS, ret) ||
           find_within(calendar, now_ms + YEAR_MS, now_ms + 10 * YEAR_MS, ret);
}

static int view_line(struct out *o, const struct js *item, struct table *t, struct err *err)
{
    char from[TEXT_TIME_MAX], until[TEXT_TIME_MAX], shown[3][TEXT_TIME_MAX];
    struct span next;
    bool found = find_next(js_str(item, "calendar", ""), clock_wall_ms(out_clock(o)), &next);
    int r = table_row(t, err);

    if (found) {
        text_time(next.from_ms, from);
        text_time(next.until_ms, until);
    }
    const char *cells[] = {js_str(item, "window", ""),
                           js_str(item, "name", ""),
                           js_str(item, "kind", ""),
                           found ? out_time(o, from, shown[0]) : NULL,
                           found ? out_time(o, until, shown[1]) : NULL,
                           out_time(o, js_str(item, "created_at", NULL), shown[2])};

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(cells); i++)
        r = table_cell(t, cells[i], err);
    return r;
}

static int view_list(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "items");
    int r = table_columns(t, list_columns, ARRAY_LEN(list_columns), err);

    if (js_len(items) == 0)
        out_after(o, "No windows: a cutover may happen at any time.");
    for (size_t i = 0; r == 0 && i < js_len(items); i++)
        r = view_line(o, js_at(items, i), t, err);
    return r;
}

static int view_one(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    return columns_card(o, doc, t, rows, ARRAY_LEN(rows), err);
}

static int view_gone(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    (void)t;
    (void)err;
    out_text(o, "%s is gone.", js_str(doc, "window", "It"));
    return 0;
}

static int post(struct cmd_call *call, const char *name, const char *calendar, struct err *err)
{
    auto_jsw struct jsw *w = NULL;

    if (jsw_new(&w, err) < 0)
        return cmd_exit(err);
    jsw_obj(w, NULL);
    jsw_str(w, "name", name);
    jsw_str(w, "kind", opt_switch(call->opts, "blackout") ? "blackout" : "window");
    jsw_str(w, "calendar", calendar);
    jsw_end(w);
    return fetch_change(call, "POST", "/v1/windows", w, view_one, err);
}

int cmd_window_ls(struct cmd_call *call, struct err *err)
{
    return fetch_show(call, "/v1/windows?limit=1000", view_list, err);
}

/* FROM and UNTIL as RFC 3339; one event of an own calendar. */
static int make_calendar(struct cmd_call *call, const char *name, struct buf *out, struct err *err)
{
    const char *from = cmd_arg(call, 0), *until = cmd_arg(call, 1);
    uint64_t from_ms, until_ms = 0;
    char a[32], b[32];
    struct tm tm;
    time_t at;
    int r = text_parse_time(from, &from_ms, err);

    if (r == 0)
        r = text_parse_time(until, &until_ms, err);
    if (r == 0 && until_ms <= from_ms)
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "%s is not after %s", until, from);
    if (r == 0 && until_ms <= clock_wall_ms(call->clock))
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "%s is over already", until);
    if (r < 0)
        return r;
    at = (time_t)(from_ms / 1000);
    strftime(a, sizeof(a), "%Y%m%dT%H%M%SZ", gmtime_r(&at, &tm));
    at = (time_t)(until_ms / 1000);
    strftime(b, sizeof(b), "%Y%m%dT%H%M%SZ", gmtime_r(&at, &tm));
    buf_printf(out,
               "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//godwit//"
               "EN\r\nBEGIN:VEVENT\r\nUID:%s-%s\r\nDTSTAMP:%s\r\n"
               "SUMMARY:%s\r\nDTSTART:%s\r\nDTEND:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
               a, b, a, name, a, b);
    return buf_failed(out, err);
}

int cmd_window_add(struct cmd_call *call, struct err *err)
{
    auto_buf struct buf calendar = {0};
    const char *name = opt_text(call->opts, "name");

    name = name ? name : opt_switch(call->opts, "blackout") ? "blackout" : "window";
    if (!text_is_name(name)) {
        err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%s' is no name", name);
        return cmd_exit(err);
    }
    if (make_calendar(call, name, &calendar, err) < 0)
        return cmd_exit(err);
    return post(call, name, buf_cstr(&calendar), err);
}

int cmd_window_import(struct cmd_call *call, struct err *err)
{
    auto_buf struct buf text = {0};
    const char *path = cmd_arg(call, 0), *name = opt_text(call->opts, "name");
    const char *base = strrchr(path, '/');

    if (slurp(path, WINDOW_FILE_MAX, &text, err) < 0)
        return cmd_exit(err);
    if (!name)
        name = text_equal(path, "-") ? "imported" : base ? base + 1 : path;
    return post(call, name, buf_cstr(&text), err);
}

int cmd_window_rm(struct cmd_call *call, struct err *err)
{
    char path[API_PATH_MAX];

    if (fetch_path(call, "/v1/windows/%s", path, err) < 0 ||
        cmd_ask(call, "take this window away", err) < 0)
        return cmd_exit(err);
    return fetch_change(call, "DELETE", path, NULL, view_gone, err);
}
