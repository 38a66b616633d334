/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass, from the state directory to the restore point.
 *
 * The order that is never broken: packs durable, pages durable, table sealed, point, table, state,
 * tracker. A failure before the point leaves everything as it was but for the ledger.
 */
#include "transport/push.h"

#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/vault_impl.h"

#include <inttypes.h>

#include "base/banned.h"

static int step(const char *name, struct err *err)
{
    int rc = failpoint(name);

    return rc < 0 ? err_set(err, rc, "%s: %m", name) : 0;
}

/* A head that cannot be read blocks the replica until somebody asks for a repair: then it stays as
 * it is, and the new point that follows it is made of the volume and of the newest point before it.
 */
static int set_aside(struct push *p, struct err *err)
{
    struct vault *v = p->run->vault;
    const char *name = p->run->name;
    int rc;

    err_clear(err);
    rc = point_head_number(v, name, p->state->known_seq, &p->set_aside, err);
    if (rc == 0)
        rc = point_bytes_hash(v, name, p->set_aside, p->set_aside_hash, err);
    for (uint64_t seq = p->set_aside; rc == 0 && seq > 1 && !p->have_head; seq--) {
        rc = point_load(v, name, seq - 1, &p->head, err);
        p->have_head = rc == 0;
        if (rc == -EBADMSG || rc == -ENOENT) {
            err_clear(err);
            rc = 0;
        }
    }
    return rc;
}

/* The head, and whether a push onto it is allowed by its epoch. */
static int find_head(struct push *p, struct err *err)
{
    const struct replica_run *run = p->run;
    int rc = point_head(run->vault, run->name, p->state->known_seq, &p->head, err);

    if (rc == -EBADMSG && p->repair_asked)
        rc = set_aside(p, err);
    else if (rc == 0)
        p->have_head = true;
    if (rc == -ENOENT && p->state->known_seq == 0) {
        err_clear(err);
        return 0;
    }
    if (rc < 0)
        return rc;
    if (run->epoch != 0 && p->have_head && run->epoch < p->head.info.epoch)
        return err_set_gw(err, GW_REPLICA_LOCKED, -ESTALE,
                          "replica '%s' is at epoch %" PRIu64 ", this push is of epoch %" PRIu64,
                          run->name, p->head.info.epoch, run->epoch);
    return 0;
}

static int check_state(const struct push *p, struct err *err)
{
    if (p->state->applying.seq != 0)
        return err_set_gw(err, GW_VOLUME_CHANGED, -ESTALE,
                          "'%s' is half-way through a pull of point %" PRIu64
                          ": finish that pull first",
                          p->run->volume_path, p->state->applying.seq);
    return 0;
}

/* A landing device that was larger than the replica stays so; else the volume is what it is. */
static uint64_t size_of(const struct push *p)
{
    const struct state *s = p->state;
    uint64_t now = volume_size(p->volume);

    if (s->equal.seq != 0 && s->volume_bytes > s->equal.size_bytes && now >= s->equal.size_bytes)
        return s->equal.size_bytes;
    return now;
}

/* Somebody else's head: only a higher epoch, a directory that never pushed, or who was told to, may
 * go past it. */
static int check_head(const struct push *p, struct err *err)
{
    const struct state *s = p->state;
    const struct replica_point *head = &p->head.info;

    if (!p->have_head || s->equal.seq == 0 || table_known(p->table) ||
        state_point_same(&s->equal, head))
        return 0;
    if (p->set_aside != 0 && s->equal.seq == p->set_aside)
        return 0; /* what cannot be read any more was our own */
    if (p->run->epoch > head->epoch || p->run->take_over)
        return 0;
    return err_add(err, point_taken(p->run->vault, p->run->name, head->seq, err),
                   "ours is point %" PRIu64, s->equal.seq);
}

static void tell_tracker(const struct push *p, const char *rescan)
{
    struct replica_tracked *told = p->run->tracked;

    if (!told)
        return;
    (void)text_copy(told->kind, sizeof(told->kind), track_kind(p->track));
    (void)text_copy(told->rescan, sizeof(told->rescan), rescan);
}

