/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A push beside collectors of garbage: packs that it counts on and no point names yet are asked for
 * in the care log when they were condemned, and not believed in when they were swept.
 *
 * A pass that began with an empty ledger and ends within half the least grace cannot meet a list
 * that is swept before its point is there, so it never looks: most passes cost no request.
 * docs/vault-care.md has the whole argument.
 */
#include "transport/push.h"

#include "base/gw.h"
#include "base/num.h"
#include "transport/gc.h"
#include "transport/vault_impl.h"

#include "base/banned.h"

enum { SHORT_MS = GC_GRACE_MIN_MS / 2, POLL_MS = GC_GRACE_MIN_MS / 4 };

/* By the clock that goes faster: a machine that slept has to look. */
static uint64_t now_ms(const struct push *p, uint64_t *ret_wall)
{
    const struct clock *c = vault_clock(p->run->vault);

    *ret_wall = clock_wall_ms(c);
    return clock_mono_ms(c);
}

static uint64_t since_looked(const struct push *p)
{
    uint64_t wall;
    uint64_t mono = now_ms(p, &wall);

    return num_max(mono - p->care.looked_ms, wall - num_min(wall, p->care.looked_wall_ms));
}

static void looked(struct push *p, uint64_t mono, uint64_t wall)
{
    p->care.looked_ms = mono;
    p->care.looked_wall_ms = wall;
}

/* ---- packs that were met in lists ------------------------------------------------ */

/* What is to be asked for of one list, ascending. */
struct wanted {
    struct push *p;
    struct care_list *list;
    bool *want; /* by place in the list */
    size_t n;
    bool lost; /* swept, and this pass counts on it */
};

static int meet(void *arg, const uint8_t *pack, bool counted_on)
{
    struct wanted *w = arg;
    ptrdiff_t at = care_log_find(w->list, pack);

    if (at < 0)
        return 0;
    if (w->list->swept) {
        w->p->care.lost_n++;
        w->lost = w->lost || counted_on;
        return 1; /* forget it */
    }
    if (!w->list->kept[at] && !w->want[at]) {
        w->want[at] = true;
        w->n++;
    }
    return 0;
}

/* What the ledger forgets, no page may be believed for either. */
static int meet_ledger(void *arg, const uint8_t *pack, bool counted_on)
{
    struct wanted *w = arg;
    int rc = meet(w, pack, counted_on);

    if (rc > 0 && made_lose(w->p->made, pack, NULL) < 0)
        return -ENOMEM;
    return rc;
}

static void meet_maps(struct wanted *w)
{
    struct push *p = w->p;

    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->care.maps.n; i++)
        meet(w, p->care.maps.rows[i].name, true);
    pthread_mutex_unlock(&p->lock);
}

static int ask(const struct wanted *w, struct err *err)
{
    auto_free uint8_t(*packs)[PACK_NAME_LEN] = calloc(w->n + 1, sizeof(*packs));
    size_t n = 0;

    if (!packs)
        return err_set(err, -ENOMEM, "keep packs: %m");
    for (size_t i = 0; i < w->list->n; i++)
        if (w->want[i])
            memcpy(packs[n++], w->list->packs[i], PACK_NAME_LEN);
    return care_log_keep(w->p->care.log, w->list->number, packs, n, err);
}

/* -EAGAIN: the log went on meanwhile. */
static int settle_list(struct push *p, struct care_list *list, bool *ret_lost, struct err *err)
{
    struct wanted w = {.p = p, .list = list};
    auto_free bool *want = calloc(list->n + 1, sizeof(*want));
    int rc;

    if (!want)
        return err_set(err, -ENOMEM, "keep packs: %m");
    w.want = want;
    rc = ledger_packs(p->ledger, meet_ledger, &w, err);
    if (rc == 0)
        rc = made_packs(p->made, meet, &w, err);
    if (rc < 0)
        return rc;
    meet_maps(&w);
    *ret_lost = *ret_lost || w.lost;
    return w.n > 0 ? ask(&w, err) : 0;
}

