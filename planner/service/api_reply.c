/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: documents, errors, and the end of the transaction that a change ran in. */
#include "base/auto.h"
#include "base/buf.h"
#include "base/complaint.h"
#include "base/fail.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/api_box.h"
#include "planner/service/db_access.h"
#include "planner/service/service_own.h"

#include <assert.h>
#include <stdio.h>

#include "base/banned.h"

enum { ANSWER_MAX = 64 << 20, PAGE_MAX = 1000, PAGE_DEFAULT = 100 };

int api_status(const struct err *err)
{
    switch (err->gw) {
    case GW_API_TOO_LARGE:
        return 413;
    case GW_API_AUTH:
    case GW_TOKEN_BAD:
        return 401;
    case GW_IDENTITY_TWICE:
        return 403;
    }
    switch (gw_of(err)->exit) {
    case GW_EXIT_USAGE:
        return 400;
    case GW_EXIT_NOT_FOUND:
        return 404;
    case GW_EXIT_REFUSED:
    case GW_EXIT_MISMATCH:
        return 409;
    case GW_EXIT_LOCKED:
        return 423;
    case GW_EXIT_AUTH:
        return 403;
    case GW_EXIT_UNREACHABLE:
        return 503;
    default:
        return 500;
    }
}

static void send_text(struct api_box *box, int status, struct buf *text)
{
    static const char *const headers[] = {"Cache-Control", "no-store", NULL};

    assert(!box->answered);
    box->answered = true;
    log_debug("%s %s of %s: %d", httpd_method(box->call.request), httpd_path(box->call.request),
              box->who, status);
    httpd_reply(box->call.request, status, "application/json", buf_slice(text), headers);
}

static int keep_answer(struct api_box *box, int status, struct buf *text, struct err *err)
{
    const struct service *svc = box->call.service;
    const struct db_request request = {
        .who = box->who,
        .id = box->request_id,
        .what_hash = box->what_hash,
        .status = status,
        .answer = buf_cstr(box->kept.len > 0 ? &box->kept : text),
        .at_ms = clock_wall_ms(svc->clock),
    };

    return box->request_id[0] ? db_access_request_add(svc->db, &request, err) : 0;
}

static int commit(struct db *db, struct err *err)
{
    int r = failpoint("api_commit_before");

    if (r < 0)
        return err_set(err, r, "commit: %m");
    r = db_commit(db, err);
    if (r == 0)
        (void)failpoint("api_commit_after");
    return r;
}

/* The change and the answer become durable as one, before anybody hears of it. */
static int end_changes(struct api_box *box, int status, struct buf *text, struct err *err)
{
    struct db *db = box->call.service->db;
    int r = 0;

    if (!box->in_changes)
        return 0;
    if (!box->dry_run)
        r = keep_answer(box, status, text, err);
    if (!box->dry_run && r == 0)
        r = commit(db, err);
    if (box->dry_run || r < 0)
        db_rollback(db);
    box->in_changes = false;
    return r;
}

void api_reply(struct api_call *call, int status, struct jsw *w)
{
    struct api_box *box = api_box_of(call);
    auto_buf struct buf text = {0};
    struct err err = {0};
    int r;

    buf_init(&text, ANSWER_MAX);
    r = jsw_finish(w, false, &text, &err);
    if (r == 0) {
        (void)buf_str(&text, "\n");
        r = buf_failed(&text, &err);
    }
    if (r == 0)
        r = end_changes(box, status, &text, &err);
    if (r < 0)
        api_fail(call, &err);
    else
        send_text(box, status, &text);
}

static void put_error(const struct service *svc, const struct err *err, struct buf *out)
{
    auto_jsw struct jsw *w = NULL;
    struct complaint c;

    if (jsw_new(&w, NULL) < 0)
        return;
    complaint_of(err, &c);
    complaint_document(&c, clock_wall_ms(svc->clock), w);
    (void)jsw_finish(w, false, out, NULL);
    (void)buf_str(out, "\n");
}

void api_fail(struct api_call *call, const struct err *err)
{
    struct api_box *box = api_box_of(call);
    auto_buf struct buf text = {0};
    const int status = api_status(err);

    if (box->in_changes)
        db_rollback(call->service->db);
    box->in_changes = false;
    if (status >= 500)
        log_err(LOG_LEVEL_ERROR, err, box->route ? box->route->path : "request");
    put_error(call->service, err, &text);
    send_text(box, status, &text);
}

void api_on_error(int status, struct buf *out, void *arg)
{
    struct err err = {0};

    if (status == 413)
        err_set_gw(&err, GW_API_TOO_LARGE, -EFBIG, "the body has more than %d bytes",
                   SERVICE_BODY_MAX);
    else
        err_set_gw(&err, GW_API_NO_REQUEST, -EINVAL, "not a request that the API understands");
    put_error(arg, &err, out);
}

int api_document(struct api_call *call, const char *schema, struct jsw **ret, struct err *err)
{
    int r;

    r = jsw_new(ret, err);
    if (r == 0)
        jsw_document(*ret, schema, clock_wall_ms(call->service->clock));
    return r;
}

void api_finish(struct api_call *call, int r, int status, struct jsw *taken_w,
                const struct err *err)
{
    auto_jsw struct jsw *w = taken_w;

    if (r < 0) {
        api_fail(call, err);
        return;
    }
    jsw_end(w);
    api_reply(call, status, w);
}

int api_keep_instead(struct api_call *call, struct jsw *w, struct err *err)
{
    struct buf *kept = &api_box_of(call)->kept;
    int r;

    r = jsw_finish(w, false, kept, err);
    if (r < 0)
        return r;
    (void)buf_str(kept, "\n");
    return buf_failed(kept, err);
}

int api_query_u64(struct api_call *call, const char *name, uint64_t dflt, uint64_t *ret,
                  struct err *err)
{
    const char *text = httpd_query(call->request, name);
    int r;

    if (!text || !text[0]) {
        *ret = dflt;
        return 0;
    }
    r = num_parse_u64(text, 0, INT64_MAX, ret, err);
    return r < 0 ? err_set_gw(err, GW_BAD_VALUE, -EINVAL, "?%s= is not a number", name) : 0;
}

int api_body_u64(const struct js *body, const char *key, uint64_t dflt, uint64_t *ret,
                 struct err *err)
{
    const struct js *v = js_member(body, key);
    uint64_t n = dflt;

    if (js_kind(v) != JS_NULL && js_get_u64(body, key, &n, NULL) < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "%s is a whole number from 0", key);
    *ret = n;
    return 0;
}

int api_page(struct api_call *call, struct api_page *ret, struct err *err)
{
    const char *after = httpd_query(call->request, "after");
    uint64_t limit;
    int r;

    r = api_query_u64(call, "limit", PAGE_DEFAULT, &limit, err);
    if (r < 0)
        return r;
    if (limit < 1 || limit > PAGE_MAX)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "?limit= is 1 to %d", PAGE_MAX);
    *ret = (struct api_page){.limit = limit, .after = after ? after : ""};
    return 0;
}

int api_need_body(struct api_call *call, struct err *err)
{
    if (js_kind(call->body) == JS_OBJ)
        return 0;
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "the body must be a JSON object");
}
