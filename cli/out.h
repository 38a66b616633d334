/* SPDX-License-Identifier: Apache-2.0 */
/* What a verb shows: one document in the form that -o asks for, progress and errors on stderr. */
#ifndef GODWIT_CLI_OUT_H
#define GODWIT_CLI_OUT_H

#include "base/js.h"
#include "base/num.h"
#include "base/text.h"
#include "base/jsw.h"

struct clock;
struct err;
struct opt_set;
struct out;
struct table;

enum { OUT_COUNT_MAX = 48 };
enum out_form { OUT_TABLE, OUT_WIDE, OUT_JSON, OUT_JSONL, OUT_YAML, OUT_CSV, OUT_NAME, OUT_DOT };

int out_new(const struct opt_set *opts, const struct clock *clock, struct out **ret,
            struct err *err);
void out_free(struct out *o);
enum out_form out_form(const struct out *o);
bool out_is_for_people(const struct out *o); /* table or wide */
bool out_is_for_values(const struct out *o); /* no document: table, wide, csv, name */
bool out_quiet(const struct out *o);
const struct clock *out_clock(const struct out *o); /* for a view that shows what is to come */

/* Draws doc into t (rows) and, around it, text of its own with out_text. */
typedef int (*out_view_fn)(struct out *o, const struct js *doc, struct table *t, struct err *err);

/* A size as --bytes and --si want it, a plain number in CSV; text has NUM_TEXT_MAX bytes. Returns
 * text. */
char *out_bytes(const struct out *o, uint64_t bytes, char *text);
/* Likewise a duration. */
char *out_duration(const struct out *o, double seconds, char *text);
/* "1 point", "3 points". Returns text, which has OUT_COUNT_MAX bytes; noun is short. */
char *out_count(uint64_t n, const char *noun, char *text);
/* A time of a document in the local zone, or as it came with --utc and in CSV; text has
 * TEXT_TIME_MAX bytes. NULL stays NULL. */
const char *out_time(const struct out *o, const char *rfc3339, char *text);

/* Print doc (lent). view is used for table, wide, csv and name; its first column is what name
 * prints. */
int out_document(struct out *o, const struct js *doc, out_view_fn view, struct err *err);
/* Text that a verb made itself, for -o dot. */
int out_raw(struct out *o, struct buf *text, struct err *err);
/* The same from a writer, which is finished here. */
int out_writer(struct out *o, struct jsw *w, out_view_fn view, struct err *err);

/* A line that is the answer itself (a token, an id), alone on its line: printed with --quiet and in
 * every form that is no document. */
void out_value(struct out *o, const char *value);
/* A line for people (stdout); nothing in the other forms. */
void out_text(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Like out_text, but after the table when called from a view. */
void out_after(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * -o jsonl is a stream of records: {"type":"version"} first, then progress, event and step, at last
 * one {"type":"result","exit":…} with the members of the document that out_document was given last.
 *
 * out_record adds one with doc's members, in jsonl alone. out_event does that in jsonl and shows
 * doc as out_document does in the other forms: for a verb that has more than one document.
 * out_begin only makes sure that the first record is out. out_end is main's.
 */
int out_begin(struct out *o, struct err *err);
int out_record(struct out *o, const char *type, const struct js *doc, struct err *err);
int out_event(struct out *o, const struct js *doc, out_view_fn view, struct err *err);
int out_end(struct out *o, int exit_code, struct err *err);

/* A state in its colour, as a word always: "in sync", "LAGGING". Returns text itself without
 * colours. The result lives until the next two calls. */
const char *out_state(struct out *o, const char *state);

/* out_error before the command line is understood; form: what -o seems to say, or NULL. */
void out_error_early(const char *form, const struct clock *clock, const struct err *err,
                     int exit_code);
/* The error document or text on stderr, with why and next. */
void out_error(struct out *o, const struct err *err, int exit_code, const struct js *error_doc);

#endif
