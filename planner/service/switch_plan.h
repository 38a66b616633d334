/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which step of a switch follows which: a pure function, so that every path can be tested.
 *
 * A cutover has a second leg: when something fails after promote and before traffic moved, the same
 * steps bring the workload back at the next epoch with sides swapped, because a decision is for
 * ever and what the new side wrote must not be lost.
 */
#ifndef GODWIT_PLANNER_SERVICE_SWITCH_PLAN_H
#define GODWIT_PLANNER_SERVICE_SWITCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum switch_kind { SWITCH_CUTOVER, SWITCH_ROLLBACK, SWITCH_FINALIZE, SWITCH_TEST };

enum switch_step {
    STEP_PRECHECK, /* gates; nothing has changed yet */
    STEP_EPOCH,    /* the claim of the epoch, in the database and in the vault */
    STEP_FENCE,    /* the holder stops and cannot write */
    STEP_FINAL,    /* the last restore point */
    STEP_APPLY,    /* the other side writes and re-reads it */
    STEP_DECIDE,   /* promote, unless abort stands already */
    STEP_PROMOTE,  /* the other side becomes the holder and starts */
    STEP_HEALTH,
    STEP_TRAFFIC,
    STEP_OBSERVE, /* reverse replication runs; the end of the switch itself */
    STEP_DECIDE_ABORT,
    STEP_GIVE_BACK, /* the holder of before unfences and starts again */
    STEP_RELEASE,   /* finalize */
    STEP_TEST,
    STEP_COUNT
};

enum switch_outcome {
    OUTCOME_OK,
    OUTCOME_FAILED,
    OUTCOME_OTHER, /* decide steps: the opposite decision stands */
};

enum switch_state {
    SWITCH_RUNNING,
    SWITCH_DONE,
    SWITCH_REFUSED,
    SWITCH_FAILED,
    SWITCH_ROLLED_BACK,
    SWITCH_HALFWAY
};

struct switch_at {
    enum switch_kind kind;
    unsigned leg; /* 0, or 1 on the way back of a failed cutover */
    enum switch_step step;
};

/* Where an operation stands after outcome of at: another step (SWITCH_RUNNING) or its end. */
struct switch_move {
    enum switch_state state;
    struct switch_at at; /* when running */
};
struct switch_move switch_plan_next(struct switch_at at, enum switch_outcome outcome);
/* A step that is repeated until it is done: its deadline only calls for the operator. */
bool switch_plan_redo_only(enum switch_step step);
/* Such a step is done again so long after it began. It calls for the operator once it failed so
 * many times, and is then tried less and less often: each time is a row, and runs hooks. */
enum { SWITCH_PLAN_ATTENTION = 5 };
uint64_t switch_plan_redo_ms(unsigned failed);
/* Is an operator's abort honoured in this step? Never on the way back of leg 1: aborting that would
 * leave the workload on the side that failed. */
bool switch_plan_abortable(struct switch_at at);
/* May one still be asked for: is it honoured here, or in a step that must come before the decision?
 */
bool switch_plan_may_abort(struct switch_at at);
/* Seconds a step may take; 0 = until max_downtime_s after the fence began. */
uint64_t switch_plan_timeout_s(enum switch_step step);

const char *switch_plan_kind_name(enum switch_kind kind);    /* "cutover" */
const char *switch_plan_step_name(enum switch_step step);    /* "fence" */
const char *switch_plan_state_name(enum switch_state state); /* "rolled_back" */
/* The inverse; false when there is none of that name. */
bool switch_plan_kind(const char *name, enum switch_kind *ret);
bool switch_plan_step(const char *name, enum switch_step *ret);

#endif
