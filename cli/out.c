/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of -o, all from one document and one view of it. */
#include "cli/out.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/opt.h"
#include "base/text.h"
#include "cli/safe.h"
#include "cli/table.h"
#include "cli/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/banned.h"

enum { OUT_STATES = 2, OUT_STATE_MAX = 80, OUT_LINE_MAX = 4096 };

struct out {
    enum out_form form;
    bool colour, quiet, error_colour;
    bool plain_bytes, si, utc;
    size_t width; /* of the terminal, 0 = no terminal */
    bool in_view; /* out_after collects while a view runs */
    struct buf after;
    char states[OUT_STATES][OUT_STATE_MAX];
    unsigned next_state;
};

static const struct {
    const char *name;
    enum out_form form;
} forms[] = {
    {"table", OUT_TABLE}, {"wide", OUT_WIDE}, {"json", OUT_JSON}, {"jsonl", OUT_JSONL},
    {"yaml", OUT_YAML},   {"csv", OUT_CSV},   {"name", OUT_NAME},
};

static enum out_form form_named(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_LEN(forms); i++) {
        if (text_equal(forms[i].name, name))
            return forms[i].form;
    }
    return OUT_TABLE;
}

static bool is_form(const char *name)
{
    return form_named(name) != OUT_TABLE || text_equal(name, "table");
}

static bool wants_colour(const struct opt_set *opts, int fd)
{
    const char *when = opt_text(opts, "color");
    const char *term = getenv("TERM");

    if (text_equal(when, "always"))
        return true;
    if (text_equal(when, "never") || getenv("NO_COLOR") || text_equal(term, "dumb"))
        return false;
    return isatty(fd);
}

static size_t terminal_width(void)
{
    struct winsize ws;

    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) < 0)
        return 0;
    return ws.ws_col;
}

int out_new(const struct opt_set *opts, struct out **ret, struct err *err)
{
    struct out *o = calloc(1, sizeof(*o));
    const char *want =
        opt_given(opts, "output") ? opt_text(opts, "output") : getenv("GODWIT_OUTPUT");

    if (!o)
        return err_set(err, -ENOMEM, "output: %m");
    if (want && want[0] && !is_form(want)) {
        free(o);
        return err_set_gw(
            err, GW_BAD_VALUE, -EINVAL,
            "GODWIT_OUTPUT is '%s', and not table, wide, json, jsonl, yaml, csv or name", want);
    }
    o->form = form_named(want);
    o->colour = out_is_for_people(o) && wants_colour(opts, STDOUT_FILENO);
    o->error_colour = wants_colour(opts, STDERR_FILENO);
    o->quiet = opt_switch(opts, "quiet");
    o->plain_bytes = opt_switch(opts, "bytes") || o->form == OUT_CSV;
    o->si = opt_switch(opts, "si");
    o->utc = opt_switch(opts, "utc") || o->form == OUT_CSV;
    o->width = terminal_width();
    *ret = o;
    return 0;
}

void out_free(struct out *o)
{
    if (!o)
        return;
    buf_done(&o->after);
    free(o);
}

enum out_form out_form(const struct out *o)
{
    return o->form;
}

bool out_is_for_people(const struct out *o)
{
    return o->form == OUT_TABLE || o->form == OUT_WIDE;
}

bool out_is_for_values(const struct out *o)
{
    return out_is_for_people(o) || o->form == OUT_CSV || o->form == OUT_NAME;
}

bool out_quiet(const struct out *o)
{
    return o->quiet;
}

char *out_bytes(const struct out *o, uint64_t bytes, char *text)
{
    if (!o->plain_bytes)
        return num_format_bytes(bytes, o->si, text);
    snprintf(text, NUM_TEXT_MAX, "%llu", (unsigned long long)bytes);
    return text;
}

char *out_duration(const struct out *o, double seconds, char *text)
{
    if (o->form != OUT_CSV)
        return num_format_duration((uint64_t)(seconds * 1000), text);
    snprintf(text, NUM_TEXT_MAX, "%.3f", seconds);
    return text;
}

