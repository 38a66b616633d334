/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine of switches shares with what is asked of it; nobody else includes this. */
#ifndef GODWIT_PLANNER_SERVICE_SWITCH_PRIV_H
#define GODWIT_PLANNER_SERVICE_SWITCH_PRIV_H

#include "planner/service/switch.h"
#include "planner/service/switch_step.h"
#include "planner/service/switch_time.h"

/* What the machine remembers of an open operation; all of it may be lost. */
struct open_op {
    char id[DB_OP_ID_MAX];
    struct step_register vault;
    struct switch_time time; /* of its step */
    unsigned redone;
    struct open_op *next;
};

struct switcher {
    struct service *svc;
    struct loop_timer *tick;
    struct open_op *open;
};

/* Remember an operation that is written down; the same again for one that is. NULL: no memory. */
struct open_op *switch_add_open(struct switcher *s, const char *id);
/* Write down that the step at begins, inside the caller's transaction. */
int switch_begin_step(struct step_run *run, struct switch_at at, struct err *err);

#endif
