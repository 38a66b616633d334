/* SPDX-License-Identifier: Apache-2.0 */
/* godwit replica push, pull, digest: the data mover alone, with no planner. */
#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/columns.h"
#include "cli/key_arg.h"
#include "cli/out.h"
#include "cli/progress.h"
#include "cli/replica_arg.h"
#include "cli/replica_cost.h"
#include "cli/replica_view.h"
#include "cli/verbs.h"
#include "transport/volume.h"

#include <stdio.h>

#include "base/banned.h"

const struct opt cmd_replica_push_opts[] = {
    REPLICA_ARG_OPTIONS,
    {"tracker", 0, OPT_CHOICE, "KIND", "auto|ebpf|tracefs|nbd|scan", 0, 0, "auto",
     "how changes are found"},
    {"scrub", 0, OPT_RATE, "RATE", NULL, 1, 0, NULL,
     "read so much of what did not change, and tell what the tracker missed"},
    {"level", 0, OPT_TEXT, "N", NULL, 0, 0, "auto", "zstd level -7 to 19, auto, or 0 for none"},
    {"state-dir", 0, OPT_TEXT, "DIR", NULL, 0, 0, NULL, "where to remember what was sent"},
    {"compact", 0, OPT_TEXT, "SHARE", NULL, 0, 0, "10%",
     "of what changes send, to bring together what lies scattered: N%, none, or all at once"},
    {"shrink", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "the volume was made smaller on purpose: cut the replica to it"},
    {"take-over", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "somebody else pushed since: go on from here, on top of their points"},
    {"repair", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "read back the vault's packs and send again what was lost"},
    {"paranoid", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "open and compare all that was packed before it is sent, not a sample"},
    {"consistent", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "freeze the file systems on it for a moment, or fail"},
    {"freeze", 0, OPT_DURATION, "TIME", NULL, 10, 10000, "250ms", "for at most so long"},
    REPLICA_ARG_SNAPSHOT,
    KEY_ARG_RECIPIENT,
    {0},
};

const struct opt cmd_replica_pull_opts[] = {
    REPLICA_ARG_OPTIONS,
    {"state-dir", 0, OPT_TEXT, "DIR", NULL, 0, 0, NULL, "where to remember what was written"},
    REPLICA_ARG_ALLOW_INCOMPLETE,
    {0},
};

const struct opt cmd_replica_digest_opts[] = {
    {"workers", 0, OPT_U64, "N", NULL, 1, 256, NULL, "threads (one a core)"},
    {"size", 0, OPT_BYTES, "SIZE", NULL, 1, 0, NULL, "only so much from the start"},
    {0},
};

enum { SLOW_S = 10 };

/* --level auto|N: 0 of the command line is "raw", 0 of the data mover is "auto". */
static int parse_level(const char *text, int *ret, struct err *err)
{
    int64_t level;
    int r;

    if (text_equal(text, "auto")) {
        *ret = 0;
        return 0;
    }
    r = num_parse_i64(text, -7, 19, &level, err);
    if (r < 0)
        return err_add(err, r, "--level");
    *ret = level == 0 ? REPLICA_LEVEL_RAW : (int)level;
    return 0;
}

/* --compact N%|none|all. */
static int parse_compact(const char *text, int *ret, struct err *err)
{
    char number[NUM_TEXT_MAX];
    size_t len = strlen(text);
    uint64_t percent;
    int r = -EINVAL;

    if (text_equal(text, "all") || text_equal(text, "none")) {
        *ret = text_equal(text, "all") ? REPLICA_COMPACT_ALL : REPLICA_COMPACT_NONE;
        return 0;
    }
    if (len > 1 && text[len - 1] == '%' &&
        text_print(number, sizeof(number), "%.*s", (int)len - 1, text) == 0)
        r = num_parse_u64(number, 0, 1000, &percent, err);
    if (r < 0)
        return err_set_gw(err, GW_BAD_VALUE, r, "--compact: '%s' is none of N%%, none, all", text);
    *ret = percent ? (int)percent : REPLICA_COMPACT_NONE;
    return 0;
}

