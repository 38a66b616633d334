/* SPDX-License-Identifier: Apache-2.0 */
/* Communities that hold what owners call by several names, parted. Internal to group.c. */
#ifndef GODWIT_PLANNER_ENGINE_GROUP_PART_H
#define GODWIT_PLANNER_ENGINE_GROUP_PART_H

#include <stdint.h>

struct err;
struct graph;
struct group_input;

/* of [in->hosts], below in->hosts, is changed. -ENOMEM. */
int group_part(const struct graph *g, const struct group_input *in, uint32_t *of, struct err *err);

#endif
