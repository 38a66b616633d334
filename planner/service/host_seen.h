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
 *   - work is polled for from two addresses in alternation: HOST_SEEN_FLIPS changes back within
 *     HOST_SEEN_FLIP_MS. One change is a new address and means nothing.
 */
#ifndef GODWIT_PLANNER_SERVICE_HOST_SEEN_H
#define GODWIT_PLANNER_SERVICE_HOST_SEEN_H

#include "planner/service/service.h"

enum {
    HOST_SEEN_GRACE_MS = 120 * 1000,
    HOST_SEEN_FLIPS = 3,
    HOST_SEEN_FLIP_MS = 600 * 1000,
    HOST_SEEN_ADDRESS_MAX = 64,
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

/* From where an identity polled for work. */
struct host_seen_polls {
    char address[HOST_SEEN_ADDRESS_MAX]; /* the last, "" = never */
    char before[HOST_SEEN_ADDRESS_MAX];  /* the one before it */
    uint64_t flips;                      /* changes back to the one before */
    uint64_t flip_ms;                    /* when the first of them was */
};
/* Pure. Takes a poll from address into polls; true when it is one flip too many. *ret_changed
 * whether polls must be kept. */
bool host_seen_poll_add(struct host_seen_polls *polls, const char *address, uint64_t now_ms,
                        bool *ret_changed);

/*
 * A call of identity with that certificate from that address: -EACCES (GW_API_AUTH) unknown or
 * forgotten, -EPERM (GW_IDENTITY_TWICE) in quarantine, now or before.
 */
int host_seen(struct service *svc, const char *identity, const char *fingerprint,
              const char *address, struct err *err);
/* The same for a poll for work, after host_seen. */
int host_seen_poll(struct service *svc, const char *identity, const char *address, struct err *err);

#endif
