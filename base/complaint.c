/* SPDX-License-Identifier: Apache-2.0 */
/* The one shape of an error, for people and for programs. */
#include "base/complaint.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/jsw.h"
#include "base/text.h"

#include <string.h>

#include "base/banned.h"

enum { COMPLAINT_LINE_MAX = 1024 };

void complaint_of(const struct err *err, struct complaint *ret)
{
    const struct gw_row *row = gw_of(err);

    *ret = (struct complaint){
        .exit = (int)row->exit, .what = err->text, .why = row->why, .next = row->next};
    (void)text_print(ret->code, sizeof(ret->code), "GW-%04u", (unsigned)row->number);
}

void complaint_lines(struct jsw *w, const char *key, const char *text)
{
    auto_vec char **lines = NULL;

    jsw_arr(w, key);
    if (text && text_split(text, "\n", &lines, NULL) == 0) {
        for (size_t i = 0; lines[i]; i++)
            jsw_str(w, NULL, lines[i]);
    }
    jsw_end(w);
}

static void write_members(const struct complaint *c, struct jsw *w)
{
    jsw_str(w, "code", c->code);
    jsw_i64(w, "exit", c->exit);
    jsw_str(w, "what", c->what);
    jsw_str(w, "why", c->why);
    complaint_lines(w, "next", c->next);
    jsw_str(w, "op", c->op);
    jsw_end(w);
}

void complaint_document(const struct complaint *c, uint64_t now_ms, struct jsw *w)
{
    jsw_document(w, "godwit.error/1", now_ms);
    write_members(c, w);
}

void complaint_member(const struct complaint *c, struct jsw *w)
{
    if (!c) {
        jsw_null(w, "error");
        return;
    }
    jsw_obj(w, "error");
    jsw_str(w, "schema", "godwit.error/1");
    write_members(c, w);
}

/* first stands before the first line of text, rest before each other one. */
static void print_lines(FILE *to, const char *first, const char *rest, const char *text)
{
    char line[COMPLAINT_LINE_MAX];

    for (const char *at = text; at && *at;) {
        const char *end = strchrnul(at, '\n');
        size_t len = (size_t)(end - at);

        /* Whole lines are short; one that is not is from outside, and its end is not missed. */
        (void)text_print(line, sizeof(line), "%.*s",
                         (int)(len < sizeof(line) ? len : sizeof(line) - 1), at);
        text_sanitize(line);
        fprintf(to, "%s%s\n", at == text ? first : rest, line);
        at = *end ? end + 1 : end;
    }
}

void complaint_print(const struct complaint *c, bool colour, FILE *to)
{
    fprintf(to, "%serror %s%s: ", colour ? "\033[31m" : "", c->code, colour ? "\033[0m" : "");
    print_lines(to, "", "  ", c->what && c->what[0] ? c->what : "it failed");
    print_lines(to, "  why   ", "        ", c->why);
    print_lines(to, "  next  ", "        ", c->next);
}
