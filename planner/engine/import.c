/* SPDX-License-Identifier: Apache-2.0 */
/* importers[], and which of them a file is for. */
#include "planner/engine/import_zip.h"

#include "base/csv.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/text.h"
#include "base/zip.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

enum { HEADER_SEARCH = 20 }; /* rows in which a header is looked for: titles may stand above */

static const struct importer importers[] = {
    {"godwit", "godwit.estate/1, godwit.plan-input/1, godwit.inventory/1, godwit.host/1", NULL,
     import_godwit_knows, import_godwit_read},
    {"rvtools", "RVTools: the workbook, or CSV of its sheets", import_rvtools, NULL, NULL},
    {"mgn", "AWS Application Migration Service, CSV", import_aws_mgn, NULL, NULL},
    {"migration-hub", "AWS Migration Hub and Discovery Service, CSV", import_aws_hub, NULL, NULL},
    {"azure-migrate", "Azure Migrate, CSV for import", import_azure, NULL, NULL},
    {"azure-dependencies", "Azure Migrate, export of dependencies", import_azure_talks, NULL, NULL},
    {"migration-center", "Google Migration Center: vmInfo, diskInfo, perfInfo, tagInfo",
     import_center, NULL, NULL},
    {"ansible-json", "ansible-inventory --list", NULL, import_ansible_knows, import_ansible_read},
    {"prometheus", "query_range of node_exporter's counters", NULL, import_prometheus_knows,
     import_prometheus_read},
    {"csv", "plain CSV: a column for each fact", import_plain, NULL, NULL},
};

const struct importer *importers_all(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(importers);
    return importers;
}

void import_refuse(struct import *im, const struct import_refusal *refusal)
{
    im->count->refused++;
    if (im->spec->refused)
        im->spec->refused(im->spec->ctx, refusal);
}

void import_clipped(struct import *im, size_t line)
{
    const char *what = estate_clipped(im->estate);
    char why[128];

    if (!what)
        return;
    (void)text_print(why, sizeof(why), "more %s than %d: the first %d are kept", what,
                     ESTATE_LIST_MAX, ESTATE_LIST_MAX);
    import_refuse(im, &(struct import_refusal){im->file, line, "", "", why, false});
}

static const struct importer *importer_of(const char *format)
{
    for (size_t i = 0; format && i < ARRAY_LEN(importers); i++) {
        if (text_equal(importers[i].format, format))
            return &importers[i];
    }
    return NULL;
}

/* -- tables ----------------------------------------------------------------------------------- */

static void refuse_line(struct import *im, const struct csv *csv, const char *why)
{
    struct import_refusal refusal = {.file = im->file,
                                     .line = csv->line,
                                     .column = "",
                                     .value = "",
                                     .why = why,
                                     .whole_row = true};

    im->count->rows++;
    import_refuse(im, &refusal);
}

/* Cells to which no header belongs: where "16,5" has become two, all that follow are displaced. */
static bool is_displaced(const struct csv *csv, size_t header_n)
{
    for (size_t i = header_n; i < csv->fields; i++) {
        if (*csv->field[i])
            return true;
    }
    return false;
}

static int read_rows(struct import *im, struct csv *csv, const struct import_sheet *sheet)
{
    struct import_table t;
    int r = import_table_begin(&t, im, sheet, csv->field, csv->fields);

    while (r == 0 && (r = csv_next(csv, im->err)) > 0) {
        if (csv->problem)
            refuse_line(im, csv, csv->problem);
        else if (is_displaced(csv, t.row.header_n))
            refuse_line(im, csv, "more cells than the header; a comma in a cell wants it quoted");
        else
            import_table_row(&t, csv->line, csv->field, csv->fields);
        r = estate_failed(im->estate, im->err);
    }
    import_table_done(&t);
    return r;
}

static int unknown_table(const struct import *im)
{
    return err_set_gw(im->err, GW_BAD_DOCUMENT, -EINVAL,
                      "'%s' has the columns of %s%s; docs/planner.md has the formats", im->file,
                      im->spec->format ? "no table of " : "no format that is known here",
                      im->spec->format ? im->spec->format : "");
}

static int read_csv(struct import *im, struct slice bytes)
{
    auto_csv struct csv csv = {0};
    int r = csv_init(&csv, bytes, im->err);

    if (r == 0 && bytes.len > 0 && !memchr(bytes.data, '\n', bytes.len) &&
        memchr(bytes.data, '\r', bytes.len))
        r = err_set_gw(im->err, GW_BAD_DOCUMENT, -EINVAL,
                       "its lines end in CR alone; save it with LF or CRLF");
    if (r < 0)
        return err_add(im->err, r, "'%s'", im->file);
    im->comma_decimal = csv.separator == ';';
    for (size_t row = 0; row < HEADER_SEARCH; row++) {
        const struct import_sheet *sheet;

        r = csv_next(&csv, im->err);
        if (r <= 0)
            break;
        if (csv.problem)
            continue;
        sheet = import_sheet_of(im->spec->format, csv.field, csv.fields, &im->count->format);
        if (sheet)
            return read_rows(im, &csv, sheet);
    }
    return r < 0 ? r : unknown_table(im);
}

