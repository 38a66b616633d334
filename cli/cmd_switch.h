/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the planner for a switch, for the verbs and for the demo. */
#ifndef GODWIT_CLI_CMD_SWITCH_H
#define GODWIT_CLI_CMD_SWITCH_H

#include "cli/api.h"
#include "cli/cmd.h"

struct cmd_switch_request {
    const char *verb; /* of the route too: cutover, rollback, finalize, test */
    const char *workload;
    bool severe;  /* confirmed already: the planner wants to hear it too */
    bool dry_run; /* the answer is a godwit.gate/1 then, else a godwit.op/1 */
    uint64_t max_lag_ms, max_downtime_ms; /* 0 = the workload's own limits */
};

int cmd_switch_ask(struct cmd_call *call, struct api *api, const struct cmd_switch_request *req,
                   struct js **ret, struct err *err);

#endif
