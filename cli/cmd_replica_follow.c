/* SPDX-License-Identifier: Apache-2.0 */
/* godwit replica follow: a volume that goes along with a replica, as the agent of a landing host
 * does it. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/replica_arg.h"
#include "cli/replica_view.h"
#include "cli/verbs.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/banned.h"

enum { PIECE_MS = 100, BACKOFF_MAX_MS = 60 * 1000 };

const struct opt cmd_replica_follow_opts[] = {
    REPLICA_ARG_OPTIONS,
    {"state-dir", 0, OPT_TEXT, "DIR", NULL, 0, 0, NULL, "where to remember what was written"},
    REPLICA_ARG_ALLOW_INCOMPLETE,
    {"once", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "take the newest point, then end"},
    {"interval", 0, OPT_DURATION, "TIME", NULL, 100, 3600 * 1000, "1s", "how often to look"},
    {0},
};

struct follower {
    struct cmd_call *call;
    struct replica_arg arg;
    const char *volume;
    const atomic_bool *stop;
    struct vault *vault;
    char state_dir[REPLICA_ARG_PATH_MAX];
    struct replica_progress counters;
    struct progress *progress;
    struct replica_point point; /* that the volume equals; seq 0: none yet */
    bool news;
    uint64_t begun_ms;
    uint64_t well_ms; /* when a look ended well, or the first began */
};

static int begin(void *arg, const struct replica_point *head, struct replica_run *run,
                 struct err *err)
{
    struct follower *f = arg;

    (void)head;
    f->news = true;
    f->begun_ms = clock_mono_ms(f->call->clock);
    memset(&f->counters, 0, sizeof(f->counters));
    *run = (struct replica_run){.vault = f->vault,
                                .name = f->arg.name,
                                .volume_path = f->volume,
                                .state_dir = f->state_dir,
                                .progress = &f->counters,
                                .stop = f->stop,
                                .workers = (unsigned)opt_u64(f->call->opts, "workers"),
                                .untouched = f->point.seq > 0,
                                .allow_incomplete = opt_switch(f->call->opts, "allow-incomplete")};
    return progress_start(f->call, "follow", &f->counters, &f->progress, err);
}

static const struct columns_row follow_rows[] = {
    {"VOLUME", "volume", COLUMNS_TEXT, TABLE_LEFT},
    {"REPLICA", "replica", COLUMNS_TEXT, TABLE_LEFT},
    {"POINT", "point.seq", COLUMNS_COUNT, TABLE_RIGHT},
    {"CHANGED", "changed_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"RECEIVED", "received_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"TOOK", "duration_s", COLUMNS_SECONDS, TABLE_RIGHT},
};

static int view_follow(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *point = js_member(doc, "point");
    char changed[NUM_TEXT_MAX], received[NUM_TEXT_MAX], took[NUM_TEXT_MAX];

    if (!out_is_for_people(o))
        return columns_one(o, doc, t, follow_rows, ARRAY_LEN(follow_rows), err);
    out_bytes(o, js_u64(doc, "changed_bytes", 0), changed);
    out_bytes(o, js_u64(doc, "received_bytes", 0), received);
    out_duration(o, js_f64(doc, "duration_s", 0), took);
    out_text(o, "%s is %s@%" PRIu64 ": %s written, %s fetched, %s", js_str(doc, "volume", ""),
             js_str(doc, "replica", ""), js_u64(point, "seq", 0), changed, received, took);
    replica_view_say_unreadable(o, point);
    return 0;
}

static int report(struct follower *f, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_js struct js *doc = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.replica-follow/1", clock_wall_ms(f->call->clock));
    jsw_str(w, "replica", f->arg.name);
    jsw_str(w, "volume", f->volume);
    jsw_str(w, "store", f->arg.url);
    jsw_obj(w, "point");
    replica_view_write_point(w, &f->point);
    r = replica_view_write_unreadable(w, f->vault, f->arg.name, &f->point, err);
    jsw_end(w);
    jsw_u64(w, "changed_bytes", atomic_load(&f->counters.changed_bytes));
    jsw_u64(w, "received_bytes", atomic_load(&f->counters.received_bytes));
    jsw_f64(w, "duration_s", (double)(clock_mono_ms(f->call->clock) - f->begun_ms) / 1000.0);
    jsw_end(w);
    if (r == 0)
        r = jsw_take(w, &doc, err);
    return r < 0 ? r : out_event(f->call->out, doc, view_follow, err);
}

