/* SPDX-License-Identifier: Apache-2.0 */
/* A godwit.plan-input/1 is taken as it is; anything else becomes a fleet, its groups workloads. */
#include "cli/plan_from.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/jsw.h"
#include "base/text.h"
#include "cli/fleet.h"
#include "cli/slurp.h"
#include "planner/engine/cost_savings.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_group.h"
#include "planner/engine/estate_plan.h"
#include "planner/engine/import.h"

#include <sys/stat.h>

#include "base/banned.h"

enum { CALENDAR_MAX = 4 << 20, COST_MAX = 256 << 20 };

static const char input_schema[] = "godwit.plan-input/1";

/* -- the input ----------------------------------------------------------------------------------
 */

/* One file that may be an input of a plan, read once: standard input cannot be read again. */
static int read_one(const struct estate_arg_spec *spec, struct estate *e,
                    struct estate_arg_told *told, struct js **ret, struct err *err)
{
    auto_buf struct buf bytes = {.max = IMPORT_BYTES_MAX};
    const char *path = opt_text(spec->call->opts, "from");
    auto_js struct js *doc = NULL;
    struct stat st;
    int r;

    if (text_equal(path, FLEET_PLANNER) ||
        (!text_equal(path, "-") && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return estate_arg_file(spec, path, e, told, err);
    r = slurp(path, IMPORT_BYTES_MAX, &bytes, err);
    if (r < 0)
        return r;
    if (!spec->format && bytes.len > 0 && bytes.data[0] == '{' &&
        js_parse(buf_slice(&bytes), IMPORT_BYTES_MAX, &doc, NULL) == 0 &&
        text_equal(js_str(doc, "schema", NULL), input_schema)) {
        *ret = TAKE(doc);
        return 0;
    }
    return estate_arg_bytes(spec, path, buf_slice(&bytes), e, told, err);
}

static int begin_at(const struct cmd_call *call, uint64_t *ret_ms, struct err *err)
{
    const char *now = opt_text(call->opts, "now");
    int r = 0;

    *ret_ms = clock_wall_ms(call->clock);
    if (now)
        r = text_parse_time(now, ret_ms, err);
    return r < 0 ? err_set_gw(err, GW_BAD_VALUE, -EINVAL, "--now '%s' is no time", now) : 0;
}

static int input_of(const struct cmd_call *call, const struct estate *e, struct js **ret,
                    struct err *err)
{
    auto_estate_groups struct estate_groups groups = {0};
    const struct estate_group_policy policy = {0};
    uint64_t now_ms;
    int r = begin_at(call, &now_ms, err);

    if (r == 0)
        r = estate_group(e, &policy, &groups, err);
    return r < 0 ? r : estate_plan_input(e, &groups, now_ms, ret, err);
}

static int read_input(struct cmd_call *call, struct estate_arg_told *told, struct js **ret,
                      struct err *err)
{
    struct estate_arg_spec spec = {.format = opt_text(call->opts, "format"), .call = call};
    auto_estate struct estate *e = NULL;
    auto_js struct js *doc = NULL;
    int r = 0;

    if (opt_text_at(call->opts, "from", 1)) {
        r = estate_arg_take(call, told, &e, err);
    } else {
        r = estate_new(&e, err);
        if (r == 0)
            r = read_one(&spec, e, told, &doc, err);
        if (r == 0 && !doc)
            r = estate_arg_settle(&spec, e, told, err);
    }
    if (r == 0 && !doc)
        r = input_of(call, e, &doc, err);
    if (r == 0)
        *ret = TAKE(doc);
    return r;
}

/* --cost: with what each workload saves. */
static int with_savings(const struct cmd_call *call, struct js **input, struct err *err)
{
    const char *file = opt_text(call->opts, "cost");
    auto_js struct js *cost = NULL;
    struct js *saving = NULL;
    int r = file ? slurp_js(file, COST_MAX, &cost, err) : 0;

    if (r < 0 || !file)
        return r;
    r = cost_savings(*input, cost, &saving, err);
    if (r < 0)
        return r;
    js_free(*input);
    *input = saving;
    return 0;
}

/* -- what flags add to it -----------------------------------------------------------------------
 */

static int write_calendars(const struct cmd_call *call, const char *kind, struct jsw *w,
                           struct err *err)
{
    const char *path;

    for (size_t i = 0; (path = opt_text_at(call->opts, kind, i)); i++) {
        const char *slash = strrchr(path, '/');
        auto_buf struct buf text = {0};
        int r = slurp(path, CALENDAR_MAX, &text, err);

        if (r < 0)
            return r;
        jsw_obj(w, NULL);
        jsw_str(w, "name", slash ? slash + 1 : path);
        jsw_str(w, "kind", kind);
        jsw_str(w, "calendar", buf_cstr(&text));
        jsw_end(w);
    }
    return 0;
}

/* Every member but those that flags have a say in. */
static int copy(void *arg, const char *key, const struct js *value)
{
    if (!text_equal(key, "link_bytes_per_s") && !text_equal(key, "calendars"))
        jsw_js(arg, key, value);
    return 0;
}

int plan_from(struct cmd_call *call, struct estate_arg_told *told, struct js **ret, struct err *err)
{
    const uint64_t link = opt_u64(call->opts, "link");
    auto_js struct js *input = NULL;
    auto_jsw struct jsw *w = NULL;
    const struct js *calendars;
    int r = read_input(call, told, &input, err);

    if (r == 0)
        r = with_savings(call, &input, err);
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    calendars = js_member(input, "calendars");
    jsw_obj(w, NULL);
    (void)js_each(input, copy, w);
    if (link || js_kind(js_member(input, "link_bytes_per_s")) == JS_NULL)
        jsw_u64(w, "link_bytes_per_s", link);
    else
        jsw_js(w, "link_bytes_per_s", js_member(input, "link_bytes_per_s"));
    jsw_arr(w, "calendars");
    for (size_t i = 0; i < js_len(calendars); i++)
        jsw_js(w, NULL, js_at(calendars, i));
    r = write_calendars(call, "window", w, err);
    if (r == 0)
        r = write_calendars(call, "blackout", w, err);
    jsw_end(w);
    jsw_end(w);
    return r < 0 ? r : jsw_take(w, ret, err);
}
