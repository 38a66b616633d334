/* SPDX-License-Identifier: Apache-2.0 */
/* A godwit.estate/1 document from a file or standard input. */
#include "cli/estate_arg.h"

#include "cli/slurp.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_doc.h"

#include "base/banned.h"

int estate_arg_read(const struct cmd_call *call, struct estate **ret, struct err *err)
{
    const char *from = opt_text(call->opts, "from");
    auto_js struct js *doc = NULL;
    auto_estate struct estate *e = NULL;
    int r;

    if (!from)
        return err_set_gw(err, GW_USAGE, -EINVAL, "of which fleet? --from FILE");
    r = slurp_js(from, ESTATE_BYTES_MAX, &doc, err);
    if (r == 0)
        r = estate_new(&e, err);
    if (r == 0)
        r = estate_read(doc, e, err);
    if (r == 0)
        r = estate_settle(e, err);
    if (r < 0)
        return r;
    *ret = TAKE(e);
    return 0;
}
