/* SPDX-License-Identifier: Apache-2.0 */
/* One request, one document, one view. */
#include "cli/fetch.h"

#include "base/buf.h"
#include "base/text.h"

#include <string.h>

#include "base/banned.h"

struct fetch_path {
    const char *path;
};

static int fetch_again(struct cmd_call *call, struct api *api, void *arg, struct js **ret,
                       struct err *err)
{
    const struct fetch_path *f = arg;

    (void)call;
    return api_get(api, f->path, ret, err);
}

int fetch_show_by(struct cmd_call *call, cmd_fetch_fn fetch, void *arg, out_view_fn view,
                  struct js **ret, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    int r = api_open(call, &api, err);

    if (r == 0 && opt_given(call->opts, "watch"))
        return cmd_watch(call, api, fetch, arg, view, err);
    if (r == 0)
        r = fetch(call, api, arg, &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view, err);
    if (r == 0 && ret)
        *ret = TAKE(doc);
    return cmd_end(r, err);
}

int fetch_show(struct cmd_call *call, const char *path, out_view_fn view, struct err *err)
{
    return fetch_show_by(call, fetch_again, &(struct fetch_path){path}, view, NULL, err);
}

/* -- lists that page ------------------------------------------------------------------------- */

static int head(void *arg, const char *key, const struct js *value)
{
    if (!text_equal(key, "items") && !text_equal(key, "next"))
        jsw_js(arg, key, value);
    return 0;
}

/* The page's items into w, its head before the first; *ret_next: where the next one begins. */
static int take_page(struct api *api, const char *path, struct jsw *w, struct buf *next,
                     struct err *err)
{
    auto_js struct js *page = NULL;
    int r = api_get(api, path, &page, err);

    if (r < 0)
        return r;
    if (next->len == 0) {
        jsw_obj(w, NULL);
        (void)js_each(page, head, w);
        jsw_arr(w, "items");
    }
    for (size_t i = 0; i < js_len(js_member(page, "items")); i++)
        jsw_js(w, NULL, js_at(js_member(page, "items"), i));
    buf_clear(next);
    (void)buf_str(next, js_str(page, "next", ""));
    return buf_failed(next, err);
}

static int fetch_pages(struct cmd_call *call, struct api *api, void *arg, struct js **ret,
                       struct err *err)
{
    const struct fetch_path *f = arg;
    auto_buf struct buf next = {0};
    auto_jsw struct jsw *w = NULL;
    char path[API_PATH_MAX];
    int r = jsw_new(&w, err);

    (void)call;
    if (r == 0)
        r = text_copy(path, sizeof(path), f->path);
    while (r == 0) {
        r = take_page(api, path, w, &next, err);
        if (r < 0 || next.len == 0)
            break;
        r = api_path_after(path, err, f->path, buf_cstr(&next));
    }
    if (r < 0)
        return r;
    jsw_end(w);
    jsw_null(w, "next");
    jsw_end(w);
    return jsw_take(w, ret, err);
}

int fetch_show_list(struct cmd_call *call, const char *path, out_view_fn view, struct err *err)
{
    return fetch_show_by(call, fetch_pages, &(struct fetch_path){path}, view, NULL, err);
}

int fetch_path(struct cmd_call *call, const char *fmt, char out[static API_PATH_MAX],
               struct err *err)
{
    return api_path(out, err, fmt, cmd_arg(call, 0));
}

int fetch_show_arg(struct cmd_call *call, const char *fmt, out_view_fn view, struct err *err)
{
    char path[API_PATH_MAX];

    if (fetch_path(call, fmt, path, err) < 0)
        return cmd_exit(err);
    return fetch_show(call, path, view, err);
}

int fetch_change(struct cmd_call *call, const char *method, const char *path, struct jsw *body,
                 out_view_fn view, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    char full[API_PATH_MAX];
    int r = text_print(full, sizeof(full), "%s%s", path,
                       opt_switch(call->opts, "dry-run") ? "?dry_run=true" : "");

    if (r == 0)
        r = api_open(call, &api, err);
    if (r == 0)
        r = api_do(api, &(struct api_request){.method = method, .path = full, .body = body}, &doc,
                   err);
    if (r == 0)
        r = out_document(call->out, doc, view, err);
    if (r == 0 && opt_switch(call->opts, "dry-run"))
        out_text(call->out, "Nothing was changed.");
    return cmd_end(r, err);
}
