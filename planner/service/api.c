/* SPDX-License-Identifier: Apache-2.0 */
/* routes[] and the way of a request through it: route, credential, body, transaction, handler. */
#include "planner/service/api.h"

#include "base/auto.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/text.h"
#include "planner/service/api_auth.h"
#include "planner/service/api_box.h"
#include "planner/service/db_access.h"
#include "planner/service/service_own.h"
#include "planner/service/switch.h"

#include <assert.h>

#include "base/banned.h"

static const struct api_route routes[] = {
    {"GET", "/v1/version", API_OPEN, api_version, API_PLAIN},
    {"GET", "/v1/doctor", API_OPERATOR, api_doctor, API_PLAIN},
    {"GET", "/v1/events", API_OPERATOR, api_event_list, API_PLAIN},

    {"GET", "/v1/tokens", API_OPERATOR, api_token_list, API_PLAIN},
    {"POST", "/v1/tokens", API_OPERATOR, api_token_create, API_CHANGES},
    {"DELETE", "/v1/tokens/{token}", API_OPERATOR, api_token_revoke, API_CHANGES},

    {"POST", "/v1/enrol", API_OPEN, api_enrol, API_CHANGES},
    {"POST", "/v1/agent/renew", API_AGENT, api_enrol_renew, API_CHANGES},
    {"POST", "/v1/agent/report", API_AGENT, api_agent_report, API_CHANGES},
    {"GET", "/v1/agent/work", API_AGENT, api_agent_work, API_PLAIN},
    {"POST", "/v1/agent/orders/{order}", API_AGENT, api_agent_order, API_PLAIN},

    {"GET", "/v1/hosts", API_OPERATOR, api_host_list, API_PLAIN},
    {"POST", "/v1/hosts/import", API_OPERATOR, api_listed_import, API_CHANGES},
    {"GET", "/v1/fleet", API_OPERATOR, api_listed_fleet, API_PLAIN},
    {"GET", "/v1/hosts/{host}", API_OPERATOR, api_host_show, API_PLAIN},
    {"GET", "/v1/hosts/{host}/utilisation", API_OPERATOR, api_host_utilisation, API_PLAIN},
    {"DELETE", "/v1/hosts/{host}", API_OPERATOR, api_host_delete, API_CHANGES},
    {"POST", "/v1/hosts/{host}/rejoin", API_OPERATOR, api_host_rejoin, API_CHANGES},

    {"GET", "/v1/workloads", API_OPERATOR, api_workload_list, API_PLAIN},
    {"GET", "/v1/workloads/{workload}", API_OPERATOR, api_workload_show, API_PLAIN},
    {"PUT", "/v1/workloads/{workload}", API_OPERATOR, api_workload_put, API_CHANGES},
    {"DELETE", "/v1/workloads/{workload}", API_OPERATOR, api_workload_delete, API_CHANGES},
    {"POST", "/v1/workloads/{workload}/sync", API_OPERATOR, api_workload_sync, API_CHANGES},
    {"POST", "/v1/workloads/{workload}/verify", API_OPERATOR, api_workload_verify, API_CHANGES},
    {"GET", "/v1/workloads/{workload}/gate", API_OPERATOR, api_workload_gate, API_PLAIN},

    {"POST", "/v1/workloads/{workload}/cutover", API_OPERATOR, api_workload_cutover, API_PLAIN},
    {"POST", "/v1/workloads/{workload}/rollback", API_OPERATOR, api_workload_rollback, API_PLAIN},
    {"POST", "/v1/workloads/{workload}/finalize", API_OPERATOR, api_workload_finalize, API_PLAIN},
    {"POST", "/v1/workloads/{workload}/test", API_OPERATOR, api_workload_test, API_PLAIN},

    {"GET", "/v1/ops", API_OPERATOR, api_ops_list, API_PLAIN},
    {"GET", "/v1/ops/{op}", API_OPERATOR, api_ops_show, API_PLAIN},
    {"POST", "/v1/ops/{op}/abort", API_OPERATOR, api_ops_abort, API_PLAIN},
    {"POST", "/v1/ops/{op}/resolve", API_OPERATOR, api_ops_resolve, API_PLAIN},

    {"GET", "/v1/windows", API_OPERATOR, api_window_list, API_PLAIN},
    {"POST", "/v1/windows", API_OPERATOR, api_window_create, API_CHANGES},
    {"DELETE", "/v1/windows/{window}", API_OPERATOR, api_window_delete, API_CHANGES},

    {"GET", "/v1/plan-input", API_OPERATOR, api_plan_input, API_PLAIN},
    {"GET", "/v1/plans", API_OPERATOR, api_plan_list, API_PLAIN},
    {"POST", "/v1/plans", API_OPERATOR, api_plan_create, API_CHANGES},
    {"GET", "/v1/plans/{plan}", API_OPERATOR, api_plan_show, API_PLAIN},
    {"POST", "/v1/plans/{plan}/apply", API_OPERATOR, api_plan_apply, API_CHANGES},

    {"GET", "/v1/status", API_OPERATOR, api_status_list, API_PLAIN},
    {"GET", "/v1/status/{workload}", API_OPERATOR, api_status_show, API_PLAIN},
};

