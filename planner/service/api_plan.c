/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of plans. */
#include "planner/service/api.h"

#include "base/banned.h"

static void none(struct api_call *call)
{
    struct err err = {0};

    err_set_gw(&err, GW_PLAN_IMPOSSIBLE, -EOPNOTSUPP, "no plans yet");
    api_fail(call, &err);
}

void api_plan_input(struct api_call *call)
{
    none(call);
}
void api_plan_list(struct api_call *call)
{
    none(call);
}
void api_plan_create(struct api_call *call)
{
    none(call);
}
void api_plan_show(struct api_call *call)
{
    none(call);
}
void api_plan_apply(struct api_call *call)
{
    none(call);
}
