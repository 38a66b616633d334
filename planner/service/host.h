/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts with an agent: names, identities, when they were last seen. */
#ifndef GODWIT_PLANNER_SERVICE_HOST_H
#define GODWIT_PLANNER_SERVICE_HOST_H

#include "planner/service/service.h"

enum { HOST_LABEL_MAX = 64, HOST_IDENTITY_MAX = 64, HOST_TEXT_MAX = 384 };

struct host {
    char identity[HOST_IDENTITY_MAX]; /* "h-…" */
    char name[HOST_LABEL_MAX];
    char version[HOST_LABEL_MAX];   /* of its agent */
    char roles[HOST_LABEL_MAX];     /* "source,landing" */
    char address[HOST_LABEL_MAX];   /* last seen from */
    char quarantine[HOST_TEXT_MAX]; /* why, "" = it is trusted */
    uint64_t enrolled_ms;
    uint64_t seen_ms;      /* last request of any kind */
    uint64_t reported_ms;  /* last report */
    uint64_t inventory_ms; /* when the inventory was last replaced, 0 = never */
};

int host_find_name(struct service *svc, const char *name, struct host *ret, struct err *err);
/* By identity or by name. -ENOENT (GW_HOST_NOT_FOUND). */
int host_find(struct service *svc, const char *name_or_identity, struct host *ret, struct err *err);

#endif
