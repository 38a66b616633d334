/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Care of a vault: what it holds, whether it is whole, and what of it can go.
 *
 * Front door for cli/. Garbage goes in two runs: packs that nothing needs are condemned in the care
 * log; a later run, at least the grace after, deletes those of them that still nothing needs and no
 * pusher asked for. docs/vault-care.md has the argument.
 */
#ifndef GODWIT_TRANSPORT_GC_H
#define GODWIT_TRANSPORT_GC_H

#include "transport/care_log.h"
#include "transport/replica.h"

enum { GC_GRACE_MIN_MS = 3600 * 1000 };

enum gc_act {
    GC_GIVE_UP,    /* a point: not offered any more; its packs may follow */
    GC_DELETE,     /* a pack, now */
    GC_CONDEMN,    /* a pack: to be deleted after the grace */
    GC_KEEP_POINT, /* told for every point that stays, with the reason */
};

struct gc_item {
    enum gc_act act;
    const char *object;  /* key of the pack, or NULL */
    const char *replica; /* of the point */
    const struct replica_point *point;
    const char *why;
    uint64_t bytes;
};
typedef void (*gc_item_fn)(void *arg, const struct gc_item *item);

struct gc_run {
    struct vault *vault;
    const struct care_policy *policy; /* NULL: the one in the log */
    const struct care_span *give_up;  /* points that go whatever the policy; they need not be */
    size_t give_up_n;                 /* readable, and none is the newest; CARE_SPANS_MAX */
    bool save_policy;                 /* write it into the log */
    uint64_t grace_ms;                /* GC_GRACE_MIN_MS or more, unless idle */
    bool idle;                        /* nobody pushes meanwhile, says the operator */
    bool apply;                       /* else nothing is written */
    const atomic_bool *stop;
    gc_item_fn item; /* or NULL */
    void *arg;
};

struct gc_report {
    uint64_t points_kept, points_given_up;
    uint64_t packs_needed, packs_young, packs_waiting; /* waiting: condemned, in their grace */
    uint64_t packs_condemned, packs_deleted;
    uint64_t bytes_condemned, bytes_deleted, bytes_waiting;
    struct care_policy policy; /* that was used */
    bool has_policy;
};

/*
 * -EINVAL (GW_BAD_VALUE) a grace too short, or points to give up that must stay; -ENOENT
 * (GW_REPLICA_NOT_FOUND) some that never were; -EBADMSG or -ENOENT something that a point needs
 * cannot be read: then nothing is written, since nothing can be proved dead; -EAGAIN (GW_IN_USE)
 * another collector is at work; -EOPNOTSUPP a store without create-only, and not idle. Killed
 * anywhere it can be run again. Failpoints: gc_marked, gc_sweep, gc_delete, and those of the care
 * log.
 */
int gc_collect(const struct gc_run *run, struct gc_report *ret, struct err *err);

/* What there is. */
struct gc_usage_replica {
    const char *name;
    uint64_t points;
    uint64_t own_packs, own_bytes; /* that only this one needs */
    uint64_t shared_bytes;         /* that others need, too: counted for each */
};
struct gc_usage_kind {
    const char *kind; /* "data packs", "map packs", "unneeded packs", "points", … */
    uint64_t objects, bytes;
};
enum { GC_KINDS = 8 };
struct gc_usage {
    struct gc_usage_kind kinds[GC_KINDS];
    uint64_t objects, bytes;
    uint64_t shared_packs, shared_bytes;
    uint64_t unneeded_packs, unneeded_bytes;
    uint64_t newest_bytes; /* of data and maps that the newest points need, roughly */
};
typedef void (*gc_usage_fn)(void *arg, const struct gc_usage_replica *r);
/* By a listing. fn may be NULL. */
int gc_usage(struct vault *v, const atomic_bool *stop, gc_usage_fn fn, void *arg,
             struct gc_usage *ret, struct err *err);

/* What is wrong. */
struct gc_fault {
    const char *replica; /* NULL for objects that belong to none */
    uint64_t seq;        /* 0: of a pack that several points may need */
    const char *object;
    const char *what; /* "missing", "altered", "foreign", "unregistered" */
};
typedef void (*gc_fault_fn)(void *arg, const struct gc_fault *f);
/* Points from..to of a replica, both included, which cannot be restored whole; given up ones may
 * lie between them. */
struct gc_damaged {
    const char *replica;
    uint64_t from;
    uint64_t to;
    bool newest; /* `to` is the replica's newest: only a repair helps */
};
typedef void (*gc_damaged_fn)(void *arg, const struct gc_damaged *d);
struct gc_check_run {
    struct vault *vault;
    bool full; /* every byte of every pack */
    const atomic_bool *stop;
    struct replica_progress *progress; /* or NULL */
    gc_fault_fn fault;                 /* or NULL, as the next */
    gc_damaged_fn damaged;
    void *arg;
};
struct gc_check_report {
    uint64_t replicas, points, packs, bytes; /* looked at */
    uint64_t missing, altered, foreign;
    uint64_t points_damaged, newest_damaged;
};
/* -EBADMSG after every fault and damaged point was told: something that a point needs is missing or
 * altered (GW_VAULT_DAMAGED); only older points need it, and the newest are whole
 * (GW_VAULT_OLD_DAMAGED). Foreign objects alone are no failure. */
int gc_check(const struct gc_check_run *run, struct gc_check_report *ret, struct err *err);

#endif
