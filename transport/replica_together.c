/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points of several volumes at one moment. Passes, while programs write, until what is left is
 * little; a rehearsal, which does all of the moment but the freezing and shows how long reading
 * takes; then the moment itself. Its data is sent when the file systems are thawed.
 */
#include "transport/capture.h"
#include "transport/freeze.h"
#include "transport/push.h"
#include "transport/replica_snapshot.h"
#include "transport/vault_impl.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <inttypes.h>

#include "base/banned.h"

enum {
    FREEZE_DEFAULT_MS = 250,
    BYTES_MAX = 64 << 20, /* of locked memory */
    BYTES_SPARE = 4 << 20,
    PASSES_MAX = 12,
    NO_GAIN_MAX = 3,   /* passes in a row that left no less than the best before them */
    READING_SHARE = 2, /* of the budget: the rest is for the freezing itself */
    FLUSHES_MAX = 5,
    FLUSH_SHARE = 4 /* a flush that takes less of the budget found little to write */
};

struct member {
    struct push push;
    struct capture *capture;
};

struct together {
    const struct replica_together *t;
    struct member *members;
    const char **paths;
    struct freeze *freeze;
    struct capture_arena arena;
    struct replica_moment moment;
    uint64_t budget_ms;
    uint64_t left_bytes;  /* as the last look found */
    uint64_t read_ms;     /* of the last rehearsal */
    uint64_t least_bytes; /* that any look found */
    unsigned no_gain;
};

static uint64_t mono_ms(const struct together *g)
{
    return clock_mono_ms(vault_clock(g->t->runs[0].vault));
}

/* ---- what is open ------------------------------------------------------------------------------
 */

static int open_one(struct member *m, const struct replica_run *run, struct err *err)
{
    struct replica_run mine = *run;
    int rc;

    mine.kind = REPLICA_FILESYSTEM;
    mine.repair = false;
    mine.compact = REPLICA_COMPACT_NONE; /* these would read the volume as it is later */
    mine.scrub_bytes_per_s = 0;
    rc = push_open(&m->push, &mine, err);
    if (rc == 0)
        rc = capture_new(m->push.volume, m->push.size_bytes, BYTES_MAX, &m->capture, err);
    return rc < 0 ? err_add(err, rc, "push '%s' to '%s'", run->volume_path, run->name) : 0;
}

static int open_members(struct together *g, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < g->t->n; i++)
        rc = open_one(&g->members[i], &g->t->runs[i], err);
    return rc;
}

static void close_members(struct together *g)
{
    for (size_t i = 0; i < g->t->n; i++) {
        capture_free(TAKE(g->members[i].capture));
        push_close(&g->members[i].push);
    }
    capture_arena_done(&g->arena);
}

/* ---- how much is left ---------------------------------------------------------------------------
 */

static int measure(struct together *g, struct err *err)
{
    uint64_t sum = 0;
    uint64_t bytes = 0;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < g->t->n; i++) {
        struct member *m = &g->members[i];

        if (m->push.head.gaps.n > 0)
            return err_set(err, g->moment.passes == 0 ? -EAGAIN : -EIO,
                           "%" PRIu64 " bytes of '%s' cannot be read",
                           gaps_bytes(&m->push.head.gaps), m->push.run->volume_path);
        if (m->push.full)
            return err_set(err, -EAGAIN, "'%s' was not looked at as a whole yet",
                           m->push.run->volume_path);
        rc = capture_measure(m->capture, m->push.track, &bytes, err);
        sum += bytes;
    }
    if (rc == 0)
        g->left_bytes = sum;
    return rc;
}

static int take_all(struct together *g, const struct freeze *moment)
{
    int rc = 0;

    g->arena.used = 0;
    for (size_t i = 0; rc == 0 && i < g->t->n; i++)
        rc = capture_take(g->members[i].capture, g->members[i].push.track, &g->arena, moment);
    return rc;
}

static void give_back(struct together *g)
{
    for (size_t i = 0; i < g->t->n; i++)
        if (g->members[i].push.track)
            track_abort(g->members[i].push.track);
}

static int too_much(const struct together *g, struct err *err)
{
    for (size_t i = 0; i < g->t->n; i++)
        if (text_equal(track_kind(g->members[i].push.track), "scan"))
            return err_set(err, -EAGAIN,
                           "no tracker tells what of '%s' changed, and all of it is more than %d "
                           "MiB",
                           g->t->runs[i].volume_path, BYTES_MAX >> 20);
    return err_set(err, -EAGAIN, "more than %d MiB change between two passes", BYTES_MAX >> 20);
}

