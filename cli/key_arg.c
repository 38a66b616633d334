/* SPDX-License-Identifier: Apache-2.0 */
/* Recipients from the command line. */
#include "cli/key_arg.h"

#include "base/banned.h"

int key_arg_recipients(const struct cmd_call *call, struct age_keys *ret, struct err *err)
{
    const char *text;
    int r = 0;

    *ret = (struct age_keys){0};
    for (size_t i = 0; r == 0 && (text = opt_text_at(call->opts, "recipient", i)); i++)
        r = age_add_recipient(ret, text, err);
    if (r < 0)
        return err_add(err, r, "--recipient");
    return ret->n > 0 ? escrow_check(ret, err) : 0;
}
