/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of a store have in common: opening it, and showing a retention policy. */
#ifndef GODWIT_CLI_STORE_ARG_H
#define GODWIT_CLI_STORE_ARG_H

#include "base/jsw.h"
#include "cli/replica_arg.h"

struct care_policy;

/* Open the vault that the first argument names, and begin the document. arg is the caller's, and
 * done with after vault_close. */
int store_arg_begin(struct cmd_call *call, const char *schema, struct replica_arg *arg,
                    struct vault **ret_vault, struct jsw **ret, struct err *err);

/* Members "policy" (NULL: null) and "policy_text" into the open object. */
void store_arg_write_policy(struct jsw *w, const struct care_policy *p);

#endif
