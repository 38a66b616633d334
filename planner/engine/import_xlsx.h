/* SPDX-License-Identifier: Apache-2.0 */
/* A workbook (Office Open XML): its sheets, row by row. Internal to import*.c. */
#ifndef GODWIT_PLANNER_ENGINE_IMPORT_XLSX_H
#define GODWIT_PLANNER_ENGINE_IMPORT_XLSX_H

#include "base/slice.h"

#include <stddef.h>

struct err;

/* The parts of an unpacked workbook, by their names; lent. */
struct import_xlsx {
    struct slice workbook, relations, strings;
    struct slice (*part)(void *ctx, const char *name); /* "xl/worksheets/sheet1.xml"; data NULL */
    void *ctx;
};

/* Called for each sheet, then its rows; cells of the row are strings, "" where there is none. */
struct import_xlsx_events {
    void *ctx;
    int (*sheet)(void *ctx, const char *name);
    int (*row)(void *ctx, size_t line, const char *const *cells, size_t n);
};

/* -EINVAL (GW_BAD_DOCUMENT), -ENOSYS, -ENOMEM, or what a callback returned. */
int import_xlsx_read(const struct import_xlsx *x, const struct import_xlsx_events *events,
                     struct err *err);

#endif
