/* SPDX-License-Identifier: Apache-2.0 */
/* Operations and their journal: rows of op and op_step. The partial index op_one_open allows one
 * open switch a workload. */
#ifndef GODWIT_PLANNER_SERVICE_DB_OP_H
#define GODWIT_PLANNER_SERVICE_DB_OP_H

#include "planner/service/service.h"
#include "planner/service/switch_plan.h"
#include "planner/service/workload.h"

enum { DB_OP_ID_MAX = 24, DB_OP_NAME_MAX = 64, DB_OP_WHO_MAX = 160 };

struct db_op {
    char id[DB_OP_ID_MAX];
    char request_id[DB_OP_NAME_MAX];
    char workload[DB_OP_NAME_MAX];
    char who[DB_OP_WHO_MAX];
    struct switch_at at;
    enum switch_state state;
    enum workload_side holder; /* who held the right to write when this leg's epoch opened */
    uint64_t epoch;            /* 0 until opened */
    uint64_t step_n;           /* rows of op_step so far */
    uint64_t version;          /* grows with every change, for watchers */
    uint64_t started_ms, ended_ms;
    uint64_t frozen_ms, thawed_ms; /* nobody could write between them */
    uint64_t step_started_ms, step_deadline_ms;
    bool abort_wanted;
    bool attention; /* a step that is only repeated failed too often or too long: people should look
                     */
    int exit;       /* of the whole, valid when ended */
    struct err cause; /* the first failure, code 0 = none */
    char args[512];   /* canonical JSON of what was asked */
};

/* -EBUSY (GW_SWITCH_OPEN) names the open operation of the workload. Fills op->id. */
int db_op_create(struct service *svc, struct db_op *op, struct err *err);
int db_op_load(struct service *svc, const char *id, struct db_op *ret,
               struct err *err); /* -ENOENT */
int db_op_by_request(struct service *svc, const char *request_id, struct db_op *ret,
                     struct err *err); /* -ENOENT */
/* Write every member that changes; version grows by one. */
int db_op_save(struct service *svc, struct db_op *op, struct err *err);

/* Journal: a row for the step the operation stands at, before it acts; and its end. detail may be
 * NULL. */
int db_op_step_begin(struct service *svc, struct db_op *op, struct err *err);
int db_op_step_end(struct service *svc, struct db_op *op, const char *state,
                   const struct js *detail, struct err *err);
/* The detail of the last finished step of that name of this operation's leg, or NULL. */
int db_op_step_detail(struct service *svc, const struct db_op *op, enum switch_step step,
                      struct js **ret, struct err *err);

/* The open operation of a workload. -ENOENT. */
int db_op_open(struct service *svc, const char *workload, struct db_op *ret, struct err *err);

typedef int (*db_op_fn)(void *arg, const struct db_op *op);
/* Every open operation there is, for switch_resume. A non-zero return of fn ends a walk and is
 * returned. */
int db_op_each_open(struct service *svc, db_op_fn fn, void *arg, struct err *err);
/* Newest first, at most limit, those older than the operation `after` ("" = from the newest);
 * workload NULL = all. */
struct db_op_page {
    const char *workload;
    const char *after;
    uint64_t limit;
};
int db_op_each(struct service *svc, const struct db_op_page *page, db_op_fn fn, void *arg,
               struct err *err);
/* godwit.op/1 of op, steps included, as an object under key (NULL: element or root without schema).
 */
int db_op_write(struct service *svc, const struct db_op *op, struct jsw *w, struct err *err);

/* Answers of the orders of a step: how many there are, are done, have failed; the first failure
 * into err_first. */
struct db_op_orders {
    size_t n, done, failed;
    struct err first;
};
int db_op_orders(struct service *svc, const struct db_op *op, struct db_op_orders *ret,
                 struct err *err);
/* The "volumes" of the results of the step's orders, as one array {"volumes": […]}. */
int db_op_orders_volumes(struct service *svc, const struct db_op *op, struct js **ret,
                         struct err *err);
/* Unanswered orders of the current step are void: a late answer changes nothing. */
int db_op_orders_void(struct service *svc, const struct db_op *op, struct err *err);

/* The SQL that makes the tables of this file and of order.c; a row of schema.c. */
extern const char db_op_schema[];

#endif