const char *out_time(const struct out *o, const char *rfc3339, char *text)
{
    uint64_t wall_ms;
    struct tm tm;
    time_t at;

    if (!rfc3339 || o->utc || text_parse_time(rfc3339, &wall_ms, NULL) < 0)
        return rfc3339;
    at = (time_t)(wall_ms / 1000);
    if (!localtime_r(&at, &tm) || strftime(text, TEXT_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        return rfc3339;
    return text;
}

static int print_buf(struct buf *b, struct err *err)
{
    int r = buf_failed(b, err);

    if (r < 0)
        return r;
    if (b->len > 0 && fwrite(b->data, 1, b->len, stdout) != b->len)
        return err_set_gw(err, GW_IO, -errno, "standard output: %m");
    /* A reader that is gone, or a full disk, shows here and not at exit. */
    return fflush(stdout) == 0 ? 0 : err_set_gw(err, GW_IO, -errno, "standard output: %m");
}

static int draw_table(struct out *o, const struct table *t, struct buf *text, struct err *err)
{
    struct table_style style = {
        .wide = o->form == OUT_WIDE, .colour = o->colour, .width = o->width};

    switch (o->form) {
    case OUT_CSV:
        return table_csv(t, text, err);
    case OUT_NAME:
        return table_names(t, text, err);
    default:
        return table_draw(t, &style, text, err);
    }
}

static int print_view(struct out *o, const struct js *doc, out_view_fn view, struct err *err)
{
    auto_buf struct buf text = {0};
    struct table *t = NULL;
    int r = table_new(&t, err);

    if (r < 0)
        return r;
    o->in_view = true;
    r = view(o, doc, t, err);
    o->in_view = false;
    if (r == 0)
        r = draw_table(o, t, &text, err);
    if (r == 0 && o->after.len > 0)
        r = buf_append(&text, o->after.data, o->after.len);
    buf_clear(&o->after);
    table_free(t);
    return r < 0 ? r : print_buf(&text, err);
}

int out_document(struct out *o, const struct js *doc, out_view_fn view, struct err *err)
{
    auto_buf struct buf text = {0};
    int r;

    switch (o->form) {
    case OUT_JSON:
        r = js_print(doc, false, true, &text, err);
        break;
    case OUT_JSONL:
        r = js_print(doc, false, false, &text, err);
        break;
    case OUT_YAML:
        r = yaml_print(doc, &text, err);
        break;
    default:
        return view ? print_view(o, doc, view, err) : 0;
    }
    if (r < 0)
        return r;
    if (!text.len || text.data[text.len - 1] != '\n')
        buf_str(&text, "\n");
    return print_buf(&text, err);
}

int out_writer(struct out *o, struct jsw *w, out_view_fn view, struct err *err)
{
    auto_js struct js *doc = NULL;
    int r = jsw_take(w, &doc, err);

    return r < 0 ? r : out_document(o, doc, view, err);
}

void out_value(struct out *o, const char *value)
{
    char line[OUT_LINE_MAX];

    if (!out_is_for_values(o))
        return;
    (void)text_copy(line, sizeof(line), value);
    safe_text(line);
    puts(line);
    fflush(stdout);
}

void out_text(struct out *o, const char *fmt, ...)
{
    char line[OUT_LINE_MAX];
    va_list ap;

    if (!out_is_for_people(o) || o->quiet)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    safe_text(line);
    puts(line);
    fflush(stdout);
}

void out_after(struct out *o, const char *fmt, ...)
{
    char line[OUT_LINE_MAX];
    va_list ap;

    if (!out_is_for_people(o) || o->quiet)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    safe_text(line);
    if (!o->in_view) {
        puts(line);
        return;
    }
    buf_str(&o->after, line);
    buf_str(&o->after, "\n");
}

struct copy {
    struct jsw *w;
};

static int copy_member(void *arg, const char *key, const struct js *value)
{
    struct copy *c = arg;

    if (!text_equal(key, "type"))
        jsw_js(c->w, key, value);
    return 0;
}

int out_stream(struct out *o, const char *type, const struct js *doc, const char *text,
               struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf line = {0};
    int r;

    if (out_is_for_people(o)) {
        if (text)
            out_text(o, "%s", text);
        return 0;
    }
    r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "type", type);
    js_each(doc, copy_member, &(struct copy){w});
    jsw_end(w);
    r = jsw_finish(w, false, &line, err);
    if (r < 0)
        return r;
    buf_str(&line, "\n");
    return print_buf(&line, err);
}

/* Good, in motion, bad: by the words themselves, so that every verb colours alike. */
static const struct {
    const char *colour;
    const char *words;
} state_colours[] = {
    {"32", "|ok|done|in sync|continuous|online|cloud|dual-run|open|finalized|promote|"},
    {"33", "|seeding|catching up|rescan|running|testing|cutting over|rolling "
           "back|warning|pending|lagging|paused|"},
    {"31",
     "|error|failed|stalled|offline|critical|needs operator|halfway|refused|quarantined|closed|"},
};

const char *out_state(struct out *o, const char *state)
{
    char key[OUT_STATE_MAX];
    char *out = o->states[o->next_state++ % OUT_STATES];

    if (!o->colour || text_print(key, sizeof(key), "|%s|", state) < 0)
        return state;
    for (size_t i = 0; i < ARRAY_LEN(state_colours); i++) {
        if (strcasestr(state_colours[i].words, key) &&
            text_print(out, OUT_STATE_MAX, "\033[%sm%s\033[0m", state_colours[i].colour, state) ==
                0)
            return out;
    }
    return state;
}

static void print_indented(const char *label, const char *text)
{
    auto_free char *copy = strdup(text ? text : "");
    const char *at = copy;

    if (copy)
        safe_text(copy);
    while (at && *at) {
        const char *end = strchrnul(at, '\n');

        fprintf(stderr, "  %-4s  %.*s\n", label, (int)(end - at), at);
        label = "";
        at = *end ? end + 1 : end;
    }
}

/* The planner's own advice, or that of the catalogue. */
static void print_next(const struct js *next, const char *dflt)
{
    if (js_len(next) == 0)
        print_indented("next", dflt);
    for (size_t i = 0; i < js_len(next); i++)
        print_indented(i == 0 ? "next" : "", js_as_str(js_at(next, i), ""));
}

void out_lines(struct jsw *w, const char *key, const char *text)
{
    auto_vec char **lines = NULL;

    jsw_arr(w, key);
    if (text && text_split(text, "\n", &lines, NULL) == 0)
        for (size_t i = 0; lines[i]; i++)
            jsw_str(w, NULL, lines[i]);
    jsw_end(w);
}

static void error_json(const struct err *err, const struct gw_row *row, int exit_code)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {0};
    char code[16];

    snprintf(code, sizeof(code), "GW-%04u", (unsigned)row->number);
    if (jsw_new(&w, NULL) < 0)
        return;
    jsw_document(w, "godwit.error/1", clock_wall_ms(&clock_system));
    jsw_str(w, "code", code);
    jsw_i64(w, "exit", exit_code);
    jsw_str(w, "what", err->text);
    jsw_str(w, "why", row->why);
    out_lines(w, "next", row->next);
    jsw_null(w, "op");
    jsw_end(w);
    if (jsw_finish(w, false, &text, NULL) == 0)
        fprintf(stderr, "%s\n", buf_cstr(&text));
}

