/* SPDX-License-Identifier: Apache-2.0 */
/* godwit replica verify: read back what a vault holds; every fault is named. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/replica_arg.h"
#include "cli/replica_cost.h"
#include "cli/replica_view.h"
#include "cli/table.h"
#include "cli/verbs.h"

#include "base/banned.h"

enum { FAULTS_SHOWN_MAX = 1000 };

const struct opt cmd_replica_verify_opts[] = {
    REPLICA_ARG_OPTIONS,
    {"sample", 0, OPT_TEXT, "SHARE", NULL, 0, 0, "5%", "how much to read back"},
    {"full", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "read every byte back"},
    {"against", 0, OPT_TEXT, "VOLUME", NULL, 0, 0, NULL,
     "compare with this volume too, all of it unless --sample"},
    {0},
};

struct faults {
    struct jsw *w;
    uint64_t n;
    uint64_t unreadable_bytes; /* of the volume that it is held against */
};

static void write_fault(void *arg, const struct replica_fault *f)
{
    struct faults *faults = arg;

    if (text_equal(f->what, "unreadable"))
        faults->unreadable_bytes += f->len;
    if (faults->n++ >= FAULTS_SHOWN_MAX)
        return;
    jsw_obj(faults->w, NULL);
    jsw_str(faults->w, "what", f->what);
    jsw_str(faults->w, "object", f->object);
    jsw_u64(faults->w, "offset", f->offset);
    jsw_u64(faults->w, "length", f->len);
    jsw_u64(faults->w, "lba", f->offset / 512);
    jsw_end(faults->w);
}

static const struct table_column fault_columns[] = {
    {"WHAT", TABLE_LEFT}, {"OFFSET", TABLE_RIGHT}, {"LENGTH", TABLE_RIGHT},
    {"LBA", TABLE_RIGHT}, {"OBJECT", TABLE_LEFT},
};

/* "whole" is a word for what was read whole. */
static void say_result(struct out *o, const struct js *doc)
{
    const double sample = js_f64(doc, "sample", 1);
    const char *replica = js_str(doc, "replica", "");
    const unsigned long long point = js_u64(doc, "point", 0);

    if (js_bool(doc, "ok", false) && js_u64(doc, "against_unreadable_bytes", 0) > 0)
        out_after(o, "%s@%llu  no difference where the volume can be read (%g%% read back)",
                  replica, point, sample * 100);
    else if (!js_bool(doc, "ok", false))
        out_after(o, "%s@%llu  DIFFERS (%g%% read back)", replica, point, sample * 100);
    else if (sample < 1)
        out_after(o,
                  "%s@%llu  no fault in a sample of %g%% of its data; all of it: godwit replica "
                  "verify --full",
                  replica, point, sample * 100);
    else
        out_after(o, "%s@%llu  whole (100%% read back)", replica, point);
}

static int view_verify(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *items = js_member(doc, "faults");
    int r = table_columns(t, fault_columns, ARRAY_LEN(fault_columns), err);

    for (size_t i = 0; r == 0 && i < js_len(items); i++) {
        const struct js *f = js_at(items, i);

        r = table_row(t, err);
        if (r == 0)
            r = table_cell(t, js_str(f, "what", ""), err);
        if (r == 0)
            r = table_cellf(t, err, "%llu", (unsigned long long)js_u64(f, "offset", 0));
        if (r == 0)
            r = table_cellf(t, err, "%llu", (unsigned long long)js_u64(f, "length", 0));
        if (r == 0)
            r = table_cellf(t, err, "%llu", (unsigned long long)js_u64(f, "lba", 0));
        if (r == 0)
            r = table_cell(t, js_str(f, "object", NULL), err);
    }
    say_result(o, doc);
    replica_view_say_unreadable(o, doc);
    return r;
}

