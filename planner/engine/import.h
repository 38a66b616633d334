/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists that other tools wrote, into an estate. Bytes in, facts and refusals out: no file is opened
 * here. docs/planner.md has the columns of each format.
 *
 * To add a format: import_x.c with its sheets (tables by their columns) or its reader of JSON, a
 * row in importers[], its columns in docs/planner.md, a file of it in tests/data/fuzz_import.
 */
#ifndef GODWIT_PLANNER_ENGINE_IMPORT_H
#define GODWIT_PLANNER_ENGINE_IMPORT_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct estate;
struct js;
struct import;
struct import_sheet;

enum { IMPORT_BYTES_MAX = 512 << 20 };

/* What could not be taken. Everything is lent until the call returns. */
struct import_refusal {
    const char *file;
    size_t line;        /* from 1; of JSON the place in its list */
    const char *column; /* as the file calls it, or "" */
    const char *value;  /* "" where there is none */
    const char *why;
    bool whole_row; /* else this cell alone, and the rest of the row was taken */
};
typedef void (*import_refused_fn)(void *ctx, const struct import_refusal *refusal);

struct import_spec {
    const char *format;        /* of importers[]; NULL: by what the file holds */
    import_refused_fn refused; /* may be NULL */
    void *ctx;
};

/* What a file brought. */
struct import_count {
    const char *format;                /* of the last table or document */
    size_t rows, refused, passed_over; /* rows read, refusals, rows that are no machines */
};

struct importer {
    const char *format, *summary;
    const struct import_sheet *const *sheets; /* ended by NULL; or NULL */
    bool (*knows)(const struct js *doc);      /* of a JSON format */
    int (*read)(struct import *im, const struct js *doc);
};

const struct importer *importers_all(size_t *ret_n);

/*
 * Add what file holds to into, which the caller settles after the last file. Counts are added to
 * count. name: what facts say they are from. A zip is taken file by file.
 * -EINVAL (GW_BAD_DOCUMENT): no such format, none of them, or another than spec says; a file that
 * cannot be read at all; -ENOSYS: a zip, in a build that reads none; -EFBIG, -ENOMEM.
 */
int import_file(const struct import_spec *spec, const char *name, struct slice bytes,
                struct estate *into, struct import_count *count, struct err *err);

/* Refuse what shows only once all files are there, and the estate settled: a workload that depends
 * on a name that nobody has, a host that is there with its domain and without. */
void import_check(const struct import_spec *spec, const struct estate *e,
                  struct import_count *count);

#endif
