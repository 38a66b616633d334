/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a workload from its row, and the changes to the row that others may ask for. */
#include "planner/service/workload.h"

#include "base/buf.h"
#include "base/text.h"
#include "planner/service/db_op.h"
#include "planner/service/db_workload.h"
#include "planner/service/event.h"
#include "planner/service/host.h"
#include "planner/service/hub.h"
#include "planner/service/service_own.h"
#include "planner/service/workload_doc.h"
#include "planner/service/workload_state.h"

#include "base/banned.h"

static const char *const lifecycles[] = {
    [WORKLOAD_DISCOVERED] = "discovered",
    [WORKLOAD_PENDING_INSTALLATION] = "pending_installation",
    [WORKLOAD_NOT_READY] = "not_ready",
    [WORKLOAD_READY_FOR_TEST] = "ready_for_test",
    [WORKLOAD_TESTING] = "testing",
    [WORKLOAD_READY_FOR_CUTOVER] = "ready_for_cutover",
    [WORKLOAD_CUTTING_OVER] = "cutting_over",
    [WORKLOAD_AWAITING_COMMIT] = "awaiting_commit",
    [WORKLOAD_ROLLING_BACK] = "rolling_back",
    [WORKLOAD_CUTOVER_COMPLETE] = "cutover_complete",
    [WORKLOAD_DECOMMISSIONED] = "decommissioned",
};

static const char *const authorities[] = {
    [WORKLOAD_AT_SOURCE] = "source",
    [WORKLOAD_FROZEN] = "frozen",
    [WORKLOAD_AT_TARGET] = "target",
};

const char *workload_lifecycle_name(enum workload_lifecycle v)
{
    return lifecycles[v];
}

bool workload_lifecycle_parse(const char *name, enum workload_lifecycle *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(lifecycles); i++)
        if (text_equal(lifecycles[i], name)) {
            *ret = (enum workload_lifecycle)i;
            return true;
        }
    return false;
}

const char *workload_authority_name(enum workload_authority v)
{
    return authorities[v];
}

bool workload_authority_parse(const char *name, enum workload_authority *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(authorities); i++)
        if (text_equal(authorities[i], name)) {
            *ret = (enum workload_authority)i;
            return true;
        }
    return false;
}

const char *workload_side_name(enum workload_side v)
{
    return v == WORKLOAD_SOURCE ? "source" : "target";
}

enum workload_side workload_other(enum workload_side side)
{
    return side == WORKLOAD_SOURCE ? WORKLOAD_TARGET : WORKLOAD_SOURCE;
}

bool workload_is_applied(const struct workload *w, uint64_t now_ms)
{
    return w->start_ms > 0 && w->start_ms <= now_ms && !w->released;
}

static int find_identities(struct service *svc, struct workload *w, struct err *err)
{
    struct host host;
    int r;

    for (size_t i = 0; i < w->volumes_n; i++)
        for (int side = 0; side < 2; side++) {
            struct workload_place *place = &w->volumes[i].at[side];

            r = host_find_name(svc, place->host, &host, err);
            if (r == -ENOENT)
                continue;
            if (r < 0)
                return r;
            (void)text_copy(place->identity, sizeof(place->identity), host.identity);
        }
    err_clear(err);
    return 0;
}

/* The row first: parsing the document fills the other members. */
static int load_into(struct service *svc, const char *name, struct workload *w, struct err *err)
{
    auto_buf struct buf text = {0};
    struct workload row = {0};
    struct js *doc = NULL;
    int r;

    r = db_workload_load(svc->db, name, &row, &text, err);
    if (r == 0)
        r = js_parse(buf_slice(&text), SERVICE_BODY_MAX, &doc, err);
    if (r < 0)
        return r;
    r = workload_doc_parse(doc, name, w, err);
    if (r < 0) {
        js_free(doc);
        return err_add(err, r, "stored document of '%s'", name);
    }
    w->doc = doc;
    w->control = row.control;
    w->lifecycle = row.lifecycle;
    w->authority = row.authority;
    w->holder = row.holder;
    w->epoch = row.epoch;
    w->settled_epoch = row.settled_epoch;
    (void)text_copy(w->wave, sizeof(w->wave), row.wave);
    w->start_ms = row.start_ms;
    w->tested_ms = row.tested_ms;
    w->switched_ms = row.switched_ms;
    w->released = row.released;
    return find_identities(svc, w, err);
}

