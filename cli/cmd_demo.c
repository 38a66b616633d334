/* SPDX-License-Identifier: Apache-2.0 */
/* godwit demo: the whole story on this machine, and its end without a trace. */
#include "base/auto.h"
#include "base/complaint.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/cmd_status.h"
#include "cli/context.h"
#include "cli/demo.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/verbs.h"

#include <stdio.h>

#include "base/banned.h"

const struct opt cmd_demo_opts[] = {
    {"down", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "end it and remove everything it made"},
    {"port", 0, OPT_U64, "N", NULL, 1, 65535, NULL, "the planner's port (any free one)"},
    {0},
};

static void demo_done(struct demo *d)
{
    api_close(d->api);
    js_free(d->client);
    if (d->lock >= 0)
        close(d->lock);
}

static int listen_address(struct demo *d, char *out, size_t size)
{
    return text_print(out, size, "127.0.0.1:%u", (unsigned)opt_u64(d->call->opts, "port"));
}

/* -- context --------------------------------------------------------------------- */

static int save_context(struct demo *d, struct err *err)
{
    return context_save(d->call, DEMO_CONTEXT, d->client, CONTEXT_KEEP_DEFAULT, err);
}

/* How the user names it in other commands: nothing when it is the default. */
static const char *context_words(struct demo *d)
{
    struct conf *conf = NULL;
    const char *words = " -c " DEMO_CONTEXT;

    if (context_conf(d->call, &conf, NULL) == 0 &&
        text_equal(context_name(d->call, conf), DEMO_CONTEXT))
        words = "";
    conf_free(conf);
    return words;
}

enum owner { OWNER_NONE, OWNER_DEMO, OWNER_OTHER };

/* A context of that name that points elsewhere is somebody's own. */
static enum owner context_owner(struct demo *d)
{
    struct conf *conf = NULL;
    enum owner owner = OWNER_NONE;
    const char *ca;

    if (context_conf(d->call, &conf, NULL) < 0)
        return OWNER_NONE; /* no configuration that can be read: nothing of ours in it */
    ca = conf_get(conf, "context." DEMO_CONTEXT, "ca_file", NULL);
    if (ca && text_starts(ca, d->state) && ca[strlen(d->state)] == '/')
        owner = OWNER_DEMO;
    else if (conf_get(conf, "context." DEMO_CONTEXT, "server", NULL))
        owner = OWNER_OTHER;
    conf_free(conf);
    return owner;
}

static int check_context(struct demo *d, struct err *err)
{
    if (context_owner(d) != OWNER_OTHER)
        return 0;
    return err_set_gw(err, GW_BAD_CONFIG, -EEXIST,
                      "the context '" DEMO_CONTEXT "' is one of yours, and the demo would take its "
                      "place: give it another name, or: godwit context rm " DEMO_CONTEXT);
}

static int remove_context(struct demo *d, struct err *err)
{
    return context_owner(d) == OWNER_DEMO ? context_remove(d->call, DEMO_CONTEXT, err) : 0;
}

/* -- up -------------------------------------------------------------------------- */

static void say_place(struct demo *d)
{
    demo_story_say(d, "Planner", "%s   state %s", js_str(d->client, "server", "?"), d->state);
    demo_story_say(d, "Store", "file://%s/store (encrypted)", d->data);
    demo_story_say(d, "Hosts",
                   DEMO_SOURCE_HOST " (source) and " DEMO_TARGET_HOST
                                    " (landing): two agents on this machine, enrolled by token");
    demo_story_say(d, "Volume",
                   "64 MiB ext4 with %u files of this machine and a ledger that is written all "
                   "the time",
                   d->files);
}

static int begin(struct demo *d, struct err *err)
{
    char listen[64];
    int r = demo_place_clear(d, err); /* what an interrupted one left */

    if (r == 0)
        r = listen_address(d, listen, sizeof(listen));
    if (r == 0)
        r = demo_volume_make(d, err);
    if (r == 0)
        r = demo_fleet_init(d, listen, err);
    if (r == 0)
        r = demo_fleet_start(d, listen, true, err);
    if (r == 0)
        r = save_context(d, err);
    if (r == 0)
        say_place(d);
    return r;
}

static void write_switch(struct jsw *w, const char *key, const struct demo_switch *s)
{
    jsw_obj(w, key);
    jsw_f64(w, "downtime_s", s->downtime_s);
    jsw_u64(w, "acknowledged", s->proof.acknowledged);
    jsw_u64(w, "by_source", s->proof.by_source);
    jsw_u64(w, "by_target", s->proof.by_target);
    jsw_u64(w, "lost", s->proof.lost);
    jsw_u64(w, "violations", s->proof.violations);
    jsw_end(w);
}

static int view_end(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *out = js_member(doc, "cutover"), *back = js_member(doc, "rollback");

    (void)t;
    (void)err;
    out_text(o,
             "\nDone in %.1f s. Lag %.1f s at most. Downtime %.1f s there, %.1f s back. "
             "%llu records acknowledged: %llu at the IDC, %llu in the cloud. Lost: %llu.",
             js_f64(doc, "duration_s", 0), js_f64(doc, "lag_s", 0), js_f64(out, "downtime_s", 0),
             js_f64(back, "downtime_s", 0), (unsigned long long)js_u64(back, "acknowledged", 0),
             (unsigned long long)js_u64(back, "by_source", 0),
             (unsigned long long)js_u64(back, "by_target", 0),
             (unsigned long long)js_u64(back, "lost", 0));
    return 0;
}

