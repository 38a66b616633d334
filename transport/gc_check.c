/* SPDX-License-Identifier: Apache-2.0 */
/* Is everything there that a point needs, and as long as it must be; or, in full, as it was sent?
 */
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "base/worker.h"
#include "transport/gc_impl.h"
#include "transport/mark.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/banned.h"

enum { THREADS = 8 };

struct check {
    const struct gc_check_run *run;
    struct mark mark;
    struct gc_check_report report;
    pthread_mutex_t lock; /* of the next, the report and telling, while packs are looked at */
    struct packrows_cursor next;
};

static void tell(struct check *c, const struct gc_fault *f)
{
    c->report.missing += text_equal(f->what, "missing");
    c->report.altered += text_equal(f->what, "altered");
    c->report.foreign += text_equal(f->what, "foreign");
    if (c->run->fault)
        c->run->fault(c->run->arg, f);
}

static void tell_bad(void *arg, const struct mark_bad *b)
{
    tell(arg, &(struct gc_fault){
                  .replica = b->replica, .seq = b->seq, .object = b->object, .what = b->what});
}

static int look(struct check *c, struct vault *v, const uint8_t *name, uint64_t *bytes,
                struct err *err)
{
    auto_buf struct buf body = {0};
    int rc;

    if (!c->run->full)
        return pack_probe(v, name, bytes, err);
    rc = pack_load(v, name, &body, err);
    *bytes = body.len;
    if (c->run->progress)
        c->run->progress->received_bytes += body.len;
    return rc;
}

/* 1: a pack that is needed, 0: there is none any more. */
static int next_pack(struct check *c, uint8_t *name, struct mark_info *info, struct err *err)
{
    int rc;

    pthread_mutex_lock(&c->lock);
    do
        rc = packrows_next(c->mark.packs, &c->next, name, info, err);
    while (rc == 1 && (!info->needed || info->told));
    pthread_mutex_unlock(&c->lock);
    return rc;
}

/* The lock is the caller's. */
static int lose(struct check *c, const uint8_t *name, int owner, int how, struct err *err)
{
    struct mark_info *info = NULL;
    char key[PACK_KEY_MAX];
    int rc;

    err_clear(err);
    rc = mark_pack(&c->mark, name, &info, err);
    if (rc < 0)
        return rc;
    info->lost = true;
    mark_tell(&c->mark, &(struct mark_bad){
                            .replica = owner == MARK_SHARED ? NULL : c->mark.replicas[owner].name,
                            .object = pack_key(name, key),
                            .what = how == -ENOENT ? "missing" : "altered"});
    return 0;
}

static int check_pack(struct check *c, struct vault *v, const uint8_t *name,
                      const struct mark_info *info, struct err *err)
{
    uint64_t bytes = 0;
    int rc = look(c, v, name, &bytes, err);

    if (rc < 0 && rc != -ENOENT && rc != -EBADMSG)
        return rc;
    if (rc == 0 && bytes < info->reach)
        rc = -EBADMSG;
    pthread_mutex_lock(&c->lock);
    c->report.packs++;
    c->report.bytes += bytes;
    if (rc < 0)
        rc = lose(c, name, info->owner, rc, err);
    pthread_mutex_unlock(&c->lock);
    if (rc < 0)
        return rc;
    if (c->run->progress)
        c->run->progress->done_bytes += bytes;
    return 0;
}

static int work(void *arg, size_t index, struct err *err)
{
    struct check *c = arg;
    auto_vault struct vault *v = NULL;
    uint8_t name[PACK_NAME_LEN];
    struct mark_info info;
    int rc = vault_dup(c->run->vault, &v, err);

    (void)index;
    while (rc == 0 && (rc = next_pack(c, name, &info, err)) == 1) {
        if (c->run->stop && atomic_load(c->run->stop))
            return err_set(err, -ECANCELED, "stopped");
        rc = check_pack(c, v, name, &info, err);
    }
    return rc;
}

static int check_packs(struct check *c, struct err *err)
{
    struct workers *group = NULL;
    int rc;

    if (packrows_count(c->mark.packs) == 0)
        return 0;
    rc = workers_start(num_min(THREADS, packrows_count(c->mark.packs)), "check", work, c, &group,
                       err);
    return rc < 0 ? rc : workers_join(group, err);
}

