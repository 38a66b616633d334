/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two registers of a switch that live in the vault: who opened an epoch, and how it was
 * decided.
 *
 * Each is one create-only object; whoever writes first wins, for ever. The bodies are JSON with an
 * HMAC under a key derived from the vault key, so a writer of the store alone can forge neither.
 */
#ifndef GODWIT_TRANSPORT_CONTROL_H
#define GODWIT_TRANSPORT_CONTROL_H

#include "transport/replica.h"

enum control_decision { CONTROL_NONE = 0, CONTROL_PROMOTE = 1, CONTROL_ABORT = 2 };

enum { CONTROL_VOLUMES_MAX = 64, CONTROL_TEXT_MAX = 128 };

struct control_volume {
    char replica[VAULT_REPLICA_NAME_MAX + 1];
    uint64_t seq;                       /* the final point */
    uint8_t digest[REPLICA_DIGEST_LEN]; /* that both sides computed */
};

struct control_verdict {
    enum control_decision decision;
    uint64_t epoch;
    uint64_t decided_ms;
    char by[CONTROL_TEXT_MAX];     /* "planner", or the identity of an agent */
    char reason[CONTROL_TEXT_MAX]; /* of an abort */
    size_t volumes_n;              /* promote names every volume of the workload */
    struct control_volume volumes[CONTROL_VOLUMES_MAX];
};

/* Claim epoch of workload for holder (an operation id). 0 when ours (also when we claimed it
 * before); -EEXIST (GW_SWITCH_OPEN) names the holder. */
int control_claim(struct vault *v, const char *workload, uint64_t epoch, const char *holder,
                  struct err *err);

/*
 * Write verdict as the decision of its epoch, unless one stands; *ret_standing is what stands
 * afterwards, ours or the other. -EOPNOTSUPP: the store has no create-only and the planner's
 * database must hold the register.
 */
int control_decide(struct vault *v, const char *workload, const struct control_verdict *verdict,
                   struct control_verdict *ret_standing, struct err *err);

/* What stands: 0 with decision CONTROL_NONE when undecided. -EBADMSG (GW_VAULT_DAMAGED) when forged
 * or altered. */
int control_read(struct vault *v, const char *workload, uint64_t epoch, struct control_verdict *ret,
                 struct err *err);

#endif
