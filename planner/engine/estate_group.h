/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts of an estate move together: what owners say (workload, tags of an application), and
 * where nobody said anything, what the traffic says (group.h). Hypervisors carry others and are
 * members of nothing.
 */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_GROUP_H
#define GODWIT_PLANNER_ENGINE_ESTATE_GROUP_H

#include "planner/engine/group.h"

struct err;
struct estate;
struct js;

enum { ESTATE_GROUP_KEYS_MAX = 16, ESTATE_GROUP_NAME_MAX = 64 };

struct estate_group_policy {
    const char *keys[ESTATE_GROUP_KEYS_MAX]; /* tags whose value holds hosts together */
    size_t keys_n;                           /* 0: app, application, service, workload */
    unsigned resolution;                     /* 0: GROUP_RESOLUTION */
    uint64_t observed_ms;                    /* time that counts as seen whole; 0: 14 days */
};

struct estate_groups {
    struct groups found;                      /* of[] by the index of a settled estate's host */
    char (*names)[ESTATE_GROUP_NAME_MAX];     /* [found.n], no two the same; "" a hypervisor's */
    char (*hub_names)[ESTATE_GROUP_NAME_MAX]; /* [found.hubs] in the order of hosts */
    uint32_t *members;                        /* hosts by group, each group's in order of name */
    size_t *first;                            /* [found.n + 1] of a group, into members */
    uint16_t *observed;                       /* [hosts] permille of its traffic that was seen */
};

/* e is settled. -EFBIG, -ENOMEM. */
int estate_group(const struct estate *e, const struct estate_group_policy *policy,
                 struct estate_groups *ret, struct err *err);
void estate_group_done(struct estate_groups *g);
#define auto_estate_groups AUTO(estate_group_done)

/* godwit.groups/1 (docs/planner.md): the same for the same estate. */
int estate_group_write(const struct estate *e, const struct estate_groups *g, struct js **ret,
                       struct err *err);

#endif
