/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: what an agent says about volumes that are its own is kept, the rest is an event. */
#include "planner/service/report.h"

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "inventory/inventory.h"
#include "planner/service/db_host.h"
#include "planner/service/db_workload.h"
#include "planner/service/event.h"
#include "planner/service/hub.h"
#include "planner/service/load.h"
#include "planner/service/service_own.h"
#include "planner/service/sweep.h"
#include "planner/service/workload.h"

#include <assert.h>
#include <stdio.h>

#include "base/banned.h"

enum { REPORT_ITEMS_MAX = 1024, REPORT_SOON_S = 5, REPORTS_A_LAG = 4 };
#define RATE_MAX 1e17
#define SECONDS_MAX 1e9

static int bad(struct err *err, const char *what)
{
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "report: %s", what);
}

static int parse_time(const struct js *v, const char *key, uint64_t *ret, struct err *err)
{
    const char *text = js_str(v, key, NULL);

    *ret = 0;
    return text ? text_parse_time(text, ret, err) : 0;
}

static void parse_error(const struct js *v, char *out, size_t size)
{
    const struct js *error = js_member(v, "error");
    const char *text = js_as_str(error, js_str(error, "what", ""));

    (void)snprintf(out, size, "%s", text);
    text_sanitize(out);
}

/* What is no number of bytes (negative, or beyond what any link carries) counts as nothing. */
static uint64_t parse_rate(const struct js *v, const char *key)
{
    const double rate = js_f64(v, key, 0);

    return rate >= 0 && rate < RATE_MAX ? (uint64_t)rate : 0;
}

static double parse_seconds(const struct js *v, const char *key)
{
    const double s = js_f64(v, key, 0);

    return s >= 0 && s < SECONDS_MAX ? s : 0;
}

/* Below 0: not said. */
static double maybe_seconds(const struct js *v, const char *key)
{
    const double s = js_f64(v, key, -1);

    return s >= 0 && s < SECONDS_MAX ? s : -1;
}

/* Members that an older agent does not have. */
static int parse_convergence(const struct js *v, struct db_replication *p, struct err *err)
{
    if (text_copy(p->convergence, sizeof(p->convergence), js_str(v, "convergence", "")) < 0 ||
        text_copy(p->bound, sizeof(p->bound), js_str(v, "bound", "")) < 0 ||
        text_copy(p->limit_of, sizeof(p->limit_of), js_str(v, "limit_of", "")) < 0 ||
        text_copy(p->point_kind, sizeof(p->point_kind), js_str(v, "point_kind", "")) < 0)
        return bad(err, "convergence, bound, limit_of or point_kind is too long");
    p->limit_bytes_per_s = parse_rate(v, "limit_bytes_per_s");
    p->drain_bytes_per_s = parse_rate(v, "drain_bytes_per_s");
    p->need_bytes_per_s = parse_rate(v, "need_bytes_per_s");
    p->eta_s = maybe_seconds(v, "eta_s");
    p->point_lag_s = maybe_seconds(v, "point_lag_s");
    p->target_lag_s = maybe_seconds(v, "target_lag_s");
    p->late_s = maybe_seconds(v, "late_s");
    p->running_s = maybe_seconds(v, "running_s");
    p->pass_eta_s = maybe_seconds(v, "pass_eta_s");
    p->consistent_seq = js_u64(v, "consistent_seq", 0);
    (void)snprintf(p->consistent_error, sizeof(p->consistent_error), "%s",
                   js_str(v, "consistent_error", ""));
    text_sanitize(p->consistent_error);
    return parse_time(v, "consistent_at", &p->consistent_ms, err);
}

