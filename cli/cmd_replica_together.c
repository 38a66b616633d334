/* SPDX-License-Identifier: Apache-2.0 */
/* godwit replica together: consistent points of several volumes at one moment. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/replica_arg.h"
#include "cli/replica_cost.h"
#include "cli/replica_view.h"
#include "cli/verbs.h"

#include <string.h>

#include "base/banned.h"

enum { VOLUMES_MAX = 32 };

const struct opt cmd_replica_together_opts[] = {
    REPLICA_ARG_OPTIONS,
    {"freeze", 0, OPT_DURATION, "TIME", NULL, 10, 10000, "250ms",
     "freeze their file systems for at most so long"},
    REPLICA_ARG_SNAPSHOT,
    {"state-dir", 0, OPT_TEXT, "DIR", NULL, 0, 0, NULL,
     "where to remember what was sent, a directory for each replica"},
    {0},
};

struct member {
    char volume[REPLICA_ARG_PATH_MAX];
    struct replica_arg arg;
    struct replica_tracked tracked;
    char state_dir[REPLICA_ARG_PATH_MAX];
};

struct group {
    struct vault *vault;
    size_t n;
    struct member members[VOLUMES_MAX];
    struct replica_run runs[VOLUMES_MAX];
    struct replica_point points[VOLUMES_MAX];
    struct replica_progress progress;
    struct replica_moment moment;
    uint64_t started_ms;
};

/* VOLUME=NAME; a volume's path may have the sign, a name has not. */
static int parse_member(const char *store, const char *text, struct member *m, struct err *err)
{
    const char *sign = strrchr(text, '=');
    char whole[REPLICA_ARG_URL_MAX + VAULT_REPLICA_NAME_MAX + 8];
    int r;

    if (!sign || sign == text || sign[1] == '\0')
        return err_set_gw(err, GW_USAGE, -EINVAL, "'%s' is not VOLUME=NAME", text);
    r = text_print(m->volume, sizeof(m->volume), "%.*s", (int)(sign - text), text);
    if (r == 0)
        r = text_print(whole, sizeof(whole), "%s//%s", store, sign + 1);
    if (r < 0)
        return err_set_gw(err, GW_BAD_VALUE, r, "'%s': %m", text);
    r = replica_arg_parse(whole, true, &m->arg, err);
    if (r == 0 && m->arg.seq > 0)
        r = err_set_gw(err, GW_USAGE, -EINVAL, "'%s': a push makes the next point", text);
    if (r == 0 && access(m->volume, R_OK) < 0)
        r = err_set_gw(err, GW_VOLUME_UNREADABLE, -errno, "open '%s': %m", m->volume);
    return r;
}

static int state_dir_of(const struct cmd_call *call, struct member *m, struct err *err)
{
    int r = replica_arg_state_dir(call, &m->arg, m->volume, m->state_dir, err);
    char dir[REPLICA_ARG_PATH_MAX];

    if (r < 0 || !opt_given(call->opts, "state-dir"))
        return r;
    r = text_copy(dir, sizeof(dir), m->state_dir);
    if (r == 0)
        r = text_print(m->state_dir, sizeof(m->state_dir), "%s/%s", dir, m->arg.name);
    return r < 0 ? err_set_gw(err, GW_BAD_VALUE, r, "--state-dir '%s': %m", dir) : 0;
}

static int parse_members(struct cmd_call *call, struct group *g, struct err *err)
{
    int r = 0;

    for (; r == 0 && g->n + 1 < cmd_args(call); g->n++) {
        struct member *m = &g->members[g->n];

        r = parse_member(cmd_arg(call, 0), cmd_arg(call, g->n + 1), m, err);
        if (r == 0)
            r = state_dir_of(call, m, err);
        for (size_t i = 0; r == 0 && i < g->n; i++)
            if (text_equal(g->members[i].arg.name, m->arg.name))
                r = err_set_gw(err, GW_USAGE, -EINVAL, "two volumes for replica '%s'", m->arg.name);
    }
    return r;
}

