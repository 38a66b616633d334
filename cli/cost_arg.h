/* SPDX-License-Identifier: Apache-2.0 */
/* What a bill is made from, as flags: the fleet, price lists, rates, when things move. */
#ifndef GODWIT_CLI_COST_ARG_H
#define GODWIT_CLI_COST_ARG_H

#include "cli/catalog_arg.h"
#include "cli/estate_arg.h"
#include "planner/engine/cost_rates.h"

struct js;

#define COST_ARG_RATES_OPTION                                                                      \
    {                                                                                              \
        "rates", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL,                                            \
            "a godwit.rates/1 document over the defaults"                                          \
    }
#define COST_ARG_START_OPTION                                                                      \
    {                                                                                              \
        "start", 0, OPT_TEXT, "MONTH", NULL, 0, 0, NULL, "the first month: 2027-01 (this month)"   \
    }
#define COST_ARG_OPTIONS                                                                           \
    ESTATE_ARG_OPTION, CATALOG_ARG_OPTION, CATALOG_ARG_OPTIONS, COST_ARG_RATES_OPTION,             \
        {"plan", 0,    OPT_TEXT,                                                                   \
         "FILE", NULL, 0,                                                                          \
         0,      NULL, "a godwit.plan/1 document: when workloads move"},                           \
        COST_ARG_START_OPTION

/* The fleet of --from (estate_arg_take), every host with a workload: those that a plan moves. */
int cost_arg_fleet(struct cmd_call *call, struct estate_arg_told *told, struct estate **ret,
                   struct err *err);
/* --start as year * 12 + month - 1. */
int cost_arg_start(const struct cmd_call *call, unsigned *ret, struct err *err);
/* --rates over the defaults. */
int cost_arg_rates(const struct cmd_call *call, struct cost_rates *ret, struct err *err);
/* The godwit.cost/1 document of those flags, for a fleet of cost_arg_fleet. */
int cost_arg_compute(const struct cmd_call *call, const struct estate *estate, struct js **ret,
                     struct err *err);

#endif
