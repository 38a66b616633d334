/* SPDX-License-Identifier: Apache-2.0 */
/* Slots are few and what they hold is large: they are searched from end to end. */
#include "transport/packs.h"

#include "base/err.h"
#include "base/num.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum {
    SLOTS = 128
}; /* of small packs, too, memory is the bound: a pass that changed little makes one */

enum slot_state { SLOT_FREE = 0, SLOT_LOADING, SLOT_WHOLE };

struct slot {
    uint8_t name[PACK_NAME_LEN];
    enum slot_state state;
    unsigned holders;
    uint64_t used; /* when, in calls */
    size_t had;    /* memory of body when its load began: until it ends, body is the loader's */
    struct buf body;
};

struct packs {
    packs_load_fn load;
    void *arg;
    size_t budget;
    pthread_mutex_t lock; /* of all below; not of the body of a slot that is held */
    pthread_cond_t moved;
    size_t largest; /* memory that a pack took so far; 0 = none came yet */
    uint64_t now;
    struct slot slots[SLOTS];
};

int packs_new(size_t budget_bytes, packs_load_fn load, void *arg, struct packs **ret,
              struct err *err)
{
    struct packs *p = calloc(1, sizeof(*p));

    assert(budget_bytes >= PACK_BYTES_MAX);
    if (!p)
        return err_set(err, -ENOMEM, "whole packs: %m");
    p->budget = budget_bytes;
    p->load = load;
    p->arg = arg;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->moved, NULL);
    *ret = p;
    return 0;
}

void packs_free(struct packs *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        buf_done(&p->slots[i].body);
    pthread_cond_destroy(&p->moved);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static struct slot *find(struct packs *p, const uint8_t *name)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (p->slots[i].state != SLOT_FREE && memcmp(p->slots[i].name, name, PACK_NAME_LEN) == 0)
            return &p->slots[i];
    return NULL;
}

static size_t coming_bytes(const struct packs *p)
{
    return p->largest ? p->largest : PACK_BYTES_MAX;
}

/* What a slot takes, or will. */
static size_t room_of(const struct packs *p, const struct slot *s)
{
    return s->state == SLOT_LOADING ? num_max(coming_bytes(p), s->had) : s->body.cap;
}

/* Alone there always is, so that nobody waits for ever. */
static bool there_is_room(const struct packs *p, const struct slot *for_one)
{
    size_t others = 0;

    for (size_t i = 0; i < SLOTS; i++)
        if (&p->slots[i] != for_one)
            others += room_of(p, &p->slots[i]);
    return others == 0 || others + num_max(coming_bytes(p), for_one->body.cap) <= p->budget;
}

/* In steps of four times the size, so that what is about as large goes by age. */
static unsigned size_class(const struct slot *s)
{
    return (64 - (unsigned)__builtin_clzll(s->body.cap | 1)) / 2;
}

/* Of two that may go. A large one first: it serves neighbours, which are soon done with it, where
 * the small ones of many small passes are wanted again and again, in turns that are longer than
 * what fits: by age alone each would go just before it is wanted. */
static bool goes_before(const struct slot *a, const struct slot *b)
{
    if (size_class(a) != size_class(b))
        return size_class(a) > size_class(b);
    return a->used < b->used;
}

/* A free one, which keeps its memory; else one that nobody holds; or NULL. */
static struct slot *oldest(struct packs *p, const struct slot *but)
{
    struct slot *best = NULL;

    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &p->slots[i];

        if (s == but || s->holders > 0 || (but && s->body.cap == 0))
            continue;
        if (!best || (but ? goes_before(s, best) : s->used < best->used))
            best = s;
    }
    return best;
}

static void forget(struct slot *s)
{
    s->state = SLOT_FREE;
    s->used = 0;
}

/* NULL: others must put theirs first. */
static struct slot *make_room(struct packs *p)
{
    struct slot *s = oldest(p, NULL);

    while (s && !there_is_room(p, s)) {
        struct slot *victim = oldest(p, s);

        if (!victim)
            return NULL;
        forget(victim);
        if (s->body.cap == 0)
            s = victim; /* its memory serves again */
        else
            buf_done(&victim->body);
    }
    return s;
}

static void hold(struct packs *p, struct slot *s)
{
    s->holders++;
    s->used = ++p->now;
}

static void lend(const struct packs *p, const struct slot *s, struct slice *ret, size_t *ret_slot)
{
    *ret = buf_slice(&s->body);
    *ret_slot = (size_t)(s - p->slots);
}

/* With the lock, which it leaves while it loads. */
static bool load(struct packs *p, struct slot *s, struct vault *v, const uint8_t *name)
{
    int rc;

    memcpy(s->name, name, PACK_NAME_LEN);
    s->state = SLOT_LOADING;
    s->had = s->body.cap;
    hold(p, s);
    pthread_mutex_unlock(&p->lock);
    buf_clear(&s->body);
    rc = p->load(p->arg, v, name, &s->body);
    pthread_mutex_lock(&p->lock);
    p->largest = num_max(p->largest, s->body.cap);
    s->state = SLOT_WHOLE;
    if (rc != 0) {
        s->holders = 0;
        forget(s);
    }
    pthread_cond_broadcast(&p->moved);
    return rc == 0;
}

bool packs_get(struct packs *p, struct vault *v, const uint8_t *name, struct slice *ret,
               size_t *ret_slot)
{
    struct slot *s;
    bool got;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        s = find(p, name);
        if (s && s->state == SLOT_WHOLE) {
            hold(p, s);
            got = true;
            break;
        }
        s = s ? NULL : make_room(p); /* NULL: it is coming */
        if (s) {
            got = load(p, s, v, name);
            break;
        }
        pthread_cond_wait(&p->moved, &p->lock);
    }
    if (got)
        lend(p, s, ret, ret_slot);
    pthread_mutex_unlock(&p->lock);
    return got;
}

bool packs_find(struct packs *p, const uint8_t *name, struct slice *ret, size_t *ret_slot)
{
    struct slot *s;

    pthread_mutex_lock(&p->lock);
    while ((s = find(p, name)) && s->state == SLOT_LOADING)
        pthread_cond_wait(&p->moved, &p->lock);
    if (s) {
        hold(p, s);
        lend(p, s, ret, ret_slot);
    }
    pthread_mutex_unlock(&p->lock);
    return s != NULL;
}

void packs_put(struct packs *p, size_t slot)
{
    pthread_mutex_lock(&p->lock);
    assert(p->slots[slot].holders > 0);
    if (--p->slots[slot].holders == 0)
        pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
}
