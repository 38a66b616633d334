/* SPDX-License-Identifier: Apache-2.0 */
/* --from FILE: a fleet from a file, settled. */
#ifndef GODWIT_CLI_ESTATE_ARG_H
#define GODWIT_CLI_ESTATE_ARG_H

#include "cli/cmd.h"

struct estate;

#define ESTATE_ARG_OPTION                                                                          \
    {                                                                                              \
        "from", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "the fleet: a godwit.estate/1 document"     \
    }

/* -EINVAL (GW_USAGE): no --from. */
int estate_arg_read(const struct cmd_call *call, struct estate **ret, struct err *err);

#endif
