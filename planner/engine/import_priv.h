/* SPDX-License-Identifier: Apache-2.0 */
/* What importers are made of; for import*.c alone. */
#ifndef GODWIT_PLANNER_ENGINE_IMPORT_PRIV_H
#define GODWIT_PLANNER_ENGINE_IMPORT_PRIV_H

#include "planner/engine/estate_series.h"
#include "planner/engine/import.h"

struct import {
    const struct import_spec *spec;
    struct estate *estate;
    struct import_count *count;
    struct err *err;
    const char *file;            /* name, with the sheet */
    uint32_t file_no;            /* of the estate */
    struct estate_series series; /* samples of this file */
    bool comma_decimal;          /* "1.024,5": files parted by semicolons */
};

/* Tell of a refusal, and count it. */
void import_refuse(struct import *im, const struct import_refusal *refusal);
/* Tell of what was too much for a host since this was called last. */
void import_clipped(struct import *im, size_t line);
static inline struct estate_source import_source(const struct import *im, size_t line)
{
    return (struct estate_source){im->file_no, (uint32_t)line};
}

/* -- tables ---------------------------------------------------------------------------------- */

enum { IMPORT_COLUMNS_MAX = 64, IMPORT_MUST = 1 };

/* Names are compared without case, blanks and signs; MiB is MB. Alternatives stand apart by '|'. */
struct import_column {
    const char *names;
    unsigned must; /* IMPORT_MUST: without it, it is another table */
};

struct import_row;

struct import_sheet {
    const char *name; /* "vInfo" */
    const struct import_column *columns;
    size_t columns_n;
    void (*row)(struct import_row *row);
};

struct import_row {
    struct import *im;
    const struct import_sheet *sheet;
    const char *const *header; /* [header_n] as the file has it; the estate's own */
    size_t header_n;
    size_t place[IMPORT_COLUMNS_MAX]; /* of each column in the row; SIZE_MAX: not there */
    size_t line;
    const char *const *field;
    size_t fields;
    bool refused; /* something of this row was */
};

/* The cell, "" where there is none or it says so ("n/a", "-"). */
const char *import_cell(const struct import_row *row, size_t column);
const char *import_cell_at(const struct import_row *row, size_t place);
/* Refuse a cell, or with whole_row the row. */
void import_row_refuse(struct import_row *row, size_t column, const char *why, bool whole_row);
struct estate_source import_row_source(const struct import_row *row);

/* A number of at least 0; false: there is none, or it was refused. */
bool import_number(struct import_row *row, size_t column, double *ret);
/* A number times unit, as bytes. */
bool import_bytes(struct import_row *row, size_t column, double unit, uint64_t *ret);
/* The same, and at most 100. */
bool import_percent(struct import_row *row, size_t column, double *ret);
/* The cell into a field, refused as estate_set says. */
void import_field(struct import_row *row, size_t column, struct estate_host *h,
                  enum estate_field field);
/* A whole number into a field that is one, times unit. */
void import_scaled(struct import_row *row, size_t column, struct estate_host *h,
                   enum estate_field field, double unit);
/* A cell, times unit, as what is known of a metric: a quantile, or the mean (ESTATE_QUANTILES).
 * Percentages are at most 100. */
void import_stat(struct import_row *row, size_t column, struct estate_host *h,
                 enum estate_metric metric, enum estate_quantile quantile, double unit);
/* Size and use of all its disks together, of two cells times unit; nothing where both are empty. */
void import_total(struct import_row *row, struct estate_host *h, size_t size, size_t used,
                  double unit);
/* "2026-03-01T10:00:00Z", "2026-03-01 10:00[:00]" (UTC), seconds or milliseconds since 1970. */
bool import_time(const char *text, uint64_t *ret_ms);
/* Each part of a cell parted by any of separators. */
typedef void (*import_part_fn)(struct import_row *row, struct estate_host *h, const char *part);
void import_parts(struct import_row *row, size_t column, const char *separators,
                  struct estate_host *h, import_part_fn fn);
void import_part_address(struct import_row *row, struct estate_host *h, const char *part);

/* What follows prefix in a name of the header, or NULL: "mgn:server:tag:env" -> "env". */
const char *import_header_after(const struct import_row *row, size_t place, const char *prefix);

/* From the name of a system: its family, and architecture where it says so. */
void import_os(struct import *im, struct estate_host *h, const char *name, struct estate_source s);

/* One table, row by row. */
struct import_table {
    struct import_row row;
    const char **header;
};
/* The sheet that a header is of: all its musts are there, and more of its columns than of
 * another's. NULL: of none; format NULL: of any format. */
const struct import_sheet *import_sheet_of(const char *format, const char *const *header, size_t n,
                                           const char **ret_format);
/* Begin a table; sheet is of import_sheet_of. The header is copied. -ENOMEM. */
int import_table_begin(struct import_table *t, struct import *im, const struct import_sheet *sheet,
                       const char *const *header, size_t n);
void import_table_row(struct import_table *t, size_t line, const char *const *field, size_t n);
void import_table_done(struct import_table *t);

extern const struct import_sheet *const import_aws_mgn[],
    *const import_aws_hub[], *const import_azure[], *const import_azure_talks[],
                                                        *const import_center[],
                                                            *const import_plain[],
                                                                *const import_rvtools[];
bool import_ansible_knows(const struct js *doc);
int import_ansible_read(struct import *im, const struct js *doc);
bool import_godwit_knows(const struct js *doc);
int import_godwit_read(struct import *im, const struct js *doc);
bool import_prometheus_knows(const struct js *doc);
int import_prometheus_read(struct import *im, const struct js *doc);

#endif