int workload_load(struct service *svc, const char *name, struct workload **ret, struct err *err)
{
    auto_workload struct workload *w = calloc(1, sizeof(*w));
    int r;

    if (!w)
        return err_set(err, -ENOMEM, "load workload '%s': %m", name);
    r = load_into(svc, name, w, err);
    if (r == 0)
        *ret = TAKE(w);
    return r;
}

void workload_free(struct workload *w)
{
    if (!w)
        return;
    workload_doc_done(w);
    js_free(w->doc);
    free(w);
}

int workload_set_authority(struct service *svc, const char *name, const struct workload_move *move,
                           struct err *err)
{
    int r;

    r = db_workload_move(svc->db, name, move, clock_wall_ms(svc->clock), err);
    if (r == 0)
        r = event_note(svc, "workload.authority", "planner", name, err, "%s -> %s, epoch %llu",
                       workload_authority_name(move->from), workload_authority_name(move->to),
                       (unsigned long long)move->to_epoch);
    if (r == 0)
        service_config_changed(svc, name);
    return r;
}

static int note_lifecycle(struct service *svc, const char *name, enum workload_lifecycle from,
                          enum workload_lifecycle to, struct err *err)
{
    int r;

    if (from == to)
        return 0;
    r = db_workload_set_lifecycle(svc->db, name, to, err);
    if (r < 0)
        return r;
    return event_note(svc, "workload.lifecycle", "planner", name, err, "%s -> %s",
                      workload_lifecycle_name(from), workload_lifecycle_name(to));
}

int workload_set_lifecycle(struct service *svc, const char *name, enum workload_lifecycle to,
                           struct err *err)
{
    auto_workload struct workload *w = NULL;
    int r;

    r = workload_load(svc, name, &w, err);
    return r < 0 ? r : note_lifecycle(svc, name, w->lifecycle, to, err);
}

int workload_has_open_op(struct service *svc, const char *name, struct err *err)
{
    struct err why = {0};
    struct db_op op;
    int r = db_op_open(svc, name, &op, &why);

    if (r == -ENOENT)
        return 0;
    if (r < 0 && err)
        *err = why;
    return r < 0 ? r : 1;
}

static int count_volumes(struct service *svc, const struct workload *w, struct workload_facts *f,
                         struct err *err)
{
    struct db_replication other;
    int r;

    for (size_t i = 0; i < w->volumes_n; i++) {
        r = db_workload_report_load(svc->db, w->name, w->volumes[i].name, workload_other(w->holder),
                                    &other, err);
        if (r < 0 && r != -ENOENT)
            return r;
        f->volumes_ready += r == 0 && other.taken_ms > 0;
        f->hosts_missing += !w->volumes[i].at[0].identity[0] || !w->volumes[i].at[1].identity[0];
    }
    err_clear(err);
    return 0;
}

int workload_refresh(struct service *svc, const char *name, struct err *err)
{
    auto_workload struct workload *w = NULL;
    struct workload_facts facts = {0};
    int r, open;

    r = workload_load(svc, name, &w, err);
    if (r < 0)
        return r;
    open = workload_has_open_op(svc, name, err);
    if (open < 0)
        return open;
    r = count_volumes(svc, w, &facts, err);
    if (r < 0)
        return r;
    facts.op_open = open > 0;
    facts.applied = w->start_ms > 0 && w->start_ms <= clock_wall_ms(svc->clock);
    facts.released = w->released;
    facts.authority = w->authority;
    facts.volumes = w->volumes_n;
    facts.tested = w->tested_ms > 0 || !w->limits.require_test;
    return note_lifecycle(svc, name, w->lifecycle, workload_state_next(w->lifecycle, &facts), err);
}

int workload_set_tested(struct service *svc, const char *name, uint64_t wall_ms, struct err *err)
{
    return db_workload_set_tested(svc->db, name, wall_ms, err);
}

int workload_set_released(struct service *svc, const char *name, struct err *err)
{
    int r;

    r = db_workload_set_released(svc->db, name, err);
    if (r == 0)
        service_config_changed(svc, name);
    return r;
}

void service_config_changed(struct service *svc, const char *workload)
{
    auto_workload struct workload *w = NULL;

    /* Without it, agents learn of the change when their poll ends. */
    if (workload_load(svc, workload, &w, NULL) < 0)
        return;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < w->hosts_n[side]; i++)
            hub_notify_agent(svc->hub, w->hosts[side][i].identity);
}
