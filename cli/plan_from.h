/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan is made from, with no planner: its own input, or lists of machines. */
#ifndef GODWIT_CLI_PLAN_FROM_H
#define GODWIT_CLI_PLAN_FROM_H

#include "cli/estate_arg.h"

struct js;

#define PLAN_FROM_OPTIONS                                                                          \
    ESTATE_ARG_OPTION,                                                                             \
        {"now", 0, OPT_TEXT, "TIME", NULL, 0, 0, NULL, "with lists: when the plan begins (now)"},  \
        {"window",   0,    OPT_TEXT,                                                               \
         "FILE.ics", NULL, 0,                                                                      \
         0,          NULL, "with --from: only then a cutover may be; again for more"},             \
        {"cost", 0,    OPT_TEXT,                                                                   \
         "FILE", NULL, 0,                                                                          \
         0,      NULL, "with --from: a godwit.cost/1 document; what saves most moves first"},      \
    {                                                                                              \
        "blackout", 0, OPT_TEXT, "FILE.ics", NULL, 0, 0, NULL,                                     \
            "with --from: then no cutover may be; again for more"                                  \
    }

/* The godwit.plan-input/1 of --from, with --link in the place of its own. */
int plan_from(struct cmd_call *call, struct estate_arg_told *told, struct js **ret,
              struct err *err);

#endif