static size_t part_len(const char *at)
{
    return strcspn(at, "/");
}

/* Cuts path into params when it has the route's form. Parts are names, so none is empty. */
static bool match_path(const char *form, char *path, const char **params)
{
    size_t n = 0;
    char *ends[3] = {NULL, NULL, NULL};

    while (*form && *path) {
        const size_t form_len = part_len(form), path_len = part_len(path);

        if (form[0] == '{') {
            if (path_len == 0 || n == ARRAY_LEN(ends))
                return false;
            params[n] = path;
            ends[n++] = path + path_len;
        } else if (form_len != path_len || memcmp(form, path, form_len) != 0) {
            return false;
        }
        form += form_len;
        path += path_len;
        if (*form != *path)
            return false;
        form += *form == '/';
        path += *path == '/';
    }
    if (*form || *path)
        return false;
    for (size_t i = 0; i < n; i++)
        *ends[i] = '\0';
    return true;
}

/* -ENOENT also for a method that the path does not have: the text says which it does have. */
static int find_route(struct api_box *box, struct err *err)
{
    const char *method = httpd_method(box->call.request);
    const char *path = httpd_path(box->call.request);
    const char *other = NULL;

    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (text_copy(box->path, sizeof(box->path), path) < 0)
            break;
        if (!match_path(routes[i].path, box->path, box->call.param))
            continue;
        if (text_equal(routes[i].method, method)) {
            box->route = &routes[i];
            return 0;
        }
        other = routes[i].method;
    }
    if (other)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no %s here, there is %s", method, other);
    return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no such place in the API");
}

static int read_body(struct api_box *box, struct err *err)
{
    const struct slice body = httpd_body(box->call.request);

    if (body.len > SERVICE_BODY_MAX)
        return err_set_gw(err, GW_API_TOO_LARGE, -EFBIG, "the body has %zu bytes, at most %d",
                          body.len, SERVICE_BODY_MAX);
    if (body.len == 0)
        return 0;
    return js_parse(body, SERVICE_BODY_MAX, &box->body, err);
}

static void hash_what(struct api_box *box)
{
    const struct slice body = httpd_body(box->call.request);
    uint8_t hashes[2 * CRYPTO_SHA256_LEN], hash[CRYPTO_SHA256_LEN];
    char line[API_PATH_MAX + 16];

    (void)text_print(line, sizeof(line), "%s %s", box->route->method,
                     httpd_path(box->call.request));
    crypto_sha256(slice_str(line), hashes);
    crypto_sha256(body, hashes + CRYPTO_SHA256_LEN);
    crypto_sha256(slice_of(hashes, sizeof(hashes)), hash);
    text_hex(hash, sizeof(hash), box->what_hash);
}

static bool says_true(const char *text)
{
    return text_equal(text, "true") || text_equal(text, "1");
}

static bool wants_dry_run(const struct js *body, struct httpd_request *req)
{
    return js_bool(body, "dry_run", says_true(httpd_query(req, "dry_run")));
}

