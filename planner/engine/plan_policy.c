/* SPDX-License-Identifier: Apache-2.0 */
/* A policy, read strictly: a limit that is misspelt would be no limit. */
#include "planner/engine/plan_model.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include <stddef.h>

#include "base/banned.h"

enum { PLAN_HORIZON_MAX_DAYS = 3660 };

enum policy_kind { POLICY_COUNT, POLICY_NUMBER, POLICY_SWITCH };

static const struct policy_row {
    const char *key;
    enum policy_kind kind;
    double min, max;
    size_t at;
} policy_rows[] = {
    {"link_share", POLICY_NUMBER, 1e-6, 1, offsetof(struct plan_policy, link_share)},
    {"traffic_cost_per_gib", POLICY_NUMBER, 0, 1e6,
     offsetof(struct plan_policy, traffic_cost_per_gib)},
    {"max_hosts_per_wave", POLICY_COUNT, 1, 1e9, offsetof(struct plan_policy, max_hosts)},
    {"max_workloads_per_wave", POLICY_COUNT, 1, 1e9, offsetof(struct plan_policy, max_workloads)},
    {"max_bytes_per_wave", POLICY_COUNT, 0, 1e18, offsetof(struct plan_policy, max_bytes)},
    {"soak_s", POLICY_COUNT, 0, PLAN_HORIZON_MAX_DAYS * 86400.0,
     offsetof(struct plan_policy, soak_s)},
    {"cutover_s", POLICY_COUNT, 1, PLAN_HORIZON_MAX_DAYS * 86400.0,
     offsetof(struct plan_policy, cutover_s)},
    {"horizon_days", POLICY_COUNT, 1, PLAN_HORIZON_MAX_DAYS,
     offsetof(struct plan_policy, horizon_days)},
    {"dual_run_days", POLICY_COUNT, 1, PLAN_HORIZON_MAX_DAYS,
     offsetof(struct plan_policy, dual_run_days)},
    {"pilot", POLICY_SWITCH, 0, 1, offsetof(struct plan_policy, pilot)},
};

struct policy_reading {
    const struct js *doc;
    struct plan_policy *p;
    struct err *err;
};

static int read_member(void *arg, const char *key, const struct js *v)
{
    const struct policy_reading *in = arg;
    const struct policy_row *row = policy_rows;
    const struct policy_row *end = policy_rows + ARRAY_LEN(policy_rows);
    void *to;
    double value;

    if (text_equal(key, "schema"))
        return 0;
    while (row < end && !text_equal(row->key, key))
        row++;
    if (row == end)
        return err_set_gw(in->err, GW_BAD_DOCUMENT, -EINVAL,
                          "policy: there is no member '%.64s' (docs/planner.md has them)", key);
    to = (char *)in->p + row->at;
    if (row->kind == POLICY_SWITCH) {
        if (js_kind(v) != JS_BOOL)
            return err_set_gw(in->err, GW_BAD_VALUE, -ERANGE, "policy: %s must be true or false",
                              key);
        *(bool *)to = js_bool(in->doc, key, true);
        return 0;
    }
    value = js_as_f64(v, -1);
    if ((row->kind == POLICY_COUNT && js_kind(v) != JS_INT) || !(value >= row->min) ||
        value > row->max)
        return err_set_gw(in->err, GW_BAD_VALUE, -ERANGE, "policy: %s must be %s from %g to %.16g",
                          key, row->kind == POLICY_COUNT ? "a whole number" : "a number", row->min,
                          row->max);
    if (row->kind == POLICY_COUNT)
        *(uint64_t *)to = js_as_u64(v, 0);
    else
        *(double *)to = value;
    return 0;
}

int plan_policy_read(const struct js *doc, struct plan_policy *ret, struct err *err)
{
    struct policy_reading in = {doc, ret, err};
    int r = 0;

    *ret = (struct plan_policy){.link_share = 0.8,
                                .traffic_cost_per_gib = 0.1,
                                .max_hosts = 10,
                                .max_workloads = 20,
                                .soak_s = 86400,
                                .cutover_s = 3600,
                                .horizon_days = 365,
                                .dual_run_days = 14,
                                .pilot = true};
    if (js_kind(doc) == JS_NULL)
        return 0;
    if (js_kind(doc) != JS_OBJ || js_member(doc, "schema"))
        r = js_check_schema(doc, "godwit.policy/1", err);
    return r < 0 ? r : js_each(doc, read_member, &in);
}
