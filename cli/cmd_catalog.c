/* SPDX-License-Identifier: Apache-2.0 */
/* godwit catalog import, show: price lists as data files with a date. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/catalog_arg.h"
#include "cli/columns.h"
#include "cli/verbs.h"
#include "planner/engine/catalogue_read.h"
#include "planner/engine/money.h"

#include "base/banned.h"

enum { CATALOG_FILES_MAX = 64 };

const struct opt cmd_catalog_import_opts[] = {
    CATALOG_ARG_OPTIONS,
    {"out", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "write the catalogue there"},
    {0},
};

const struct opt cmd_catalog_show_opts[] = {CATALOG_ARG_OPTIONS, {0}};

static size_t files_of(const struct cmd_call *call, const char *out[static CATALOG_FILES_MAX])
{
    size_t n = 0;

    for (; n < CATALOG_FILES_MAX && n < cmd_args(call); n++)
        out[n] = cmd_arg(call, n);
    return n;
}

/* -- import ------------------------------------------------------------------------------ */

static const struct columns_row import_rows[] = {
    {"PROVIDER", "provider", COLUMNS_TEXT, TABLE_LEFT},
    {"REGION", "region", COLUMNS_TEXT, TABLE_LEFT},
    {"CURRENCY", "currency", COLUMNS_TEXT, TABLE_LEFT},
    {"DATE", "date", COLUMNS_TEXT, TABLE_LEFT},
    {"SHAPES", "shapes", COLUMNS_COUNT, TABLE_RIGHT},
    {"SIZED", "sized", COLUMNS_COUNT, TABLE_RIGHT},
    {"RESERVED", "reserved", COLUMNS_COUNT, TABLE_RIGHT},
    {"RATES", "rates", COLUMNS_COUNT, TABLE_RIGHT},
    {"REFUSED", "refused_rows", COLUMNS_COUNT, TABLE_RIGHT},
};

static int view_import(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *refused = js_member(doc, "refused");

    for (size_t i = 0; i < js_len(refused); i++) {
        const struct js *v = js_at(refused, i);

        out_after(o, "! %s, %llu, %s: %s", js_str(v, "file", ""),
                  (unsigned long long)js_u64(v, "line", 0), js_str(v, "column", ""),
                  js_str(v, "why", ""));
    }
    if (js_u64(doc, "shapes", 0) > js_u64(doc, "sized", 0))
        out_after(o, "%llu shapes have no size: a list of sizes goes beside the prices.",
                  (unsigned long long)(js_u64(doc, "shapes", 0) - js_u64(doc, "sized", 0)));
    return columns_one(o, doc, t, import_rows, ARRAY_LEN(import_rows), err);
}

static void count(struct jsw *w, const struct catalogue *c)
{
    size_t sized = 0, reserved = 0;

    for (size_t i = 0; i < c->n; i++) {
        sized += c->shapes[i].vcpus > 0;
        reserved += c->shapes[i].term_micros[CATALOGUE_RESERVED_1Y] > 0 ||
                    c->shapes[i].term_micros[CATALOGUE_RESERVED_3Y] > 0;
    }
    jsw_u64(w, "shapes", c->n);
    jsw_u64(w, "sized", sized);
    jsw_u64(w, "reserved", reserved);
    jsw_u64(w, "rates", c->rates_n);
}

static int save(const char *path, const struct catalogue *c, struct err *err)
{
    auto_js struct js *doc = NULL;
    auto_buf struct buf text = {0};
    int r = catalogue_write(c, &doc, err);

    if (r == 0)
        r = js_print(doc, false, true, &text, err);
    if (r == 0)
        r = buf_str(&text, "\n");
    return r < 0 ? r : fd_save(path, buf_slice(&text), 0644, err);
}

/* An array that is written while the document it goes into is not begun yet. */
static int begin_list(struct jsw **w, struct err *err)
{
    int r = jsw_new(w, err);

    if (r == 0)
        jsw_arr(*w, NULL);
    return r;
}

static int end_list(struct jsw *w, struct js **ret, struct err *err)
{
    jsw_end(w);
    return jsw_take(w, ret, err);
}

static int report(struct cmd_call *call, const struct catalogue *c, struct catalog_arg_told *told,
                  struct err *err)
{
    auto_js struct js *files = NULL;
    auto_js struct js *refused = NULL;
    auto_jsw struct jsw *w = NULL;
    int r = end_list(told->files, &files, err);

