/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of workloads: kept, shown, changed, removed; their replication controlled. */
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/db_workload.h"
#include "planner/service/event.h"
#include "planner/service/gate.h"
#include "planner/service/host.h"
#include "planner/service/sweep.h"
#include "planner/service/workload.h"
#include "planner/service/workload_device.h"
#include "planner/service/workload_doc.h"
#include "transport/rate_table.h"

#include <stdio.h>

#include "base/banned.h"

enum { VERIFY_ARGS_MAX = 64 };

/* -- showing -------------------------------------------------------------- */

static void write_hosts(struct jsw *w, const char *key, const struct workload *load, int side)
{
    jsw_arr(w, key);
    for (size_t i = 0; i < load->hosts_n[side]; i++)
        jsw_str(w, NULL, load->hosts[side][i].name);
    jsw_end(w);
}

static void write_names(struct jsw *w, const char *key, const struct js *names)
{
    jsw_arr(w, key);
    for (size_t i = 0; i < js_len(names); i++)
        jsw_js(w, NULL, js_at(names, i));
    jsw_end(w);
}

/* What its agents are told: the operator's limit, else the document's. */
static void write_limit(struct jsw *w, const struct workload *load)
{
    const int64_t rate = load->control.rate_bytes_per_s;
    const uint64_t limit = rate < 0 ? load->limits.rate_bytes_per_s : (uint64_t)rate;
    const char *table = load->control.rate_table;

    if (table[0] || limit == 0)
        jsw_null(w, "rate_bytes_per_s");
    else
        jsw_u64(w, "rate_bytes_per_s", limit);
    jsw_str(w, "rate_table", table[0] ? table : NULL);
}

static void write_summary(struct jsw *w, const struct workload *load)
{
    jsw_str(w, "workload", load->name);
    jsw_str(w, "lifecycle", workload_lifecycle_name(load->lifecycle));
    jsw_str(w, "authority", workload_authority_name(load->authority));
    jsw_str(w, "holder", workload_side_name(load->holder));
    jsw_u64(w, "epoch", load->epoch);
    jsw_str(w, "wave", load->wave[0] ? load->wave : NULL);
    jsw_bool(w, "paused", load->control.paused);
    write_limit(w, load);
    jsw_time(w, "started_at", load->start_ms);
    jsw_time(w, "tested_at", load->tested_ms);
    jsw_u64(w, "volumes", load->volumes_n);
    write_hosts(w, "hosts", load, WORKLOAD_SOURCE);
    write_hosts(w, "targets", load, WORKLOAD_TARGET);
    write_names(w, "depends", load->depends);
    write_names(w, "apart", load->apart);
}

static void write_warning(struct jsw *w, const char *fmt, const char *a, const char *b)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "%s %s %s", a, fmt, b);
    jsw_str(w, NULL, text);
}

/* Of the workloads that load names, those that nobody has described. */
static int warn_unknown(struct service *svc, const struct workload *load, const struct js *names,
                        const char *what, struct jsw *w, struct err *err)
{
    auto_workload struct workload *other = NULL;

    for (size_t i = 0; i < js_len(names); i++) {
        const char *name = js_as_str(js_at(names, i), "");
        int r = workload_load(svc, name, &other, err);

        if (r == -ENOENT)
            write_warning(w, what, name, load->name);
        else if (r < 0)
            return r;
        workload_free(TAKE(other));
    }
    err_clear(err);
    return 0;
}

static int write_warnings(struct service *svc, const struct workload *load, struct jsw *w,
                          struct err *err)
{
    int r;

    jsw_arr(w, "warnings");
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < load->hosts_n[side]; i++)
            if (!load->hosts[side][i].identity[0])
                write_warning(w, "has not enrolled:", load->hosts[side][i].name,
                              workload_side_name((enum workload_side)side));
    r = warn_unknown(svc, load, load->depends, "is not known, but is needed by", w, err);
    if (r == 0)
        r = warn_unknown(svc, load, load->apart, "is not known, but is kept apart from", w, err);
    jsw_end(w);
    return r;
}

