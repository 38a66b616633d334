/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of plans: computed by the engine from what is known, kept, applied as they are. */
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/plan.h"
#include "planner/service/api.h"
#include "planner/service/db_plan.h"
#include "planner/service/db_workload.h"
#include "planner/service/event.h"
#include "planner/service/plan_input.h"
#include "planner/service/sweep.h"
#include "planner/service/workload_device.h"

#include "base/banned.h"

enum { PLAN_DOC_MAX = 64 << 20, CURSOR_MAX = 24 };

static int build_input(struct api_call *call, uint64_t link, unsigned flags, struct js **ret,
                       struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r;

    r = api_document(call, "godwit.plan-input/1", &w, err);
    if (r == 0)
        r = plan_input_write(call->service, link, flags, w, err);
    if (r < 0)
        return r;
    jsw_end(w);
    return jsw_take(w, ret, err);
}

void api_plan_input(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = api_document(call, "godwit.plan-input/1", &w, &err);
    if (r == 0)
        r = plan_input_write(call->service, 0, 0, w, &err);
    api_finish(call, r, 200, w, &err);
}

/* -- stored plans ---------------------------------------------------------- */

struct found {
    struct js *doc;
    uint64_t created_ms, applied_ms;
    uint64_t link;
    struct err *err;
};

static int take_plan(void *arg, const struct db_plan *plan)
{
    struct found *f = arg;

    f->created_ms = plan->created_ms;
    f->applied_ms = plan->applied_ms;
    return js_parse(slice_str(plan->doc), PLAN_DOC_MAX, &f->doc, f->err);
}

static int find_plan(struct api_call *call, const char *id, struct found *ret, struct err *err)
{
    int r;

    *ret = (struct found){.err = err};
    r = db_plan_each(call->service->db, id, INT64_MAX, 1, take_plan, ret, err);
    if (r == 0 && !ret->doc)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no plan '%s'", id);
    if (r == 0)
        ret->link = js_u64(ret->doc, "link_bytes_per_s", 0);
    return r;
}

/* NULL in *ret_why when it would come out the same now. */
static int find_stale(struct api_call *call, const struct found *f, char **ret_why, struct err *err)
{
    auto_js struct js *input = NULL;
    int r;

    r = build_input(call, f->link, PLAN_INPUT_NO_HISTORY, &input, err);
    return r < 0 ? r : plan_stale(f->doc, input, ret_why, err);
}

static int write_member(void *arg, const char *key, const struct js *value)
{
    jsw_js(arg, key, value);
    return 0;
}

/* The plan's own members, and what the planner knows of it. */
static int write_plan(struct api_call *call, const struct found *f, struct jsw **ret,
                      struct err *err)
{
    auto_free char *stale = NULL;
    int r;

    r = find_stale(call, f, &stale, err);
    if (r == 0)
        r = jsw_new(ret, err);
    if (r < 0)
        return r;
    jsw_obj(*ret, NULL);
    (void)js_each(f->doc, write_member, *ret);
    jsw_time(*ret, "created_at", f->created_ms);
    jsw_time(*ret, "applied_at", f->applied_ms);
    jsw_str(*ret, "state", f->applied_ms ? "applied" : stale ? "stale" : "new");
    jsw_str(*ret, "stale_because", stale);
    return 0;
}

static void answer_plan(struct api_call *call, int r, int status, const char *id, struct err *err)
{
    struct jsw *w = NULL;
    struct found f = {0};

    if (r == 0)
        r = find_plan(call, id, &f, err);
    if (r == 0)
        r = write_plan(call, &f, &w, err);
    js_free(f.doc);
    api_finish(call, r, status, w, err);
}

void api_plan_show(struct api_call *call)
{
    struct err err = {0};

    answer_plan(call, 0, 200, call->param[0], &err);
}

struct plan_walk {
    struct jsw *w;
    uint64_t n, last_ms;
};

