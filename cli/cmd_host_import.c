/* SPDX-License-Identifier: Apache-2.0 */
/* godwit host import: lists of machines, checked and put together into one fleet. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/estate_arg.h"
#include "cli/verbs.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_doc.h"

#include "base/banned.h"

const struct opt cmd_host_import_opts[] = {
    {"format", 0, OPT_TEXT, "FORMAT", NULL, 0, 0, NULL,
     "take every FILE for this format, not for what it holds"},
    {"out", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,
     "write the fleet there, a godwit.estate/1 document"},
    {0},
};

/* -- showing ---------------------------------------------------------------------------------- */

static const struct columns_row rows[] = {
    {"FILE", "file", COLUMNS_TEXT, TABLE_LEFT},
    {"LINE", "line", COLUMNS_COUNT, TABLE_RIGHT},
    {"COLUMN", "column", COLUMNS_TEXT, TABLE_LEFT},
    {"VALUE", "value", COLUMNS_TEXT, TABLE_TRUNCATE},
    {"WHY", "why", COLUMNS_TEXT, TABLE_LEFT},
    {"ROW LOST", "whole_row", COLUMNS_YES, TABLE_LEFT},
};

static unsigned long long count(const struct js *doc, const char *key)
{
    return (unsigned long long)js_u64(doc, key, 0);
}

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const char *out = js_str(doc, "out", NULL);

    out_after(o, "%llu files, %llu rows: %llu hosts, %llu workloads, %llu talks.",
              count(doc, "files"), count(doc, "rows"), count(doc, "hosts"), count(doc, "workloads"),
              count(doc, "talks"));
    if (count(doc, "refused_n"))
        out_after(o, "%llu refused; the rest was taken.", count(doc, "refused_n"));
    if (out)
        out_after(o, "Written to %s.  Next: godwit groups --from %s", out, out);
    else
        out_after(o, "Nothing is written: say where with --out FILE.");
    return columns_fill(o, js_member(doc, "refused"), t, rows, ARRAY_LEN(rows), err);
}

/* -- the verb --------------------------------------------------------------------------------- */

static int save(const struct estate *e, const char *path, struct err *err)
{
    auto_buf struct buf text = {.max = ESTATE_BYTES_MAX};
    int r = estate_write(e, &text, err);

    return r < 0 ? r : fd_save(path, buf_slice(&text), 0644, err);
}

static int read_all(const struct cmd_call *call, struct jsw *refused, struct estate *e,
                    struct estate_arg_told *told, struct err *err)
{
    struct estate_arg_spec spec = {.format = opt_text(call->opts, "format"), .refused = refused};
    int r = 0;

    jsw_arr(refused, NULL);
    for (size_t i = 0; r == 0 && i < cmd_args(call); i++)
        r = estate_arg_file(&spec, cmd_arg(call, i), e, told, err);
    jsw_end(refused);
    return r < 0 ? r : estate_settle(e, err);
}

static void write_document(struct jsw *w, const struct estate *e,
                           const struct estate_arg_told *told, const struct js *refused,
                           const char *out)
{
    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.host-import/1");
    jsw_u64(w, "files", told->files);
    jsw_u64(w, "rows", told->rows);
    jsw_u64(w, "passed_over", told->passed_over);
    jsw_u64(w, "hosts", estate_hosts(e));
    jsw_u64(w, "workloads", estate_workloads(e));
    jsw_u64(w, "talks", estate_talks(e));
    jsw_u64(w, "refused_n", told->refused);
    jsw_js(w, "refused", refused);
    jsw_str(w, "out", out);
    jsw_end(w);
}

int cmd_host_import(struct cmd_call *call, struct err *err)
{
    const char *out = opt_switch(call->opts, "dry-run") ? NULL : opt_text(call->opts, "out");
    auto_jsw struct jsw *w = NULL, *list = NULL;
    auto_estate struct estate *e = NULL;
    struct estate_arg_told told = {0};
    auto_js struct js *refused = NULL;
    int r = estate_new(&e, err);

    if (r == 0)
        r = jsw_new(&list, err);
    if (r == 0)
        r = read_all(call, list, e, &told, err);
    if (r == 0)
        r = jsw_take(list, &refused, err);
    if (r == 0 && out)
        r = save(e, out, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r == 0) {
        write_document(w, e, &told, refused, out);
        r = out_writer(call->out, w, view, err);
    }
    return r < 0 ? cmd_end(r, err) : estate_arg_exit(&told);
}