static int write_whole(struct api_call *call, const char *name, struct jsw **ret, struct err *err)
{
    auto_workload struct workload *load = NULL;
    int r;

    r = workload_load(call->service, name, &load, err);
    if (r == 0)
        r = api_document(call, "godwit.workload-state/1", ret, err);
    if (r < 0)
        return r;
    write_summary(*ret, load);
    jsw_js(*ret, "document", load->doc);
    return write_warnings(call->service, load, *ret, err);
}

void api_workload_show(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = write_whole(call, call->param[0], &w, &err);
    api_finish(call, r, 200, w, &err);
}

struct load_walk {
    struct service *service;
    struct jsw *w;
    struct err *err;
    uint64_t n;
    char last[WORKLOAD_NAME_MAX];
};

static int walk_workload(void *arg, const char *name)
{
    struct load_walk *walk = arg;
    auto_workload struct workload *load = NULL;
    int r;

    r = workload_load(walk->service, name, &load, walk->err);
    if (r < 0)
        return r;
    jsw_obj(walk->w, NULL);
    write_summary(walk->w, load);
    jsw_end(walk->w);
    walk->n++;
    return text_copy(walk->last, sizeof(walk->last), name);
}

void api_workload_list(struct api_call *call)
{
    struct err err = {0};
    struct load_walk walk = {.service = call->service, .err = &err};
    struct api_page page = {0};
    int r;

    r = api_page(call, &page, &err);
    if (r == 0)
        r = api_document(call, "godwit.workload-list/1", &walk.w, &err);
    if (r == 0) {
        jsw_arr(walk.w, "items");
        r = db_workload_each(call->service->db, NULL, page.after, page.limit, walk_workload, &walk,
                             &err);
        jsw_end(walk.w);
        jsw_str(walk.w, "next", walk.n == page.limit ? walk.last : NULL);
    }
    api_finish(call, r, 200, walk.w, &err);
}

/* -- changing ------------------------------------------------------------- */

static int check_no_op(struct service *svc, const char *name, struct err *err)
{
    const int r = workload_has_open_op(svc, name, err);

    if (r > 0)
        return err_set_gw(err, GW_SWITCH_OPEN, -EBUSY, "an operation of '%s' is open", name);
    return r;
}

/* Once bytes flow, what a volume is must stay what it is: its replica would be of another. */
static int check_same_places(const struct workload *was, const struct workload *now,
                             struct err *err)
{
    bool same = was->volumes_n == now->volumes_n;

    for (size_t i = 0; same && i < was->volumes_n; i++)
        for (int side = 0; same && side < 2; side++)
            same = text_equal(was->volumes[i].name, now->volumes[i].name) &&
                   text_equal(was->volumes[i].at[side].host, now->volumes[i].at[side].host) &&
                   text_equal(was->volumes[i].at[side].device, now->volumes[i].at[side].device);
    if (same)
        return 0;
    return err_set_gw(err, GW_PLACES_FIXED, -EBUSY,
                      "'%s' is replicated: its volumes, hosts and devices cannot change",
                      was->name);
}

static int store_workload(struct service *svc, const struct workload *was,
                          const struct workload *now, const char *doc, struct err *err)
{
    const uint64_t now_ms = clock_wall_ms(svc->clock);
    int r = 0;

    if (was && was->start_ms > 0 && !was->released)
        r = check_same_places(was, now, err);
    if (r == 0 && !(was && was->released))
        r = workload_device_check(svc, now, err);
    if (r == 0)
        r = was ? db_workload_set_doc(svc->db, now->name, doc, now_ms, err)
                : db_workload_add(svc->db, now, doc, now_ms, err);
    if (r == 0)
        r = db_workload_set_hosts(svc->db, now, err);
    return r;
}

