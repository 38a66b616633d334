/* SPDX-License-Identifier: Apache-2.0 */
/* Tables by their columns: which sheet a header is of, and its rows to the sheet. */
#include "planner/engine/import_priv.h"

#include "base/err.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { IMPORT_NAME_MAX = 128 };

/* "*Memory (In MiB)" -> "memoryinmb": letters and digits, lower case, the i of MiB left out. */
static void plain_name(const char *name, size_t len, char out[static IMPORT_NAME_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < IMPORT_NAME_MAX - 1; i++) {
        const char c = (char)tolower((unsigned char)name[i]);
        const char before = n > 0 ? out[n - 1] : '\0';

        if (c == 'i' && (before == 'm' || before == 'g') && i + 1 < len &&
            tolower((unsigned char)name[i + 1]) == 'b' &&
            (i + 2 == len || !isalpha((unsigned char)name[i + 2])))
            continue;
        /* "# CPU" is another column than "CPU". */
        if (isalnum((unsigned char)c) || c == '#')
            out[n++] = c;
    }
    out[n] = '\0';
}

/* A header may begin with the name of its sheet: "vInfoCPUs". */
static bool same_name(const char *sheet, const char *header, const char *name, size_t name_len)
{
    char a[IMPORT_NAME_MAX], b[IMPORT_NAME_MAX], of[IMPORT_NAME_MAX];

    plain_name(header, strlen(header), a);
    plain_name(name, name_len, b);
    if (text_equal(a, b))
        return true;
    plain_name(sheet, strlen(sheet), of);
    return text_starts(a, of) && text_equal(a + strlen(of), b);
}

/* Where a column of the sheet stands, or SIZE_MAX: its first alternative that is there. */
static size_t place_of(const struct import_sheet *sheet, size_t c, const char *const *header,
                       size_t n)
{
    const struct import_column *column = &sheet->columns[c];

    for (const char *at = column->names; at;) {
        const char *end = strchr(at, '|');
        size_t len = end ? (size_t)(end - at) : strlen(at);

        for (size_t i = 0; i < n; i++) {
            if (same_name(sheet->name, header[i], at, len))
                return i;
        }
        at = end ? end + 1 : NULL;
    }
    return SIZE_MAX;
}

/* How many columns of a sheet are there; 0 when one that must be is not. */
static size_t score(const struct import_sheet *sheet, const char *const *header, size_t n)
{
    size_t found = 0;

    for (size_t c = 0; c < sheet->columns_n; c++) {
        if (place_of(sheet, c, header, n) != SIZE_MAX)
            found++;
        else if (sheet->columns[c].must)
            return 0;
    }
    return found;
}

const struct import_sheet *import_sheet_of(const char *format, const char *const *header, size_t n,
                                           const char **ret_format)
{
    const struct import_sheet *best = NULL;
    size_t best_score = 0, rows;
    const struct importer *all = importers_all(&rows);

    for (size_t i = 0; i < rows; i++) {
        if (!all[i].sheets || (format && !text_equal(format, all[i].format)))
            continue;
        for (const struct import_sheet *const *sheet = all[i].sheets; *sheet; sheet++) {
            size_t found = score(*sheet, header, n);

            /* One word alone is no table, unless somebody says so. */
            if (found > best_score && (found > 1 || format)) {
                best_score = found;
                best = *sheet;
                *ret_format = all[i].format;
            }
        }
    }
    return best;
}

int import_table_begin(struct import_table *t, struct import *im, const struct import_sheet *sheet,
                       const char *const *header, size_t n)
{
    *t = (struct import_table){.row = {.im = im, .sheet = sheet, .header_n = n}};
    t->header = calloc(n ? n : 1, sizeof(const char *));
    if (!t->header)
        return err_set(im->err, -ENOMEM, "a header: %m");
    for (size_t i = 0; i < n; i++)
        t->header[i] = estate_text(im->estate, header[i]);
    t->row.header = t->header;
    for (size_t c = 0; c < sheet->columns_n; c++)
        t->row.place[c] = place_of(sheet, c, header, n);
    return 0;
}

void import_table_row(struct import_table *t, size_t line, const char *const *field, size_t n)
{
    t->row.line = line;
    t->row.field = field;
    t->row.fields = n;
    t->row.refused = false;
    t->row.im->count->rows++;
    t->row.sheet->row(&t->row);
    import_clipped(t->row.im, line);
}

void import_table_done(struct import_table *t)
{
    free((void *)t->header);
    *t = (struct import_table){0};
}