static int walk_plan(void *arg, const struct db_plan *plan)
{
    struct plan_walk *walk = arg;

    jsw_obj(walk->w, NULL);
    jsw_str(walk->w, "id", plan->id);
    jsw_time(walk->w, "created_at", plan->created_ms);
    jsw_time(walk->w, "applied_at", plan->applied_ms);
    jsw_str(walk->w, "state", plan->applied_ms ? "applied" : "new");
    jsw_end(walk->w);
    walk->n++;
    walk->last_ms = plan->created_ms;
    return 0;
}

void api_plan_list(struct api_call *call)
{
    struct plan_walk walk = {0};
    struct api_page page = {0};
    struct err err = {0};
    uint64_t before_ms = INT64_MAX;
    char cursor[CURSOR_MAX];
    int r;

    r = api_page(call, &page, &err);
    if (r == 0)
        r = api_query_u64(call, "after", INT64_MAX, &before_ms, &err);
    if (r == 0)
        r = api_document(call, "godwit.plan-list/1", &walk.w, &err);
    if (r == 0) {
        jsw_arr(walk.w, "items");
        r = db_plan_each(call->service->db, NULL, before_ms, page.limit, walk_plan, &walk, &err);
        jsw_end(walk.w);
        (void)text_print(cursor, sizeof(cursor), "%llu", (unsigned long long)walk.last_ms);
        jsw_str(walk.w, "next", walk.n == page.limit ? cursor : NULL);
    }
    api_finish(call, r, 200, walk.w, &err);
}

/* -- making one -------------------------------------------------------------- */

static int keep_plan(struct api_call *call, const struct js *plan, struct err *err)
{
    struct service *svc = call->service;
    const struct js *policy = js_member(call->body, "policy");
    auto_buf struct buf doc = {0};
    auto_buf struct buf policy_text = {0};
    struct found before;
    int r;

    /* The id is a hash of the content: the same plan again is the same row. */
    r = find_plan(call, js_str(plan, "id", ""), &before, err);
    if (r == 0)
        js_free(before.doc);
    if (r != -ENOENT)
        return r;
    err_clear(err);
    r = js_print(plan, false, false, &doc, err);
    if (r == 0)
        r = policy ? js_print(policy, true, false, &policy_text, err) : buf_str(&policy_text, "");
    if (r < 0)
        return r;
    r = db_plan_add(svc->db,
                    &(struct db_plan){.id = js_str(plan, "id", ""),
                                      .doc = buf_cstr(&doc),
                                      .input_hash = js_str(plan, "calendars_hash", ""),
                                      .policy = buf_cstr(&policy_text),
                                      .created_ms = clock_wall_ms(svc->clock)},
                    err);
    if (r < 0)
        return r;
    return event_note(svc, "plan.made", call->who, js_str(plan, "id", ""), err, "%zu waves",
                      js_len(js_member(plan, "waves")));
}

void api_plan_create(struct api_call *call)
{
    const struct js *policy = js_member(call->body, "policy");
    auto_js struct js *input = NULL;
    auto_js struct js *plan = NULL;
    struct err err = {0};
    bool fresh = js_bool(call->body, "fresh", false);
    uint64_t link = 0;
    int r;

    r = api_body_u64(call->body, "link_bytes_per_s", 0, &link, &err);
    if (r == 0)
        r = build_input(call, link, fresh ? PLAN_INPUT_FRESH : 0, &input, &err);
    if (r == 0)
        r = plan_compute(input, policy, &plan, &err);
    if (r == 0)
        r = keep_plan(call, plan, &err);
    answer_plan(call, r, 201, js_str(plan, "id", ""), &err);
}

/* -- applying one ------------------------------------------------------------ */

struct apply {
    struct api_call *call;
    const char *only; /* a wave, or NULL */
    struct jsw *w;
    struct err *err;
};