static int put(struct api_call *call, bool *ret_new, struct err *err)
{
    struct service *svc = call->service;
    const char *name = call->param[0];
    auto_workload struct workload *was = NULL;
    auto_buf struct buf text = {0};
    struct workload now = {0};
    int r;

    r = workload_doc_parse(call->body, name, &now, err);
    if (r < 0)
        return r;
    r = js_print(call->body, false, false, &text, err);
    if (r == 0)
        r = workload_load(svc, name, &was, err);
    *ret_new = r == -ENOENT;
    if (r == 0 || r == -ENOENT)
        r = check_no_op(svc, name, err);
    if (r == 0)
        r = store_workload(svc, was, &now, buf_cstr(&text), err);
    workload_doc_done(&now);
    if (r == 0)
        r = workload_refresh(svc, name, err);
    return r < 0 ? r
                 : event_note(svc, was ? "workload.changed" : "workload.added", call->who, name,
                              err, "%s", was ? "document replaced" : "document stored");
}

void api_workload_put(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    bool is_new = false;
    int r;

    r = api_need_body(call, &err);
    if (r == 0)
        r = put(call, &is_new, &err);
    if (r == 0)
        r = write_whole(call, call->param[0], &w, &err);
    if (r == 0)
        service_config_changed(call->service, call->param[0]);
    api_finish(call, r, is_new ? 201 : 200, w, &err);
}

void api_workload_delete(struct api_call *call)
{
    struct service *svc = call->service;
    const char *name = call->param[0];
    auto_workload struct workload *load = NULL;
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = workload_load(svc, name, &load, &err);
    if (r == 0)
        r = check_no_op(svc, name, &err);
    if (r == 0 && load->start_ms > 0 && !load->released)
        r = load->authority == WORKLOAD_AT_SOURCE
                ? sweep_release(svc, load, &err)
                : err_set_gw(&err, GW_NOT_NOW, -EBUSY,
                             "'%s' runs at its target: finalize it before it is removed, or roll "
                             "it back",
                             name);
    if (r == 0)
        r = db_workload_delete(svc->db, name, &err);
    if (r == 0)
        r = event_note(svc, "workload.removed", call->who, name, &err, "removed");
    if (r == 0)
        r = api_document(call, "godwit.deleted/1", &w, &err);
    if (r == 0)
        jsw_str(w, "workload", name);
    api_finish(call, r, 200, w, &err);
}

/* -- replication ---------------------------------------------------------- */

static int start(struct service *svc, const struct workload *load, struct err *err)
{
    const uint64_t now = clock_wall_ms(svc->clock);
    int r;

    if (load->released)
        return err_set_gw(err, GW_NOT_NOW, -EBUSY, "'%s' was finalized", load->name);
    if (load->start_ms > 0 && load->start_ms <= now)
        return 0;
    r = workload_device_check(svc, load, err);
    if (r == 0)
        r = db_workload_set_start(svc->db, load->name, now, NULL, err);
    if (r == 0)
        r = workload_refresh(svc, load->name, err);
    return r < 0 ? r : sweep_adopt(svc, load->name, err);
}

/* null (or no member) gives the document's value back. */
static int parse_number(const struct js *body, const char *key, uint64_t min, int64_t *ret,
                        struct err *err)
{
    const struct js *v = js_member(body, key);
    uint64_t n = 0;

    if (js_kind(v) == JS_NULL) {
        *ret = -1;
        return 0;
    }
    if (js_kind(v) != JS_INT || js_get_u64(body, key, &n, NULL) < 0 || n < min || n > INT64_MAX)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "%s is a number from %llu", key,
                          (unsigned long long)min);
    *ret = (int64_t)n;
    return 0;
}

