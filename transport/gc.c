/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collection of garbage: give up points, mark, sweep what was condemned long enough ago,
 * condemn what nothing needs now. The order of its writes is the order in which a crash may cut it.
 */
#include "transport/gc.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/gc_impl.h"
#include "transport/mark.h"
#include "transport/vault_impl.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/banned.h"

enum { SKEW_MAX_MS = 5 * 60 * 1000 };

struct packs {
    uint8_t (*names)[PACK_NAME_LEN];
    size_t n;
    size_t cap;
};

struct gc {
    const struct gc_run *run;
    struct gc_report report;
    struct care_log *log;
    struct mark mark;
    uint64_t now_ms;
    uint64_t named;      /* points that the run names and that were not given up before */
    struct packs doomed; /* unneeded, in no list */
};

static int step(const char *name, struct err *err)
{
    int rc = failpoint(name);

    return rc < 0 ? err_set(err, rc, "%s: %m", name) : 0;
}

static int packs_add(struct packs *p, const uint8_t *name, struct err *err)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 64;
        uint8_t(*more)[PACK_NAME_LEN] = reallocarray(p->names, cap, sizeof(*more));

        if (!more)
            return err_set(err, -ENOMEM, "list packs: %m");
        p->names = more;
        p->cap = cap;
    }
    memcpy(p->names[p->n++], name, PACK_NAME_LEN);
    return 0;
}

static int name_compare(const void *a, const void *b)
{
    return memcmp(a, b, PACK_NAME_LEN);
}

static void tell(const struct gc *g, const struct gc_item *item)
{
    if (g->run->item)
        g->run->item(g->run->arg, item);
}

static void tell_pack(const struct gc *g, enum gc_act act, const uint8_t *name, uint64_t bytes,
                      const char *why)
{
    char key[PACK_KEY_MAX];

    tell(g,
         &(struct gc_item){.act = act, .object = pack_key(name, key), .why = why, .bytes = bytes});
}

/* ---- points -------------------------------------------------------------------- */

static void judge_replica(struct gc *g, struct mark_replica *r)
{
    retain_points(r->points, r->n, &g->report.policy, g->now_ms, r->why);
    for (size_t i = 0; i < r->n; i++) {
        bool kept = r->why[i] != RETAIN_NO;

        g->report.points_kept += kept;
        g->report.points_given_up += !kept;
        tell(g, &(struct gc_item){.act = kept ? GC_KEEP_POINT : GC_GIVE_UP,
                                  .replica = r->name,
                                  .point = &r->points[i],
                                  .why = retain_why_name(r->why[i])});
    }
}

/* Whoever wrote first did not change what is given up. */
static int add_spans(struct gc *g, const struct care_span *spans, size_t *n, struct err *err)
{
    int rc;

    if (*n == 0)
        return 0;
    while ((rc = care_log_add_spans(g->log, spans, *n, err)) == -EAGAIN)
        err_clear(err);
    *n = 0;
    return rc;
}

/* Neighbours in sequence make one span; points given up before may lie between them. */
static int give_up(struct gc *g, struct err *err)
{
    auto_free struct care_span *spans = calloc(CARE_SPANS_MAX, sizeof(*spans));
    size_t n = 0;
    int rc = spans ? 0 : err_set(err, -ENOMEM, "give up points: %m");

    for (size_t i = 0; rc == 0 && g->named > 0 && i < g->run->give_up_n; i++)
        spans[n++] = g->run->give_up[i];
    for (size_t k = 0; rc == 0 && k < g->mark.replicas_n; k++) {
        const struct mark_replica *r = &g->mark.replicas[k];
        bool open = false;

        for (size_t i = 0; rc == 0 && i < r->n; i++) {
            if (r->why[i] != RETAIN_NO) {
                open = false;
                continue;
            }
            if (!open && n == CARE_SPANS_MAX)
                rc = add_spans(g, spans, &n, err);
            if (!open) {
                spans[n] = (struct care_span){.from = r->points[i].seq};
                text_copy(spans[n++].replica, sizeof(spans->replica), r->name);
            }
            spans[n - 1].to = r->points[i].seq;
            open = true;
        }
    }
    return rc < 0 ? rc : add_spans(g, spans, &n, err);
}

/* ---- packs ---------------------------------------------------------------------- */

/* Where a pack stands: in a list that is open, kept or not. */
static bool is_listed(const struct gc *g, const uint8_t *name, bool *ret_kept)
{
    for (size_t i = 0; i < g->log->lists_n; i++) {
        const struct care_list *list = &g->log->lists[i];
        ptrdiff_t at = list->swept ? -1 : care_log_find(list, name);

        if (at < 0)
            continue;
        *ret_kept = list->kept[at];
        return true;
    }
    return false;
}