/* Ctrl-C is no failure of the data: say how to go on. */
static int exit_of_run(int r, struct err *err)
{
    if (r == 0)
        return GW_EXIT_OK;
    if (r != -ECANCELED)
        return cmd_exit(err);
    err_set_gw(err, GW_STOPPED, r, "stopped; the same command goes on where it was");
    return GW_EXIT_DETACHED;
}

struct mover;

/* What push and pull share: the vault, the state directory, progress around fn. */
struct direction {
    const char *label;
    const char *schema;
    bool pushes; /* makes the vault when there is none */
    int (*run)(struct cmd_call *call, struct mover *m, struct err *err);
    out_view_fn view;
};

struct mover {
    const struct direction *direction;
    struct vault *vault;
    struct replica_arg arg;
    struct replica_run run;
    struct replica_progress progress;
    struct replica_tracked tracked;
    struct replica_scrub scrub;
    struct replica_point point;
    struct replica_moment moment;
    uint64_t started_ms;
    char state_dir[REPLICA_ARG_PATH_MAX];
};

/* Before a vault is made for it: a typo in the volume's name must leave nothing behind. */
static int check_readable(const char *volume, struct err *err)
{
    if (volume_is_export(volume) || access(volume, R_OK) == 0)
        return 0;
    return err_set_gw(err, GW_VOLUME_UNREADABLE, -errno, "open '%s': %m", volume);
}

static int move(struct cmd_call *call, struct mover *m, struct err *err)
{
    const struct direction *d = m->direction;
    struct progress *progress = NULL;
    int r;

    m->run.stop = progress_interrupts();
    m->run.progress = &m->progress;
    m->run.tracked = &m->tracked;
    m->run.scrub = &m->scrub;
    m->run.name = m->arg.name;
    m->run.state_dir = m->state_dir;
    m->run.workers = (unsigned)opt_u64(call->opts, "workers");
    m->started_ms = clock_mono_ms(call->clock);
    r = d->pushes ? check_readable(m->run.volume_path, err) : 0;
    if (r == 0)
        r = replica_arg_state_dir(call, &m->arg, m->run.volume_path, m->state_dir, err);
    if (r == 0)
        r = replica_arg_open(call, &m->arg, d->pushes, m->run.stop, &m->vault, err);
    if (r < 0)
        return r;
    m->run.vault = m->vault;
    r = progress_start(call, d->label, &m->progress, &progress, err);
    if (r == 0)
        r = d->run(call, m, err);
    progress_stop(progress);
    return r;
}

/* Absent when nothing is known to be lacking. */
static void write_weakness(struct cmd_call *call, const struct mover *m, struct jsw *w)
{
    if (!atomic_load(&m->progress.weak))
        return;
    jsw_bool(w, "create_only", false);
    if (!out_quiet(call->out))
        fprintf(stderr, "This store has no create-only PUT: nothing but care keeps two hosts from "
                        "pushing to one replica at the same moment.\n");
}

/* Absent when none was asked for. */
static void write_scrub(const struct mover *m, struct jsw *w)
{
    const struct replica_scrub *s = &m->scrub;

    if (m->run.scrub_bytes_per_s == 0)
        return;
    jsw_obj(w, "scrub");
    jsw_u64(w, "looked_bytes", s->looked_bytes);
    jsw_u64(w, "position_bytes", s->position_bytes);
    jsw_u64(w, "rounds", s->rounds);
    jsw_u64(w, "missed_bytes", s->missed_bytes);
    jsw_u64(w, "missed_total_bytes", s->missed_total);
    jsw_arr(w, "missed");
    for (size_t i = 0; i < s->missed_n; i++) {
        jsw_obj(w, NULL);
        jsw_u64(w, "offset", s->missed[i].offset);
        jsw_u64(w, "bytes", s->missed[i].len);
        jsw_end(w);
    }
    jsw_end(w);
    jsw_end(w);
}

/* The point is right, and yet somebody must know. */
static int alarm_missed(const struct mover *m, struct err *err)
{
    const struct replica_scrub *s = &m->scrub;

    err_set_gw(err, GW_TRACKER_MISSED, -EBADMSG,
               "tracker '%s' missed changes of '%s': %llu bytes, the first at byte %llu",
               m->tracked.kind, m->run.volume_path, (unsigned long long)s->missed_bytes,
               (unsigned long long)s->missed[0].offset);
    return cmd_exit(err);
}