bool api_is_dry_run(const struct api_call *call)
{
    return wants_dry_run(call->body, call->request);
}

int api_request_id(const struct api_call *call, const char **ret, struct err *err)
{
    const char *id = js_str(call->body, "request_id", httpd_query(call->request, "request_id"));

    if (id && (!text_is_name(id) || strlen(id) >= API_REQUEST_ID_MAX))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                          "request_id is a name of at most %d characters", API_REQUEST_ID_MAX - 1);
    *ret = id;
    return 0;
}

/* What the caller wants of a mutation beside the change itself. */
static int read_wishes(struct api_box *box, struct err *err)
{
    const char *id = NULL;
    int r = api_request_id(&box->call, &id, err);

    if (r < 0)
        return r;
    box->dry_run = wants_dry_run(box->body, box->call.request);
    if (!id)
        return 0;
    (void)text_copy(box->request_id, sizeof(box->request_id), id);
    hash_what(box);
    return 0;
}

/* 1 = it was answered before, with *ret_status and out. */
static int find_answer(struct api_box *box, int *ret_status, struct buf *out, struct err *err)
{
    const struct db_request asked = {
        .who = box->who,
        .id = box->request_id,
        .what_hash = box->what_hash,
    };

    if (!box->request_id[0])
        return 0;
    return db_access_request_find(box->call.service->db, &asked, ret_status, out, err);
}

static int begin_changes(struct api_box *box, struct err *err)
{
    int r = 0;

    if (box->route->scope == API_OPERATOR)
        r = read_wishes(box, err);
    if (r == 0)
        r = db_begin(box->call.service->db, err);
    if (r == 0)
        box->in_changes = true;
    return r;
}

static void run_changes(struct api_box *box)
{
    auto_buf struct buf before = {0};
    struct err err = {0};
    int status = 0, r;

    r = begin_changes(box, &err);
    if (r == 0)
        r = find_answer(box, &status, &before, &err);
    if (r < 0) {
        api_fail(&box->call, &err);
        return;
    }
    if (r == 0) {
        box->route->handle(&box->call);
        assert(!box->waiting);
        return;
    }
    db_rollback(box->call.service->db);
    box->in_changes = false;
    box->answered = true;
    httpd_reply(box->call.request, status, "application/json", buf_slice(&before), NULL);
}

static void box_settle(struct api_box *box)
{
    struct err err = {0};

    if (box->waiting)
        return;
    if (!box->answered) {
        log_error("%s %s gave no answer", box->route->method, box->route->path);
        err_set_gw(&err, GW_INTERNAL, -EIO, "the planner had no answer");
        api_fail(&box->call, &err);
    }
    api_box_free(box);
}

void api_box_run(struct api_box *box, api_fn handle)
{
    struct service_own *own = box->call.service->own;

    own->caller = httpd_peer_address(box->call.request);
    handle(&box->call);
    own->caller = NULL;
    box_settle(box);
}

void api_box_free(struct api_box *box)
{
    js_free(box->body);
    buf_done(&box->kept);
    free(box);
}

static void run_route(struct api_call *call)
{
    struct api_box *box = api_box_of(call);
    struct err err = {0};
    int r;

    r = find_route(box, &err);
    if (r == 0)
        r = api_auth(call, box->route, box->who, sizeof(box->who), &err);
    call->who = box->who;
    if (r == 0)
        r = read_body(box, &err);
    call->body = box->body;
    if (r < 0)
        api_fail(call, &err);
    else if (box->route->flags & API_CHANGES)
        run_changes(box);
    else
        box->route->handle(call);
}

void api_on_request(struct httpd_request *req, void *arg)
{
    static const char no_memory[] =
        "{\"schema\":\"godwit.error/1\",\"code\":\"GW-1090\",\"exit\":1,"
        "\"what\":\"no memory\",\"why\":null,\"next\":[],\"op\":null}\n";
    struct api_box *box = calloc(1, sizeof(*box));

    if (!box) {
        httpd_reply(req, 500, "application/json", slice_str(no_memory), NULL);
        return;
    }
    box->call = (struct api_call){.service = arg, .request = req};
    api_box_run(box, run_route);
}
