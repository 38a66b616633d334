/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECMA-376, as far as tables need it: the names of sheets, shared strings, cells. Formats of
 * numbers are passed over: a cell is what is written in it.
 */
#include "planner/engine/import_xlsx.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "base/xml.h"

#include <stdlib.h>

#include "base/banned.h"

enum { SHEETS_MAX = 256, NAME_MAX_BYTES = 128, STRINGS_MAX = 1 << 22 };

struct sheet {
    char name[NAME_MAX_BYTES], relation[NAME_MAX_BYTES];
};

struct book {
    const struct import_xlsx *x;
    const struct import_xlsx_events *events;
    struct err *err;
    int failed;
    struct sheet *sheets;
    size_t sheets_n;
    char target[2 * NAME_MAX_BYTES]; /* of the relation that is looked for */
    const char *wanted;
    struct buf strings; /* all shared strings, each ended by 0 */
    size_t *starts;
    size_t strings_n, strings_cap;
    bool in_text, in_phonetic;
    /* the row under way */
    struct buf cells;
    size_t *cell_at;
    const char **cell;
    size_t column, columns, line;
    char kind; /* of the cell: 's'hared, or what is written */
    struct buf value;
};

/* -- names of sheets ----------------------------------------------------------------------------
 */

static void on_sheet(void *ctx, const char *name, const char *const *attributes)
{
    const char *sheet = xml_attribute(attributes, "name"), *id = NULL;
    struct book *b = ctx;

    for (size_t i = 0; attributes[i]; i += 2) {
        if (text_ends(attributes[i], ":id"))
            id = attributes[i + 1];
    }
    if (!text_equal(name, "sheet") || !sheet || !id || b->sheets_n == SHEETS_MAX)
        return;
    if (text_copy(b->sheets[b->sheets_n].name, NAME_MAX_BYTES, sheet) == 0 &&
        text_copy(b->sheets[b->sheets_n].relation, NAME_MAX_BYTES, id) == 0)
        b->sheets_n++;
}

static void on_relation(void *ctx, const char *name, const char *const *attributes)
{
    const char *id = xml_attribute(attributes, "Id"), *target = xml_attribute(attributes, "Target");
    struct book *b = ctx;

    if (!text_equal(name, "Relationship") || !target || !text_equal(id, b->wanted))
        return;
    if (*target == '/')
        (void)text_print(b->target, sizeof(b->target), "%s", target + 1);
    else
        (void)text_print(b->target, sizeof(b->target), "xl/%s", target);
}

/* -- shared strings -----------------------------------------------------------------------------
 */

static void fail(struct book *b, int code)
{
    if (b->failed == 0)
        b->failed = code;
}

static void begin_string(struct book *b)
{
    if (b->strings_n == b->strings_cap) {
        size_t cap = b->strings_cap ? b->strings_cap * 2 : 1024;
        size_t *starts = cap <= STRINGS_MAX ? reallocarray(b->starts, cap, sizeof(*starts)) : NULL;

        if (!starts) {
            fail(b, -ENOMEM);
            return;
        }
        b->starts = starts;
        b->strings_cap = cap;
    }
    b->starts[b->strings_n++] = b->strings.len;
}

static void on_string_begin(void *ctx, const char *name, const char *const *attributes)
{
    struct book *b = ctx;

    (void)attributes;
    if (text_equal(name, "si"))
        begin_string(b);
    b->in_phonetic |= text_equal(name, "rPh");
    b->in_text = text_equal(name, "t") && !b->in_phonetic;
}

static void on_string_end(void *ctx, const char *name)
{
    struct book *b = ctx;

    b->in_text = false;
    if (text_equal(name, "rPh"))
        b->in_phonetic = false;
    if (text_equal(name, "si") && buf_u8(&b->strings, '\0') < 0)
        fail(b, -ENOMEM);
}

static void on_string_text(void *ctx, struct slice text)
{
    struct book *b = ctx;

    if (b->in_text && buf_append(&b->strings, text.data, text.len) < 0)
        fail(b, -ENOMEM);
}

static const char *shared(const struct book *b, const char *number)
{
    uint64_t i;

    if (b->strings_n == 0 || num_parse_u64(number, 0, b->strings_n - 1, &i, NULL) < 0)
        return "";
    return (const char *)b->strings.data + b->starts[i];
}

/* -- cells --------------------------------------------------------------------------------------
 */

/* "AB12" -> 27; SIZE_MAX: no such column. */
static size_t column_of(const char *reference)
{
    size_t n = 0;

    for (; *reference >= 'A' && *reference <= 'Z' && n <= CSV_FIELDS_MAX; reference++)
        n = n * 26 + (size_t)(*reference - 'A') + 1;
    return n >= 1 && n <= CSV_FIELDS_MAX ? n - 1 : SIZE_MAX;
}