/* "5%", "0.05" or --full. */
static int parse_sample(const struct opt_set *opts, double *ret, struct err *err)
{
    char number[32];
    const char *text = opt_text(opts, "sample");
    bool percent = text_ends(text, "%");
    double share;
    int r;

    if (opt_switch(opts, "full") && opt_given(opts, "sample"))
        return err_set_gw(err, GW_USAGE, -EINVAL, "--full and --sample say different things");
    /* Who holds a volume against it wants to know whether it is the same, not 5% of it. */
    if (opt_switch(opts, "full") || (opt_given(opts, "against") && !opt_given(opts, "sample"))) {
        *ret = 1;
        return 0;
    }
    r = text_print(number, sizeof(number), "%.*s", (int)(strlen(text) - percent), text);
    if (r == 0)
        r = num_parse_f64(number, &share, err);
    if (r < 0)
        return err_add(err, r, "--sample");
    share = percent ? share / 100 : share;
    if (!(share > 0 && share <= 1))
        return err_set_gw(err, GW_BAD_VALUE, -ERANGE,
                          "--sample is '%s', and must be above 0%% and at most 100%%", text);
    *ret = share;
    return 0;
}

static int verify(struct cmd_call *call, struct replica_verify_run *run,
                  struct replica_point *point, struct err *err)
{
    struct replica_progress counters = {0};
    struct progress *progress = NULL;
    int r = progress_start(call, "verify", &counters, &progress, err);

    run->progress = &counters; /* cppcheck-suppress autoVariables ; taken back below */
    if (r == 0)
        r = replica_verify(run, point, err);
    progress_stop(progress);
    run->progress = NULL;
    return r;
}

static int report_verify(struct cmd_call *call, const struct faults *faults,
                         const struct replica_verify_run *run, const struct replica_point *point,
                         bool ok, struct err *err)
{
    struct jsw *w = faults->w;
    int r;

    jsw_end(w); /* faults */
    jsw_str(w, "replica", run->name);
    jsw_u64(w, "point", point->seq);
    jsw_f64(w, "sample", run->sample);
    jsw_bool(w, "ok", ok);
    jsw_bool(w, "complete", point->unreadable_bytes == 0 && faults->unreadable_bytes == 0);
    jsw_u64(w, "against_unreadable_bytes", faults->unreadable_bytes);
    jsw_u64(w, "unreadable_bytes", point->unreadable_bytes);
    r = replica_view_write_unreadable(w, run->vault, run->name, point, err);
    replica_cost_write(w, run->vault);
    jsw_end(w);
    return r < 0 ? r : out_writer(call->out, w, view_verify, err);
}

int cmd_replica_verify(struct cmd_call *call, struct err *err)
{
    auto_replica_arg struct replica_arg arg = {0};
    auto_vault struct vault *vault = NULL;
    auto_jsw struct jsw *w = NULL;
    struct replica_point point = {0};
    struct faults faults = {0};
    struct err shown = {0};
    struct replica_verify_run run = {
        .against = opt_text(call->opts, "against"),
        .stop = progress_interrupts(),
        .workers = (unsigned)opt_u64(call->opts, "workers"),
        .fault = write_fault,
        .arg = &faults,
    };
    int r = replica_arg_parse(cmd_arg(call, 0), true, &arg, err);

    if (r == 0)
        r = parse_sample(call->opts, &run.sample, err);
    if (r == 0)
        r = replica_arg_open(call, &arg, false, run.stop, &vault, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return cmd_end(r, err);
    run.vault = vault;
    run.name = arg.name;
    run.seq = arg.seq;
    faults.w = w;
    jsw_document(w, "godwit.replica-verify/1", clock_wall_ms(call->clock));
    jsw_arr(w, "faults");
    r = verify(call, &run, &point, err);
    if (r == 0 || faults.n > 0)
        (void)report_verify(call, &faults, &run, &point, r == 0 || err->gw == GW_PARTLY_UNREADABLE,
                            &shown);
    if (r == 0 && shown.code == 0 && point.unreadable_bytes > 0)
        r = err_set_gw(err, GW_PARTLY_UNREADABLE, -EIO,
                       "point %llu of '%s' is as it was made, and incomplete",
                       (unsigned long long)point.seq, run.name);
    return r < 0 ? cmd_exit(err) : cmd_exit(&shown);
}
