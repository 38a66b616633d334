/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of hosts. */
#include "base/text.h"
#include "inventory/inventory.h"
#include "planner/engine/estate_doc.h"
#include "planner/service/api.h"
#include "planner/service/db_host.h"
#include "planner/service/db_listed.h"
#include "planner/service/db_workload.h"
#include "planner/service/event.h"
#include "planner/service/load.h"
#include "planner/service/order.h"
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
    jsw_str(w, "source", "agent");
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

/* -- what only lists know ------------------------------------------------------------------ */

static int write_facts(struct jsw *w, const struct listed_host *h, bool whole, struct err *err)
{
    auto_js struct js *doc = NULL;
    int r = js_parse(slice_str(h->doc), ESTATE_BYTES_MAX, &doc, err);
    const struct js *facts = js_at(js_member(doc, "hosts"), 0);

    if (r < 0)
        return r;
    jsw_str(w, "os", js_str(facts, "os_name", NULL));
    if (whole) {
        jsw_js(w, "sources", js_member(doc, "sources"));
        jsw_js(w, "facts", facts);
    }
    return 0;
}

static int write_listed(struct service *svc, const struct listed_host *h, bool whole, struct jsw *w,
                        struct err *err)
{
    char reason[HOST_TEXT_MAX] = "";
    int r;

    if (h->namesake)
        (void)text_print(reason, sizeof(reason),
                         "host %s has an agent and this name, but another UUID", h->namesake);
    jsw_str(w, "host", h->name);
    jsw_str(w, "source", "list");
    jsw_str(w, "state", h->agent ? "superseded" : h->namesake ? "conflict" : "listed");
    jsw_str(w, "reason", *reason ? reason : NULL);
    jsw_str(w, "list", h->list);
    jsw_time(w, "imported_at", h->imported_ms);
    r = write_facts(w, h, whole, err);
    jsw_arr(w, "workloads");
    if (r == 0)
        r = db_workload_each(svc->db, h->name, "", INT64_MAX, write_name, w, err);
    jsw_end(w);
    return r;
}

/* -- all of them ----------------------------------------------------------------------------- */

#define LISTED_CURSOR "list:"

struct host_walk {
    struct service *service;
    struct jsw *w;
    struct err *err;
    uint64_t n;
    char last[LISTED_KEY_MAX + sizeof(LISTED_CURSOR)];
};

static int walk_listed(void *arg, const struct listed_host *h)
{
    struct host_walk *walk = arg;
    int r = 0;

    walk->n++;
    (void)text_print(walk->last, sizeof(walk->last), LISTED_CURSOR "%s", h->key);
    if (h->agent)
        return 0; /* its agent's row is above */
    jsw_obj(walk->w, NULL);
    jsw_str(walk->w, "schema", "godwit.host/1");
    r = write_listed(walk->service, h, false, walk->w, walk->err);
    jsw_end(walk->w);
    return r;
}

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

/* Those with an agent, then those of lists. */
static int walk_hosts(struct host_walk *walk, const struct api_page *page)
{
    bool in_lists = text_starts(page->after, LISTED_CURSOR);
    const char *after = in_lists ? page->after + strlen(LISTED_CURSOR) : "";
    struct db *db = walk->service->db;
    int r = 0;

    if (!in_lists)
        r = db_host_each(db, page->after, page->limit, walk_host, walk, walk->err);
    if (r == 0 && walk->n < page->limit)
        r = db_listed_each(db, NULL, after, page->limit - walk->n, walk_listed, walk, walk->err);
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
        r = walk_hosts(&walk, &page);
        jsw_end(walk.w);
        jsw_str(walk.w, "next", walk.n == page.limit ? walk.last : NULL);
    }
    api_finish(call, r, 200, walk.w, &err);
}

static int show_listed(void *arg, const struct listed_host *h)
{
    struct host_walk *walk = arg;

    walk->n++;
    return write_listed(walk->service, h, true, walk->w, walk->err);
}

/* What the first list says that has it; -ENOENT as host_find said it. */
static int show_host(struct api_call *call, struct jsw *w, struct err *err)
{
    struct host_walk walk = {.service = call->service, .w = w, .err = err};
    struct host host;
    int r = host_find(call->service, call->param[0], &host, err), listed;

    if (r == 0)
        return write_host(call->service, &host, true, w, err);
    if (r != -ENOENT)
        return r;
    listed = db_listed_each(call->service->db, call->param[0], "", 1, show_listed, &walk, err);
    return listed < 0 || walk.n > 0 ? listed : r;
}

void api_host_show(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    int r = api_document(call, "godwit.host/1", &w, &err);

    if (r == 0)
        r = show_host(call, w, &err);
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
    return err_set_gw(u->err, GW_NOT_NOW, -EBUSY, "workload '%s' is replicated by '%s'", name,
                      u->host);
}

/* An agent's host; what lists say of it counts again. */
static int forget(struct api_call *call, const struct host *host, struct err *err)
{
    struct service *svc = call->service;
    struct in_use use = {.service = svc, .host = host->name, .err = err};
    int r = db_workload_each(svc->db, host->name, "", INT64_MAX, refuse_started, &use, err);

    if (r == 0)
        r = order_void_host(svc, host->identity, err);
    if (r == 0)
        r = db_host_delete(svc->db, host->identity, err);
    if (r < 0)
        return r;
    return event_note(svc, "host.forgotten", call->who, host->name, err, "%s", host->identity);
}

static int forget_listed(struct api_call *call, const char *name, struct err *err)
{
    int r = db_listed_delete(call->service->db, name, err);

    if (r < 0)
        return r;
    return event_note(call->service, "host.forgotten", call->who, name, err, "of all lists");
}

void api_host_delete(struct api_call *call)
{
    struct jsw *w = NULL;
    struct err err = {0};
    struct host host = {0};
    const char *name = call->param[0];
    int r = host_find(call->service, name, &host, &err);

    if (r == 0) {
        name = host.name;
        r = forget(call, &host, &err);
    } else if (r == -ENOENT) {
        r = forget_listed(call, name, &err);
    }
    if (r == 0)
        r = api_document(call, "godwit.deleted/1", &w, &err);
    if (r == 0)
        jsw_str(w, "host", name);
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
