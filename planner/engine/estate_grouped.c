/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of a plan (estate_plan.c), as workloads. */
#include "planner/engine/estate_grouped.h"

#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_group.h"

#include "base/banned.h"

int estate_grouped(struct estate *e, struct err *err)
{
    static const struct estate_group_policy policy = {.keys_n = 0};
    auto_estate_groups struct estate_groups g = {0};
    size_t hubs = 0;
    int r = estate_group(e, &policy, &g, err);

    for (size_t i = 0; r == 0 && i < estate_hosts(e); i++) {
        struct estate_host *h = estate_host(e, i);
        const char *name;

        if (h->kind == ESTATE_HYPERVISOR)
            continue;
        name = g.found.of[i] == GROUP_HUB ? g.hub_names[hubs++] : g.names[g.found.of[i]];
        if (*name && !text_equal(name, h->workload))
            (void)estate_set(e, h, ESTATE_WORKLOAD, name, (struct estate_source){0});
    }
    return r < 0 ? r : estate_settle(e, err);
}
