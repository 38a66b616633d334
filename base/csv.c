/* SPDX-License-Identifier: Apache-2.0 */
/* A row is copied into a buffer as its fields are found, and pointed into when it is whole. */
#include "base/csv.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* -- the first line --------------------------------------------------------------------------- */

static size_t line_end(const struct csv *c, size_t at)
{
    const uint8_t *end =
        at < c->text_.len ? memchr(c->text_.data + at, '\n', c->text_.len - at) : NULL;

    return end ? (size_t)(end - c->text_.data) : c->text_.len;
}

/* What stands most often outside of quotes; a comma where nothing does. */
static char guess_separator(const struct csv *c)
{
    static const char candidates[] = ",;\t";
    size_t end = line_end(c, c->at_), n[sizeof(candidates)] = {0}, best = 0;
    bool quoted = false;

    for (size_t i = c->at_; i < end; i++) {
        const char *found = strchr(candidates, (char)c->text_.data[i]);

        quoted ^= c->text_.data[i] == '"';
        if (found && *found && !quoted)
            n[found - candidates]++;
    }
    for (size_t i = 1; i < sizeof(candidates) - 1; i++) {
        if (n[i] > n[best])
            best = i;
    }
    return candidates[best];
}

static void skip_line(struct csv *c)
{
    c->at_ = line_end(c, c->at_) + 1;
    c->next_line_++;
}

/* "sep=;" is how Excel is told. */
static void read_separator(struct csv *c)
{
    const uint8_t *at = c->text_.data + c->at_;
    size_t len = line_end(c, c->at_) - c->at_;

    if (len >= 5 && memcmp(at, "sep=", 4) == 0 && (len == 5 || (len == 6 && at[5] == '\r'))) {
        c->separator = (char)at[4];
        skip_line(c);
        return;
    }
    c->separator = guess_separator(c);
}

int csv_init(struct csv *c, struct slice text, struct err *err)
{
    static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};

    *c = (struct csv){.text_ = text, .next_line_ = 1, .row_ = {.max = CSV_ROW_MAX}};
    if (text.len >= 2 && (text.data[0] ^ text.data[1]) == (0xff ^ 0xfe) && text.data[0] >= 0xfe)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "this is UTF-16; save it as CSV in UTF-8");
    if (text.len > 0 && memchr(text.data, '\0', text.len))
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "this is no text: it has bytes 0");
    if (text.len >= sizeof(mark) && memcmp(text.data, mark, sizeof(mark)) == 0)
        c->at_ = sizeof(mark);
    c->field = calloc(CSV_FIELDS_MAX, sizeof(const char *));
    c->starts_ = calloc(CSV_FIELDS_MAX, sizeof(*c->starts_));
    if (!c->field || !c->starts_) {
        csv_done(c);
        return err_set(err, -ENOMEM, "a row of CSV: %m");
    }
    if (text.len > 0)
        read_separator(c);
    return 0;
}

void csv_done(struct csv *c)
{
    free((void *)c->field);
    free(c->starts_);
    buf_done(&c->row_);
    *c = (struct csv){0};
}

/* -- rows ------------------------------------------------------------------------------------- */

/* Where a row stands while its fields are found. */
struct walk {
    size_t at, lines; /* in the text; line ends within quotes */
    const char *problem;
};

static bool at_end_of_field(const struct csv *c, size_t at)
{
    return at >= c->text_.len || c->text_.data[at] == (uint8_t)c->separator ||
           c->text_.data[at] == '\n' ||
           (c->text_.data[at] == '\r' && at + 1 < c->text_.len && c->text_.data[at + 1] == '\n');
}

/* Behind the opening quote, up to behind the closing one. */
static void take_quoted(struct csv *c, struct walk *w)
{
    for (;; w->at++) {
        uint8_t byte;

        if (w->at >= c->text_.len) {
            w->problem = "a quote opens here that does not end";
            return;
        }
        byte = c->text_.data[w->at];
        if (byte == '"' && (w->at + 1 >= c->text_.len || c->text_.data[w->at + 1] != '"'))
            break;
        w->at += byte == '"';
        w->lines += byte == '\n';
        if (buf_u8(&c->row_, byte) < 0)
            return;
    }
    w->at++;
}

static void take_field(struct csv *c, struct walk *w)
{
    if (w->at < c->text_.len && c->text_.data[w->at] == '"') {
        w->at++;
        take_quoted(c, w);
    }
    /* What follows a closing quote is kept: hand-made files have it. */
    while (!w->problem && !c->row_.failed && !at_end_of_field(c, w->at))
        (void)buf_u8(&c->row_, c->text_.data[w->at++]);
    (void)buf_u8(&c->row_, '\0');
    if (c->row_.failed && !w->problem)
        w->problem = c->row_.failed == -EFBIG ? "the row is too long" : "no memory for the row";
}

static void take_row(struct csv *c, struct walk *w)
{
    buf_clear(&c->row_);
    c->fields = 0;
    for (;;) {
        if (c->fields == CSV_FIELDS_MAX) {
            w->problem = "the row has too many fields";
            return;
        }
        c->starts_[c->fields++] = c->row_.len;
        take_field(c, w);
        if (w->problem || w->at >= c->text_.len || c->text_.data[w->at] != (uint8_t)c->separator)
            return;
        w->at++;
    }
}

static bool is_blank(const struct csv *c)
{
    return c->fields == 1 && c->row_.len == 1;
}

/* The row's fields, or its problem; the next row is behind it, or on the next line. */
static void finish_row(struct csv *c, struct walk *w)
{
    for (size_t i = 0; i < c->fields && !w->problem; i++) {
        c->field[i] = (const char *)c->row_.data + c->starts_[i];
        if (!text_is_utf8(c->field[i]))
            w->problem = "not UTF-8; save the file as CSV in UTF-8";
    }
    c->problem = w->problem;
    c->line = c->next_line_;
    if (w->problem) {
        c->fields = 0;
        c->problems_++;
        skip_line(c);
        return;
    }
    c->next_line_ += w->lines + 1;
    c->at_ = line_end(c, w->at) + 1;
}

int csv_next(struct csv *c, struct err *err)
{
    while (c->at_ < c->text_.len) {
        struct walk w = {.at = c->at_};

        take_row(c, &w);
        finish_row(c, &w);
        if (c->problems_ > CSV_PROBLEMS_MAX)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL,
                              "line %zu: more than %d rows cannot be read; is this CSV?", c->line,
                              CSV_PROBLEMS_MAX);
        if (c->problem || !is_blank(c))
            return 1;
    }
    return 0;
}

/* -- writing ---------------------------------------------------------------------------------- */

void csv_put(struct buf *out, const char *text, bool first)
{
    bool formula = *text && strchr("=+-@\t\r", *text);

    if (!first)
        (void)buf_u8(out, ',');
    if (!formula && !strpbrk(text, ",;\"\r\n")) {
        (void)buf_str(out, text);
        return;
    }
    (void)buf_str(out, formula ? "\"'" : "\"");
    for (; *text; text++)
        (void)buf_str(out, *text == '"' ? "\"\"" : (char[]){*text, '\0'});
    (void)buf_u8(out, '"');
}
