/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders: what the planner asks of a workload here, once each.
 *
 * To add a kind: a handler in order_x.c, a row in orders[] (order.c), a row of the table in
 * docs/control-plane.md section 4. A handler may be killed anywhere and is then run again from its
 * start; it makes the record durable before it does what the record permits.
 */
#ifndef GODWIT_AGENT_ORDER_H
#define GODWIT_AGENT_ORDER_H

#include "agent/workload.h"
#include "base/jsw.h"

enum { ORDER_ID_MAX = 120 };

struct order {
    struct order *next; /* in the workload's list */
    uint64_t number;
    char id[ORDER_ID_MAX + 1]; /* is a file name too */
    char kind[32];
    char workload[ASSIGNMENT_NAME_MAX + 1];
    uint64_t epoch;
    uint64_t deadline_wall_ms; /* by the planner's clock; 0 = none */
    uint64_t deadline_mono_ms; /* by ours; order_arrived sets it */
    const struct js *args;     /* lent by doc, or NULL */
    struct js *doc;
};

/* An element of "orders". -EINVAL (GW_BAD_DOCUMENT). */
int order_parse(const struct js *doc, struct order **ret, struct err *err);
/* It arrived at mono_ms in an answer that was written at planner_wall_ms: what is left of its time
 * runs from here, whatever either wall clock says or does. */
void order_arrived(struct order *o, uint64_t planner_wall_ms, uint64_t mono_ms);
void order_free(struct order *o);
static inline void order_freep(struct order **o)
{
    order_free(*o);
}
#define auto_order AUTO(order_freep)

/* May running be interrupted when arrived comes? */
bool order_yields(const struct order *running, const struct order *arrived);
/* Carry out (or repeat the saved answer), save the answer, hand it to the answer thread. */
void order_carry_out(struct workload *w, struct order *o);
/* Drop answers older than a month: a planner repeats only orders that are open. */
void order_forget_old(const struct workload *w, uint64_t wall_ms);
/* Answer an order that reached no workload. */
void order_refuse(struct agent *a, const struct order *o, const struct err *why);

/* What a handler works with. */
struct order_call {
    struct workload *w;
    const struct order *order;
    const struct assignment *a; /* never NULL for kinds that need it */
    struct jsw *result;         /* the object "result" is open: write its members */
    bool keep_result;           /* also when the handler fails: its members are complete */
};

typedef int (*order_fn)(struct order_call *call, struct err *err);

int order_adopt(struct order_call *call, struct err *err);
int order_fence(struct order_call *call, struct err *err);
int order_final(struct order_call *call, struct err *err);
int order_apply(struct order_call *call, struct err *err);
int order_promote(struct order_call *call, struct err *err);
int order_abort(struct order_call *call, struct err *err);
int order_stand_down(struct order_call *call, struct err *err);
int order_health(struct order_call *call, struct err *err);
int order_traffic(struct order_call *call, struct err *err);
int order_test(struct order_call *call, struct err *err);
int order_verify(struct order_call *call, struct err *err);
int order_release(struct order_call *call, struct err *err);

#endif
