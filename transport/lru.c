/* SPDX-License-Identifier: Apache-2.0 */
/* A short array that is searched from end to end: slots are few, and what they hold is large. */
#include "transport/lru.h"

#include "base/err.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum slot_state { SLOT_FREE = 0, SLOT_LOADING, SLOT_WHOLE };

struct slot {
    struct lru_key key;
    enum slot_state state;
    unsigned holders;
    uint64_t used; /* when, in calls */
};

struct lru {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t moved;
    uint64_t now;
    size_t n;
    struct slot slots[];
};

int lru_new(size_t slots, struct lru **ret, struct err *err)
{
    struct lru *l = calloc(1, sizeof(*l) + slots * sizeof(l->slots[0]));

    if (!l)
        return err_set(err, -ENOMEM, "a cache of %zu: %m", slots);
    l->n = slots;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->moved, NULL);
    *ret = l;
    return 0;
}

void lru_free(struct lru *l)
{
    if (!l)
        return;
    pthread_cond_destroy(&l->moved);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static struct slot *find(struct lru *l, const struct lru_key *key)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->slots[i].state != SLOT_FREE &&
            memcmp(l->slots[i].key.bytes, key->bytes, LRU_KEY_LEN) == 0)
            return &l->slots[i];
    return NULL;
}

/* A free one, else the one that nobody holds and that was used longest ago, or NULL. */
static struct slot *make_room(struct lru *l)
{
    struct slot *best = NULL;

    for (size_t i = 0; i < l->n; i++) {
        struct slot *s = &l->slots[i];

        if (s->state == SLOT_FREE)
            return s;
        if (s->holders == 0 && (!best || s->used < best->used))
            best = s;
    }
    return best;
}

static void begin_load(struct lru *l, struct slot *s, const struct lru_key *key)
{
    *s = (struct slot){.key = *key, .state = SLOT_LOADING, .holders = 1, .used = ++l->now};
}

bool lru_get(struct lru *l, const struct lru_key *key, size_t *ret_slot)
{
    struct slot *s;
    bool there = false;

    pthread_mutex_lock(&l->lock);
    for (;;) {
        s = find(l, key);
        there = s && s->state == SLOT_WHOLE;
        if (there)
            break;
        if (!s)
            s = make_room(l);
        else
            s = NULL; /* it is coming */
        if (s)
            break;
        pthread_cond_wait(&l->moved, &l->lock);
    }
    if (there) {
        s->holders++;
        s->used = ++l->now;
    } else {
        begin_load(l, s, key);
    }
    *ret_slot = (size_t)(s - l->slots);
    pthread_mutex_unlock(&l->lock);
    return there;
}

bool lru_claim(struct lru *l, const struct lru_key *key, size_t *ret_slot)
{
    struct slot *s = NULL;

    pthread_mutex_lock(&l->lock);
    if (!find(l, key))
        s = make_room(l);
    if (s) {
        begin_load(l, s, key);
        *ret_slot = (size_t)(s - l->slots);
    }
    pthread_mutex_unlock(&l->lock);
    return s != NULL;
}

void lru_loaded(struct lru *l, size_t slot, bool whole)
{
    pthread_mutex_lock(&l->lock);
    assert(l->slots[slot].state == SLOT_LOADING);
    l->slots[slot].state = whole ? SLOT_WHOLE : SLOT_FREE;
    if (!whole)
        l->slots[slot].holders = 0;
    pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
}

void lru_put(struct lru *l, size_t slot)
{
    pthread_mutex_lock(&l->lock);
    assert(l->slots[slot].holders > 0);
    if (--l->slots[slot].holders == 0)
        pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
}
