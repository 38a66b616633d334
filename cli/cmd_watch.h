/* SPDX-License-Identifier: Apache-2.0 */
/* -w: the same document again and again, repainted on a terminal, else a full record a change. */
#ifndef GODWIT_CLI_CMD_WATCH_H
#define GODWIT_CLI_CMD_WATCH_H

#include "cli/api.h"
#include "cli/cmd.h"
#include "cli/out.h"

typedef int (*cmd_fetch_fn)(struct cmd_call *call, struct api *api, void *arg, struct js **ret,
                            struct err *err);

/* Until Ctrl-C (exit 0). A planner that does not answer is said, and tried again. */
int cmd_watch(struct cmd_call *call, struct api *api, cmd_fetch_fn fetch, void *arg,
              out_view_fn view, struct err *err);

#endif