/* All of the moment but the freeze. The memory it is for is touched, and the time seen. */
static int rehearse(struct together *g, struct err *err)
{
    size_t room = (size_t)num_min(g->left_bytes * 2 + BYTES_SPARE, BYTES_MAX);
    uint64_t begun;
    int rc;

    if (g->left_bytes >= BYTES_MAX)
        return too_much(g, err);
    capture_arena_done(&g->arena);
    rc = capture_arena_init(&g->arena, room, err);
    if (rc < 0)
        return rc;
    begun = mono_ms(g);
    rc = take_all(g, NULL);
    g->read_ms = mono_ms(g) - begun;
    give_back(g);
    if (rc == -ENOSPC)
        return err_set(err, -EAGAIN, "what changes grows while it is looked at");
    /* A pass reads around it, and says where it is. */
    if (rc == -EIO)
        return err_set(err, -EAGAIN, "a part of what changed cannot be read");
    if (rc < 0)
        return err_set(err, rc, "read what changed: %m");
    if (g->read_ms > g->budget_ms / READING_SHARE)
        return err_set(err, -EAGAIN, "reading what changed takes %" PRIu64 " ms of %" PRIu64,
                       g->read_ms, g->budget_ms);
    return 0;
}

/* ---- the moment ---------------------------------------------------------------------------------
 */

/* Until there is little left to write: the freeze writes it while everybody waits. */
static int flush(struct together *g, struct err *err)
{
    uint64_t begun;
    int rc;

    for (int i = 0; i < FLUSHES_MAX; i++) {
        begun = mono_ms(g);
        rc = freeze_flush(g->freeze, err);
        if (rc < 0 || mono_ms(g) - begun < g->budget_ms / FLUSH_SHARE)
            return rc;
    }
    return 0;
}

/* Nothing here may allocate, make text or touch a file system, but where freeze_end is behind. */
static int frozen(struct together *g, struct err *err)
{
    int rc = freeze_begin(g->freeze);
    int thawed;

    if (rc < 0)
        return freeze_why(g->freeze, rc, err);
    rc = failpoint("push_frozen");
    if (rc == 0)
        rc = take_all(g, g->freeze);
    g->moment.taken_ms = clock_wall_ms(vault_clock(g->t->runs[0].vault));
    thawed = freeze_end(g->freeze);
    g->moment.pause_us = freeze_pause_us(g->freeze);
    g->moment.bytes = g->arena.used;
    if (rc == -ETIME || rc == -ENOSPC)
        return err_set(err, -EAGAIN, "reading what had changed took longer than %" PRIu64 " ms",
                       g->budget_ms);
    if (rc == -EIO)
        return err_set(err, -EAGAIN, "a part of what had changed cannot be read");
    if (rc < 0)
        return err_set(err, rc, "read what changed: %m");
    return thawed < 0 ? freeze_why(g->freeze, thawed, err) : 0;
}

/* What was taken counts only when no tracker has a doubt of it. */
static int trust(struct together *g, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < g->t->n; i++)
        rc = track_trust(g->members[i].push.track, err);
    if (rc == 0)
        rc = freeze_check(g->freeze, err);
    return rc;
}

static int moment(struct together *g, struct err *err)
{
    int rc = flush(g, err); /* again: the rehearsal took a while */

    if (rc == 0)
        rc = freeze_arm(g->freeze, g->budget_ms, err);
    if (rc == 0)
        rc = frozen(g, err);
    if (rc == 0)
        rc = trust(g, err);
    if (rc < 0)
        give_back(g);
    return rc;
}

/* Passes and hooks take long: others may have been mounted meanwhile. */
static int look(struct together *g, struct err *err)
{
    int rc = freeze_look(g->freeze, err);

    if (rc == 0)
        rc = freeze_check(g->freeze, err);
    if (rc == 0)
        g->moment.file_systems = (unsigned)freeze_count(g->freeze);
    return rc;
}

static int prepare(struct together *g, struct err *err)
{
    int rc = look(g, err);

    if (rc == 0)
        rc = flush(g, err);
    if (rc == 0)
        rc = measure(g, err);
    return rc < 0 ? rc : rehearse(g, err);
}

/* What a hook does may have to be written, too: so it is looked at again. */
static int with_hooks(struct together *g, struct err *err)
{
    const struct replica_hooks *h = g->t->hooks;
    struct err later = {0};
    int rc = h->before(h->arg, err);
    int after;

    if (rc == 0)
        rc = prepare(g, err);
    if (rc == 0)
        rc = moment(g, err);
    after = h->after(h->arg, &later);
    if (rc < 0 || after == 0)
        return rc;
    give_back(g);
    if (err)
        *err = later;
    return after;
}

/* -EAGAIN, -ESTALE, -ETIME: after another pass it may go better. */
static int try_once(struct together *g, struct err *err)
{
    int rc = open_members(g, err);

    if (rc == 0)
        rc = prepare(g, err);
    if (rc < 0)
        return rc;
    return g->t->hooks ? with_hooks(g, err) : moment(g, err);
}

/* ---- passes -------------------------------------------------------------------------------------
 */

static int pass_all(struct together *g, struct replica_point *points, struct err *err)
{
    int rc = 0;

    g->moment.passes++;
    for (size_t i = 0; rc == 0 && i < g->t->n; i++) {
        struct replica_run run = g->t->runs[i];

        run.kind = REPLICA_FUZZY;
        rc = replica_push(&run, &points[i], err);
    }
    return rc;
}

