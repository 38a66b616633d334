/* SPDX-License-Identifier: Apache-2.0 */
/* A plan read again: what it says of one workload, and whether it would come out the same now. */
#include "planner/engine/plan_model.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/jsw.h"
#include "base/text.h"

#include <stdio.h>

#include "base/banned.h"

static const struct js *find_in(const struct js *list, const char *workload)
{
    for (size_t i = 0; i < js_len(list); i++) {
        if (text_equal(js_str(js_at(list, i), "workload", NULL), workload))
            return js_at(list, i);
    }
    return NULL;
}

/* *ret_wave NULL: it is among the unplaced. */
static const struct js *find_planned(const struct js *plan, const char *workload,
                                     const struct js **ret_wave)
{
    const struct js *waves = js_member(plan, "waves");

    for (size_t i = 0; i < js_len(waves); i++) {
        const struct js *found = find_in(js_member(js_at(waves, i), "workloads"), workload);

        if (found) {
            *ret_wave = js_at(waves, i);
            return found;
        }
    }
    *ret_wave = NULL;
    return find_in(js_member(plan, "unplaced"), workload);
}

int plan_explain(const struct js *plan, const char *workload, struct js **ret, struct err *err)
{
    static const char *const from_wave[] = {"wave",         "seed_from",     "seed_until",
                                            "cutover_from", "cutover_until", "risk"};
    auto_jsw struct jsw *w = NULL;
    const struct js *wave, *found = find_planned(plan, workload, &wave);
    int r;

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
    for (size_t i = 0; i < ARRAY_LEN(from_wave); i++)
        jsw_str(w, from_wave[i], wave ? js_str(wave, from_wave[i], NULL) : NULL);
    jsw_js(w, "subject", found);
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

static int compare_workload(const struct js *plan, const struct js *now, char **ret_why,
                            struct err *err)
{
    const char *name = js_str(now, "workload", "");
    const struct js *wave, *planned = find_planned(plan, name, &wave);
    uint64_t bytes = sum(now, "size_bytes");

    if (js_bool(now, "moved", false))
        return 0;
    if (!planned)
        return say_stale(ret_why, err, name, "is new");
    if (!wave && !js_str(now, "unseen", NULL) && is_unseen(planned))
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
    const struct js *workloads = js_member(input, "workloads"), *waves = js_member(plan, "waves");
    char calendars[PLAN_HASH_MAX];
    int r = plan_calendars_hash(input, calendars, err);

    *ret_why = NULL;
    if (r < 0)
        return r;
    if (!text_equal(calendars, js_str(plan, "calendars_hash", "")))
        return say_stale(ret_why, err, "", "windows or blackouts have changed");
    for (size_t i = 0; r == 0 && !*ret_why && i < js_len(workloads); i++)
        r = compare_workload(plan, js_at(workloads, i), ret_why, err);
    for (size_t i = 0; r == 0 && !*ret_why && i < js_len(waves); i++) {
        const struct js *planned = js_member(js_at(waves, i), "workloads");

        for (size_t j = 0; r == 0 && !*ret_why && j < js_len(planned); j++) {
            const char *name = js_str(js_at(planned, j), "workload", "");

            if (!find_in(workloads, name))
                r = say_stale(ret_why, err, name, "is gone");
        }
    }
    return r;
}