/* Once; what a failed try left is done away with first. */
static int open_vault(struct follower *f, struct err *err)
{
    if (f->vault)
        return 0;
    replica_arg_done(&f->arg);
    return replica_arg_open(f->call, &f->arg, false, f->stop, &f->vault, err);
}

/* One look; what is new is written and told. */
static int look(struct follower *f, struct err *err)
{
    struct replica_follow follow = {.name = f->arg.name,
                                    .known_seq = f->point.seq,
                                    .equal = f->point.seq > 0,
                                    .news = begin,
                                    .arg = f};
    struct replica_point point = {0};
    int r = open_vault(f, err);

    if (r < 0)
        return r;
    follow.vault = f->vault;
    f->news = false;
    r = replica_follow(&follow, &point, err);
    progress_stop(TAKE(f->progress));
    if (r < 0)
        return r;
    f->point = point;
    return f->news ? report(f, err) : 0;
}

/* A store that is away comes back, and a replica that has no point yet will have one. */
static bool passes(const struct err *err)
{
    return err->gw == GW_STORE_UNREACHABLE || err->gw == GW_REPLICA_NOT_FOUND;
}

/* --wait without a time, or no --once: without end. */
static bool is_patience_over(const struct follower *f)
{
    uint64_t wait_ms = opt_u64(f->call->opts, "wait");

    if (opt_switch(f->call->opts, "once") && !opt_given(f->call->opts, "wait"))
        return true;
    return wait_ms > 0 && clock_mono_ms(f->call->clock) - f->well_ms >= wait_ms;
}

/* Of a pause after a failure. */
static uint64_t within_patience(const struct follower *f, uint64_t pause_ms)
{
    uint64_t wait_ms = opt_u64(f->call->opts, "wait");
    uint64_t gone_ms = clock_mono_ms(f->call->clock) - f->well_ms;

    return wait_ms > 0 ? num_min(pause_ms, wait_ms - num_min(wait_ms, gone_ms)) : pause_ms;
}

static void pause_for(const struct follower *f, uint64_t ms)
{
    for (uint64_t waited = 0; waited < ms && !atomic_load(f->stop); waited += PIECE_MS)
        clock_sleep_ms(f->call->clock, num_min(PIECE_MS, ms - waited));
}

static int go_along(struct follower *f, struct err *err)
{
    uint64_t every_ms = opt_u64(f->call->opts, "interval");
    uint64_t pause_ms = every_ms;
    unsigned told = 0; /* the failure that people know of */

    f->well_ms = clock_mono_ms(f->call->clock);
    while (!atomic_load(f->stop)) {
        int r = look(f, err);

        if (r == 0 && opt_switch(f->call->opts, "once"))
            return 0;
        if (r < 0 && (!passes(err) || is_patience_over(f)))
            return r;
        if (r < 0 && err->gw != told)
            fprintf(stderr, "%s; trying again\n", err->text);
        told = r < 0 ? err->gw : 0;
        pause_ms = r < 0 ? num_min(pause_ms * 2, num_max(BACKOFF_MAX_MS, every_ms)) : every_ms;
        if (r == 0)
            f->well_ms = clock_mono_ms(f->call->clock);
        err_clear(err);
        pause_for(f, r < 0 ? within_patience(f, pause_ms) : pause_ms);
    }
    return -ECANCELED;
}

int cmd_replica_follow(struct cmd_call *call, struct err *err)
{
    struct follower f = {.call = call, .volume = cmd_arg(call, 1), .stop = progress_interrupts()};
    int r = replica_arg_parse(cmd_arg(call, 0), true, &f.arg, err);

    if (r == 0 && f.arg.seq > 0)
        r = err_set_gw(err, GW_USAGE, -EINVAL,
                       "follow goes along with the newest point; leave out '@%" PRIu64 "'",
                       f.arg.seq);
    if (r == 0)
        r = replica_arg_state_dir(call, &f.arg, f.volume, f.state_dir, err);
    if (r == 0)
        r = go_along(&f, err);
    vault_close(f.vault);
    replica_arg_done(&f.arg);
    if (r == 0)
        return GW_EXIT_OK;
    if (r != -ECANCELED)
        return cmd_exit(err);
    err_set_gw(err, GW_STOPPED, r, "stopped; the same command goes on where it was");
    return GW_EXIT_DETACHED;
}