static bool worth_another(struct together *g)
{
    bool gain = g->least_bytes == 0 || g->left_bytes < g->least_bytes - g->least_bytes / 8;

    g->no_gain = gain ? 0 : g->no_gain + 1;
    if (gain)
        g->least_bytes = g->left_bytes;
    return g->no_gain < NO_GAIN_MAX && g->moment.passes < PASSES_MAX;
}

static int give_up(const struct together *g, struct err *err)
{
    char left[NUM_TEXT_MAX];

    if (err)
        err->gw = GW_NOT_CONSISTENT;
    return err_add(err, -EAGAIN, "after %u passes %s were left", g->moment.passes,
                   num_format_bytes(g->left_bytes, false, left));
}

/* Passes until a moment could be had: then its data is in memory, and members are open. */
static int approach(struct together *g, struct replica_point *points, struct err *err)
{
    for (;;) {
        int rc = try_once(g, err);

        if (rc == 0)
            return 0;
        close_members(g);
        if (rc == -EIO && err)
            err->gw = GW_NOT_CONSISTENT;
        if (rc != -EAGAIN && rc != -ESTALE && rc != -ETIME)
            return rc;
        if (!worth_another(g))
            return give_up(g, err);
        err_clear(err);
        rc = pass_all(g, points, err);
        if (rc < 0)
            return rc;
    }
}

static int send_one(struct together *g, struct member *m, struct replica_point *ret,
                    struct err *err)
{
    int rc;

    m->push.captured = m->capture;
    push_tell_tracker(&m->push);
    m->push.taken_ms = g->moment.taken_ms;
    rc = push_pass(&m->push, ret, err);
    if (rc < 0)
        return err_add(err, rc, "push '%s' to '%s'", m->push.run->volume_path, m->push.run->name);
    return 0;
}

/* Each gives its memory back when it is sent. */
static int send_all(struct together *g, struct replica_point *points, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < g->t->n; i++) {
        rc = send_one(g, &g->members[i], &points[i], err);
        if (rc == 0)
            push_close(&g->members[i].push);
    }
    return rc;
}

static int check(const struct replica_together *t, struct err *err)
{
    for (size_t i = 0; i < t->n; i++)
        if (volume_is_export(t->runs[i].volume_path))
            return err_set_gw(err, GW_NOT_CONSISTENT, -EOPNOTSUPP,
                              "what is mounted from '%s' cannot be frozen here: its file systems "
                              "are of another machine",
                              t->runs[i].volume_path);
    for (size_t i = 0; i < t->n; i++)
        if (t->runs[i].repair)
            return err_set_gw(err, GW_USAGE, -EINVAL,
                              "a repair reads the whole volume: it makes no consistent point");
    return t->n > 0 ? 0 : err_set(err, -EINVAL, "no volume");
}

static int find_file_systems(struct together *g, struct err *err)
{
    int rc;

    for (size_t i = 0; i < g->t->n; i++)
        g->paths[i] = g->t->runs[i].volume_path;
    rc = freeze_new(g->paths, g->t->n, &g->freeze, err);
    return rc < 0 ? rc : freeze_check(g->freeze, err);
}

/* Why there is no moment of the other kind stays to be told. */
static int approach_or_snapshot(struct together *g, struct replica_point *points, bool *ret_sent,
                                struct err *err)
{
    struct err why = {0};
    int rc = -EAGAIN;

    if (g->t->snapshot != REPLICA_SNAPSHOT_ALWAYS)
        rc = approach(g, points, &why);
    if (rc == -EAGAIN && g->t->snapshot != REPLICA_SNAPSHOT_NEVER) {
        close_members(g);
        rc = replica_snapshot_together(g->t, g->freeze, g->budget_ms, &g->moment, points, err);
        *ret_sent = rc == 0;
        if (rc != -EOPNOTSUPP)
            return rc;
        if (g->t->snapshot == REPLICA_SNAPSHOT_ALWAYS) {
            if (err)
                err->gw = GW_NOT_CONSISTENT;
            return rc;
        }
        rc = -EAGAIN; /* it was no more than a try */
    }
    if (rc < 0 && err)
        *err = why;
    return rc;
}

int replica_push_together(const struct replica_together *t, struct replica_point *ret,
                          struct err *err)
{
    struct together g = {.t = t, .budget_ms = t->freeze_ms ? t->freeze_ms : FREEZE_DEFAULT_MS};
    bool sent = false;
    int rc = check(t, err);

    if (rc < 0)
        return rc;
    g.members = calloc(t->n, sizeof(*g.members));
    g.paths = calloc(t->n, sizeof(*g.paths));
    if (!g.members || !g.paths)
        rc = err_set(err, -ENOMEM, "consistent point: %m");
    if (rc == 0)
        rc = find_file_systems(&g, err);
    if (rc == 0)
        rc = approach_or_snapshot(&g, ret, &sent, err);
    freeze_free(g.freeze);
    if (rc == 0 && !sent)
        rc = send_all(&g, ret, err);
    if (g.members)
        close_members(&g);
    free(g.members);
    free(g.paths);
    if (t->moment)
        *t->moment = g.moment;
    return rc;
}

int replica_thaw(const char *const *volumes, size_t n, struct err *err)
{
    return freeze_undo(volumes, n, err);
}
