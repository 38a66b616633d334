/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that owns the planner's vault handle: claims and decisions, answered in the
 * loop. */
#ifndef GODWIT_PLANNER_SERVICE_VAULTQ_H
#define GODWIT_PLANNER_SERVICE_VAULTQ_H

#include "planner/service/service.h"
#include "transport/control.h"

enum vaultq_kind { VAULTQ_CLAIM, VAULTQ_DECIDE };

struct vaultq_job {
    enum vaultq_kind kind;
    char workload[64];
    uint64_t epoch;
    char holder[CONTROL_TEXT_MAX];  /* claim */
    struct control_verdict verdict; /* decide: wanted; answer: what stands */
    int result;                     /* 0 or negative errno, with err */
    struct err err;
    void (*done)(void *arg, struct vaultq_job *taken_job); /* in the loop's thread */
    void *arg;
};

int vaultq_new(struct service *svc, struct vaultq **ret, struct err *err);
void vaultq_free(
    struct vaultq *q); /* waits for the job under way; the rest are dropped unanswered */
int vaultq_push(struct vaultq *q, struct vaultq_job *taken_job, struct err *err);

#endif
