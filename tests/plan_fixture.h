/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of plans share: inputs of a few words, and the plan of one. */
#ifndef GODWIT_TESTS_PLAN_FIXTURE_H
#define GODWIT_TESTS_PLAN_FIXTURE_H

#include "base/js.h"
#include "base/text.h"
#include "planner/engine/plan.h"
#include "tests/unit.h"

#define INPUT(workloads) INPUT_WITH("", workloads)
#define INPUT_WITH(more, workloads)                                                                \
    "{\"schema\":\"godwit.plan-input/"                                                             \
    "1\",\"now\":\"2026-12-01T00:00:00Z\",\"link_bytes_per_s\":125000000," more                    \
    "\"workloads\":[" workloads "]}"
#define WORKLOAD(name, depends, gib, rate)                                                         \
    "{\"workload\":\"" name "\",\"hosts\":[\"h\"],\"depends\":[" depends                           \
    "],\"volumes\":[{\"volume\":\"d\","                                                            \
    "\"size_bytes\":" gib "000000000,\"write_bytes_per_s\":" rate "}]}"

#define PLANNED(name, depends, gib, wave)                                                          \
    "{\"workload\":\"" name "\",\"hosts\":[\"h\"],\"depends\":[" depends                           \
    "],\"planned_wave\":" wave ",\"volumes\":[{\"volume\":\"d\",\"size_bytes\":" gib               \
    "000000000,\"write_bytes_per_s\":0}]}"

#define FREEZE                                                                                     \
    "\"calendars\":[{\"name\":\"freeze\",\"kind\":\"blackout\",\"calendar\":\"BEGIN:"              \
    "VCALENDAR\\r\\nVERSION:2.0\\r\\n"                                                             \
    "PRODID:t\\r\\nBEGIN:VEVENT\\r\\nUID:1\\r\\nDTSTART:20261201T000000Z\\r\\nDTEND:"              \
    "20261210T000000Z\\r\\n"                                                                       \
    "END:VEVENT\\r\\nEND:VCALENDAR\\r\\n\"}],"

static inline struct js *parse(const char *text)
{
    struct js *doc = NULL;
    struct err err = {0};

    if (js_parse(slice_str(text), 0, &doc, &err) < 0)
        fail_msg("%s", err.text);
    return doc;
}

static inline struct js *plan(const char *input, const char *policy)
{
    auto_js struct js *in = parse(input);
    auto_js struct js *pol = policy ? parse(policy) : NULL;
    struct js *out = NULL;
    struct err err = {0};

    if (plan_compute(in, pol, &out, &err) < 0)
        fail_msg("%s", err.text);
    return out;
}

/* "1" of the wave that name is in, or "". */
static inline const char *wave_of(const struct js *doc, const char *name)
{
    const struct js *waves = js_member(doc, "waves");

    for (size_t i = 0; i < js_len(waves); i++) {
        const struct js *members = js_member(js_at(waves, i), "workloads");

        for (size_t j = 0; j < js_len(members); j++) {
            if (text_equal(js_str(js_at(members, j), "workload", ""), name))
                return js_str(js_at(waves, i), "wave", "");
        }
    }
    return "";
}

#endif
