/* SPDX-License-Identifier: Apache-2.0 */
/* Flags to files to cost_compute. */
#include "cli/cost_arg.h"

#include "base/clock.h"
#include "base/text.h"
#include "cli/slurp.h"
#include "planner/engine/cost.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_grouped.h"

#include "base/banned.h"

enum { RATES_MAX = 1 << 20, PLAN_MAX = 64 << 20 };

int cost_arg_fleet(struct cmd_call *call, struct estate_arg_told *told, struct estate **ret,
                   struct err *err)
{
    auto_estate struct estate *e = NULL;
    int r = estate_arg_take(call, told, &e, err);

    if (r == 0)
        r = estate_grouped(e, err);
    if (r < 0)
        return r;
    *ret = TAKE(e);
    return 0;
}

int cost_arg_rates(const struct cmd_call *call, struct cost_rates *ret, struct err *err)
{
    const char *file = opt_text(call->opts, "rates");
    auto_js struct js *doc = NULL;
    int r = file ? slurp_js(file, RATES_MAX, &doc, err) : 0;

    return r < 0 ? r : cost_rates_read(doc, ret, err);
}

/* "2027-01", or the month that it is. */
int cost_arg_start(const struct cmd_call *call, unsigned *ret, struct err *err)
{
    const char *text = opt_text(call->opts, "start");
    char now[TEXT_TIME_MAX], whole[TEXT_TIME_MAX];
    uint64_t ms;

    if (!text) {
        text_time(clock_wall_ms(call->clock), now);
        now[7] = '\0';
        text = now;
    }
    if (strlen(text) != 7 || text_print(whole, sizeof(whole), "%s-01T00:00:00Z", text) < 0 ||
        text_parse_time(whole, &ms, NULL) < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "'%s' is no month (2027-01)", text);
    *ret = (unsigned)((text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 +
                      (text[3] - '0')) *
               12 +
           (unsigned)((text[5] - '0') * 10 + (text[6] - '0')) - 1;
    return 0;
}

int cost_arg_compute(const struct cmd_call *call, const struct estate *estate, struct js **ret,
                     struct err *err)
{
    const char *plan_file = opt_text(call->opts, "plan");
    auto_catalogue struct catalogue catalogue = {0};
    auto_js struct js *plan = NULL;
    struct cost_rates rates;
    struct cost_spec spec = {.estate = estate, .catalogue = &catalogue, .rates = &rates};
    int r = catalog_arg_flag(call, &catalogue, err);

    if (r == 0)
        r = cost_arg_rates(call, &rates, err);
    if (r == 0)
        r = cost_arg_start(call, &spec.start_month, err);
    if (r == 0 && plan_file)
        r = slurp_js(plan_file, PLAN_MAX, &plan, err);
    spec.plan = plan;
    return r < 0 ? r : cost_compute(&spec, ret, err);
}
