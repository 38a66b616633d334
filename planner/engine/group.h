/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts belong together, from who talks to whom and from what owners say.
 *
 * Hubs (DNS, directories, monitoring, backup) are services to keep reachable, not members: more
 * than 60 partners and ten times the median, spread over the groups (participation over 0.8;
 * Guimera and Amaral, 2005). What carries the same tag of an owner is never separated,
 * and what carries two is never one.
 */
#ifndef GODWIT_PLANNER_ENGINE_GROUP_H
#define GODWIT_PLANNER_ENGINE_GROUP_H

#include "base/auto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { GROUP_HUB = UINT32_MAX, GROUP_RESOLUTION = 100, GROUP_PERMILLE = 1000 };

struct group_talk {
    uint32_t a, b; /* hosts */
    uint64_t bytes;
};

struct group_input {
    size_t hosts, talks_n;
    const struct group_talk *talks; /* in any order, from either end; the same pair adds up */
    const uint32_t *tag;            /* [hosts] 0: none; NULL: nobody has one */
    const uint16_t *observed;       /* [hosts] permille of traffic and time; NULL: all */
    unsigned resolution;            /* 0: GROUP_RESOLUTION */
};

struct group_view {
    uint32_t hosts, tagged;
    uint16_t coverage;   /* permille: mean of what was observed of its hosts */
    uint16_t cohesion;   /* permille of its traffic (hubs aside) that stays inside */
    uint16_t confidence; /* permille: cohesion, by what is seen or said: coverage or tags */
};

struct groups {
    uint32_t *of; /* [hosts] 0 .. n-1 in the order of their first hosts, or GROUP_HUB */
    struct group_view *views;
    size_t n, hubs;
};

/* -EINVAL: an index or permille out of range; -EFBIG; -ENOMEM. */
int group_find(const struct group_input *in, struct groups *ret, struct err *err);
void group_done(struct groups *g);
#define auto_groups AUTO(group_done)

#endif
