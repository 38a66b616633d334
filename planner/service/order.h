/* SPDX-License-Identifier: Apache-2.0 */
/* Orders: numbered, idempotent things an agent is asked to do; rows of table `ord`. */
#ifndef GODWIT_PLANNER_SERVICE_ORDER_H
#define GODWIT_PLANNER_SERVICE_ORDER_H

#include "planner/service/service.h"

enum { ORDER_ID_MAX = 96, ORDER_KIND_MAX = 16 };

struct order_new {
    const char *id;   /* made by who orders, so that a resumed step finds its own: "OP.STEP.HOST" */
    const char *host; /* identity of the agent */
    const char *kind; /* docs/control-plane.md, section 4 */
    const char *workload;
    uint64_t epoch;
    uint64_t deadline_ms;  /* wall clock */
    const struct js *args; /* lent, NULL = {} */
};

/* Create it and wake the agent's poll. An order of that id that exists already is left as it is: 0.
 */
int order_create(struct service *svc, const struct order_new *order, struct err *err);

/* Write the open orders of host with number > after as array member "orders" (they are open until
 * answered done or failed). *ret_n how many. */
int order_write_open(struct service *svc, const char *host, uint64_t after, struct jsw *w,
                     size_t *ret_n, struct err *err);

/*
 * An agent's answer (body of POST /v1/agent/orders/{id}), written down, then told to the switch
 * machine. -ENOENT; -EPERM when the order is another host's. A repeated final answer changes
 * nothing.
 */
int order_answer(struct service *svc, const char *host, const char *id, const struct js *body,
                 struct err *err);

/* host is forgotten: nobody is left to answer its open orders, so they end without an answer. */
int order_void_host(struct service *svc, const char *host, struct err *err);

/* The highest number of the answered orders of kind in this epoch of workload, which only grows
 * (rows are forgotten, so their count does not), and when the last one was answered. */
struct order_past {
    uint64_t n;       /* 0 = none */
    uint64_t last_ms; /* 0 = never */
};
int order_past(struct service *svc, const char *workload, const char *kind, uint64_t epoch,
               struct order_past *ret, struct err *err);

/* What the failed orders of kind of workload said last, "" when its newest one has not failed. */
int order_failure(struct service *svc, const char *workload, const char *kind, char *out,
                  size_t size, struct err *err);

#endif
