/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of hosts. */
#include "base/text.h"
#include "inventory/inventory.h"
#include "planner/service/api.h"
#include "planner/service/db_host.h"
#include "planner/service/db_workload.h"
#include "planner/service/event.h"
#include "planner/service/load.h"
#include "planner/service/service_own.h"
#include "planner/service/token.h"

#include "base/banned.h"

enum { REJOIN_TTL_MS = 3600 * 1000 };

static const char *state_of(const struct host *h, uint64_t now_ms)
{
    if (h->quarantine[0])
        return "quarantined";
    return now_ms > h->seen_ms + SERVICE_UNSEEN_MS ? "offline" : "online";
}

static int write_name(void *arg, const char *name)
{
    jsw_str(arg, NULL, name);
    return 0;
}

static void write_roles(struct jsw *w, const char *roles)
{
    auto_vec char **vec = NULL;

    jsw_arr(w, "roles");
    if (text_split(roles, ",", &vec, NULL) == 0)
        for (size_t i = 0; vec[i]; i++)
            jsw_str(w, NULL, vec[i]);
    jsw_end(w);
}

/* os and kernel, as the inventory has them. */
static void write_system(struct jsw *w, struct slice text)
{
    auto_inventory struct inventory *inv = NULL;

    if (text.len > 0)
        (void)inventory_parse(text, &inv, NULL);
    jsw_str(w, "os", inv ? inv->os_name : NULL);
    jsw_str(w, "kernel", inv ? inv->kernel : NULL);
}

static int write_inventory(struct jsw *w, struct slice text, struct err *err)
{
    auto_js struct js *doc = NULL;
    int r = 0;

    if (text.len > 0)
        r = js_parse(text, INVENTORY_MAX_BYTES, &doc, err);
    if (r == 0)
        jsw_js(w, "inventory", doc);
    return r;
}

static int write_host(struct service *svc, const struct host *h, bool whole, struct jsw *w,
                      struct err *err)
{
    auto_buf struct buf inventory = {0};
    int r;

    r = db_host_inventory(svc->db, h->identity, &inventory, err);
    if (r < 0)
        return r;
    jsw_str(w, "host", h->name);
    jsw_str(w, "identity", h->identity);
    jsw_str(w, "state", state_of(h, clock_wall_ms(svc->clock)));
    jsw_str(w, "reason", h->quarantine[0] ? h->quarantine : NULL);
    write_roles(w, h->roles);
    jsw_str(w, "version", h->version);
    jsw_str(w, "address", h->address);
    jsw_time(w, "enrolled_at", h->enrolled_ms);
    jsw_time(w, "seen_at", h->seen_ms);
    jsw_time(w, "reported_at", h->reported_ms);
    jsw_time(w, "inventory_at", h->inventory_ms);
    write_system(w, buf_slice(&inventory));
    jsw_arr(w, "workloads");
    r = db_workload_each(svc->db, h->name, "", INT64_MAX, write_name, w, err);
    jsw_end(w);
    return r == 0 && whole ? write_inventory(w, buf_slice(&inventory), err) : r;
}

struct host_walk {
    struct service *service;
    struct jsw *w;
    struct err *err;
    uint64_t n;
    char last[HOST_LABEL_MAX];
};

static int walk_host(void *arg, const struct host *h)
{
    struct host_walk *walk = arg;
    int r;

    jsw_obj(walk->w, NULL);
    jsw_str(walk->w, "schema", "godwit.host/1");
    r = write_host(walk->service, h, false, walk->w, walk->err);
    jsw_end(walk->w);
    walk->n++;
    (void)text_copy(walk->last, sizeof(walk->last), h->name);
    return r;
}

void api_host_list(struct api_call *call)
{
    struct err err = {0};
    struct host_walk walk = {.service = call->service, .err = &err};
    struct api_page page = {0};
    int r;

    r = api_page(call, &page, &err);
    if (r == 0)
        r = api_document(call, "godwit.host-list/1", &walk.w, &err);
    if (r == 0) {
        jsw_arr(walk.w, "items");
        r = db_host_each(call->service->db, page.after, page.limit, walk_host, &walk, &err);
        jsw_end(walk.w);
        jsw_str(walk.w, "next", walk.n == page.limit ? walk.last : NULL);
    }
    api_finish(call, r, 200, walk.w, &err);
}

void api_host_show(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    struct host host;
    int r;

    r = host_find(call->service, call->param[0], &host, &err);
    if (r == 0)
        r = api_document(call, "godwit.host/1", &w, &err);
    if (r == 0)
        r = write_host(call->service, &host, true, w, &err);
    api_finish(call, r, 200, w, &err);
}

void api_host_utilisation(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    struct host host;
    int r;

    r = host_find(call->service, call->param[0], &host, &err);
    if (r == 0)
        r = api_document(call, "godwit.utilisation-history/1", &w, &err);
    if (r == 0) {
        jsw_str(w, "host", host.name);
        r = load_write(call->service, host.identity, w, &err);
    }
    api_finish(call, r, 200, w, &err);
}

struct in_use {
    struct service *service;
    const char *host;
    struct err *err;
};

static int refuse_started(void *arg, const char *name)
{
    struct in_use *u = arg;
    auto_workload struct workload *w = NULL;
    int r;

    r = workload_load(u->service, name, &w, u->err);
    if (r < 0 || w->start_ms == 0 || w->released)
        return r;
    return err_set_gw(u->err, GW_GATE_CLOSED, -EBUSY, "workload '%s' is replicated by '%s'", name,
                      u->host);
}

void api_host_delete(struct api_call *call)
{
    struct service *svc = call->service;
    struct jsw *w = NULL;
    struct err err = {0};
    struct host host = {0};
    struct in_use use = {.service = svc, .host = host.name, .err = &err};
    int r;

    r = host_find(svc, call->param[0], &host, &err);
    if (r == 0)
        r = db_workload_each(svc->db, host.name, "", INT64_MAX, refuse_started, &use, &err);
    if (r == 0)
        r = db_host_delete(svc->db, host.identity, &err);
    if (r == 0)
        r = event_note(svc, "host.forgotten", call->who, host.name, &err, "%s", host.identity);
    if (r == 0)
        r = api_document(call, "godwit.deleted/1", &w, &err);
    if (r == 0)
        jsw_str(w, "host", host.name);
    api_finish(call, r, 200, w, &err);
}

void api_host_rejoin(struct api_call *call)
{
    struct service *svc = call->service;
    struct token_new wanted = {
        .kind = TOKEN_JOIN, .uses = 1, .ttl_ms = REJOIN_TTL_MS, .created_by = call->who};
    char id[TOKEN_ID_MAX] = "", text[TOKEN_TEXT_MAX] = "";
    struct err err = {0};
    struct host host;
    int r;

    r = host_find(svc, call->param[0], &host, &err);
    if (r == 0)
        r = db_host_cert_revoke(svc->db, host.identity, &err);
    if (r == 0) {
        wanted.host = host.name;
        r = token_create(svc, &wanted, id, text, &err);
    }
    if (r == 0)
        r = event_note(svc, "host.rejoin", call->who, host.name, &err,
                       "its certificates are refused, token %s lets it back in", id);
    api_token_answer(call, r, id, text, &err);
}