static int report(struct demo *d, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.demo/1", clock_wall_ms(d->call->clock));
    jsw_str(w, "server", js_str(d->client, "server", NULL));
    jsw_str(w, "data_dir", d->data);
    jsw_str(w, "state_dir", d->state);
    jsw_f64(w, "duration_s", (double)(clock_mono_ms(d->call->clock) - d->began_ms) / 1000.0);
    jsw_f64(w, "lag_s", d->lag_s);
    write_switch(w, "cutover", &d->cutover);
    write_switch(w, "rollback", &d->rollback);
    jsw_end(w);
    r = out_writer(d->call->out, w, view_end, err);
    if (r == 0)
        out_text(d->call->out,
                 "It goes on.  Next: godwit%s status -w  ·  remove it all: godwit "
                 "demo --down",
                 context_words(d));
    return r;
}

static int mark_ready(struct demo *d, struct err *err)
{
    char path[PATH_MAX];
    int r = demo_place_state(d, "ready", path, err);

    return r < 0 ? r : fd_save(path, slice_str("1\n"), 0600, err);
}

static int run_first(struct demo *d, struct err *err)
{
    int code, r = demo_fleet_end(d, err);

    if (r == 0)
        r = begin(d, err);
    if (r < 0)
        return cmd_end(r, err);
    code = demo_story_tell(d, err);
    if (code != GW_EXIT_OK)
        return code;
    r = mark_ready(d, err);
    if (r == 0)
        r = report(d, err);
    return cmd_end(r, err);
}

/* After a reboot or a kill: what does not run is started, the ledger only where it may write. */
static int run_again(struct demo *d, struct err *err)
{
    bool up =
        demo_proc_runs(d, "planner") && demo_proc_runs(d, "idc") && demo_proc_runs(d, "cloud");
    char listen[64];
    int r = listen_address(d, listen, sizeof(listen));

    /* Agents know the planner by its address: when that is new, they begin again with it. */
    if (r == 0 && !demo_proc_runs(d, "planner"))
        r = demo_proc_end(d, "idc", err);
    if (r == 0 && !demo_proc_runs(d, "planner"))
        r = demo_proc_end(d, "cloud", err);
    if (r == 0)
        r = demo_fleet_start(d, listen, false, err);
    if (r == 0)
        r = demo_fleet_start_ledger(d, "source", true, err);
    if (r == 0)
        r = demo_fleet_start_ledger(d, "target", true, err);
    if (r == 0)
        r = save_context(d, err);
    if (r < 0)
        return cmd_end(r, err);
    out_text(d->call->out, up ? "The demo is running already.  Remove it all: godwit demo --down"
                              : "The demo runs again, from where it was.  Remove it all: godwit "
                                "demo --down");
    return cmd_status_show(d->call, d->api, DEMO_WORKLOAD, err);
}

/* -- down ------------------------------------------------------------------------ */

static int run_down(struct demo *d, struct err *err)
{
    int r = 0;

    if (demo_place_exists(d)) {
        r = demo_place_programs(d, err);
        if (r == 0)
            r = demo_place_make(d, err); /* another one at work keeps its context */
        if (r == 0)
            r = remove_context(d, err);
        if (r == 0)
            r = demo_fleet_end(d, err);
        if (r == 0)
            r = demo_place_remove(d, err);
        if (r == 0)
            out_text(d->call->out, "The demo is gone: its processes, %s and %s.", d->data,
                     d->state);
    } else {
        r = remove_context(d, err);
        if (r == 0)
            out_text(d->call->out, "There is no demo.");
    }
    return cmd_end(r, err);
}

/* -- the verb ---------------------------------------------------------------------- */

/* What failed, as a document of its own: it can name the logs. */
static void explain(struct demo *d, int code, const struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    struct complaint c;
    struct js *doc = NULL;
    char next[PATH_MAX + 160];

    if (d->call->error || jsw_new(&w, NULL) < 0)
        return;
    (void)text_print(next, sizeof(next),
                     "tail %s/log/*.log\ngodwit demo           begins again\n"
                     "godwit demo --down    removes what is there",
                     d->state);
    complaint_of(err, &c);
    c.exit = code;
    c.next = next;
    complaint_document(&c, clock_wall_ms(d->call->clock), w);
    if (jsw_take(w, &doc, NULL) == 0)
        cmd_keep_error(d->call, doc);
}

/* Ctrl-C ends the telling, not what was started. */
static int detached(struct demo *d, struct err *err)
{
    err_clear(err);
    fprintf(stderr,
            "Stopped. What was started runs on: look at it with godwit%s status\n"
            "godwit demo           begins again\n"
            "godwit demo --down    ends it and removes what is there\n",
            context_words(d));
    return GW_EXIT_DETACHED;
}

int cmd_demo(struct cmd_call *call, struct err *err)
{
    struct demo d = {.call = call, .lock = -1, .began_ms = clock_mono_ms(call->clock)};
    int code, r = demo_place_find(&d, err);

    (void)progress_interrupts(); /* from here on Ctrl-C is ours to answer */

    if (r == 0 && opt_switch(call->opts, "down")) {
        code = run_down(&d, err);
        demo_done(&d);
        return code;
    }
    if (r == 0)
        r = demo_place_programs(&d, err);
    if (r == 0)
        r = check_context(&d, err);
    if (r == 0)
        r = demo_place_make(&d, err); /* the lock before anything is looked at or cleared */
    if (r < 0) {
        demo_done(&d);
        return cmd_exit(err);
    }
    code = demo_place_is_ready(&d) ? run_again(&d, err) : run_first(&d, err);
    if (code != GW_EXIT_OK && atomic_load(progress_interrupts()))
        code = detached(&d, err);
    else if (err->code)
        explain(&d, code, err);
    demo_done(&d);
    return code;
}