    if (r == 0)
        r = end_list(told->refused, &refused, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_document(w, "godwit.catalog-import/1", clock_wall_ms(call->clock));
    jsw_str(w, "provider", c->provider);
    jsw_str(w, "region", c->region);
    jsw_str(w, "currency", c->currency);
    jsw_str(w, "date", catalogue_date(c));
    count(w, c);
    jsw_js(w, "files", files);
    jsw_u64(w, "refused_rows", told->refused_n);
    jsw_js(w, "refused", refused);
    jsw_str(w, "out", opt_text(call->opts, "out"));
    jsw_end(w);
    return out_writer(call->out, w, view_import, err);
}

int cmd_catalog_import(struct cmd_call *call, struct err *err)
{
    const char *out = opt_text(call->opts, "out"), *files[CATALOG_FILES_MAX];
    size_t n = files_of(call, files);
    auto_catalogue struct catalogue c = {0};
    auto_jsw struct jsw *list = NULL;
    auto_jsw struct jsw *refused = NULL;
    struct catalog_arg_told told = {0};
    int r = begin_list(&list, err);

    if (r == 0)
        r = begin_list(&refused, err);
    told.files = list;
    told.refused = refused;
    if (r == 0)
        r = catalog_arg_read(call, files, n, &told, &c, err);
    if (r == 0 && out)
        r = save(out, &c, err);
    if (r == 0)
        r = report(call, &c, &told, err);
    if (r < 0)
        return cmd_end(r, err);
    return told.refused_n > 0 ? GW_EXIT_PARTIAL : GW_EXIT_OK;
}

/* -- show -------------------------------------------------------------------------------- */

static const struct table_column show_columns[] = {
    {"SHAPE", TABLE_LEFT},    {"VCPU", TABLE_RIGHT},      {"MEMORY", TABLE_RIGHT},
    {"ARCH", TABLE_LEFT},     {"ON DEMAND", TABLE_RIGHT}, {"1 YEAR", TABLE_RIGHT},
    {"3 YEARS", TABLE_RIGHT}, {"ELASTIC", TABLE_RIGHT},   {"DATE", TABLE_LEFT},
};

static int price_cell(struct table *t, const struct js *v, const char *key, struct err *err)
{
    char text[MONEY_TEXT_MAX];

    return table_cell(t, js_u64(v, key, 0) ? money_exact(js_i64(v, key, 0), text) : NULL, err);
}

static int show_row(struct out *o, const struct js *v, struct table *t, struct err *err)
{
    static const char *const prices[] = {"price_micros", "reserved_1y_micros", "reserved_3y_micros",
                                         "elastic_micros"};
    char memory[NUM_TEXT_MAX];
    uint64_t vcpus = js_u64(v, "vcpus", 0), bytes = js_u64(v, "memory_bytes", 0);
    int r = table_row(t, err);

    if (r == 0)
        r = table_cell(t, js_str(v, "shape", ""), err);
    if (r == 0)
        r = vcpus ? table_cellf(t, err, "%llu", (unsigned long long)vcpus)
                  : table_cell(t, NULL, err);
    if (r == 0)
        r = table_cell(t, bytes ? out_bytes(o, bytes, memory) : NULL, err);
    if (r == 0)
        r = table_cell(t, js_str(v, "arch", ""), err);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(prices); i++)
        r = price_cell(t, v, prices[i], err);
    return r == 0 ? table_cell(t, js_str(v, "date", ""), err) : r;
}

static int view_show(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *shapes = js_member(doc, "shapes"), *rates = js_member(doc, "rates");
    char text[MONEY_TEXT_MAX];
    int r = table_columns(t, show_columns, ARRAY_LEN(show_columns), err);

    out_text(o, "%s %s · %s an hour · prices of %s", js_str(doc, "provider", ""),
             js_str(doc, "region", ""), js_str(doc, "currency", ""), js_str(doc, "date", ""));
    for (size_t i = 0; r == 0 && i < js_len(shapes); i++)
        r = show_row(o, js_at(shapes, i), t, err);
    for (size_t i = 0; i < js_len(rates); i++) {
        const struct js *v = js_at(rates, i);

        out_after(o, "%s %s: %s a GiB%s above %llu GiB", js_str(v, "item", ""),
                  js_str(v, "name", ""), money_exact(js_i64(v, "price_micros", 0), text),
                  text_equal(js_str(v, "item", ""), "egress") ? "" : " and month",
                  (unsigned long long)js_u64(v, "from_gib", 0));
    }
    return r;
}

int cmd_catalog_show(struct cmd_call *call, struct err *err)
{
    const char *files[CATALOG_FILES_MAX];
    size_t n = files_of(call, files);
    auto_catalogue struct catalogue c = {0};
    auto_js struct js *doc = NULL;
    int r = catalog_arg_read(call, files, n, NULL, &c, err);

    if (r == 0)
        r = catalogue_write(&c, &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view_show, err);
    return cmd_end(r, err);
}
