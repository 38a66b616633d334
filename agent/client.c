/* SPDX-License-Identifier: Apache-2.0 */
/* The API client: one kept-alive connection over base/http.h, errors as the planner named them. */
#include "agent/client.h"

#include "agent/enrol.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/http.h"
#include "base/js.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum { URL_MAX = 2048, REPLY_MAX = 4 << 20 };

struct client {
    struct enrol_identity *id;
    const atomic_bool *stop;
    struct http *http; /* NULL until the first call */
    unsigned generation;
};

int client_new(struct enrol_identity *id, const atomic_bool *stop, struct client **ret,
               struct err *err)
{
    struct client *c = calloc(1, sizeof(*c));

    if (!c)
        return err_set(err, -ENOMEM, "API client: %m");
    c->id = id;
    c->stop = stop;
    *ret = c;
    return 0;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    http_free(c->http);
    free(c);
}

static int client_open(struct client *c, struct err *err)
{
    unsigned generation = atomic_load(&c->id->generation);
    struct http_conf conf = {
        .ca_file = c->id->ca_path,
        .cert_file = c->id->pem_path,
        .key_file = c->id->pem_path,
        .stop = c->stop,
    };

    if (c->http && c->generation == generation)
        return 0;
    http_free(TAKE(c->http));
    c->generation = generation;
    return http_new(&conf, &c->http, err);
}

static int code_of_status(long status)
{
    static const struct {
        long status;
        int code;
    } codes[] = {
        {400, -EINVAL}, {401, -EACCES}, {403, -EACCES}, {404, -ENOENT}, {408, -EAGAIN},
        {409, -EEXIST}, {413, -EFBIG},  {423, -EBUSY},  {429, -EAGAIN},
    };

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].status == status)
            return codes[i].code;
    }
    return status >= 500 ? -EAGAIN : -EIO;
}

static unsigned gw_number(const char *code)
{
    uint64_t n = 0;

    if (!text_starts(code, "GW-") || num_parse_u64(code + 3, 1, 9999, &n, NULL) < 0)
        return GW_NONE;
    return gw_find((unsigned)n) ? (unsigned)n : GW_NONE;
}

static int refused(long status, const struct js *doc, struct err *err)
{
    const unsigned gw = gw_number(js_str(doc, "code", ""));
    /* The why of a number that is known here is told beside, with its next. */
    const char *why = gw == GW_NONE ? js_str(doc, "why", "") : "";

    return err_set_gw(err, gw, code_of_status(status), "the planner answered %ld: %s%s%s", status,
                      js_str(doc, "what", "no reason given"), why[0] ? ": " : "", why);
}

int client_judge(const struct http_reply *reply, struct js **ret, struct err *err)
{
    auto_js struct js *doc = NULL;
    bool good = reply->status >= 200 && reply->status < 300;
    int r = 0;

    if (reply->body.len > 0)
        r = js_parse(buf_slice(&reply->body), REPLY_MAX, &doc, err);
    if (!good) {
        err_clear(err); /* an error page that is no JSON is still that status */
        return refused(reply->status, r == 0 ? doc : NULL, err);
    }
    if (r < 0)
        return err_add(err, r, "answer of the planner");
    if (ret)
        *ret = TAKE(doc);
    return 0;
}

int client_do(struct client *c, const struct client_call *call, struct js **ret, struct err *err)
{
    static const char *const headers[] = {"Content-Type: application/json",
                                          "Accept: application/json", NULL};
    auto_reply struct http_reply reply = {0};
    char url[URL_MAX];
    int r;

    r = text_print(url, sizeof(url), "%s%s", c->id->server, call->path);
    if (r < 0)
        return err_set(err, r, "address of the planner: %m");
    r = client_open(c, err);
    if (r < 0)
        return r;
    r = http_do(c->http,
                &(struct http_request){.method = call->method,
                                       .url = url,
                                       .headers = headers,
                                       .body = call->body,
                                       .timeout_ms = call->timeout_ms,
                                       .max_reply_bytes = REPLY_MAX},
                &reply, err);
    if (r < 0)
        return err_add(err, r, "planner %s", c->id->server);
    return client_judge(&reply, ret, err);
}