/* Why everything is read, whatever the tracker tells. */
static const char *why_all(const struct push *p)
{
    const char *rescan = track_rescan(p->track);

    if (rescan[0] || !p->full || text_equal(track_kind(p->track), "scan"))
        return rescan;
    if (p->run->repair)
        return "a repair reads everything";
    if (p->have_head && p->head.info.size_bytes != p->size_bytes)
        return "the volume is of another size than the newest point";
    return "what the last pass knew of the volume is not that of the newest point";
}

void push_tell_tracker(const struct push *p)
{
    tell_tracker(p, why_all(p));
}

static int scan_instead(struct push *p, const struct err *why, struct err *err)
{
    int rc;

    track_close(TAKE(p->track));
    rc = track_open("scan", p->volume, p->run->state_dir, &p->track, err);
    if (rc == 0)
        rc = track_freeze(p->track, err);
    if (rc == 0)
        tell_tracker(p, why->text);
    return rc;
}

int push_take(struct push *p, struct err *err)
{
    struct err why = {0};
    int rc = track_freeze(p->track, &why);

    if (rc == -ESTALE)
        return scan_instead(p, &why, err);
    if (rc < 0)
        return err_set(err, rc, "%s", why.text);
    push_tell_tracker(p);
    return 0;
}

static int open_tracker(struct push *p, struct err *err)
{
    const char *kind = p->run->tracker ? p->run->tracker : "auto";

    return track_open(kind, p->volume, p->run->state_dir, &p->track, err);
}

static int open_next(struct push *p, struct err *err)
{
    int rc = point_set_size(&p->next, p->size_bytes, err);

    if (rc < 0)
        return rc;
    p->next.info.size_bytes = p->size_bytes;
    p->dirs = calloc(p->next.dirs_n + 1, sizeof(struct pagedir *));
    p->dirs_changed = calloc(p->next.dirs_n + 1, sizeof(bool));
    if (!p->dirs || !p->dirs_changed)
        return err_set(err, -ENOMEM, "push: %m");
    return 0;
}

/*
 * A volume that lost its end, or another one under the same name, would become the newest point,
 * and the other side would be cut to it. Growing is what volumes do; shrinking is said by somebody.
 */
static int check_size(const struct push *p, struct err *err)
{
    const struct replica_point *head = &p->head.info;

    if (!p->have_head || p->run->may_shrink || p->size_bytes >= head->size_bytes)
        return 0;
    return err_set_gw(err, GW_VOLUME_SHRANK, -EFBIG,
                      "'%s' has %" PRIu64 " bytes, and point %" PRIu64 " of '%s' has %" PRIu64,
                      p->run->volume_path, p->size_bytes, head->seq, p->run->name,
                      head->size_bytes);
}

static int open_all(struct push *p, struct err *err)
{
    const struct replica_run *run = p->run;
    int rc = state_open(run->state_dir, vault_id(run->vault), run->name, &p->state, err);

    if (rc == 0)
        rc = check_state(p, err);
    if (rc == 0) {
        p->own_run.repair = p->repair_asked || p->state->heal;
        rc =
            volume_open(run->source ? run->source : run->volume_path, VOLUME_READ, &p->volume, err);
    }
    if (rc == 0)
        rc = find_head(p, err);
    if (rc < 0)
        return rc;
    p->size_bytes = size_of(p);
    rc = check_size(p, err);
    if (rc == 0)
        rc = push_gaps_begin(p, err);
    if (rc < 0)
        return rc;
    rc = table_open(run->state_dir, p->size_bytes, p->have_head ? p->head.info.digest : NULL,
                    vault_rng(run->vault), &p->table, err);
    if (rc == 0)
        rc = check_head(p, err);
    if (rc == 0)
        rc = open_next(p, err);
    if (rc == 0)
        rc = ledger_open(run->state_dir, &p->ledger, err);
    if (rc == 0)
        rc = made_open(run->state_dir, &p->made, err);
    if (rc == 0)
        rc = push_care_begin(p, err);
    if (rc == 0)
        rc = push_gather_begin(p, err);
    if (rc == 0)
        rc = table_begin(p->table, err);
    if (rc == 0)
        rc = open_tracker(p, err);
    /* As it is before the first read: a write from now on makes a later pull look again. */
    if (rc == 0)
        rc = state_set_volume(p->state, p->volume, err);
    p->full = p->run->repair || !table_known(p->table);
    return rc;
}

