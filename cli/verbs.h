/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the rows of verbs.c; each family has a file cmd_x.c. */
#ifndef GODWIT_CLI_VERBS_H
#define GODWIT_CLI_VERBS_H

#include "cli/cmd.h"

const struct cmd *verbs_rows(size_t *ret_n);

int cmd_explain(struct cmd_call *call, struct err *err);
int cmd_help(struct cmd_call *call, struct err *err);
int cmd_host_ls(struct cmd_call *call, struct err *err);

#endif