/* Replication that runs already goes on; only its wave is noted. */
static int apply_workload(struct apply *a, const char *name, const char *wave, uint64_t start_ms)
{
    struct service *svc = a->call->service;
    const uint64_t now = clock_wall_ms(svc->clock);
    auto_workload struct workload *load = NULL;
    bool started;
    int r;

    r = workload_load(svc, name, &load, a->err);
    if (r < 0 || load->released)
        return r;
    started = load->start_ms > 0 && load->start_ms <= now;
    start_ms = started ? load->start_ms : start_ms > now ? start_ms : now;
    if (text_equal(load->wave, wave) && (started || load->start_ms == start_ms))
        return 0;
    r = started ? 0 : workload_device_check(svc, load, a->err);
    if (r == 0)
        r = db_workload_set_start(svc->db, name, start_ms, wave, a->err);
    if (r == 0)
        r = workload_refresh(svc, name, a->err);
    if (r == 0 && !started)
        r = sweep_adopt(svc, name, a->err);
    jsw_obj(a->w, NULL);
    jsw_str(a->w, "workload", name);
    jsw_str(a->w, "wave", wave);
    jsw_time(a->w, "start_at", start_ms);
    jsw_end(a->w);
    return r;
}

static int apply_wave(struct apply *a, const struct js *wave)
{
    const struct js *workloads = js_member(wave, "workloads");
    const struct js *number = js_member(wave, "wave");
    const char *from = js_str(wave, "seed_from", NULL);
    char name[CURSOR_MAX];
    uint64_t start_ms = 0;
    int r = 0;

    (void)text_print(name, sizeof(name), "%llu", (unsigned long long)js_as_u64(number, 0));
    if (js_kind(number) == JS_STR)
        (void)text_copy(name, sizeof(name), js_as_str(number, ""));
    if (a->only && !text_equal(a->only, name))
        return 0;
    if (from)
        r = text_parse_time(from, &start_ms, a->err);
    for (size_t i = 0; r == 0 && i < js_len(workloads); i++)
        r = apply_workload(a, js_str(js_at(workloads, i), "workload", ""), name, start_ms);
    return r;
}

static int refuse_stale(struct api_call *call, const struct found *f, struct err *err)
{
    auto_free char *why = NULL;
    int r;

    if (f->applied_ms)
        return 0;
    r = find_stale(call, f, &why, err);
    if (r == 0 && why)
        return err_set_gw(err, GW_PLAN_STALE, -EBUSY, "plan %s is out of date: %s", call->param[0],
                          why);
    return r;
}

static int apply_plan(struct apply *a, const struct found *f)
{
    struct api_call *call = a->call;
    const struct js *waves = js_member(f->doc, "waves");
    int r = 0;

    jsw_str(a->w, "plan", call->param[0]);
    jsw_arr(a->w, "changed");
    for (size_t i = 0; r == 0 && i < js_len(waves); i++)
        r = apply_wave(a, js_at(waves, i));
    jsw_end(a->w);
    if (r == 0 && !f->applied_ms && !a->only)
        r = db_plan_set_applied(call->service->db, call->param[0],
                                clock_wall_ms(call->service->clock), a->err);
    if (r < 0 || f->applied_ms)
        return r;
    return event_note(call->service, "plan.applied", call->who, call->param[0], a->err, "%s%s",
                      a->only ? "wave " : "every wave", a->only ? a->only : "");
}

void api_plan_apply(struct api_call *call)
{
    struct err err = {0};
    struct apply a = {.call = call, .only = js_str(call->body, "only", NULL), .err = &err};
    struct found f = {0};
    int r;

    r = find_plan(call, call->param[0], &f, &err);
    if (r == 0)
        r = refuse_stale(call, &f, &err);
    if (r == 0)
        r = api_document(call, "godwit.apply/1", &a.w, &err);
    if (r == 0)
        r = apply_plan(&a, &f);
    js_free(f.doc);
    api_finish(call, r, 200, a.w, &err);
}