static void tell_total(const struct push *p)
{
    uint64_t dirty = p->full ? UINT64_MAX : track_dirty_bytes(p->track);

    if (p->run->progress)
        p->run->progress->total_bytes = num_min(dirty, p->size_bytes);
}

static bool same_dirs(const struct push *p)
{
    if (p->head.info.size_bytes != p->size_bytes)
        return false;
    for (size_t i = 0; i < p->next.dirs_n; i++)
        if (p->dirs[i] && p->dirs_changed[i])
            return false;
    return true;
}

static void writer_text(char *out, size_t size)
{
    char host[POINT_WRITER_MAX / 2] = "";

    if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
        text_copy(host, sizeof(host), "unknown");
    text_print(out, size, "%s %s, process %ld on %s", PACKAGE_NAME, PACKAGE_VERSION, (long)getpid(),
               host);
}

/* What was asked for, unless a part of it is not known. */
static enum replica_kind kind_of_next(const struct push *p)
{
    return p->next.gaps.n > 0 ? REPLICA_FUZZY : p->run->kind;
}

static void describe_next(struct push *p)
{
    struct replica_point *next = &p->next.info;
    const struct replica_point *head = &p->head.info;

    next->seq = num_max(p->have_head ? head->seq : 0, p->set_aside) + 1;
    next->epoch = num_max(num_max(p->run->epoch, p->have_head ? head->epoch : 0), 1);
    next->taken_ms = p->taken_ms;
    next->changed_bytes = p->changed_bytes;
    next->stored_bytes = p->stored_bytes;
    next->kind = kind_of_next(p);
    next->unreadable_bytes = gaps_bytes(&p->next.gaps);
    next->unreadable_n = p->next.gaps.n;
    if (p->set_aside != 0)
        memcpy(next->parent, p->set_aside_hash, sizeof(next->parent));
    else if (p->have_head)
        memcpy(next->parent, head->hash, sizeof(next->parent));
    writer_text(p->next.writer, sizeof(p->next.writer));
    (void)text_copy(next->tracker, sizeof(next->tracker), track_kind(p->track));
    next->all_read =
        p->full || track_rescan(p->track)[0] || text_equal(track_kind(p->track), "scan");
}

static int commit_point(struct push *p, struct err *err)
{
    bool weak = false;
    int rc = step("push_pages_durable", err);

    describe_next(p);
    if (rc == 0)
        rc = table_seal(p->table, p->next.info.digest, err);
    if (rc == 0)
        rc = push_care_commit(p, err);
    if (rc == 0)
        rc = step("push_point_before", err);
    if (rc < 0)
        return rc;
    rc = point_commit(p->run->vault, p->run->name, &p->next, &weak, err);
    if (weak && p->run->progress)
        atomic_store(&p->run->progress->weak, true);
    if (rc == -EEXIST)
        table_abort(p->table); /* any other failure may have written it: the next run looks */
    if (rc == 0)
        rc = step("push_point_after", err);
    return rc < 0 ? rc : push_care_committed(p, err);
}

/* The volume is equal to `now`: say so everywhere, each step safe to lose. */
static int remember(struct push *p, const struct replica_point *now, bool table_changed,
                    struct err *err)
{
    int rc = step("push_table_commit", err);