static void fill_runs(struct cmd_call *call, struct group *g)
{
    for (size_t i = 0; i < g->n; i++)
        g->runs[i] = (struct replica_run){
            .vault = g->vault,
            .name = g->members[i].arg.name,
            .volume_path = g->members[i].volume,
            .state_dir = g->members[i].state_dir,
            .progress = &g->progress,
            .stop = progress_interrupts(),
            .workers = (unsigned)opt_u64(call->opts, "workers"),
            .tracked = &g->members[i].tracked,
        };
}

static int push(struct cmd_call *call, struct group *g, struct err *err)
{
    struct replica_together together = {.runs = g->runs,
                                        .n = g->n,
                                        .freeze_ms = opt_u64(call->opts, "freeze"),
                                        .snapshot = replica_arg_snapshot(call->opts),
                                        .moment = &g->moment};
    struct progress *progress = NULL;
    int r = replica_arg_open(call, &g->members[0].arg, true, progress_interrupts(), &g->vault, err);

    if (r < 0)
        return r;
    fill_runs(call, g);
    r = progress_start(call, "push", &g->progress, &progress, err);
    if (r == 0)
        r = replica_push_together(&together, g->points, err);
    progress_stop(progress);
    return r;
}

static void write_items(struct jsw *w, const struct group *g)
{
    jsw_arr(w, "items");
    for (size_t i = 0; i < g->n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "replica", g->members[i].arg.name);
        jsw_str(w, "volume", g->members[i].volume);
        jsw_obj(w, "point");
        replica_view_write_point(w, &g->points[i]);
        jsw_end(w);
        replica_view_write_tracked(w, &g->members[i].tracked);
        jsw_str(w, "snapshot", g->members[i].tracked.snapshot);
        jsw_end(w);
    }
    jsw_end(w);
}

static int view(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    static const struct columns_row rows[] = {
        {"REPLICA", "replica", COLUMNS_TEXT, TABLE_LEFT},
        {"POINT", "point.seq", COLUMNS_COUNT, TABLE_RIGHT},
        {"KIND", "point.kind", COLUMNS_TEXT, TABLE_LEFT},
        {"TAKEN", "point.taken_at", COLUMNS_TIME, TABLE_LEFT},
        {"CHANGED", "point.changed_bytes", COLUMNS_BYTES, TABLE_RIGHT},
        {"VOLUME", "volume", COLUMNS_TEXT, TABLE_LEFT},
    };

    if (out_is_for_people(o))
        replica_view_say_freeze(o, js_member(doc, "freeze"));
    return columns_fill(o, js_member(doc, "items"), t, rows, ARRAY_LEN(rows), err);
}

static int report(struct cmd_call *call, const struct group *g, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return cmd_exit(err);
    jsw_document(w, "godwit.replica-together/1", clock_wall_ms(call->clock));
    jsw_str(w, "store", cmd_arg(call, 0));
    write_items(w, g);
    replica_view_write_freeze(w, &g->moment);
    jsw_u64(w, "sent_bytes", atomic_load(&g->progress.sent_bytes));
    jsw_f64(w, "duration_s", (double)(clock_mono_ms(call->clock) - g->started_ms) / 1000.0);
    replica_cost_write(w, g->vault);
    jsw_end(w);
    return out_writer(call->out, w, view, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}

int cmd_replica_together(struct cmd_call *call, struct err *err)
{
    auto_free struct group *g = calloc(1, sizeof(*g));
    int r;

    if (!g)
        return cmd_end(err_set(err, -ENOMEM, "push: %m"), err);
    g->started_ms = clock_mono_ms(call->clock);
    r = parse_members(call, g, err);
    if (r == 0)
        r = push(call, g, err);
    if (r == -ECANCELED)
        err_set_gw(err, GW_STOPPED, r, "stopped; the same command goes on where it was");
    if (r < 0)
        r = r == -ECANCELED ? GW_EXIT_DETACHED : cmd_end(r, err);
    else
        r = report(call, g, err);
    vault_close(g->vault);
    replica_arg_done(&g->members[0].arg);
    return r;
}