static void begin_row(struct book *b, const char *const *attributes)
{
    const char *number = xml_attribute(attributes, "r");
    uint64_t line = b->line + 1;

    if (number)
        (void)num_parse_u64(number, 1, UINT32_MAX, &line, NULL);
    b->line = (size_t)line;
    b->columns = b->column = 0;
    buf_clear(&b->cells);
    (void)buf_u8(&b->cells, '\0'); /* what empty cells point to */
}

static void begin_cell(struct book *b, const char *const *attributes)
{
    const char *reference = xml_attribute(attributes, "r");
    const char *kind = xml_attribute(attributes, "t");

    if (reference)
        b->column = column_of(reference);
    b->kind = text_equal(kind, "s") ? 's' : 'v';
    buf_clear(&b->value);
}

static void end_cell(struct book *b)
{
    const char *value = buf_cstr(&b->value);
    const size_t at = b->column;

    if (!value || b->value.failed) {
        fail(b, -ENOMEM);
        return;
    }
    if (at >= CSV_FIELDS_MAX)
        return;
    if (b->kind == 's')
        value = shared(b, value);
    for (; b->columns <= at; b->columns++)
        b->cell_at[b->columns] = 0;
    b->cell_at[at] = b->cells.len;
    if (buf_append(&b->cells, value, strlen(value) + 1) < 0)
        fail(b, b->cells.failed);
    b->column = at + 1;
}

static void end_row(struct book *b)
{
    int r;

    if (b->failed || b->columns == 0)
        return;
    for (size_t i = 0; i < b->columns; i++)
        b->cell[i] = (const char *)b->cells.data + b->cell_at[i];
    r = b->events->row(b->events->ctx, b->line, b->cell, b->columns);
    if (r < 0)
        fail(b, r);
}

static void on_cell_begin(void *ctx, const char *name, const char *const *attributes)
{
    struct book *b = ctx;

    if (text_equal(name, "row"))
        begin_row(b, attributes);
    else if (text_equal(name, "c"))
        begin_cell(b, attributes);
    b->in_text = text_equal(name, "v") || text_equal(name, "t");
}

static void on_cell_end(void *ctx, const char *name)
{
    struct book *b = ctx;

    b->in_text = false;
    if (text_equal(name, "c"))
        end_cell(b);
    else if (text_equal(name, "row"))
        end_row(b);
}

static void on_cell_text(void *ctx, struct slice text)
{
    struct book *b = ctx;

    if (b->in_text && b->value.len + text.len <= CSV_ROW_MAX)
        (void)buf_append(&b->value, text.data, text.len);
}

/* -- the book -----------------------------------------------------------------------------------
 */

static int parse(struct book *b, struct slice part, const struct xml_events *events)
{
    int r = xml_parse(part, events, b->err);

    if (r == 0 && b->failed)
        r = b->failed == -ENOMEM ? err_set(b->err, -ENOMEM, "a workbook: %m") : b->failed;
    return r;
}

static int read_sheet(struct book *b, const struct sheet *sheet)
{
    const struct xml_events relations = {.ctx = b, .begin = on_relation};
    const struct xml_events cells = {
        .ctx = b, .begin = on_cell_begin, .end = on_cell_end, .text = on_cell_text};
    struct slice part;
    int r;

    b->target[0] = '\0';
    b->wanted = sheet->relation;
    b->line = 0;
    r = parse(b, b->x->relations, &relations);
    if (r < 0)
        return r;
    part = b->x->part(b->x->ctx, b->target);
    if (!part.data)
        return 0;
    r = b->events->sheet(b->events->ctx, sheet->name);
    return r < 0 ? r : parse(b, part, &cells);
}

static int read_book(struct book *b)
{
    const struct xml_events names = {.ctx = b, .begin = on_sheet};
    const struct xml_events strings = {
        .ctx = b, .begin = on_string_begin, .end = on_string_end, .text = on_string_text};
    int r = parse(b, b->x->workbook, &names);

    if (r == 0 && b->x->strings.data)
        r = parse(b, b->x->strings, &strings);
    for (size_t i = 0; r == 0 && i < b->sheets_n; i++)
        r = read_sheet(b, &b->sheets[i]);
    return r;
}

int import_xlsx_read(const struct import_xlsx *x, const struct import_xlsx_events *events,
                     struct err *err)
{
    struct book b = {.x = x, .events = events, .err = err};
    int r;

    b.sheets = calloc(SHEETS_MAX, sizeof(*b.sheets));
    b.cell_at = calloc(CSV_FIELDS_MAX, sizeof(*b.cell_at));
    b.cell = calloc(CSV_FIELDS_MAX, sizeof(const char *));
    r = b.sheets && b.cell_at && b.cell ? read_book(&b) : err_set(err, -ENOMEM, "a workbook: %m");
    free(b.sheets);
    free(b.cell_at);
    free((void *)b.cell);
    free(b.starts);
    buf_done(&b.strings);
    buf_done(&b.cells);
    buf_done(&b.value);
    return r;
}
