/* SPDX-License-Identifier: Apache-2.0 */
/* godwit host import: lists of machines, checked, put together, and kept by a planner or a file. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/estate_arg.h"
#include "cli/fleet.h"
#include "cli/verbs.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_doc.h"

#include "base/banned.h"

const struct opt cmd_host_import_opts[] = {
    {"format", 0, OPT_TEXT, "FORMAT", NULL, 0, 0, NULL,
     "take every FILE for this format, not for what it holds"},
    {"out", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,
     "write the fleet there, a godwit.estate/1 document; no planner is asked"},
    {"list", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL,
     "what the planner calls this list (the name of the first FILE); again replaces it"},
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

/* What the planner says of them: who has an agent, and who only has its name. */
static void view_planner(struct out *o, const struct js *listing)
{
    const struct js *conflicts = js_member(listing, "conflicts");

    if (count(listing, "have_agents"))
        out_after(o, "%llu have an agent already: its word counts.", count(listing, "have_agents"));
    for (size_t i = 0; i < js_len(conflicts); i++)
        out_after(o, "conflict: %s has the name of agent %s, and another UUID: both are kept.",
                  js_str(js_at(conflicts, i), "host", ""),
                  js_str(js_at(conflicts, i), "agent", ""));
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
    else if (js_bool(doc, "kept", false))
        out_after(o, "The planner keeps them as list '%s'.  Next: godwit host ls · godwit groups",
                  js_str(doc, "list", ""));
    else
        out_after(o, "Nothing is written.");
    view_planner(o, js_member(doc, "planner"));
    return columns_fill(o, js_member(doc, "refused"), t, rows, ARRAY_LEN(rows), err);
}

/* What is shown of an import. */
struct told {
    struct estate_arg_told told;
    const struct estate *e;
    const struct js *refused, *listing; /* listing: what the planner said, or NULL */
};

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
    if (r == 0)
        r = estate_arg_check(&spec, e, told, err);
    jsw_end(refused);
    return r;
}

/* Its --list, else the name of its first file. */
static const char *list_of(const struct cmd_call *call)
{
    const char *first = cmd_arg(call, 0), *slash = strrchr(first, '/');

    if (opt_text(call->opts, "list"))
        return opt_text(call->opts, "list");
    if (text_equal(first, "-"))
        return "stdin";
    return slash && slash[1] ? slash + 1 : first;
}

/* To the file, or to the planner; a dry run without a planner checks the lists alone. */
static int keep(struct cmd_call *call, const struct estate *e, struct js **ret_listing,
                struct err *err)
{
    bool dry = opt_switch(call->opts, "dry-run");
    int r;

    if (opt_given(call->opts, "out"))
        return dry ? 0 : save(e, opt_text(call->opts, "out"), err);
    r = fleet_send(call, e, list_of(call), dry, ret_listing, err);
    if (dry && err->gw == GW_NO_CONTEXT) {
        *err = (struct err){0};
        return 0;
    }
    return r;
}

static void write_document(struct jsw *w, struct cmd_call *call, const struct told *t)
{
    const struct estate_arg_told *told = &t->told;
    const struct estate *e = t->e;
    bool dry = opt_switch(call->opts, "dry-run");

    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.host-import/1");
    jsw_u64(w, "files", told->files);
    jsw_u64(w, "rows", told->rows);
    jsw_u64(w, "passed_over", told->passed_over);
    jsw_u64(w, "hosts", estate_hosts(e));
    jsw_u64(w, "workloads", estate_workloads(e));
    jsw_u64(w, "talks", estate_talks(e));
    jsw_u64(w, "refused_n", told->refused);
    jsw_js(w, "refused", t->refused);
    jsw_str(w, "out", dry ? NULL : opt_text(call->opts, "out"));
    jsw_str(w, "list", t->listing ? list_of(call) : NULL);
    jsw_bool(w, "kept", t->listing && !dry);
    if (t->listing)
        jsw_js(w, "planner", t->listing);
    else
        jsw_null(w, "planner");
    jsw_end(w);
}

int cmd_host_import(struct cmd_call *call, struct err *err)
{
    auto_jsw struct jsw *w = NULL, *list = NULL;
    auto_estate struct estate *e = NULL;
    auto_js struct js *refused = NULL;
    auto_js struct js *listing = NULL;
    struct told t = {0};
    int r = estate_new(&e, err);

    if (r == 0)
        r = jsw_new(&list, err);
    if (r == 0)
        r = read_all(call, list, e, &t.told, err);
    if (r == 0)
        r = jsw_take(list, &refused, err);
    if (r == 0)
        r = keep(call, e, &listing, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r == 0) {
        t.e = e;
        t.refused = refused;
        t.listing = listing;
        write_document(w, call, &t);
        r = out_writer(call->out, w, view, err);
    }
    return r < 0 ? cmd_end(r, err) : estate_arg_exit(&t.told);
}
