/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store for its verbs. */
#include "cli/store_arg.h"

#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/progress.h"
#include "transport/care_log.h"

#include <inttypes.h>

#include "base/banned.h"

int store_arg_begin(struct cmd_call *call, const char *schema, struct replica_arg *arg,
                    struct vault **ret_vault, struct jsw **ret, struct err *err)
{
    auto_vault struct vault *vault = NULL;
    int r = replica_arg_parse(cmd_arg(call, 0), false, arg, err);

    if (r == 0)
        r = replica_arg_open(call, arg, false, progress_interrupts(), &vault, err);
    if (r == 0)
        r = jsw_new(ret, err);
    if (r < 0)
        return r;
    jsw_document(*ret, schema, clock_wall_ms(call->clock));
    *ret_vault = TAKE(vault);
    return 0;
}

void store_arg_write_policy(struct jsw *w, const struct care_policy *p)
{
    char text[160] = "every point";
    char within[NUM_TEXT_MAX];

    if (!p) {
        jsw_null(w, "policy");
        jsw_str(w, "policy_text", text);
        return;
    }
    jsw_obj(w, "policy");
    jsw_u64(w, "last", p->last);
    jsw_u64(w, "hourly", p->hourly);
    jsw_u64(w, "daily", p->daily);
    jsw_u64(w, "weekly", p->weekly);
    jsw_f64(w, "within", (double)p->within_ms / 1000);
    jsw_end(w);
    text_print(text, sizeof(text),
               "last %" PRIu64 ", hourly %" PRIu64 ", daily %" PRIu64 ", weekly %" PRIu64
               ", within %s",
               p->last, p->hourly, p->daily, p->weekly, num_format_duration(p->within_ms, within));
    jsw_str(w, "policy_text", text);
}