int report_parse(const struct js *v, struct db_replication *ret, struct err *err)
{
    struct db_replication p = {0};
    int r;

    if (text_copy(p.volume, sizeof(p.volume), js_str(v, "volume", "")) < 0 || !p.volume[0])
        return bad(err, "a replica without its volume");
    if (text_copy(p.role, sizeof(p.role), js_str(v, "role", "")) < 0 ||
        text_copy(p.state, sizeof(p.state), js_str(v, "state", "")) < 0 ||
        text_copy(p.reason, sizeof(p.reason), js_str(v, "reason", "")) < 0 ||
        text_copy(p.digest, sizeof(p.digest), js_str(v, "digest", "")) < 0)
        return bad(err, "role, state, reason or digest is too long");
    r = parse_time(v, "taken_at", &p.taken_ms, err);
    if (r == 0)
        r = parse_time(v, "verified_at", &p.verified_ms, err);
    if (r == 0)
        r = parse_convergence(v, &p, err);
    if (r < 0)
        return err_add(err, r, "report on '%s'", p.volume);
    p.epoch = js_u64(v, "epoch", 0);
    p.seq = js_u64(v, "seq", 0);
    p.size_bytes = js_u64(v, "size_bytes", 0);
    p.total_bytes = js_u64(v, "total_bytes", 0);
    p.done_bytes = js_u64(v, "done_bytes", 0);
    p.backlog_bytes = js_u64(v, "backlog_bytes", 0);
    p.write_bytes_per_s = parse_rate(v, "write_bytes_per_s");
    p.send_bytes_per_s = parse_rate(v, "send_bytes_per_s");
    p.pass_s = parse_seconds(v, "pass_s");
    parse_error(v, p.error, sizeof(p.error));
    *ret = p;
    return 0;
}

/* Which side of the volume the host is; false when it has no part in it. */
static bool find_side(const struct workload *w, const char *volume, const char *identity,
                      enum workload_side *ret)
{
    for (size_t i = 0; i < w->volumes_n; i++)
        for (int side = 0; side < 2; side++)
            if (text_equal(w->volumes[i].name, volume) &&
                text_equal(w->volumes[i].at[side].identity, identity)) {
                *ret = (enum workload_side)side;
                return true;
            }
    return false;
}

/* An agent that began anew remembers no verification, and not for how long it was late; the volume
 * did not change by that. */
static int keep_known(struct service *svc, const char *workload, struct db_replication *now,
                      struct err *err)
{
    struct db_replication before = {0};
    int r;

    r = db_workload_report_load(svc->db, workload, now->volume, now->side, &before, err);
    if (r == 0 && text_equal(before.host, now->host)) {
        if (now->verified_ms == 0)
            now->verified_ms = before.verified_ms;
        if (now->late_s < 0 && now->target_lag_s >= 0)
            now->late_s = before.late_s;
    }
    if (r != -ENOENT)
        return r;
    err_clear(err);
    return 0;
}

static int note_change(struct service *svc, const char *workload, const struct db_replication *now,
                       struct err *err)
{
    struct db_replication before = {0};
    int r;

    r = db_workload_report_load(svc->db, workload, now->volume, now->side, &before, err);
    if (r < 0 && r != -ENOENT)
        return r;
    err_clear(err);
    r = report_note_convergence(svc, workload, &before, now, err);
    if (r < 0 || (text_equal(before.state, now->state) && text_equal(before.error, now->error)))
        return r;
    return event_note(
        svc, "replication.state", now->host, workload, err, "%s %s: %s -> %s%s%s%s%s", now->volume,
        workload_side_name(now->side), before.state[0] ? before.state : "unknown", now->state,
        now->reason[0] ? ", " : "", now->reason, now->error[0] ? ": " : "", now->error);
}

static int take_replica(struct service *svc, const char *identity, const struct js *item,
                        struct err *err)
{
    const char *name = js_str(item, "workload", "");
    auto_workload struct workload *w = NULL;
    struct db_replication row;
    int r;

    r = report_parse(item, &row, err);
    if (r < 0)
        return r;
    r = workload_load(svc, name, &w, err);
    if (r < 0 && r != -ENOENT)
        return r;
    err_clear(err);
    if (r == -ENOENT || !find_side(w, row.volume, identity, &row.side))
        return event_note(svc, "report.dropped", identity, name, err,
                          "volume %s is not of this host", row.volume);
    (void)text_copy(row.host, sizeof(row.host), identity);
    row.reported_ms = clock_wall_ms(svc->clock);
    r = keep_known(svc, name, &row, err);
    if (r == 0)
        r = note_change(svc, name, &row, err);
    if (r == 0)
        r = db_workload_report_save(svc->db, name, &row, err);
    if (r == 0)
        r = workload_refresh(svc, name, err);
    if (r == 0 && row.side != w->holder && row.taken_ms > 0 && row.verified_ms <= w->switched_ms)
        r = sweep_verify_due(svc, name, err);
    return r;
}

