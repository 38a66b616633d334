/* SPDX-License-Identifier: Apache-2.0 */
/* Help, made from the tables: overview, one verb, versions. */
#ifndef GODWIT_CLI_HELP_H
#define GODWIT_CLI_HELP_H

#include "cli/cmd.h"

/* The verbs of a noun. */
int help_noun(const char *noun);
int help_overview(struct cmd_call *call, struct err *err);
int help_verb(struct cmd_call *call, struct err *err); /* examples first */
int help_version(struct cmd_call *call, struct err *err);

#endif
