/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One identity, one place: what to make of a certificate or an address that an identity is seen
 * with.
 *
 * Each enrolment and renewal gives out one certificate, and its fingerprint is kept. A
 * copy of an agent (a cloned machine, a stolen key) shows in one of three ways, and each puts the
 * identity in quarantine until `host rejoin`:
 *   - a certificate is used more than HOST_SEEN_GRACE_MS after a newer one was first used;
 *   - a certificate is used that was not given out;
 *   - work is polled for from two places in alternation: HOST_SEEN_FLIPS changes back within
 *     HOST_SEEN_FLIP_MS. One change means nothing: an agent that was started again, or moved.
 * A place is a process of an agent, wherever it comes from; of an agent that does not say which
 * process it is (before 2026-11), an address.
 */
#ifndef GODWIT_PLANNER_SERVICE_HOST_SEEN_H
#define GODWIT_PLANNER_SERVICE_HOST_SEEN_H

#include "planner/service/service.h"

enum {
    HOST_SEEN_GRACE_MS = 120 * 1000,
    HOST_SEEN_FLIPS = 3,
    HOST_SEEN_FLIP_MS = 600 * 1000,
    HOST_SEEN_ADDRESS_MAX = 64,
    HOST_SEEN_INSTANCE_MAX = 96,
};

struct host_seen_facts {
    bool known;                  /* this certificate was given out or used before */
    bool unused;                 /* given out, and not used yet */
    bool revoked;                /* by a rejoin */
    uint64_t unseen;             /* given out before their fingerprints were kept */
    uint64_t newer_first_use_ms; /* of the first newer certificate, 0 = this is the newest */
};

enum host_seen_verdict { HOST_SEEN_OK, HOST_SEEN_FIRST_USE, HOST_SEEN_REVOKED, HOST_SEEN_TWICE };

/* Pure. *ret_why in words for HOST_SEEN_TWICE. */
enum host_seen_verdict host_seen_judge(const struct host_seen_facts *facts, uint64_t now_ms,
                                       const char **ret_why);

struct host_seen_place {
    char instance[HOST_SEEN_INSTANCE_MAX]; /* HOST:PID:RANDOM, "" = it did not say */
    char address[HOST_SEEN_ADDRESS_MAX];
};

/* From where an identity polled for work. */
struct host_seen_polls {
    struct host_seen_place last;   /* address "" = never */
    struct host_seen_place before; /* the one before it */
    uint64_t flips;                /* changes back to the one before */
    uint64_t flip_ms;              /* when the first of them was */
};
/* Pure. Takes a poll from place into polls; true when it is one flip too many. *ret_changed
 * whether polls must be kept. */
bool host_seen_poll_add(struct host_seen_polls *polls, const struct host_seen_place *place,
                        uint64_t now_ms, bool *ret_changed);

/*
 * A call of identity with that certificate from that address: -EACCES (GW_API_AUTH) unknown or
 * forgotten, -EPERM (GW_IDENTITY_TWICE) in quarantine, now or before.
 */
int host_seen(struct service *svc, const char *identity, const char *fingerprint,
              const char *address, struct err *err);
/* Of a call that waited, before it is answered: 0, -EACCES or -EPERM, likewise. */
int host_seen_trusted(struct service *svc, const char *identity, struct err *err);
/* As host_seen, for a poll for work, after it. instance NULL = it did not say. -EINVAL
 * (GW_BAD_VALUE) that is no instance. */
int host_seen_poll(struct service *svc, const char *identity, const char *instance,
                   const char *address, struct err *err);

#endif
