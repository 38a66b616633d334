/* SPDX-License-Identifier: Apache-2.0 */
/* The fleet that a planner keeps: lists of machines into it, and all that it knows out of it. */
#ifndef GODWIT_CLI_FLEET_H
#define GODWIT_CLI_FLEET_H

#include "cli/api.h"

struct estate;
struct estate_arg_spec;
struct estate_arg_told;

/* What --from says for it, in place of a file. */
#define FLEET_PLANNER "planner:"

/*
 * Send a settled fleet as list `list`, in parts within the planner's limits; it counts when the
 * last is there. *ret is the godwit.listing/1 of the end. dry_run: every part is checked, none is
 * kept.
 */
int fleet_send(struct cmd_call *call, const struct estate *e, const char *list, bool dry_run,
               struct js **ret, struct err *err);

/* Add all hosts that the planner knows, of agents and of lists, to into. */
int fleet_fetch(const struct estate_arg_spec *spec, struct estate *into,
                struct estate_arg_told *told, struct err *err);

#endif
