/* SPDX-License-Identifier: Apache-2.0 */
/* A plan read again: what it says of one workload, whether it would come out the same now, and the
 * input of one that is to keep to it. */
#include "planner/engine/plan_model.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/plan_names.h"

#include <stdio.h>

#include "base/banned.h"

int plan_explain(const struct js *plan, const char *workload, struct js **ret, struct err *err)
{
    /* What only a planner knows of a plan, and what the wave has in common. */
    static const char *const from_plan[] = {"state", "stale_because", "created_at", "applied_at"};
    static const char *const from_wave[] = {"wave",         "seed_from",     "seed_until",
                                            "cutover_from", "cutover_until", "risk"};
    auto_plan_names struct plan_names names = {0};
    auto_jsw struct jsw *w = NULL;
    const struct plan_named *found;
    int r = plan_names_load(plan, &names, err);

    if (r < 0)
        return r;
    found = plan_names_find(&names, workload);
    if (!found)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "plan %s does not name '%s'",
                          js_str(plan, "id", ""), workload);
    r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.plan-explain/1");
    jsw_str(w, "generated_at", js_str(plan, "generated_at", NULL));
    jsw_str(w, "plan", js_str(plan, "id", NULL));
    for (size_t i = 0; i < ARRAY_LEN(from_plan); i++)
        jsw_str(w, from_plan[i], js_str(plan, from_plan[i], NULL));
    for (size_t i = 0; i < ARRAY_LEN(from_wave); i++)
        jsw_str(w, from_wave[i], found->wave ? js_str(found->wave, from_wave[i], NULL) : NULL);
    jsw_js(w, "warnings", found->wave ? js_member(found->wave, "warnings") : NULL);
    jsw_js(w, "subject", found->doc);
    jsw_end(w);
    return jsw_take(w, ret, err);
}

static uint64_t sum(const struct js *workload, const char *key)
{
    const struct js *volumes = js_member(workload, "volumes");
    uint64_t total = 0;

    for (size_t i = 0; i < js_len(volumes); i++)
        total += js_u64(js_at(volumes, i), key, 0);
    return total;
}

/* Rates are noisy: half as much again, and a mebibyte, is still the same load. */
static bool rate_changed(uint64_t planned, uint64_t now)
{
    return now > planned + planned / 2 + (1 << 20);
}

static int say_stale(char **ret, struct err *err, const char *workload, const char *what)
{
    if (asprintf(ret, "%s%s%s", workload, workload[0] ? " " : "", what) < 0)
        return err_set(err, -ENOMEM, "comparing a plan: %m");
    return 0;
}

static bool is_unseen(const struct js *planned)
{
    return text_equal(js_str(js_at(js_member(planned, "why"), 0), "rule", NULL),
                      plan_rule_name(RULE_UNSEEN));
}

static int compare_workload(const struct plan_names *names, const struct js *now, char **ret_why,
                            struct err *err)
{
    const char *name = js_str(now, "workload", "");
    const struct plan_named *found = plan_names_find(names, name);
    const struct js *planned = found ? found->doc : NULL;
    uint64_t bytes = sum(now, "size_bytes");

    if (js_bool(now, "moved", false))
        return 0;
    if (!planned)
        return say_stale(ret_why, err, name, "is new");
    if (!found->wave && !js_str(now, "unseen", NULL) && is_unseen(planned))
        return say_stale(ret_why, err, name, "was not seen yet");
    if (bytes > js_u64(planned, "bytes", 0) + js_u64(planned, "bytes", 0) / 100)
        return say_stale(ret_why, err, name, "has grown");
    if (rate_changed(js_u64(planned, "write_bytes_per_s", 0), sum(now, "write_bytes_per_s")))
        return say_stale(ret_why, err, name, "writes more than it did");
    if (js_len(js_member(planned, "depends")) != js_len(js_member(now, "depends")))
        return say_stale(ret_why, err, name, "depends on others than it did");
    return 0;
}

int plan_stale(const struct js *plan, const struct js *input, char **ret_why, struct err *err)
{
    auto_plan_names struct plan_names planned = {0}, now = {0};
    const struct js *workloads = js_member(input, "workloads");
    char calendars[PLAN_HASH_MAX];
    int r = plan_calendars_hash(input, calendars, err);

    *ret_why = NULL;
    if (r == 0)
        r = plan_names_load(plan, &planned, err);
    if (r == 0)
        r = plan_names_load(input, &now, err);
    if (r < 0)
        return r;
    if (!text_equal(calendars, js_str(plan, "calendars_hash", "")))
        return say_stale(ret_why, err, "", "windows or blackouts have changed");
    for (size_t i = 0; r == 0 && !*ret_why && i < js_len(workloads); i++)
        r = compare_workload(&planned, js_at(workloads, i), ret_why, err);
    for (size_t i = 0; r == 0 && !*ret_why && i < planned.n; i++) {
        if (planned.rows[i].wave && !plan_names_find(&now, planned.rows[i].name))
            r = say_stale(ret_why, err, planned.rows[i].name, "is gone");
    }
    return r;
}

/* -- a plan that is to be kept -------------------------------------------------------- */

static int copy_member(void *arg, const char *key, const struct js *value)
{
    if (!text_equal(key, "planned_wave") && !text_equal(key, "workloads"))
        jsw_js(arg, key, value);
    return 0;
}

static void write_planned(struct jsw *w, const struct plan_names *names, const struct js *workload)
{
    const struct plan_named *found = plan_names_find(names, js_str(workload, "workload", ""));
    uint64_t wave = 0;

    jsw_obj(w, NULL);
    (void)js_each(workload, copy_member, w);
    /* A wave is a name in a plan: "3". */
    if (found && found->wave &&
        num_parse_u64(js_str(found->wave, "wave", ""), 1, PLAN_WAVES_MAX, &wave, NULL) == 0)
        jsw_u64(w, "planned_wave", wave);
    jsw_end(w);
}

int plan_rebase(const struct js *input, const struct js *plan, struct js **ret, struct err *err)
{
    auto_plan_names struct plan_names names = {0};
    auto_jsw struct jsw *w = NULL;
    const struct js *workloads = js_member(input, "workloads");
    int r = js_check_schema(plan, "godwit.plan/1", err);

    if (r == 0)
        r = plan_names_load(plan, &names, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    (void)js_each(input, copy_member, w);
    jsw_arr(w, "workloads");
    for (size_t i = 0; i < js_len(workloads); i++)
        write_planned(w, &names, js_at(workloads, i));
    jsw_end(w);
    jsw_end(w);
    return jsw_take(w, ret, err);
}
