/* SPDX-License-Identifier: Apache-2.0 */
/* A fleet goes and comes in parts: a request has its limits, a fleet of 100,000 hosts does not. */
#include "cli/fleet.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/estate_arg.h"
#include "planner/engine/estate_doc.h"

#include "base/banned.h"

/* Of a part: the planner takes 1 MiB, and is busy with nothing else while it takes it. */
enum { PART_BYTES = 256 << 10, IMPORT_ID_LEN = 16 };

#define FLEET_PATH "/v1/fleet?limit=500"

struct sending {
    struct api *api;
    const struct js *doc; /* the whole fleet */
    const char *list, *path;
    char import[2 * IMPORT_ID_LEN + 1];
    uint64_t part;
};

/* -- out ---------------------------------------------------------------------------------- */

static void begin_part(struct sending *s, struct jsw *w, bool last)
{
    jsw_obj(w, NULL);
    jsw_str(w, "list", s->list);
    jsw_str(w, "import", s->import);
    jsw_u64(w, "part", s->part++);
    jsw_bool(w, "last", last);
    jsw_obj(w, "fleet");
    jsw_str(w, "schema", ESTATE_SCHEMA);
    if (js_member(s->doc, "sources"))
        jsw_js(w, "sources", js_member(s->doc, "sources"));
}

static int end_part(struct sending *s, struct jsw *w, struct js **ret, struct err *err)
{
    auto_js struct js *doc = NULL;
    int r;

    jsw_end(w);
    jsw_end(w);
    r = api_do(s->api, &(struct api_request){.method = "POST", .path = s->path, .body = w}, &doc,
               err);
    if (r == 0 && ret)
        *ret = TAKE(doc);
    return r;
}

/* As many of list[*at..] as a part holds. */
static int send_some(struct sending *s, const char *key, const struct js *list, size_t *at,
                     struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    size_t bytes = 0;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    begin_part(s, w, false);
    jsw_arr(w, key);
    for (; r == 0 && *at < js_len(list) && bytes < PART_BYTES; (*at)++) {
        auto_buf struct buf text = {0};

        jsw_js(w, NULL, js_at(list, *at));
        r = js_print(js_at(list, *at), false, false, &text, err);
        bytes += text.len;
    }
    jsw_end(w);
    return r < 0 ? r : end_part(s, w, NULL, err);
}

static int send_all(struct sending *s, struct js **ret, struct err *err)
{
    /* Hosts first: what follows names them. */
    static const char *const keys[] = {"hosts", "workloads", "talks"};
    auto_jsw struct jsw *w = NULL;
    int r = 0;

    for (size_t k = 0; r == 0 && k < ARRAY_LEN(keys); k++) {
        const struct js *list = js_member(s->doc, keys[k]);

        for (size_t at = 0; r == 0 && at < js_len(list);)
            r = send_some(s, keys[k], list, &at, err);
    }
    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    begin_part(s, w, true);
    return end_part(s, w, ret, err);
}

int fleet_send(struct cmd_call *call, const struct estate *e, const char *list, bool dry_run,
               struct js **ret, struct err *err)
{
    auto_buf struct buf text = {.max = ESTATE_BYTES_MAX};
    uint8_t id[IMPORT_ID_LEN];
    auto_js struct js *doc = NULL;
    auto_api struct api *api = NULL;
    struct sending s = {.list = list,
                        .path = dry_run ? "/v1/hosts/import?dry_run=true" : "/v1/hosts/import"};
    int r = api_open(call, &api, err);

    if (r == 0)
        r = estate_write(e, &text, err);
    if (r == 0)
        r = js_parse(buf_slice(&text), ESTATE_BYTES_MAX, &doc, err);
    if (r < 0)
        return r;
    rng_fill(call->rng, id, sizeof(id));
    (void)text_hex(id, sizeof(id), s.import);
    s.api = api;
    s.doc = doc;
    return send_all(&s, ret, err);
}

/* -- in ------------------------------------------------------------------------------------ */

static int take_page(const struct estate_arg_spec *spec, const struct js *page, struct estate *into,
                     struct estate_arg_told *told, struct err *err)
{
    struct estate_arg_spec godwit = {.format = "godwit", .refused = spec->refused};
    auto_buf struct buf text = {.max = ESTATE_BYTES_MAX};
    const struct js *items = js_member(page, "items");
    int r = 0;

    if (js_len(items) > 0)
        r = js_print(items, false, false, &text, err);
    return r < 0 || text.len == 0
               ? r
               : estate_arg_bytes(&godwit, FLEET_PLANNER, buf_slice(&text), into, told, err);
}

int fleet_fetch(const struct estate_arg_spec *spec, struct estate *into,
                struct estate_arg_told *told, struct err *err)
{
    auto_api struct api *api = NULL;
    char path[API_PATH_MAX] = FLEET_PATH;
    bool more = true;
    int r = api_open(spec->call, &api, err);

    while (r == 0 && more) {
        auto_js struct js *page = NULL;
        const char *next;

        r = api_get(api, path, &page, err);
        if (r == 0)
            r = take_page(spec, page, into, told, err);
        next = js_str(page, "next", NULL);
        more = next != NULL;
        if (r == 0 && more)
            r = api_path_after(path, err, FLEET_PATH, next);
    }
    return r;
}
