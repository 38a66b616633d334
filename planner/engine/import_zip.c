/* SPDX-License-Identifier: Apache-2.0 */
/* A zip: a workbook, or lists that were packed together. */
#include "planner/engine/import_xlsx.h"
#include "planner/engine/import_zip.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"
#include "base/zip.h"

#include <stdlib.h>

#include "base/banned.h"

enum { HEADER_SEARCH = 20 };

struct packed {
    char name[ZIP_NAME_MAX];
    struct buf bytes;
};

struct zip {
    struct import *im;
    struct packed *files;
    size_t n, cap;
};

/* -- unpacking ----------------------------------------------------------------------------------
 */

static int keep(void *arg, const char *name, struct slice bytes)
{
    struct zip *z = arg;
    struct packed *p;

    if (z->n == z->cap) {
        size_t cap = z->cap ? z->cap * 2 : 16;
        struct packed *files = reallocarray(z->files, cap, sizeof(*files));

        if (!files)
            return err_set(z->im->err, -ENOMEM, "the files of a zip: %m");
        z->files = files;
        z->cap = cap;
    }
    p = &z->files[z->n++];
    *p = (struct packed){.bytes = {.max = IMPORT_BYTES_MAX}};
    (void)text_copy(p->name, sizeof(p->name), name);
    return buf_append(&p->bytes, bytes.data, bytes.len) < 0 ? buf_failed(&p->bytes, z->im->err) : 0;
}

static void zip_done(struct zip *z)
{
    for (size_t i = 0; i < z->n; i++)
        buf_done(&z->files[i].bytes);
    free(z->files);
}

static struct slice part(void *ctx, const char *name)
{
    const struct zip *z = ctx;

    for (size_t i = 0; i < z->n; i++) {
        if (text_equal(z->files[i].name, name))
            return buf_slice(&z->files[i].bytes);
    }
    return (struct slice){0};
}

/* -- workbooks ----------------------------------------------------------------------------------
 */

struct workbook {
    struct import *im;
    struct import_table table;
    const char *book; /* the file's own name */
    bool open;
    size_t searched; /* rows of this sheet that were no header */
    size_t known;    /* sheets that were read */
};

static int begin_sheet(void *ctx, const char *name)
{
    struct workbook *b = ctx;
    char file[2 * ESTATE_TEXT_MAX];

    if (b->open)
        import_table_done(&b->table);
    b->open = false;
    b->searched = 0;
    (void)text_print(file, sizeof(file), "%.200s %.50s", b->book, name);
    b->im->file = estate_text(b->im->estate, file);
    return estate_failed(b->im->estate, b->im->err);
}

static int take_row(void *ctx, size_t line, const char *const *cells, size_t n)
{
    struct workbook *b = ctx;
    const struct import_sheet *sheet;
    const char *format = NULL;
    int r;

    if (b->open) {
        import_table_row(&b->table, line, cells, n);
        return estate_failed(b->im->estate, b->im->err);
    }
    if (b->searched++ >= HEADER_SEARCH)
        return 0;
    sheet = import_sheet_of(b->im->spec->format, cells, n, &format);
    if (!sheet)
        return 0;
    b->im->count->format = format;
    b->im->file_no = estate_file_add(b->im->estate, b->im->file);
    r = import_table_begin(&b->table, b->im, sheet, cells, n);
    b->open = r == 0;
    b->known += b->open;
    return r;
}

static int read_workbook(struct zip *z, struct slice book)
{
    struct workbook b = {.im = z->im, .book = z->im->file};
    struct import_xlsx x = {.workbook = book,
                            .relations = part(z, "xl/_rels/workbook.xml.rels"),
                            .strings = part(z, "xl/sharedStrings.xml"),
                            .part = part,
                            .ctx = z};
    struct import_xlsx_events events = {.ctx = &b, .sheet = begin_sheet, .row = take_row};
    int r = import_xlsx_read(&x, &events, z->im->err);

    if (b.open)
        import_table_done(&b.table);
    z->im->file = b.book;
    if (r == 0 && b.known == 0)
        r = err_set_gw(z->im->err, GW_BAD_DOCUMENT, -EINVAL,
                       "'%s' has no sheet of a format that is known here", b.book);
    return r < 0 ? err_add(z->im->err, r, "'%s'", b.book) : 0;
}

/* -- lists packed together ----------------------------------------------------------------------
 */

static int read_files(struct zip *z)
{
    size_t known = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < z->n; i++) {
        const char *slash = strrchr(z->files[i].name, '/');
        const char *name = slash ? slash + 1 : z->files[i].name;

        /* A zip in a zip is not unpacked; what macOS adds is no list. */
        if (zip_is(buf_slice(&z->files[i].bytes)) || *name == '.' ||
            text_starts(z->files[i].name, "__MACOSX"))
            continue;
        r = import_file(z->im->spec, name, buf_slice(&z->files[i].bytes), z->im->estate,
                        z->im->count, z->im->err);
        known++;
    }
    if (r == 0 && known == 0)
        r = err_set_gw(z->im->err, GW_BAD_DOCUMENT, -EINVAL, "'%s' holds no list", z->im->file);
    return r < 0 ? err_add(z->im->err, r, "'%s'", z->im->file) : 0;
}

int import_zip(struct import *im, struct slice bytes)
{
    struct zip z = {.im = im};
    struct slice book;
    int r = zip_each(bytes, IMPORT_BYTES_MAX, keep, &z, im->err);

    if (r < 0) {
        zip_done(&z);
        return err_add(im->err, r, "'%s'", im->file);
    }
    book = part(&z, "xl/workbook.xml");
    r = book.data ? read_workbook(&z, book) : read_files(&z);
    zip_done(&z);
    return r;
}