/*
 * Each list is done once it has nothing of ours, or what it has is kept. The time is taken before
 * the log is read: a machine that slept after the last request must not think that it looked since.
 */
static int settle(struct push *p, bool *ret_lost, struct err *err)
{
    uint64_t wall;
    uint64_t mono = now_ms(p, &wall);
    int rc = care_log_read(p->care.log, err);

    for (size_t i = 0; rc == 0 && i < p->care.log->lists_n; i++) {
        do
            rc = settle_list(p, &p->care.log->lists[i], ret_lost, err);
        while (rc == -EAGAIN);
    }
    if (rc == 0)
        looked(p, mono, wall);
    return rc;
}

static int open_log(struct push *p, struct err *err)
{
    int rc;

    if (p->care.log)
        return 0;
    rc = vault_dup(p->run->vault, &p->care.vault, err);
    return rc < 0 ? rc : care_log_open(p->care.vault, p->state->care_position, &p->care.log, err);
}

/* ---- the steps of a pass ------------------------------------------------------------ */

int push_care_begin(struct push *p, struct err *err)
{
    bool lost = false;
    uint64_t wall;
    uint64_t mono = now_ms(p, &wall);
    int rc;

    looked(p, mono, wall);
    p->care.resumed = ledger_count(p->ledger) > 0 || made_any(p->made);
    if (p->state->registered && !p->care.resumed)
        return 0;
    rc = open_log(p, err);
    if (rc == 0 && !p->state->registered)
        rc = care_log_register(p->care.log, p->run->name, err);
    if (rc == 0)
        rc = settle(p, &lost, err);
    p->state->registered = p->state->registered || rc == 0;
    return rc;
}

void push_care_note(struct push *p, const uint8_t *map_pack)
{
    struct packset_row *row = NULL;

    pthread_mutex_lock(&p->lock);
    if (packset_row(&p->care.maps, map_pack, &row, NULL) < 0)
        p->care.blind = true;
    pthread_mutex_unlock(&p->lock);
}

static int lost_packs(struct err *err)
{
    return err_set_gw(err, GW_VAULT_MISSING, -EAGAIN,
                      "packs of this pass were deleted by a collector, since it took longer than "
                      "the grace; the next push sends them again");
}

int push_care_poll(struct push *p, struct err *err)
{
    bool lost = false;
    int rc = 0;

    if (pthread_mutex_trylock(&p->care.lock) != 0)
        return 0; /* another thread does */
    if (since_looked(p) >= POLL_MS) {
        rc = open_log(p, err);
        if (rc == 0)
            rc = settle(p, &lost, err);
        if (rc == 0 && lost)
            rc = lost_packs(err);
    }
    pthread_mutex_unlock(&p->care.lock);
    return rc;
}

int push_care_commit(struct push *p, struct err *err)
{
    bool lost = false;
    int rc;

    if (p->care.blind)
        return err_set(err, -ENOMEM, "list the packs of a pass: %m");
    if (!p->care.log && !p->care.resumed && since_looked(p) < SHORT_MS)
        return 0;
    rc = open_log(p, err);
    if (rc == 0)
        rc = settle(p, &lost, err);
    return rc < 0 || !lost ? rc : lost_packs(err);
}

int push_care_committed(struct push *p, struct err *err)
{
    bool lost = false;
    int rc;

    if (since_looked(p) < GC_GRACE_MIN_MS)
        return 0;
    rc = open_log(p, err);
    if (rc == 0)
        rc = settle(p, &lost, err);
    if (rc < 0 || !lost)
        return rc;
    p->state->heal = true;
    rc = state_save(p->state, err);
    return rc < 0 ? rc : lost_packs(err);
}

void push_care_end(struct push *p)
{
    p->state->heal = false;
    if (p->care.log && p->care.lost_n == 0) /* else the next run has to forget them, too */
        p->state->care_position = p->care.log->position;
}

void push_care_done(struct push *p)
{
    care_log_close(p->care.log);
    vault_close(p->care.vault);
    packset_done(&p->care.maps);
}
