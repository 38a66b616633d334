/* SPDX-License-Identifier: Apache-2.0 */
/* One request, one document, one view. */
#include "cli/fetch.h"

#include "base/text.h"
#include "cli/cmd_watch.h"

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

int fetch_show(struct cmd_call *call, const char *path, out_view_fn view, struct err *err)
{
    auto_api struct api *api = NULL;
    auto_js struct js *doc = NULL;
    int r = api_open(call, &api, err);

    if (r == 0 && opt_given(call->opts, "watch"))
        return cmd_watch(call, api, fetch_again, &(struct fetch_path){path}, view, err);
    if (r == 0)
        r = api_get(api, path, &doc, err);
    if (r == 0)
        r = out_document(call->out, doc, view, err);
    return cmd_end(r, err);
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
