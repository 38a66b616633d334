/* SPDX-License-Identifier: Apache-2.0 */
/* A plan, from the input to the document: read, assign, optimise, put on the calendar, write. */
#include "planner/engine/plan_model.h"

#include "base/err.h"

#include <stdlib.h>

#include "base/banned.h"

int plan_compute(const struct js *input, const struct js *policy, struct js **ret, struct err *err)
{
    struct plan_model *m = calloc(1, sizeof(*m));
    int r;

    if (!m)
        return err_set(err, -ENOMEM, "a plan: %m");
    r = plan_read(input, policy, m, err);
    if (r == 0) {
        plan_wave_assign(m);
        r = plan_optimise(m, err);
    }
    if (r == 0) {
        plan_time_assign(m);
        r = plan_write(m, input, ret, err);
    }
    plan_model_done(m);
    free(m);
    return r;
}
