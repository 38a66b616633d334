/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of -o, all from one document and one view of it. */
#include "cli/out.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/complaint.h"
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
    const struct clock *clock;
    bool headed;        /* rows of a stream: the header is out */
    bool begun;         /* jsonl: the record "version" is out */
    struct js *result;  /* jsonl: the document that the last record will carry */
    struct js *failure; /* jsonl: what went wrong, for the same record */
};

static const struct {
    const char *name;
    enum out_form form;
} forms[] = {
    {"table", OUT_TABLE}, {"wide", OUT_WIDE}, {"json", OUT_JSON}, {"jsonl", OUT_JSONL},
    {"yaml", OUT_YAML},   {"csv", OUT_CSV},   {"name", OUT_NAME}, {"dot", OUT_DOT},
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

int out_new(const struct opt_set *opts, const struct clock *clock, struct out **ret,
            struct err *err)
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
    o->clock = clock;
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

static void out_done(struct out *o)
{
    buf_done(&o->after);
    js_free(o->result);
    js_free(o->failure);
}

void out_free(struct out *o)
{
    if (!o)
        return;
    out_done(o);
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

const struct clock *out_clock(const struct out *o)
{
    return o->clock;
}

char *out_bytes(const struct out *o, uint64_t bytes, char *text)
{
    if (!o->plain_bytes)
        return num_format_bytes(bytes, o->si, text);
    snprintf(text, NUM_TEXT_MAX, "%llu", (unsigned long long)bytes);
    return text;
}

char *out_count(uint64_t n, const char *noun, char *text)
{
    snprintf(text, OUT_COUNT_MAX, "%llu %s%s", (unsigned long long)n, noun, n == 1 ? "" : "s");
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
        return table_csv(t, !o->headed, text, err);
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

int out_raw(struct out *o, struct buf *text, struct err *err)
{
    (void)o;
    return print_buf(text, err);
}

int out_document(struct out *o, const struct js *doc, out_view_fn view, struct err *err)
{
    auto_buf struct buf text = {0};
    int r;

    switch (o->form) {
    case OUT_JSON:
        r = js_print(doc, false, true, &text, err);
        break;
    case OUT_JSONL: /* the last record; its exit code is not known yet */
        js_free(o->result);
        o->result = js_ref(doc);
        return 0;
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

/* False where nobody reads it. */
__attribute__((format(printf, 3, 0))) static bool
line_for_people(const struct out *o, char line[OUT_LINE_MAX], const char *fmt, va_list ap)
{
    if (!out_is_for_people(o) || o->quiet)
        return false;
    vsnprintf(line, OUT_LINE_MAX, fmt, ap);
    safe_text(line);
    return true;
}

void out_text(struct out *o, const char *fmt, ...)
{
    char line[OUT_LINE_MAX];
    va_list ap;
    bool wanted;

    va_start(ap, fmt);
    wanted = line_for_people(o, line, fmt, ap);
    va_end(ap);
    if (!wanted)
        return;
    puts(line);
    fflush(stdout);
}

void out_after(struct out *o, const char *fmt, ...)
{
    char line[OUT_LINE_MAX];
    va_list ap;
    bool wanted;

    va_start(ap, fmt);
    wanted = line_for_people(o, line, fmt, ap);
    va_end(ap);
    if (!wanted)
        return;
    if (!o->in_view) {
        puts(line);
        return;
    }
    buf_str(&o->after, line);
    buf_str(&o->after, "\n");
}

/* -- jsonl: records of a stream -------------------------------------------------- */

static int copy_member(void *arg, const char *key, const struct js *value)
{
    if (!text_equal(key, "type"))
        jsw_js(arg, key, value);
    return 0;
}

/* "exit" of the last record is that of this program. */
static int copy_result(void *arg, const char *key, const struct js *value)
{
    return text_equal(key, "exit") ? 0 : copy_member(arg, key, value);
}

static int print_record(struct jsw *w, struct err *err)
{
    auto_buf struct buf line = {0};
    int r;

    jsw_end(w);
    r = jsw_finish(w, false, &line, err);
    if (r < 0)
        return r;
    buf_str(&line, "\n");
    return print_buf(&line, err);
}

static int begin_record(const char *type, struct jsw **ret, struct err *err)
{
    int r = jsw_new(ret, err);

    if (r < 0)
        return r;
    jsw_obj(*ret, NULL);
    jsw_str(*ret, "type", type);
    return 0;
}

int out_begin(struct out *o, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r;

    if (o->form != OUT_JSONL || o->begun)
        return 0;
    r = begin_record("version", &w, err);
    if (r < 0)
        return r;
    jsw_str(w, "schema", "godwit.stream/1");
    jsw_time(w, "generated_at", clock_wall_ms(o->clock));
    jsw_str(w, "version", PACKAGE_VERSION);
    o->begun = true;
    return print_record(w, err);
}

int out_record(struct out *o, const char *type, const struct js *doc, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r;

    if (o->form != OUT_JSONL)
        return 0;
    r = out_begin(o, err);
    if (r == 0)
        r = begin_record(type, &w, err);
    if (r < 0)
        return r;
    js_each(doc, copy_member, w);
    return print_record(w, err);
}

int out_event(struct out *o, const struct js *doc, out_view_fn view, struct err *err)
{
    int r =
        o->form == OUT_JSONL ? out_record(o, "event", doc, err) : out_document(o, doc, view, err);

    o->headed = true;
    return r;
}

int out_end(struct out *o, int exit_code, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r;

    /* Text for people (help) has no result. */
    if (o->form != OUT_JSONL || (!o->begun && !o->result && !o->failure))
        return 0;
    r = out_begin(o, err);
    if (r == 0)
        r = begin_record("result", &w, err);
    if (r < 0)
        return r;
    jsw_i64(w, "exit", exit_code);
    js_each(o->result, copy_result, w);
    if (o->failure && !js_member(o->result, "error"))
        jsw_js(w, "error", o->failure);
    return print_record(w, err);
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

/* The planner's own words go before those of the catalogue. */
static void print_complaint(struct out *o, const struct err *err, const struct js *doc)
{
    const struct js *next = js_member(doc, "next");
    auto_buf struct buf lines = {0};
    struct complaint c;

    complaint_of(err, &c);
    if (js_str(doc, "code", NULL))
        (void)text_copy(c.code, sizeof(c.code), js_str(doc, "code", ""));
    c.why = js_str(doc, "why", c.why);
    for (size_t i = 0; i < js_len(next); i++) {
        buf_str(&lines, js_as_str(js_at(next, i), ""));
        buf_str(&lines, "\n");
    }
    if (js_len(next) > 0 && buf_failed(&lines, NULL) == 0)
        c.next = buf_cstr(&lines);
    complaint_print(&c, o->error_colour, stderr);
}

/* A planner's own document says more than the catalogue: it is shown as it came. */
static int take_complaint(const struct out *o, const struct err *err, int exit_code,
                          const struct js *doc, struct js **ret)
{
    auto_jsw struct jsw *w = NULL;
    struct complaint c;
    int r;

    if (doc) {
        *ret = js_ref(doc);
        return 0;
    }
    r = jsw_new(&w, NULL);
    if (r < 0)
        return r;
    complaint_of(err, &c);
    c.exit = exit_code;
    complaint_document(&c, clock_wall_ms(o->clock), w);
    return jsw_take(w, ret, NULL);
}

static void print_document(const struct js *doc)
{
    auto_buf struct buf text = {0};

    if (js_print(doc, false, false, &text, NULL) == 0)
        fprintf(stderr, "%s\n", buf_cstr(&text));
}

void out_error(struct out *o, const struct err *err, int exit_code, const struct js *error_doc)
{
    auto_js struct js *doc = NULL;

    fflush(stdout);
    if (err->code == -EPIPE && err->gw == GW_IO)
        return; /* who read us has what it wanted: head, less */
    if (o->form != OUT_JSON && o->form != OUT_JSONL) {
        print_complaint(o, err, error_doc);
        return;
    }
    if (take_complaint(o, err, exit_code, error_doc, &doc) < 0)
        return;
    print_document(doc);
    if (!o->failure)
        o->failure = TAKE(doc);
}

void out_error_early(const char *form, const struct clock *clock, const struct err *err,
                     int exit_code)
{
    struct out o = {.form = form_named(form ? form : getenv("GODWIT_OUTPUT")), .clock = clock};

    out_error(&o, err, exit_code, NULL);
    (void)out_end(&o, exit_code, NULL);
    out_done(&o);
}
