/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the planner and talking to it: one keep-alive connection, JSON both ways. */
#include "cli/api.h"

#include "base/buf.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/fd.h"
#include "base/http.h"
#include "base/num.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/context.h"
#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

enum { API_REPLY_MAX = 64 << 20, API_TIMEOUT_MS = 30000 };

struct api {
    struct http *http;
    char *server;
    struct buf auth; /* "Authorization: Bearer …" */
    struct cmd_call *call;
};

/* -- the connection --------------------------------------------------------- */

static int load_auth(struct api *a, const struct context *ctx, struct err *err)
{
    auto_buf struct buf token = {0};
    int r;

    if (!ctx->token_ref[0])
        return 0;
    r = secret_load(ctx->token_ref, &token, err);
    if (r < 0)
        return err_add(err, r, "the operator's token");
    buf_str(&a->auth, "Authorization: Bearer ");
    buf_append(&a->auth, token.data, token.len);
    crypto_wipe(token.data, token.len);
    return buf_failed(&a->auth, err);
}

static int connect_to(struct api *a, const struct context *ctx, struct err *err)
{
    struct http_conf conf = {
        .ca_file = ctx->ca_file[0] ? ctx->ca_file : NULL,
        .pin = ctx->has_pin ? ctx->pin : NULL,
        .stop = progress_interrupted(), /* Ctrl-C does not wait for a long poll */
        .stall_timeout_ms = API_TIMEOUT_MS + 35000,
    };
    size_t len = strlen(ctx->server);
    int r;

    while (len > 0 && ctx->server[len - 1] == '/')
        len--;
    a->server = strndup(ctx->server, len);
    if (!a->server)
        return err_set(err, -ENOMEM, "the planner's address: %m");
    r = load_auth(a, ctx, err);
    return r < 0 ? r : http_new(&conf, &a->http, err);
}

int api_open_context(struct cmd_call *call, const struct context *ctx, struct api **ret,
                     struct err *err)
{
    auto_api struct api *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return err_set(err, -ENOMEM, "the planner: %m");
    a->call = call;
    r = connect_to(a, ctx, err);
    if (r < 0)
        return r;
    *ret = TAKE(a);
    return 0;
}

int api_open(struct cmd_call *call, struct api **ret, struct err *err)
{
    struct context ctx = {0};
    int r = context_find(call, &ctx, err);

    return r < 0 ? r : api_open_context(call, &ctx, ret, err);
}

void api_close(struct api *a)
{
    if (!a)
        return;
    http_free(a->http);
    free(a->server);
    if (a->auth.data)
        crypto_wipe(a->auth.data, a->auth.len);
    buf_done(&a->auth);
    free(a);
}

/* -- requests --------------------------------------------------------------- */

static int errno_of_exit(int64_t exit)
{
    switch (exit) {
    case GW_EXIT_USAGE:
        return -EINVAL;
    case GW_EXIT_NOT_FOUND:
        return -ENOENT;
    case GW_EXIT_REFUSED:
        return -EPERM;
    case GW_EXIT_LOCKED:
        return -EBUSY;
    case GW_EXIT_AUTH:
        return -EACCES;
    case GW_EXIT_UNREACHABLE:
        return -ETIMEDOUT;
    default:
        return -EIO;
    }
}

/* The planner's godwit.error/1 as our own error; its number decides why and next. */
static int take_error(struct api *a, struct js *taken_doc, long status, struct err *err)
{
    const char *code = js_str(taken_doc, "code", "GW-0");
    uint64_t number = 0;

    (void)num_parse_u64(text_starts(code, "GW-") ? code + 3 : "0", 0, 9999, &number, NULL);
    cmd_keep_error(a->call, taken_doc);
    return err_set_gw(
        err, gw_find((unsigned)number) ? (unsigned)number : 0,
        errno_of_exit(js_i64(taken_doc, "exit", 1)), "%s",
        js_str(taken_doc, "what",
               status == 404 ? "the planner has no such thing" : "the planner refused"));
}

static int read_reply(struct api *a, struct http_reply *reply, struct js **ret, struct err *err)
{
    struct js *doc = NULL;
    int r = js_parse(buf_slice(&reply->body), API_REPLY_MAX, &doc, err);

    if (r < 0)
        return err_set_gw(err, GW_API_UNREACHABLE, -EPROTO,
                          "%s answered %ld, and not with a document", a->server, reply->status);
    if (reply->status >= 400)
        return take_error(a, doc, reply->status, err);
    *ret = doc;
    return 0;
}

int api_do(struct api *a, const struct api_request *req, struct js **ret, struct err *err)
{
    auto_reply struct http_reply reply = {0};
    auto_buf struct buf body = {0}, url = {0};
    const char *headers[] = {"Content-Type: application/json",
                             a->auth.len ? buf_cstr(&a->auth) : NULL, NULL};
    struct http_request request = {
        .method = req->method,
        .headers = headers,
        .timeout_ms = API_TIMEOUT_MS + req->wait_s * 1000,
        .max_reply_bytes = API_REPLY_MAX,
    };
    int r = 0;

    if (req->body)
        r = jsw_finish(req->body, false, &body, err);
    if (r == 0) {
        buf_printf(&url, "%s%s", a->server, req->path);
        r = buf_failed(&url, err);
    }
    if (r < 0)
        return r;
    request.url = buf_cstr(&url);
    request.body = buf_slice(&body);
    r = http_do(a->http, &request, &reply, err);
    if (r < 0) {
        if (err && !err->gw)
            err->gw = GW_API_UNREACHABLE;
        return err_add(err, r, "the planner at %s", a->server);
    }
    return read_reply(a, &reply, ret, err);
}

int api_get(struct api *a, const char *path, struct js **ret, struct err *err)
{
    return api_do(a, &(struct api_request){.method = "GET", .path = path}, ret, err);
}

int api_path(char *out, struct err *err, const char *fmt, ...)
{
    auto_buf struct buf path = {0};
    const char *bad = NULL;
    va_list ap;
    int r;

    va_start(ap, fmt);
    for (const char *p = fmt; *p; p++) {
        if (p[0] == '%' && p[1] == 's') {
            const char *name = va_arg(ap, const char *);

            /* Else it would be another place, and "no such place" the answer. */
            if (!*name || strpbrk(name, "/?#"))
                bad = name;
            http_escape(name, false, &path);
            p++;
        } else {
            buf_append(&path, p, 1);
        }
    }
    va_end(ap);
    r = buf_failed(&path, err);
    if (r == 0 && bad)
        r = err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%.80s' is no name", bad);
    if (r < 0)
        return r;
    r = text_copy(out, API_PATH_MAX, buf_cstr(&path));
    return r < 0 ? err_set_gw(err, GW_BAD_VALUE, r, "a name is too long: '%.80s…'", buf_cstr(&path))
                 : 0;
}

int api_path_after(char *out, struct err *err, const char *path, const char *cursor)
{
    auto_buf struct buf all = {0};
    int r;

    (void)buf_printf(&all, "%s&after=", path);
    http_escape(cursor, false, &all);
    r = buf_failed(&all, err);
    if (r < 0)
        return r;
    r = text_copy(out, API_PATH_MAX, buf_cstr(&all));
    return r < 0 ? err_set(err, r, "the cursor of '%s' is too long", path) : 0;
}
