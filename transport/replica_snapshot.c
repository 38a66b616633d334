/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consistent points from snapshots: file systems are frozen only while all snapshots are made; they
 * are read, as long as it takes, when everybody writes again. For volumes that change too much to
 * be read in a freeze.
 */
#include "transport/replica_snapshot.h"

#include "transport/freeze.h"
#include "transport/snapshot.h"
#include "transport/vault_impl.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/text.h"

#include <inttypes.h>

#include "base/banned.h"

enum { TRIES = 3 };

struct job {
    const struct replica_together *t;
    struct freeze *freeze;
    uint64_t budget_ms;
    struct replica_moment *moment;
    struct snapshot **snapshots;
};

/* The first failure is told, but all are closed. */
static int close_all(struct job *j, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < j->t->n; i++) {
        int mine = snapshot_close(TAKE(j->snapshots[i]), rc < 0 ? NULL : err);

        rc = rc < 0 ? rc : mine;
    }
    return rc;
}

static int open_all(struct job *j, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < j->t->n; i++)
        rc = snapshot_open(j->t->runs[i].volume_path, (unsigned)(j->t->n - i), &j->snapshots[i],
                           err);
    return rc;
}

/* As in replica_together.c: no allocation, no text, and of file systems only those that the images
 * lie on. */
static int frozen(struct job *j, struct err *err)
{
    int rc = freeze_begin(j->freeze);
    int thawed;

    if (rc < 0)
        return freeze_why(j->freeze, rc, err);
    rc = failpoint("snapshot_frozen");
    for (size_t i = 0; rc == 0 && i < j->t->n; i++)
        rc = snapshot_take(j->snapshots[i]);
    j->moment->taken_ms = clock_wall_ms(vault_clock(j->t->runs[0].vault));
    thawed = freeze_end(j->freeze);
    j->moment->pause_us = freeze_pause_us(j->freeze);
    j->moment->file_systems = (unsigned)freeze_count(j->freeze);
    if (rc < 0)
        return err_set_gw(err, rc == -ENOSPC ? GW_NO_SPACE : GW_NOT_CONSISTENT, rc,
                          "make a snapshot: %m");
    return thawed < 0 ? freeze_why(j->freeze, thawed, err) : 0;
}

static int try_once(struct job *j, struct err *err)
{
    int rc = freeze_look(j->freeze, err);

    if (rc == 0)
        rc = freeze_check(j->freeze, err);
    if (rc == 0)
        rc = open_all(j, err);
    if (rc == 0)
        rc = freeze_flush(j->freeze, err);
    if (rc == 0)
        rc = freeze_arm(j->freeze, j->budget_ms, err);
    if (rc == 0)
        rc = frozen(j, err);
    return rc < 0 ? rc : freeze_check(j->freeze, err);
}

static int take_all(struct job *j, struct err *err)
{
    int rc = -ETIME;

    for (unsigned i = 0; rc == -ETIME && i < TRIES; i++) {
        err_clear(err);
        rc = close_all(j, err);
        rc = rc < 0 ? rc : try_once(j, err);
    }
    return rc;
}

static int with_hooks(struct job *j, struct err *err)
{
    const struct replica_hooks *h = j->t->hooks;
    struct err later = {0};
    int rc = h->before(h->arg, err);
    int after;

    if (rc == 0)
        rc = take_all(j, err);
    after = h->after(h->arg, &later);
    if (rc < 0 || after == 0)
        return rc;
    if (err)
        *err = later;
    return after;
}

static int still_holds(void *arg, struct err *err)
{
    return snapshot_check(arg, err);
}

static const char *kind_of_all(const struct job *j)
{
    const char *kind = snapshot_kind(j->snapshots[0]);

    for (size_t i = 1; i < j->t->n; i++)
        if (!text_equal(snapshot_kind(j->snapshots[i]), kind))
            return "mixed";
    return kind;
}

static int send_one(struct job *j, size_t i, struct replica_point *ret, struct err *err)
{
    struct replica_run run = j->t->runs[i];
    int rc;

    run.source = snapshot_path(j->snapshots[i]);
    run.source_check = still_holds;
    run.source_arg = j->snapshots[i];
    run.kind = REPLICA_FILESYSTEM;
    run.taken_ms = j->moment->taken_ms;
    run.scrub_bytes_per_s = 0;
    run.tracker = "scan"; /* nobody tracked this file */
    if (run.tracked)
        run.tracked->snapshot = snapshot_kind(j->snapshots[i]);
    rc = replica_push(&run, ret, err);
    if (rc == 0 && ret->unreadable_bytes > 0)
        return err_set_gw(err, GW_NOT_CONSISTENT, -EIO, "%" PRIu64 " bytes of '%s' cannot be read",
                          ret->unreadable_bytes, run.volume_path);
    return rc;
}

int replica_snapshot_together(const struct replica_together *t, struct freeze *f,
                              uint64_t budget_ms, struct replica_moment *moment,
                              struct replica_point *ret, struct err *err)
{
    struct job j = {.t = t, .freeze = f, .budget_ms = budget_ms, .moment = moment};
    int closed;
    int rc;

    j.snapshots = calloc(t->n, sizeof(struct snapshot *));
    if (!j.snapshots)
        return err_set(err, -ENOMEM, "snapshots: %m");
    rc = t->hooks ? with_hooks(&j, err) : take_all(&j, err);
    if (rc == 0)
        moment->snapshot = kind_of_all(&j);
    for (size_t i = 0; rc == 0 && i < t->n; i++) {
        rc = send_one(&j, i, &ret[i], err);
        if (rc == 0) /* at once: while there is one, who writes to the volume pays for it */
            rc = snapshot_close(TAKE(j.snapshots[i]), err);
    }
    closed = close_all(&j, rc < 0 ? NULL : err);
    free(j.snapshots);
    return rc < 0 ? rc : closed;
}

void replica_snapshot_sweep(void)
{
    snapshot_sweep();
}
