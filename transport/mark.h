/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vault's points need: every replica, its points, and every pack that one of them cannot be
 * read without. For usage, check and the collection of garbage.
 *
 * Replicas are those of the care log and those that a listing shows; the listing can only add.
 */
#ifndef GODWIT_TRANSPORT_MARK_H
#define GODWIT_TRANSPORT_MARK_H

#include "transport/pack.h"
#include "transport/packrows.h"
#include "transport/retain.h"

#include <pthread.h>
#include <stdatomic.h>

struct unit;

enum { MARK_SHARED = -1 };

struct mark_replica {
    char name[VAULT_REPLICA_NAME_MAX + 1];
    bool registered;
    bool bad;                     /* something of it, or of nobody alone, was told */
    uint64_t head;                /* 0: no point yet */
    size_t n;                     /* points that retention did not give up before */
    struct replica_point *points; /* ascending */
    enum retain_why *why;         /* RETAIN_NO: not walked */
    bool *lacks;                  /* walked, and something it needs was lost */
};

/* Of a pack: the value of its row. */
struct mark_info {
    bool needed; /* by a point */
    bool map;
    bool listed;
    bool told;       /* that it cannot be read */
    bool lost;       /* its bytes are not there: who asks for it lacks it */
    int owner;       /* index of the only replica that needs it, or MARK_SHARED */
    uint32_t reach;  /* it has at least so many bytes */
    uint64_t newest; /* bytes of it that newest points need, roughly */
    uint64_t bytes;  /* listed */
    uint64_t mtime_ms;
};

/* Something needed that cannot be read. object may be NULL (a point of that number). */
struct mark_bad {
    const char *replica;
    uint64_t seq;
    const char *object;
    const char *what; /* "missing", "altered" */
};

struct mark {
    struct vault *vault;        /* lent, as is the log */
    const struct care_log *log; /* read */
    const atomic_bool *stop;    /* or NULL */
    /* Told of what cannot be read; NULL: the first ends the walk with its error. */
    void (*bad)(void *arg, const struct mark_bad *b);
    void *arg;

    size_t bad_n; /* times that bad was told; the lock is held then */
    size_t replicas_n;
    struct mark_replica *replicas;
    pthread_mutex_t lock;   /* of the next while a walk is on */
    struct packrows *packs; /* of struct mark_info */
};

/* vault, log, stop, bad and arg are set; the rest is zero. Replicas and their points, all of which
 * are kept so far. */
int mark_open(struct mark *m, struct err *err);
void mark_done(struct mark *m);

/* Count and tell. The lock is the caller's. */
void mark_tell(struct mark *m, const struct mark_bad *b);

/* mark_walk.c: every pack that the points with a reason need. */
int mark_walk(struct mark *m, struct err *err);

/* The packs that a listing shows, needed or not. */
int mark_list(struct mark *m, struct err *err);

/* The info of a pack, made when new; valid until the next call. The lock is the caller's. */
int mark_pack(struct mark *m, const uint8_t *name, struct mark_info **ret, struct err *err);

#endif