    if (rc == 0 && table_changed)
        rc = table_commit(p->table, err);
    if (rc < 0)
        return rc;
    state_point_of(now, &p->state->equal);
    p->state->unread = now->unreadable_bytes > 0;
    p->state->known_seq = num_max(p->state->known_seq, now->seq);
    push_care_end(p);
    rc = state_save(p->state, err);
    if (rc < 0)
        return rc;
    push_gather_end(p);
    rc = step("push_gather_saved", err);
    if (rc == 0)
        rc = step("push_track_commit", err);
    if (rc == 0)
        rc = track_commit(p->track, err);
    if (rc == 0)
        rc = made_clear(p->made, err); /* first: what its pages name may be listed in the ledger */
    return rc < 0 ? rc : ledger_clear(p->ledger, err);
}

/* Nothing differs from the head; a table that was not known is now. */
static int nothing_changed(struct push *p, struct err *err)
{
    bool touched = table_touched(p->table);
    int rc;

    if (memcmp(p->next.info.digest, p->head.info.digest, DIGEST_LEN) != 0)
        return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                          "the digest of point %" PRIu64 " of '%s' is not that of its data",
                          p->head.info.seq, p->run->name);
    rc = touched ? table_seal(p->table, p->head.info.digest, err) : 0;
    return rc < 0 ? rc : remember(p, &p->head.info, touched, err);
}

static int finish(struct push *p, struct replica_point *ret, struct err *err)
{
    bool same = p->have_head && p->set_aside == 0 && same_dirs(p) &&
                gaps_equal(&p->head.gaps, &p->next.gaps);
    /* The same data, of which more is known now, is worth a point of its own. */
    bool better = p->run->kind == REPLICA_FINAL || kind_of_next(p) > p->head.info.kind;
    int rc = table_digest(p->table, p->next.info.digest, err);

    if (rc < 0)
        return rc;
    if (same && !better) {
        rc = nothing_changed(p, err);
        if (rc == 0)
            *ret = p->head.info;
        return rc;
    }
    rc = push_map_finish(p, err);
    if (rc == 0)
        rc = commit_point(p, err);
    if (rc == 0)
        rc = remember(p, &p->next.info, true, err);
    if (rc == 0)
        *ret = p->next.info;
    return rc;
}

int push_open(struct push *p, const struct replica_run *run, struct err *err)
{
    int rc;

    *p = (struct push){.own_run = *run, .repair_asked = run->repair};
    p->run = &p->own_run;
    p->spent = run->progress ? &run->progress->spent : &p->unshown;
    if (!vault_is_replica_name(run->name))
        return err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%s' is no name of a replica", run->name);
    rc = push_init(p, err);
    return rc < 0 ? rc : open_all(p, err);
}

int push_pass(struct push *p, struct replica_point *ret, struct err *err)
{
    uint64_t begun_ms;
    int rc;

    tell_total(p);
    rc = push_run(p, err);
    if (rc < 0)
        return rc;
    begun_ms = push_mono_ms(p);
    rc = finish(p, ret, err);
    p->spent->tail_ms += push_mono_ms(p) - begun_ms;
    return rc;
}

void push_close(struct push *p)
{
    if (!p->run)
        return;
    if (p->track)
        track_abort(p->track); /* nothing, once it was committed */
    push_done(p);
    track_close(p->track);
    ledger_close(p->ledger);
    made_close(p->made);
    table_close(p->table);
    volume_close(p->volume);
    state_close(p->state);
    *p = (struct push){0};
}

int replica_push(const struct replica_run *run, struct replica_point *ret, struct err *err)
{
    struct push p = {0};
    int rc = push_open(&p, run, err);

    if (rc == 0)
        rc = push_take(&p, err);
    if (rc == 0) {
        p.taken_ms = run->taken_ms ? run->taken_ms : clock_wall_ms(vault_clock(run->vault));
        rc = push_scrub(&p, err);
    }
    if (rc == 0)
        rc = push_pass(&p, ret, err);
    push_close(&p);
    return rc < 0 ? err_add(err, rc, "push '%s' to '%s'", run->volume_path, run->name) : 0;
}