/* A pack that a pusher kept is condemned anew once its list was closed. */
static int judge_pack(struct gc *g, const uint8_t *name, const struct mark_info *info,
                      struct err *err)
{
    bool young = info->mtime_ms + g->run->grace_ms > g->now_ms && info->mtime_ms > 0;
    bool kept;

    g->report.packs_needed += info->needed;
    if (info->needed || !info->listed || is_listed(g, name, &kept))
        return 0;
    if (young && !g->run->idle) {
        g->report.packs_young++;
        return 0;
    }
    g->report.packs_condemned++;
    g->report.bytes_condemned += info->bytes;
    return packs_add(&g->doomed, name, err);
}

static int judge_packs(struct gc *g, struct err *err)
{
    struct packrows_cursor at = {0};
    uint8_t name[PACK_NAME_LEN];
    struct mark_info info;
    int rc;

    while ((rc = packrows_next(g->mark.packs, &at, name, &info, err)) == 1) {
        rc = judge_pack(g, name, &info, err);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && g->doomed.n > 0)
        qsort(g->doomed.names, g->doomed.n, PACK_NAME_LEN, name_compare);
    return rc;
}

static bool is_due(const struct gc *g, const struct care_list *list)
{
    return !list->swept && (g->run->idle || list->at_ms + g->run->grace_ms <= g->now_ms);
}

/* What of a list is to go: neither needed now nor asked for. */
static int choose(struct gc *g, const struct care_list *list, struct packs *ret, struct err *err)
{
    struct mark_info *info = NULL;
    int rc = 0;

    ret->n = 0;
    for (size_t i = 0; rc == 0 && i < list->n; i++) {
        if (list->kept[i])
            continue;
        rc = mark_pack(&g->mark, list->packs[i], &info, err);
        if (rc == 0 && !info->needed)
            rc = packs_add(ret, list->packs[i], err);
    }
    return rc;
}

static uint64_t bytes_of(struct gc *g, const uint8_t *name)
{
    struct mark_info *info = NULL;

    return mark_pack(&g->mark, name, &info, NULL) == 0 ? info->bytes : 0;
}

static void tell_packs(struct gc *g, enum gc_act act, const struct packs *p, const char *why)
{
    for (size_t i = 0; i < p->n; i++)
        tell_pack(g, act, p->names[i], bytes_of(g, p->names[i]), why);
}

/* From here on nobody may count on them, whether this run deletes them or was killed before. */
static int delete_all(struct gc *g, const struct packs *p, struct err *err)
{
    struct store *s = vault_store(g->run->vault);
    char key[PACK_KEY_MAX];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        rc = step("gc_delete", err);
        if (rc == 0 && g->run->stop && atomic_load(g->run->stop))
            rc = err_set(err, -ECANCELED, "stopped");
        if (rc == 0)
            rc = store_delete(s, pack_key(p->names[i], key), err);
    }
    return rc < 0 ? err_add(err, rc, "delete packs") : 0;
}

/* Before the record: a sweep that is written down forbids pushers to count on its packs, whether
 * they are deleted or not. */
static int refuse_weak(struct gc *g, struct err *err)
{
    int rc;

    if (g->run->idle)
        return 0;
    rc = g->log->weak ? 0 : care_log_probe(g->log, err);
    if (rc < 0 || !g->log->weak)
        return rc;
    return err_set(err, -EOPNOTSUPP,
                   "the store has no create-only writes, so that nothing can be proved dead "
                   "while somebody pushes: run it with --idle when nobody does");
}

/* Somebody kept a pack while we looked: decided anew by what the log says now. */
static int sweep_list(struct gc *g, size_t index, struct packs *p, struct err *err)
{
    int rc = refuse_weak(g, err);

    while (rc == 0) {
        rc = choose(g, &g->log->lists[index], p, err);
        if (rc == 0)
            rc = step("gc_sweep", err);
        if (rc == 0)
            rc = care_log_sweep(g->log, g->log->lists[index].number, p->names, p->n, err);
        if (rc != -EAGAIN || g->log->lists[index].swept)
            break;
        err_clear(err);
        rc = 0;
    }
    if (rc == -EAGAIN)
        return err_set_gw(err, GW_IN_USE, rc, "another collector swept the same packs");
    return rc < 0 ? rc : delete_all(g, p, err);
}