/* A planner's own document says more than the catalogue: it is shown as it came. */
static void error_document(const struct js *doc)
{
    auto_buf struct buf text = {0};

    if (js_print(doc, false, false, &text, NULL) == 0)
        fprintf(stderr, "%s\n", buf_cstr(&text));
}

void out_error(struct out *o, const struct err *err, int exit_code, const struct js *error_doc)
{
    const struct gw_row *row = gw_of(err);
    const char *on = o->error_colour ? "\033[31m" : "", *off = o->error_colour ? "\033[0m" : "";
    char code[16], what[ERR_TEXT_MAX];

    (void)text_print(code, sizeof(code), "GW-%04u", (unsigned)row->number);
    fflush(stdout);
    if (err->code == -EPIPE && err->gw == GW_IO)
        return; /* who read us has what it wanted: head, less */
    if (o->form == OUT_JSON || o->form == OUT_JSONL) {
        if (error_doc)
            error_document(error_doc);
        else
            error_json(err, row, exit_code);
        return;
    }
    (void)text_copy(what, sizeof(what), err->text);
    safe_text(what);
    fprintf(stderr, "%serror %s%s: %s\n", on, js_str(error_doc, "code", code), off, what);
    print_indented("why", js_str(error_doc, "why", row->why));
    print_next(js_member(error_doc, "next"), row->next);
}

void out_error_early(const char *form, const struct err *err, int exit_code)
{
    struct out o = {.form = form_named(form ? form : getenv("GODWIT_OUTPUT"))};

    out_error(&o, err, exit_code, NULL);
}