/* There is a point, and a part of it is not what the volume has. */
static int alarm_unread(const struct mover *m, struct err *err)
{
    err_set_gw(err, GW_PARTLY_UNREADABLE, -EIO,
               "'%s': %llu bytes in %llu range%s cannot be read; point %llu is incomplete",
               m->run.volume_path, (unsigned long long)m->point.unreadable_bytes,
               (unsigned long long)m->point.unreadable_n, m->point.unreadable_n == 1 ? "" : "s",
               (unsigned long long)m->point.seq);
    return cmd_exit(err);
}

static void write_push(struct cmd_call *call, const struct mover *m, struct jsw *w)
{
    write_weakness(call, m, w);
    if (m->arg.recipients)
        jsw_str(w, "escrow", m->arg.escrow);
    jsw_u64(w, "compacted_bytes", atomic_load(&m->progress.compacted_bytes));
    jsw_u64(w, "repacked_units", atomic_load(&m->progress.repacked));
    replica_view_write_tracked(w, &m->tracked);
    replica_view_write_spent(w, &m->progress.spent);
    write_scrub(m, w);
    if (m->moment.taken_ms > 0)
        replica_view_write_freeze(w, &m->moment);
}

static int report(struct cmd_call *call, const struct mover *m, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return cmd_end(r, err);
    jsw_document(w, m->direction->schema, clock_wall_ms(call->clock));
    jsw_str(w, "replica", m->arg.name);
    jsw_str(w, "volume", m->run.volume_path);
    jsw_str(w, "store", m->arg.url);
    jsw_obj(w, "point");
    replica_view_write_point(w, &m->point);
    r = replica_view_write_unreadable(w, m->vault, m->arg.name, &m->point, err);
    jsw_end(w);
    if (r < 0)
        return cmd_end(r, err);
    jsw_u64(w, "changed_bytes", atomic_load(&m->progress.changed_bytes));
    jsw_u64(w, "sent_bytes", atomic_load(&m->progress.sent_bytes));
    jsw_u64(w, "received_bytes", atomic_load(&m->progress.received_bytes));
    if (m->direction->pushes)
        write_push(call, m, w);
    jsw_f64(w, "duration_s", (double)(clock_mono_ms(call->clock) - m->started_ms) / 1000.0);
    replica_cost_write(w, m->vault);
    jsw_end(w);
    if (out_writer(call->out, w, m->direction->view, err) < 0)
        return cmd_exit(err);
    if (m->scrub.missed_bytes > 0)
        return alarm_missed(m, err);
    return m->direction->pushes && m->point.unreadable_bytes > 0 ? alarm_unread(m, err)
                                                                 : GW_EXIT_OK;
}

static int move_and_report(struct cmd_call *call, struct mover *m, struct err *err)
{
    int r = move(call, m, err);

    r = r < 0 ? exit_of_run(r, err) : report(call, m, err);
    vault_close(m->vault);
    replica_arg_done(&m->arg);
    return r;
}

