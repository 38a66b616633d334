/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner's one context, and how a route is written.
 *
 * Everything here belongs to the loop's thread. To add a route: a handler in api_x.c and a row in
 * routes[] (api.c). Handlers parse fully, then act, then answer; they never block.
 */
#ifndef GODWIT_PLANNER_SERVICE_SERVICE_H
#define GODWIT_PLANNER_SERVICE_SERVICE_H

#include "base/clock.h"
#include "base/db.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/httpd.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/loop.h"

struct buf;
struct service_own; /* what only the service itself looks at (service_own.h) */
struct hub;         /* long polls that wait for orders, operations or events (hub.h) */
struct switcher;    /* the switch machine (switch.h) */
struct vaultq;      /* the thread that owns the vault (vaultq.h) */

struct service_paths {
    const char *state_dir; /* database, CA, keys */
    const char *config_dir;
};

struct service {
    const struct clock *clock;
    const struct rng *rng;
    struct loop *loop;
    struct db *db;
    struct hub *hub;
    struct switcher *switcher;
    struct vaultq *vaultq; /* NULL while no store is configured */
    struct service_paths paths;
    /* what agents need to reach the vault; the key is never in a log or in an operator's answer */
    const char *vault_url, *vault_region, *vault_endpoint;
    const uint8_t *vault_key; /* 32 bytes, NULL = no encryption */
    struct service_own *own;
};

enum api_scope {
    API_OPEN,     /* enrolment: the body carries the credential */
    API_AGENT,    /* client certificate with unit "agent", not quarantined */
    API_OPERATOR, /* bearer token */
};

struct api_call {
    struct service *service;
    struct httpd_request *request;
    const char *param[3];  /* the {parts} of the path, decoded */
    const struct js *body; /* parsed, NULL when empty */
    const char *who;       /* identity of the agent, or "operator:NAME" */
};

typedef void (*api_fn)(struct api_call *call);

/*
 * API_CHANGES: the handler runs inside one transaction. api_reply commits it together with the
 * answer under the request's request_id (which a repeated request gets again), api_fail takes it
 * back, and so does a dry run. Such a handler answers before it returns and begins no transaction.
 */
enum api_flags { API_PLAIN = 0, API_CHANGES = 1 };

struct api_route {
    const char *method;
    const char *path; /* "/v1/hosts/{host}" */
    enum api_scope scope;
    api_fn handle;
    enum api_flags flags;
};

/* Answer with a finished writer (every object ended), or with err as a godwit.error/1. Exactly one
 * of them a call, or hub_wait (hub.h), before the handler returns. */
void api_reply(struct api_call *call, int status, struct jsw *w);
void api_fail(struct api_call *call, const struct err *err);
/* The HTTP status that fits an error. */
int api_status(const struct err *err);

#endif
