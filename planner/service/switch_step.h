/* SPDX-License-Identifier: Apache-2.0 */
/* What each step of a switch does: begin it (inside the transaction that records it), look whether
 * it is over. */
#ifndef GODWIT_PLANNER_SERVICE_SWITCH_STEP_H
#define GODWIT_PLANNER_SERVICE_SWITCH_STEP_H

#include "planner/service/db_op.h"
#include "transport/control.h"

enum step_verdict { STEP_WAIT, STEP_OK, STEP_FAILED, STEP_OTHER };

/* A question to the vault and its answer, kept in memory: a restart asks again, the registers are
 * idempotent. */
struct step_register {
    bool asked, answered;
    int result;
    struct err err;
    struct control_verdict standing;
};

struct step_run {
    struct service *svc;
    struct db_op *op;
    struct workload *workload;
    struct step_register *vault;
    uint64_t stopped_ms; /* of switch_time_stopped_ms, when the step before ended */
};

/* Make the rows of the step; the caller commits. A failure here is the database's (retried) or
 * refuses the step (STEP_FAILED by look). */
int switch_step_begin(struct step_run *run, struct err *err);

/*
 * Has the step ended? *ret_detail (owned, may stay NULL) is what the journal keeps of it. With
 * STEP_FAILED err says why; the return value is negative only when the database failed.
 */
int switch_step_look(struct step_run *run, enum step_verdict *ret, struct js **ret_detail,
                     struct err *err);

/* Why an operation of that kind cannot begin, whatever the gate says; NULL = it can. */
const char *switch_step_refusal(const struct service *svc, const struct workload *w,
                                enum switch_kind kind);
/* Must the gate be open for it? */
bool switch_step_gated(enum switch_kind kind);

/* What is left of the time for which writers may be stopped, max_downtime_s of the operation or of
 * its workload. */
uint64_t switch_step_left_ms(const struct step_run *run);

/* Does the step wait for a register of the vault? Then what to ask. */
bool switch_step_asks(enum switch_step step);
struct vaultq_job;
int switch_step_question(struct step_run *run, struct vaultq_job *job, struct err *err);

#endif
