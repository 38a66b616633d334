/* SPDX-License-Identifier: Apache-2.0 */
/* godwit store check: is everything there that a point needs? */
#include "base/auto.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/progress.h"
#include "cli/store_arg.h"
#include "cli/verbs.h"
#include "transport/gc.h"

#include "base/banned.h"

enum { FAULTS_SHOWN_MAX = 1000 };

const struct opt cmd_store_check_opts[] = {
    REPLICA_ARG_OPTIONS,
    {"full", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "read every byte of every pack"},
    {0},
};

static const struct columns_row rows[] = {
    {"WHAT", "what", COLUMNS_TEXT, TABLE_LEFT},
    {"REPLICA", "replica", COLUMNS_TEXT, TABLE_LEFT},
    {"OBJECT", "object", COLUMNS_TEXT, TABLE_LEFT},
};

struct faults {
    struct jsw *w;
    uint64_t n;
};

static void write_fault(void *arg, const struct gc_fault *f)
{
    struct faults *faults = arg;

    if (faults->n++ >= FAULTS_SHOWN_MAX)
        return;
    jsw_obj(faults->w, NULL);
    jsw_str(faults->w, "what", f->what);
    jsw_str(faults->w, "object", f->object);
    jsw_str(faults->w, "replica", f->replica);
    if (f->seq)
        jsw_u64(faults->w, "point", f->seq);
    jsw_end(faults->w);
}

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    char bytes[NUM_TEXT_MAX], points[OUT_COUNT_MAX], replicas[OUT_COUNT_MAX], packs[OUT_COUNT_MAX];
    int r = columns_fill(o, js_member(doc, "faults"), t, rows, ARRAY_LEN(rows), err);

    out_after(o, "%s  %s of %s, %s, %s %s", js_bool(doc, "ok", false) ? "whole" : "DAMAGED",
              out_count(js_u64(doc, "points", 0), "point", points),
              out_count(js_u64(doc, "replicas", 0), "replica", replicas),
              out_count(js_u64(doc, "packs", 0), "pack", packs),
              out_bytes(o, js_u64(doc, "bytes", 0), bytes),
              js_bool(doc, "full", false) ? "read back" : "by their sizes");
    return r;
}

static void write_report(struct jsw *w, const struct gc_check_report *c, bool full)
{
    jsw_end(w); /* faults */
    jsw_bool(w, "ok", c->missing + c->altered == 0);
    jsw_bool(w, "full", full);
    jsw_u64(w, "replicas", c->replicas);
    jsw_u64(w, "points", c->points);
    jsw_u64(w, "packs", c->packs);
    jsw_u64(w, "bytes", c->bytes);
    jsw_u64(w, "missing", c->missing);
    jsw_u64(w, "altered", c->altered);
    jsw_u64(w, "foreign", c->foreign);
    jsw_end(w);
}

int cmd_store_check(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0}; /* goes after the vault */
    auto_vault struct vault *vault = NULL;
    auto_jsw struct jsw *w = NULL;
    struct gc_check_report report = {0};
    struct replica_progress counters = {0};
    struct progress *progress = NULL;
    struct faults faults = {0};
    struct err shown = {0};
    struct gc_check_run run = {.full = opt_switch(call->opts, "full"),
                               .stop = progress_interrupts(),
                               .progress = &counters,
                               .fault = write_fault,
                               .arg = &faults};
    int r = store_arg_begin(call, "godwit.store-check/1", &arg, &vault, &w, err);

    if (r < 0)
        return cmd_end(r, err);
    run.vault = vault;
    faults.w = w;
    jsw_str(w, "store", cmd_arg(call, 0));
    jsw_arr(w, "faults");
    r = progress_start(call, "check", &counters, &progress, err);
    if (r == 0)
        r = gc_check(&run, &report, err);
    progress_stop(progress);
    if (r == 0 || report.missing + report.altered > 0) {
        write_report(w, &report, run.full);
        (void)out_writer(call->out, w, view, &shown);
    }
    return r < 0 ? cmd_exit(err) : cmd_exit(&shown);
}
