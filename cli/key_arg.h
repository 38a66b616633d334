/* SPDX-License-Identifier: Apache-2.0 */
/* --recipient age1…, as often as there are people, for the verbs that keep a vault's key. */
#ifndef GODWIT_CLI_KEY_ARG_H
#define GODWIT_CLI_KEY_ARG_H

#include "cli/cmd.h"
#include "transport/escrow.h"

#define KEY_ARG_RECIPIENT                                                                          \
    {                                                                                              \
        "recipient", 0, OPT_TEXT, "AGE", NULL, 0, 0, NULL,                                         \
            "keep the vault's key in the vault for this recipient of age; two at least"            \
    }

/* All of them; none is no error here. -EINVAL (GW_BAD_VALUE): one is wrong, or alone. */
int key_arg_recipients(const struct cmd_call *call, struct age_keys *ret, struct err *err);

#endif
