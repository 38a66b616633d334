/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind the rows of verbs.c; each family has a file cmd_x.c. */
#ifndef GODWIT_CLI_VERBS_H
#define GODWIT_CLI_VERBS_H

#include "cli/cmd.h"

const struct cmd *verbs_rows(size_t *ret_n);

int cmd_explain(struct cmd_call *call, struct err *err);
int cmd_help(struct cmd_call *call, struct err *err);
extern const struct opt cmd_status_opts[], cmd_switch_opts[];
int cmd_status(struct cmd_call *call, struct err *err);
int cmd_test(struct cmd_call *call, struct err *err);
int cmd_cutover(struct cmd_call *call, struct err *err);
int cmd_rollback(struct cmd_call *call, struct err *err);
int cmd_finalize(struct cmd_call *call, struct err *err);
int cmd_host_ls(struct cmd_call *call, struct err *err);

extern const struct opt cmd_replica_push_opts[], cmd_replica_pull_opts[], cmd_replica_digest_opts[],
    cmd_replica_look_opts[], cmd_replica_verify_opts[];
int cmd_replica_push(struct cmd_call *call, struct err *err);
int cmd_replica_pull(struct cmd_call *call, struct err *err);
int cmd_replica_ls(struct cmd_call *call, struct err *err);
int cmd_replica_show(struct cmd_call *call, struct err *err);
int cmd_replica_verify(struct cmd_call *call, struct err *err);
int cmd_replica_digest(struct cmd_call *call, struct err *err);

#endif
