/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this agent is to the planner: join with a token, keep the certificate, renew it.
 *
 * STATE/agent.json {"identity", "server", "name", "roles"}, agent.pem (the key, made here, and its
 * certificate: one file, so that they never disagree), ca.crt; all mode 0600 and durable. The
 * planner gives the identity. join.key and join.csr exist only while an enrolment is under way.
 */
#ifndef GODWIT_AGENT_ENROL_H
#define GODWIT_AGENT_ENROL_H

#include "base/cert.h"
#include "base/clock.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

struct client;

enum { ENROL_SERVER_MAX = 512, ENROL_NAME_MAX = 63, ENROL_ROLES_MAX = 64 };

struct enrol_identity {
    char identity[CERT_ID_MAX];
    char server[ENROL_SERVER_MAX]; /* https://HOST:PORT, no slash at the end */
    char name[ENROL_NAME_MAX + 1];
    char roles[ENROL_ROLES_MAX]; /* "source,landing" */
    char pem_path[PATH_MAX], ca_path[PATH_MAX];
    atomic_uint generation; /* of the certificate: a client reopens when it changed */
};

struct enrol_join {
    const char *state_dir;
    const char *server; /* may lack the scheme */
    const char *token;  /* gw1.<CA-SPKI-sha256>.<id>.<secret>; never logged */
    const char *name;
    const char *roles;
    bool again; /* also when enrolled already: a new key and certificate, the same state */
    const struct rng *rng;
};

/*
 * Enrol: the planner's chain is checked against the pin of the token before the token is sent.
 * -EINVAL (GW_TOKEN_BAD), -EPROTO (GW_PIN_MISMATCH), what the planner answers, or -EEXIST when this
 * state directory is enrolled already and it is not again. What was there stays until it succeeds.
 */
int enrol_join(const struct enrol_join *join, struct err *err);
/* The same -EEXIST, before the token is read: a token that was used need not be there any more. */
int enrol_check_fresh(const struct enrol_join *join, struct err *err);
/* A list with commas of source and landing; -EINVAL (GW_BAD_VALUE). */
int enrol_check_roles(const char *text, struct err *err);
/* -ENOENT when never enrolled. server NULL = the one enrolled at. */
int enrol_load(const char *state_dir, const char *server, struct enrol_identity **ret,
               struct err *err);
/* Do the files of the identity hold a key and a certificate? -EINVAL (GW_IDENTITY_DAMAGED) or what
 * reading them said. */
int enrol_check(const struct enrol_identity *id, struct err *err);
void enrol_free(struct enrol_identity *id);
static inline void enrol_freep(struct enrol_identity **id)
{
    enrol_free(*id);
}
#define auto_identity AUTO(enrol_freep)

/* A new certificate when half of the present one's life is over. 0 also when it was not yet time.
 */
int enrol_renew(struct enrol_identity *id, struct client *client, uint64_t wall_ms,
                struct err *err);

/* "gw1.PIN.ID.SECRET" -> the 32 bytes of PIN (64 hex digits or base64url). -EINVAL (GW_TOKEN_BAD).
 */
int enrol_token_pin(const char *token, uint8_t *out_pin, struct err *err);

#endif