static const struct columns_row push_rows[] = {
    {"REPLICA", "replica", COLUMNS_TEXT, TABLE_LEFT},
    {"POINT", "point.seq", COLUMNS_COUNT, TABLE_RIGHT},
    {"CHANGED", "changed_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"SENT", "sent_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"TOOK", "duration_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"DIGEST", "point.digest", COLUMNS_TEXT, TABLE_LEFT},
};

static const struct columns_row pull_rows[] = {
    {"VOLUME", "volume", COLUMNS_TEXT, TABLE_LEFT},
    {"REPLICA", "replica", COLUMNS_TEXT, TABLE_LEFT},
    {"POINT", "point.seq", COLUMNS_COUNT, TABLE_RIGHT},
    {"SIZE", "point.size_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"RECEIVED", "received_bytes", COLUMNS_BYTES, TABLE_RIGHT},
    {"TOOK", "duration_s", COLUMNS_SECONDS, TABLE_RIGHT},
    {"DIGEST", "point.digest", COLUMNS_TEXT, TABLE_LEFT},
};

static const struct columns_row digest_rows[] = {
    {"DIGEST", "digest", COLUMNS_TEXT, TABLE_LEFT},
    {"VOLUME", "volume", COLUMNS_TEXT, TABLE_LEFT},
};

/* Worth a line when somebody had to wait for it. */
/* A scan is no news, nor is the first pass. */
static void view_rescan(struct out *o, const struct js *doc)
{
    const char *why = js_str(doc, "rescan", NULL);

    if (why && js_u64(js_member(doc, "point"), "seq", 0) > 1 &&
        !text_equal(js_str(doc, "tracker", ""), "scan"))
        out_text(o, "all of it was read: %s", why);
}

static void view_bound(struct out *o, const struct js *doc)
{
    const char *bound = js_str(doc, "bound", NULL);

    if (bound && js_f64(doc, "duration_s", 0) >= SLOW_S)
        out_text(o, "%.0f%% of the time went to the %s",
                 js_f64(js_member(doc, "time_share"), bound, 0) * 100, bound);
}

/* One line: what the pass made of the volume. */
static void view_pass(struct out *o, const struct js *doc)
{
    const struct js *point = js_member(doc, "point");
    const char *name = js_str(doc, "replica", "");
    const unsigned long long seq = js_u64(point, "seq", 0);
    char changed[NUM_TEXT_MAX], sent[NUM_TEXT_MAX], took[NUM_TEXT_MAX];

    out_bytes(o, js_u64(doc, "changed_bytes", 0), changed);
    out_bytes(o, js_u64(doc, "sent_bytes", 0), sent);
    num_format_duration((uint64_t)(js_f64(doc, "duration_s", 0) * 1000), took);
    if (js_u64(doc, "changed_bytes", 0) == 0 && js_u64(doc, "sent_bytes", 0) == 0)
        out_text(o, "nothing changed since %s@%llu  %s, %s  digest %.16s…", name, seq,
                 js_str(point, "kind", ""), took, js_str(point, "digest", ""));
    else
        out_text(o, "%s@%llu  %s, %s changed, %s sent, %s  digest %.16s…", name, seq,
                 js_str(point, "kind", ""), changed, sent, took, js_str(point, "digest", ""));
}

static int view_push(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    char changed[NUM_TEXT_MAX];

    if (!out_is_for_people(o))
        return columns_one(o, doc, t, push_rows, ARRAY_LEN(push_rows), err);
    view_pass(o, doc);
    view_rescan(o, doc);
    view_bound(o, doc);
    replica_view_say_freeze(o, js_member(doc, "freeze"));
    replica_view_say_unreadable(o, js_member(doc, "point"));
    if (js_u64(doc, "compacted_bytes", 0) > 0) {
        out_bytes(o, js_u64(doc, "compacted_bytes", 0), changed);
        out_text(o, "%s that lay scattered were sent again, together", changed);
    }
    if (js_u64(doc, "repacked_units", 0) > 0)
        out_text(o, "%llu units were packed wrongly at the first try: look at the machine's memory",
                 (unsigned long long)js_u64(doc, "repacked_units", 0));
    return 0;
}

static int view_pull(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *point = js_member(doc, "point");
    char size[NUM_TEXT_MAX], received[NUM_TEXT_MAX], took[NUM_TEXT_MAX];

    if (!out_is_for_people(o))
        return columns_one(o, doc, t, pull_rows, ARRAY_LEN(pull_rows), err);
    out_bytes(o, js_u64(point, "size_bytes", 0), size);
    out_bytes(o, js_u64(doc, "received_bytes", 0), received);
    num_format_duration((uint64_t)(js_f64(doc, "duration_s", 0) * 1000), took);
    out_text(o, "%s is %s@%llu: %s, %s fetched, %s", js_str(doc, "volume", ""),
             js_str(doc, "replica", ""), (unsigned long long)js_u64(point, "seq", 0), size,
             received, took);
    replica_view_say_unreadable(o, point);
    return 0;
}

static int run_push(struct cmd_call *call, struct mover *m, struct err *err)
{
    struct replica_together together = {.runs = &m->run,
                                        .n = 1,
                                        .freeze_ms = opt_u64(call->opts, "freeze"),
                                        .snapshot = replica_arg_snapshot(call->opts),
                                        .moment = &m->moment};

    if (!opt_switch(call->opts, "consistent"))
        return replica_push(&m->run, &m->point, err);
    return replica_push_together(&together, &m->point, err);
}

static int run_pull(struct cmd_call *call, struct mover *m, struct err *err)
{
    (void)call;
    return replica_pull(&m->run, &m->point, err);
}

int cmd_replica_push(struct cmd_call *call, struct err *err)
{
    static const struct direction push = {"push", "godwit.replica-push/1", true, run_push,
                                          view_push};
    struct mover m = {.direction = &push,
                      .run = {.volume_path = cmd_arg(call, 0), .kind = REPLICA_FUZZY}};
    struct age_keys recipients = {0};
    int r = replica_arg_parse(cmd_arg(call, 1), true, &m.arg, err);

    if (r == 0)
        r = key_arg_recipients(call, &recipients, err);
    if (r == 0 && m.arg.seq > 0)
        r = err_set_gw(err, GW_USAGE, -EINVAL, "push makes the next point; leave out '@%llu'",
                       (unsigned long long)m.arg.seq);
    if (r == 0 && !opt_switch(call->opts, "consistent") &&
        (opt_given(call->opts, "freeze") || opt_given(call->opts, "snapshot")))
        r = err_set_gw(err, GW_USAGE, -EINVAL,
                       "--freeze and --snapshot say how a point is made --consistent; without that "
                       "nothing is frozen");
    if (r == 0)
        r = parse_level(opt_text(call->opts, "level"), &m.run.level, err);
    if (r == 0)
        r = parse_compact(opt_text(call->opts, "compact"), &m.run.compact, err);
    if (r < 0)
        return cmd_end(r, err);
    m.arg.recipients = recipients.n > 0 ? &recipients : NULL;
    m.run.tracker = opt_text(call->opts, "tracker");
    m.run.scrub_bytes_per_s = opt_u64(call->opts, "scrub");
    m.run.may_shrink = opt_switch(call->opts, "shrink");
    m.run.take_over = opt_switch(call->opts, "take-over");
    m.run.repair = opt_switch(call->opts, "repair");
    m.run.paranoid = opt_switch(call->opts, "paranoid");
    return move_and_report(call, &m, err);
}

int cmd_replica_pull(struct cmd_call *call, struct err *err)
{
    static const struct direction pull = {"pull", "godwit.replica-pull/1", false, run_pull,
                                          view_pull};
    struct mover m = {.direction = &pull, .run = {.volume_path = cmd_arg(call, 1)}};
    int r = replica_arg_parse(cmd_arg(call, 0), true, &m.arg, err);

    if (r < 0)
        return cmd_end(r, err);
    m.run.seq = m.arg.seq;
    m.run.allow_incomplete = opt_switch(call->opts, "allow-incomplete");
    return move_and_report(call, &m, err);
}

static int view_digest(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    if (!out_is_for_people(o))
        return columns_one(o, doc, t, digest_rows, ARRAY_LEN(digest_rows), err);
    out_text(o, "%s  %s", js_str(doc, "digest", ""), js_str(doc, "volume", ""));
    return 0;
}

int cmd_replica_digest(struct cmd_call *call, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    struct replica_progress counters = {0};
    struct progress *progress = NULL;
    uint8_t digest[REPLICA_DIGEST_LEN];
    struct replica_digest_run run = {
        .volume_path = cmd_arg(call, 0),
        .size_bytes = opt_u64(call->opts, "size"),
        .progress = &counters,
        .stop = progress_interrupts(),
        .workers = (unsigned)opt_u64(call->opts, "workers"),
    };
    int r = progress_start(call, "digest", &counters, &progress, err);

    if (r == 0)
        r = replica_digest(&run, digest, err);
    progress_stop(progress);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return exit_of_run(r, err);
    jsw_document(w, "godwit.replica-digest/1", clock_wall_ms(call->clock));
    jsw_str(w, "volume", run.volume_path);
    jsw_hex(w, "digest", digest, sizeof(digest));
    jsw_end(w);
    return out_writer(call->out, w, view_digest, err) < 0 ? cmd_exit(err) : GW_EXIT_OK;
}
