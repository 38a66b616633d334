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
    uint64_t damaged; /* spans of points */
    bool ended;       /* the list of faults */
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

/* All faults were told before the first of these. */
static void begin_damaged(struct faults *faults)
{
    if (faults->ended)
        return;
    jsw_end(faults->w);
    jsw_arr(faults->w, "damaged_points");
    faults->ended = true;
}

static void write_damaged(void *arg, const struct gc_damaged *d)
{
    struct faults *faults = arg;

    begin_damaged(faults);
    if (faults->damaged++ >= FAULTS_SHOWN_MAX)
        return;
    jsw_obj(faults->w, NULL);
    jsw_str(faults->w, "replica", d->replica);
    jsw_u64(faults->w, "from", d->from);
    jsw_u64(faults->w, "to", d->to);
    jsw_bool(faults->w, "newest", d->newest);
    jsw_end(faults->w);
}

/* Which points they are, and what helps. */
static void view_damaged(struct out *o, const struct js *d, const char *store)
{
    const char *name = js_str(d, "replica", "");
    unsigned long long from = js_u64(d, "from", 0);
    unsigned long long to = js_u64(d, "to", 0);
    char points[VAULT_REPLICA_NAME_MAX + 48];

    text_print(points, sizeof(points), from == to ? "%s@%llu" : "%s@%llu-%llu", name, from, to);
    if (js_bool(d, "newest", false))
        out_after(o,
                  "Damaged: %s, the newest of it. Send it again: godwit replica push VOLUME "
                  "%s%s%s --repair",
                  points, store, strchr(name, '/') ? "//" : "/", name);
    else
        out_after(o,
                  "Damaged: %s; newer points are whole. Give it up: godwit store gc %s "
                  "--give-up %s --yes",
                  points, store, points);
}

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    char bytes[NUM_TEXT_MAX], points[OUT_COUNT_MAX], replicas[OUT_COUNT_MAX], packs[OUT_COUNT_MAX];
    int r = columns_fill(o, js_member(doc, "faults"), t, rows, ARRAY_LEN(rows), err);

    for (size_t i = 0; i < js_len(js_member(doc, "damaged_points")); i++)
        view_damaged(o, js_at(js_member(doc, "damaged_points"), i), js_str(doc, "store", ""));
    out_after(o, "%s  %s of %s, %s, %s %s", js_bool(doc, "ok", false) ? "whole" : "DAMAGED",
              out_count(js_u64(doc, "points", 0), "point", points),
              out_count(js_u64(doc, "replicas", 0), "replica", replicas),
              out_count(js_u64(doc, "packs", 0), "pack", packs),
              out_bytes(o, js_u64(doc, "bytes", 0), bytes),
              js_bool(doc, "full", false) ? "read back" : "by their sizes");
    return r;
}

static void write_report(struct faults *faults, const struct gc_check_report *c, bool full)
{
    struct jsw *w = faults->w;

    begin_damaged(faults);
    jsw_end(w); /* damaged_points */
    jsw_bool(w, "ok", c->missing + c->altered == 0);
    jsw_bool(w, "full", full);
    jsw_u64(w, "replicas", c->replicas);
    jsw_u64(w, "points", c->points);
    jsw_u64(w, "packs", c->packs);
    jsw_u64(w, "bytes", c->bytes);
    jsw_u64(w, "missing", c->missing);
    jsw_u64(w, "altered", c->altered);
    jsw_u64(w, "foreign", c->foreign);
    jsw_u64(w, "points_damaged", c->points_damaged);
    jsw_u64(w, "newest_damaged", c->newest_damaged);
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
                               .damaged = write_damaged,
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
        write_report(&faults, &report, run.full);
        (void)out_writer(call->out, w, view, &shown);
    }
    return r < 0 ? cmd_exit(err) : cmd_exit(&shown);
}