static int take_replicas(struct service *svc, const char *identity, const struct js *list,
                         struct err *err)
{
    int r = 0;

    if (js_len(list) > REPORT_ITEMS_MAX)
        return bad(err, "too many replicas");
    for (size_t i = 0; r == 0 && i < js_len(list); i++)
        r = take_replica(svc, identity, js_at(list, i), err);
    return r;
}

static int take_inventory(struct service *svc, const char *identity, const struct js *doc,
                          struct err *err)
{
    auto_inventory struct inventory *inv = NULL;
    auto_buf struct buf text = {0};
    int r;

    if (js_kind(doc) == JS_NULL)
        return 0;
    r = js_print(doc, false, false, &text, err);
    if (r == 0)
        r = inventory_parse(buf_slice(&text), &inv, err);
    if (r < 0)
        return r;
    assert(inv);
    return db_host_set_inventory(
        svc->db, identity,
        &(struct db_host_inventory){
            .doc = buf_cstr(&text),
            .uuid_hash = js_str(js_member(js_member(inv->doc, "host"), "smbios"), "uuid_hash", ""),
            .machine_hash = inv->machine_id_hash,
            .now_ms = clock_wall_ms(svc->clock)},
        err);
}

/* A document of another version must not cost the rest of the report. */
static int drop_bad(int r, const char *identity, struct err *err)
{
    if (r != -EINVAL && r != -EFBIG)
        return r;
    log_err(LOG_LEVEL_WARNING, err, identity);
    err_clear(err);
    return 0;
}

struct wanted {
    struct service *service;
    uint64_t report_s;
    struct err *err;
};

/*
 * While something is switched, people watch. And the lag that the gate sees is at least as old as
 * the report, so reports come several times within the lag that is allowed.
 */
static int want_soon(void *arg, const char *name)
{
    struct wanted *want = arg;
    auto_workload struct workload *w = NULL;
    int r, busy;

    r = workload_load(want->service, name, &w, want->err);
    if (r < 0)
        return r;
    busy = workload_has_open_op(want->service, name, want->err);
    if (busy < 0)
        return busy;
    want->report_s =
        num_min(want->report_s, num_max(w->limits.max_lag_s / REPORTS_A_LAG, REPORT_SOON_S));
    if (busy)
        want->report_s = num_min(want->report_s, REPORT_SOON_S);
    return 0;
}

static int wanted_interval(struct service *svc, const char *identity, uint64_t *ret_s,
                           struct err *err)
{
    const uint64_t usual = svc->own->conf.report_s ? svc->own->conf.report_s : SERVICE_REPORT_S;
    struct wanted want = {.service = svc, .report_s = usual, .err = err};
    struct host host;
    int r;

    r = db_host_find(svc->db, "identity", identity, &host, err);
    if (r == 0)
        r = db_workload_each(svc->db, host.name, "", REPORT_ITEMS_MAX, want_soon, &want, err);
    if (r == 0)
        *ret_s = want.report_s;
    return r;
}

int report_take(struct service *svc, const char *identity, const struct js *body,
                struct report_result *ret, struct err *err)
{
    const char *version = js_str(body, "version", NULL);
    int r;

    if (version && strlen(version) >= HOST_LABEL_MAX)
        return bad(err, "version is too long");
    r = db_host_set_reported(svc->db, identity, version, clock_wall_ms(svc->clock), err);
    if (r == 0)
        r = drop_bad(take_inventory(svc, identity, js_member(body, "inventory"), err), identity,
                     err);
    if (r == 0)
        r = drop_bad(load_take(svc, identity, js_member(body, "utilisation"), err), identity, err);
    if (r == 0)
        r = take_replicas(svc, identity, js_member(body, "replication"), err);
    if (r == 0)
        r = wanted_interval(svc, identity, &ret->report_s, err);
    if (r == 0)
        hub_notify(svc->hub, "status");
    return r;
}