static int sweep(struct gc *g, struct err *err)
{
    struct packs p = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < g->log->lists_n; i++) {
        bool due = is_due(g, &g->log->lists[i]);

        if (g->log->lists[i].swept)
            continue;
        rc = choose(g, &g->log->lists[i], &p, err);
        if (rc == 0 && !due) {
            g->report.packs_waiting += p.n;
            for (size_t k = 0; k < p.n; k++)
                g->report.bytes_waiting += bytes_of(g, p.names[k]);
            continue;
        }
        if (rc == 0) {
            tell_packs(g, GC_DELETE, &p, "condemned before, and still nothing needs it");
            g->report.packs_deleted += p.n;
            for (size_t k = 0; k < p.n; k++)
                g->report.bytes_deleted += bytes_of(g, p.names[k]);
        }
        if (rc == 0 && g->run->apply)
            rc = sweep_list(g, i, &p, err);
    }
    free(p.names);
    return rc;
}

/* Pushers that race for the next number do not change what is unneeded: try again. */
static int condemn(struct gc *g, struct err *err)
{
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < g->doomed.n;) {
        size_t n = num_min(g->doomed.n - at, CARE_LIST_MAX);

        rc = care_log_condemn(g->log, g->doomed.names + at, n, err);
        if (rc == 0)
            at += n;
        if (rc == -EAGAIN) {
            err_clear(err);
            rc = 0;
        }
    }
    return rc;
}

/* ---- the run -------------------------------------------------------------------- */

static int check_run(const struct gc_run *run, struct err *err)
{
    if (run->idle || run->grace_ms >= GC_GRACE_MIN_MS)
        return 0;
    return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                      "a grace under an hour is for a vault that nobody pushes to meanwhile");
}

static int open_log(struct gc *g, struct err *err)
{
    int rc = care_log_open(g->run->vault, 0, &g->log, err);

    if (rc == 0)
        rc = care_log_read(g->log, err);
    if (rc < 0)
        return rc;
    if (g->log->newest_ms > g->now_ms + SKEW_MAX_MS)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                          "a record of the care log is from the future: a clock is wrong");
    g->report.has_policy = g->run->policy || g->log->has_policy;
    g->report.policy = g->run->policy ? *g->run->policy : g->log->policy;
    return 0;
}

/* The log must say all that the marking took from it before packs go. */
static int write_down(struct gc *g, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < g->mark.replicas_n; i++)
        if (!g->mark.replicas[i].registered)
            rc = care_log_register(g->log, g->mark.replicas[i].name, err);
    if (rc == 0 && g->run->save_policy && g->run->policy)
        while ((rc = care_log_add_policy(g->log, g->run->policy, err)) == -EAGAIN)
            err_clear(err);
    return rc < 0 ? rc : give_up(g, err);
}

static int collect(struct gc *g, struct err *err)
{
    int rc = open_log(g, err);

    g->mark.log = g->log;
    if (rc == 0)
        rc = gc_named(g->run, g->log, &g->named, err);
    g->report.points_given_up = g->named;
    if (rc == 0)
        rc = mark_open(&g->mark, err);
    for (size_t i = 0; rc == 0 && i < g->mark.replicas_n; i++)
        judge_replica(g, &g->mark.replicas[i]);
    if (rc == 0)
        rc = mark_walk(&g->mark, err);
    if (rc == 0)
        rc = mark_list(&g->mark, err);
    if (rc == 0)
        rc = judge_packs(g, err);
    if (rc == 0)
        rc = step("gc_marked", err);
    if (rc == 0 && g->run->apply)
        rc = write_down(g, err);
    if (rc == 0)
        rc = sweep(g, err);
    if (rc < 0)
        return rc;
    tell_packs(g, GC_CONDEMN, &g->doomed, "no point needs it");
    return g->run->apply ? condemn(g, err) : 0;
}

int gc_collect(const struct gc_run *run, struct gc_report *ret, struct err *err)
{
    struct gc g = {.run = run,
                   .mark = {.vault = run->vault, .stop = run->stop},
                   .now_ms = clock_wall_ms(vault_clock(run->vault))};
    int rc = check_run(run, err);

    if (rc < 0)
        return rc;
    rc = collect(&g, err);
    if (rc == 0 && run->apply && run->idle && g.doomed.n > 0)
        rc = sweep(&g, err); /* nobody is there to ask for them: the grace is over at once */
    if (rc == 0)
        *ret = g.report;
    mark_done(&g.mark);
    free(g.doomed.names);
    care_log_close(g.log);
    return rc < 0 ? err_add(err, rc, "collect garbage") : 0;
}
