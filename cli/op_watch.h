/* SPDX-License-Identifier: Apache-2.0 */
/* Following an operation until it ends: its steps as they come, its exit code at the end. */
#ifndef GODWIT_CLI_OP_WATCH_H
#define GODWIT_CLI_OP_WATCH_H

#include "cli/api.h"
#include "cli/cmd.h"

/*
 * Show op (a godwit.op/1, lent) and what follows until it ends, needs the operator, or Ctrl-C.
 * Returns its exit code: 12 when it waits for people, 130 when detached. err is set when it failed.
 */
int op_watch(struct cmd_call *call, struct api *api, const struct js *op, struct err *err);
/* The same for who says himself how it ended: only the steps are shown. *ret is the operation when
 * it ended well (exit code 0). */
int op_watch_steps(struct cmd_call *call, struct api *api, const struct js *op, struct js **ret,
                   struct err *err);

#endif
