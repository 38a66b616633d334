/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of lists of machines, and of the fleet that lists and agents make together. */
#include "base/gw.h"
#include "base/text.h"
#include "inventory/inventory.h"
#include "planner/engine/estate_doc.h"
#include "planner/service/api.h"
#include "planner/service/db_host.h"
#include "planner/service/db_listed.h"

#include "base/banned.h"

/* -- lists in ----------------------------------------------------------------------------- */

static int read_part(struct api_call *call, struct listed_part *p, struct err *err)
{
    const char *list = js_str(call->body, "list", ""), *import = js_str(call->body, "import", "");
    int r = api_need_body(call, err);

    if (r == 0 && (!*list || strlen(list) >= LISTED_NAME_MAX))
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "list is a text of at most %d characters",
                       LISTED_NAME_MAX - 1);
    if (r == 0 && (!text_is_name(import) || strlen(import) >= LISTED_NAME_MAX))
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "import is a name, the same for all parts");
    if (r == 0)
        r = api_body_u64(call->body, "part", 0, &p->part, err);
    p->key = (struct listed_key){.list = list, .import = import};
    p->is_last = js_bool(call->body, "last", true);
    p->fleet = js_member(call->body, "fleet");
    p->by = call->who;
    return r;
}

struct conflicts {
    struct jsw *w;
    const char *list;
    uint64_t same; /* hosts that have an agent already */
};

static int write_conflict(void *arg, const struct listed_host *h)
{
    struct conflicts *c = arg;

    if (!text_equal(h->list, c->list))
        return 0;
    c->same += h->agent != NULL;
    if (!h->namesake)
        return 0;
    jsw_obj(c->w, NULL);
    jsw_str(c->w, "host", h->name);
    jsw_str(c->w, "agent", h->namesake);
    jsw_end(c->w);
    return 0;
}

void api_listed_import(struct api_call *call)
{
    struct service *svc = call->service;
    struct conflicts conflicts = {0};
    struct listed_part part = {0};
    struct err err = {0};
    uint64_t hosts = 0;
    int r = read_part(call, &part, &err);

    if (r == 0)
        r = listed_import(svc, &part, &hosts, &err);
    if (r == 0)
        r = api_document(call, "godwit.listing/1", &conflicts.w, &err);
    if (r == 0) {
        jsw_str(conflicts.w, "list", part.key.list);
        jsw_u64(conflicts.w, "hosts", hosts);
        jsw_bool(conflicts.w, "last", part.is_last);
        conflicts.list = part.key.list;
        jsw_arr(conflicts.w, "conflicts");
        if (part.is_last)
            r = db_listed_each(svc->db, NULL, "", INT64_MAX, write_conflict, &conflicts, &err);
        jsw_end(conflicts.w);
        jsw_u64(conflicts.w, "have_agents", conflicts.same);
    }
    api_finish(call, r, 200, conflicts.w, &err);
}

/* -- the fleet out ----------------------------------------------------------------------------- */

enum { CURSOR_MAX = LISTED_KEY_MAX + 2 };

/* Agents, then hosts of lists, then what lists say beside: a cursor is the letter of its walk, a
 * colon and the last key. */
struct fleet {
    struct service *service;
    struct jsw *w;
    struct err *err;
    uint64_t left;
    char kind, last[CURSOR_MAX];
};

static int note(struct fleet *f, const char *key)
{
    f->left--;
    (void)text_copy(f->last, sizeof(f->last), key);
    return 0;
}

static int write_text(struct fleet *f, const char *key, const char *text)
{
    auto_js struct js *doc = NULL;
    int r = js_parse(slice_str(text), ESTATE_BYTES_MAX, &doc, f->err);

    if (r == 0)
        jsw_js(f->w, NULL, doc);
    return r < 0 ? r : note(f, key);
}

static int write_agent(void *arg, const struct host *h)
{
    struct fleet *f = arg;
    auto_buf struct buf text = {0};
    auto_js struct js *doc = NULL;
    int r = db_host_inventory(f->service->db, h->identity, &text, f->err);

    if (r == 0 && text.len > 0)
        r = js_parse(buf_slice(&text), INVENTORY_MAX_BYTES, &doc, f->err);
    if (r == 0 && doc) {
        jsw_obj(f->w, NULL);
        jsw_str(f->w, "schema", "godwit.host/1");
        jsw_str(f->w, "host", h->name);
        jsw_js(f->w, "inventory", doc);
        jsw_end(f->w);
    }
    return r < 0 ? r : note(f, h->name);
}

static int write_listed(void *arg, const struct listed_host *h)
{
    return h->agent ? note(arg, h->key) : write_text(arg, h->key, h->doc);
}

static int write_part(void *arg, const char *key, const char *doc)
{
    return write_text(arg, key, doc);
}

/* The walk of that letter from after its key on, and those that follow. */
static int walk(struct fleet *f, const char *after)
{
    static const char kinds[] = "hlp";
    const char *at = *after ? strchr(kinds, *after) : kinds;
    const char *key = *after && after[1] == ':' ? after + 2 : "";
    struct db *db = f->service->db;
    int r = at ? 0 : err_set_gw(f->err, GW_BAD_VALUE, -EINVAL, "?after= is no cursor of this list");

    for (; r == 0 && *at && f->left > 0; at++, key = "") {
        f->kind = *at;
        if (*at == 'h')
            r = db_host_each(db, key, f->left, write_agent, f, f->err);
        else if (*at == 'l')
            r = db_listed_each(db, NULL, key, f->left, write_listed, f, f->err);
        else
            r = db_listed_parts_each(db, key, f->left, write_part, f, f->err);
    }
    return r;
}

void api_listed_fleet(struct api_call *call)
{
    struct err err = {0};
    struct fleet f = {.service = call->service, .err = &err};
    struct api_page page = {0};
    char next[CURSOR_MAX + 2] = "";
    int r = api_page(call, &page, &err);

    if (r == 0)
        r = api_document(call, "godwit.fleet/1", &f.w, &err);
    if (r == 0) {
        f.left = page.limit;
        jsw_arr(f.w, "items");
        r = walk(&f, page.after);
        jsw_end(f.w);
        if (f.left == 0)
            (void)text_print(next, sizeof(next), "%c:%s", f.kind, f.last);
        jsw_str(f.w, "next", f.left == 0 ? next : NULL);
    }
    api_finish(call, r, 200, f.w, &err);
}
