/* SPDX-License-Identifier: Apache-2.0 */
/* The status of one workload, for verbs that end with it. */
#ifndef GODWIT_CLI_CMD_STATUS_H
#define GODWIT_CLI_CMD_STATUS_H

#include "cli/api.h"
#include "cli/cmd.h"

/* A cmd_fetch_fn: the status of the verb's workload, or of all when it has no argument. */
int cmd_status_fetch(struct cmd_call *call, struct api *api, void *arg, struct js **ret,
                     struct err *err);
/* Returns an exit code. */
int cmd_status_show(struct cmd_call *call, struct api *api, const char *workload, struct err *err);

#endif