/* ---- whose it was ----------------------------------------------------------------- */

/* Told from the oldest to the newest; span.from 0: none is open. */
static void end_span(struct check *c, struct gc_damaged *span)
{
    if (span->from > 0 && c->run->damaged)
        c->run->damaged(c->run->arg, span);
    span->from = 0;
}

static void tell_damaged(struct check *c, const struct mark_replica *r)
{
    struct gc_damaged span = {.replica = r->name};
    size_t i = 0;

    for (uint64_t seq = 1; seq <= r->head; seq++) {
        bool listed = i < r->n && r->points[i].seq == seq;

        if (!listed && seq < r->head && care_log_gave_up(c->mark.log, r->name, seq))
            continue;
        if (listed && !r->lacks[i++]) {
            end_span(c, &span);
            continue;
        }
        span.from = span.from ? span.from : seq;
        span.to = seq;
        span.newest = seq == r->head;
        c->report.points_damaged++;
        c->report.newest_damaged += span.newest;
    }
    end_span(c, &span);
}

static void skip_if_whole(struct mark_replica *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->bad || r->lacks[i])
            return;
    for (size_t i = 0; i < r->n; i++)
        r->why[i] = RETAIN_NO;
}

/* The first walk looked once at what neighbours share; now that it is known what is lost, every
 * point of a replica that may need it is asked. */
static int blame(struct check *c, struct err *err)
{
    int rc;

    if (c->mark.bad_n == 0)
        return 0;
    for (size_t i = 0; i < c->mark.replicas_n; i++)
        skip_if_whole(&c->mark.replicas[i]);
    rc = mark_walk(&c->mark, err);
    for (size_t i = 0; rc == 0 && i < c->mark.replicas_n; i++)
        tell_damaged(c, &c->mark.replicas[i]);
    return rc;
}

static int take(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    (void)size_bytes;
    (void)mtime_ms;
    if (gc_usage_kind(key) == GC_KIND_FOREIGN)
        tell(arg, &(struct gc_fault){.object = key, .what = "foreign"});
    return 0;
}

static int check(struct check *c, struct err *err)
{
    int rc = mark_open(&c->mark, err);

    if (rc == 0)
        rc = mark_walk(&c->mark, err);
    if (rc == 0)
        rc = check_packs(c, err);
    if (rc == 0)
        rc = store_list(vault_store(c->run->vault), "", NULL, take, c, err);
    if (rc == 0)
        rc = blame(c, err);
    c->report.replicas = c->mark.replicas_n;
    for (size_t i = 0; i < c->mark.replicas_n; i++)
        c->report.points += c->mark.replicas[i].n;
    return rc;
}

static int verdict(const struct check *c, struct err *err)
{
    if (c->report.missing + c->report.altered == 0)
        return 0;
    if (c->report.points_damaged > 0 && c->report.newest_damaged == 0)
        return err_set_gw(err, GW_VAULT_OLD_DAMAGED, -EBADMSG,
                          "older points that cannot be restored whole: %" PRIu64
                          "; the newest of each replica can",
                          c->report.points_damaged);
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                      "objects missing: %" PRIu64 ", altered: %" PRIu64, c->report.missing,
                      c->report.altered);
}

int gc_check(const struct gc_check_run *run, struct gc_check_report *ret, struct err *err)
{
    auto_care_log struct care_log *log = NULL;
    struct check c = {.run = run,
                      .mark = {.vault = run->vault, .stop = run->stop, .bad = tell_bad}};
    int rc = care_log_open(run->vault, 0, &log, err);

    pthread_mutex_init(&c.lock, NULL);
    c.mark.log = log;
    c.mark.arg = &c; /* cppcheck-suppress autoVariables ; as long as it lives */
    if (rc == 0)
        rc = care_log_read(log, err);
    if (rc == 0)
        rc = check(&c, err);
    if (rc == 0) {
        *ret = c.report;
        rc = verdict(&c, err);
    }
    mark_done(&c.mark);
    pthread_mutex_destroy(&c.lock);
    return rc;
}
