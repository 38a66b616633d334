/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the planner's API with this agent's certificate. A client belongs to one thread. */
#ifndef GODWIT_AGENT_CLIENT_H
#define GODWIT_AGENT_CLIENT_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdatomic.h>

struct client;
struct enrol_identity;
struct err;
struct http_reply;
struct js;

/* Lent for the client's life. The connection opens with the first call, and again when the
 * certificate was renewed. */
int client_new(struct enrol_identity *id, const atomic_bool *stop, struct client **ret,
               struct err *err);
void client_free(struct client *c);
static inline void client_freep(struct client **c)
{
    client_free(*c);
}
#define auto_client AUTO(client_freep)

struct client_call {
    const char *method;
    const char *path;  /* "/v1/agent/report", escaped by the caller */
    struct slice body; /* JSON, or empty */
    uint64_t timeout_ms;
};

/*
 * ret (may be NULL) gets the parsed answer, NULL when it was empty. An answer of 4xx or 5xx is the
 * planner's godwit.error/1 as err; its code: -EINVAL 400, -EACCES 401 and 403, -ENOENT 404,
 * -EEXIST 409, -EBUSY 423, -EFBIG 413, -EAGAIN above 499, else -EIO.
 */
int client_do(struct client *c, const struct client_call *call, struct js **ret, struct err *err);

/* The same judgement of a reply that somebody else fetched. */
int client_judge(const struct http_reply *reply, struct js **ret, struct err *err);

#endif