/* -- documents -------------------------------------------------------------------------------- */

static bool looks_like_json(struct slice bytes)
{
    size_t at = 0;

    while (at < bytes.len && isspace(bytes.data[at]))
        at++;
    return at < bytes.len && (bytes.data[at] == '{' || bytes.data[at] == '[');
}

static int read_json(struct import *im, struct slice bytes)
{
    const struct importer *only = importer_of(im->spec->format);
    auto_js struct js *doc = NULL;
    int r = js_parse(bytes, IMPORT_BYTES_MAX, &doc, im->err);

    if (r < 0)
        return err_add(im->err, r, "'%s'", im->file);
    for (size_t i = 0; i < ARRAY_LEN(importers); i++) {
        const struct importer *row = &importers[i];

        if (!row->read || (only ? only != row : !row->knows(doc)))
            continue;
        im->count->format = row->format;
        r = row->read(im, doc);
        return r < 0 ? err_add(im->err, r, "'%s'", im->file) : r;
    }
    return err_set_gw(im->err, GW_BAD_DOCUMENT, -EINVAL, "'%s' is JSON of no format known here%s",
                      im->file, only ? ", and not of the one that was asked for" : "");
}

/* -- what no single file knows ---------------------------------------------------------------- */

static void check_depend(const struct import_spec *spec, const struct estate *e,
                         const struct estate_depend *d, struct import_count *count)
{
    const struct estate_workload *w = estate_workload_find(e, d->on);
    struct import im = {.spec = spec, .count = count};

    if (w && w->hosts_n > 0)
        return;
    import_refuse(&im, &(struct import_refusal){
                           .file = estate_file(e, d->source.file),
                           .line = d->source.row,
                           .column = "depends",
                           .value = d->on,
                           .why = estate_host_find(e, d->on)
                                      ? "this is a host: name the workload that it belongs to"
                                      : "no host is of a workload called so: nothing waits for it",
                       });
}

/* One list has domains and another has none: both count, and a bill has the machine twice. */
static void check_domain(const struct import_spec *spec, const struct estate *e,
                         const struct estate_host *h, struct import_count *count)
{
    const char *dot = strchr(h->name, '.');
    struct import im = {.spec = spec, .count = count};
    char label[ESTATE_TEXT_MAX + 1] = "";
    const struct estate_host *twin;
    char why[ESTATE_TEXT_MAX + 128];

    if (!dot || dot == h->name || (size_t)(dot - h->name) >= sizeof(label))
        return;
    memcpy(label, h->name, (size_t)(dot - h->name));
    twin = estate_host_find(e, label);
    if (!twin || twin == h || strcasecmp(twin->name, label) != 0 || (*h->id && *twin->id))
        return;
    (void)text_print(why, sizeof(why),
                     "'%s' is there as well, and both count: are they one machine, call it by one "
                     "name",
                     twin->name);
    import_refuse(&im, &(struct import_refusal){
                           .file = estate_file(e, h->named.file),
                           .line = h->named.row,
                           .column = "host",
                           .value = h->name,
                           .why = why,
                       });
}

void import_check(const struct import_spec *spec, const struct estate *e,
                  struct import_count *count)
{
    for (size_t i = 0; i < estate_hosts(e); i++)
        check_domain(spec, e, estate_host(e, i), count);
    for (size_t i = 0; i < estate_workloads(e); i++) {
        const struct estate_workload *w = estate_workload(e, i);

        for (size_t k = 0; k < w->depends_n; k++)
            check_depend(spec, e, &w->depends[k], count);
    }
}

/* -- files ------------------------------------------------------------------------------------ */

int import_file(const struct import_spec *spec, const char *name, struct slice bytes,
                struct estate *into, struct import_count *count, struct err *err)
{
    struct import im = {.spec = spec, .estate = into, .count = count, .err = err, .file = name};
    int r;

    if (spec->format && !importer_of(spec->format))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "there is no format '%s'", spec->format);
    if (!zip_is(bytes))
        im.file_no = estate_file_add(into, name);
    if (estate_failed(into, err) < 0)
        return estate_failed(into, err);
    r = zip_is(bytes)            ? import_zip(&im, bytes)
        : looks_like_json(bytes) ? read_json(&im, bytes)
                                 : read_csv(&im, bytes);
    estate_series_keep(&im.series, into, import_source(&im, 0));
    estate_series_done(&im.series);
    import_clipped(&im, 0);
    return r < 0 ? r : estate_failed(into, err);
}