/* A number, null, or a timetable; each takes the place of the others. */
static int parse_limit(const struct js *body, struct workload_control *c, struct err *err)
{
    const char *text = js_str(body, "rate_table", NULL);
    struct rate_table table;
    int r;

    c->rate_table[0] = '\0';
    if (!text)
        return parse_number(body, "rate_bytes_per_s", 0, &c->rate_bytes_per_s, err);
    r = rate_table_parse(text, &table, err);
    if (r == 0 && text_copy(c->rate_table, sizeof(c->rate_table), text) < 0)
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "the timetable is too long");
    return r;
}

static int act(struct service *svc, const struct workload *load, const struct js *body,
               const char *action, struct err *err)
{
    struct workload_control control = load->control;
    int r = 0;

    if (text_equal(action, "start"))
        return start(svc, load, err);
    if (text_equal(action, "pause") || text_equal(action, "resume"))
        control.paused = text_equal(action, "pause");
    else if (text_equal(action, "limit"))
        r = parse_limit(body, &control, err);
    else if (text_equal(action, "interval"))
        r = parse_number(body, "interval_s", 1, &control.interval_s, err);
    else
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                       "action is start, pause, resume, limit or interval");
    return r < 0 ? r : db_workload_set_control(svc->db, load->name, &control, err);
}

void api_workload_sync(struct api_call *call)
{
    struct service *svc = call->service;
    const char *action = js_str(call->body, "action", "");
    auto_workload struct workload *load = NULL;
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = workload_load(svc, call->param[0], &load, &err);
    if (r == 0)
        r = act(svc, load, call->body, action, &err);
    if (r == 0)
        r = event_note(svc, "workload.sync", call->who, load->name, &err, "%s", action);
    if (r == 0)
        r = write_whole(call, load->name, &w, &err);
    if (r == 0)
        service_config_changed(svc, load->name);
    api_finish(call, r, 200, w, &err);
}

static int check_verifiable(struct service *svc, const struct workload *load, struct err *err)
{
    const enum workload_side side = workload_other(load->holder);

    if (!workload_is_applied(load, clock_wall_ms(svc->clock)))
        return err_set_gw(err, GW_NOT_NOW, -EBUSY, "'%s' is not replicated", load->name);
    for (size_t i = 0; i < load->hosts_n[side]; i++)
        if (!load->hosts[side][i].identity[0])
            return err_set_gw(err, GW_AGENT_NOT_SEEN, -EBUSY, "'%s' has not enrolled",
                              load->hosts[side][i].name);
    return check_no_op(svc, load->name, err);
}

/* A resync compares every block and overwrites what differs, whoever wrote it. */
static int verify_args(bool resync, struct js **ret, struct err *err)
{
    return resync ? js_parse(slice_str("{\"resync\":true}"), VERIFY_ARGS_MAX, ret, err) : 0;
}

void api_workload_verify(struct api_call *call)
{
    struct service *svc = call->service;
    const bool resync = js_bool(call->body, "resync", false);
    auto_workload struct workload *load = NULL;
    auto_js struct js *args = NULL;
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = workload_load(svc, call->param[0], &load, &err);
    if (r == 0)
        r = check_verifiable(svc, load, &err);
    if (r == 0)
        r = verify_args(resync, &args, &err);
    if (r == 0)
        r = api_document(call, "godwit.verify/1", &w, &err);
    if (r == 0) {
        jsw_str(w, "workload", load->name);
        jsw_arr(w, "orders");
        r = sweep_verify(svc, load, rng_u64(svc->rng), args, w, &err);
        jsw_end(w);
    }
    if (r == 0)
        r = event_note(svc, resync ? "workload.resync" : "workload.verify", call->who, load->name,
                       &err, "asked for");
    api_finish(call, r, 202, w, &err);
}

void api_workload_gate(struct api_call *call)
{
    struct gate_result gate;
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = gate_check(call->service, call->param[0], NULL, &gate, &err);
    if (r == 0)
        r = api_document(call, "godwit.gate/1", &w, &err);
    if (r == 0) {
        jsw_str(w, "workload", call->param[0]);
        gate_write(&gate, w, "gate");
    }
    api_finish(call, r, 200, w, &err);
}
