/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of tokens: made, listed without their secrets, revoked. */
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/db_access.h"
#include "planner/service/event.h"
#include "planner/service/token.h"

#include "base/banned.h"

enum { TTL_DEFAULT_S = 3600, TTL_MAX_S = 10 * 366 * 86400, USES_MAX = 1000000 };

static const char *state_of(const struct db_token *t, uint64_t now_ms)
{
    if (t->revoked_ms)
        return "revoked";
    if (t->expires_ms && t->expires_ms <= now_ms)
        return "expired";
    if (text_equal(t->kind, "join") && t->uses_left == 0)
        return "used";
    return "valid";
}

static void write_token(struct jsw *w, const struct db_token *t, uint64_t now_ms)
{
    jsw_str(w, "id", t->id);
    jsw_str(w, "kind", t->kind);
    jsw_str(w, "name", t->name);
    jsw_str(w, "scope", t->scope);
    jsw_str(w, "host", t->host);
    jsw_str(w, "state", state_of(t, now_ms));
    jsw_u64(w, "uses_left", t->uses_left);
    jsw_time(w, "created_at", t->created_ms);
    jsw_str(w, "created_by", t->created_by);
    jsw_time(w, "expires_at", t->expires_ms);
}

struct token_walk {
    struct jsw *w;
    uint64_t now_ms;
    bool items;
    uint64_t n;
    char last[TOKEN_ID_MAX];
};

static int walk_token(void *arg, const struct db_token *t)
{
    struct token_walk *walk = arg;

    if (walk->items)
        jsw_obj(walk->w, NULL);
    write_token(walk->w, t, walk->now_ms);
    if (walk->items)
        jsw_end(walk->w);
    walk->n++;
    (void)text_copy(walk->last, sizeof(walk->last), t->id);
    return 0;
}

void api_token_list(struct api_call *call)
{
    struct token_walk walk = {.items = true, .now_ms = clock_wall_ms(call->service->clock)};
    struct api_page page = {0};
    struct err err = {0};
    int r;

    r = api_page(call, &page, &err);
    if (r == 0)
        r = api_document(call, "godwit.token-list/1", &walk.w, &err);
    if (r == 0) {
        jsw_arr(walk.w, "items");
        r = db_access_token_each(call->service->db, NULL, page.after, page.limit, walk_token, &walk,
                                 &err);
        jsw_end(walk.w);
        jsw_str(walk.w, "next", walk.n == page.limit ? walk.last : NULL);
    }
    api_finish(call, r, 200, walk.w, &err);
}

static int parse_join(const struct js *body, struct token_new *ret, struct err *err)
{
    uint64_t ttl_s = 0;
    int r = api_body_u64(body, "ttl_s", TTL_DEFAULT_S, &ttl_s, err);

    ret->kind = TOKEN_JOIN;
    ret->host = js_str(body, "host", NULL);
    if (r == 0)
        r = api_body_u64(body, "uses", 1, &ret->uses, err);
    if (r < 0)
        return r;
    if (js_kind(js_member(body, "host")) != JS_NULL && !ret->host)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "host is not a name");
    ret->ttl_ms = ttl_s * 1000;
    if (ttl_s < 1 || ttl_s > TTL_MAX_S)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "ttl_s is 1 to %d", TTL_MAX_S);
    if (ret->uses < 1 || ret->uses > USES_MAX)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "uses is 1 to %d", USES_MAX);
    if (ret->host && !text_is_name(ret->host))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "host is not a name");
    return 0;
}

static int parse_operator(const struct js *body, struct token_new *ret, struct err *err)
{
    uint64_t ttl_s = 0;
    int r = api_body_u64(body, "ttl_s", 0, &ttl_s, err);

    if (r < 0)
        return r;
    ret->kind = TOKEN_OPERATOR;
    ret->name = js_str(body, "name", "");
    ret->scope = js_member(body, "scope") ? js_str(body, "scope", "") : "read";
    ret->ttl_ms = ttl_s * 1000;
    if (ttl_s > TTL_MAX_S)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "ttl_s is at most %d", TTL_MAX_S);
    if (!text_is_name(ret->name))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "an operator token needs a name");
    if (!text_equal(ret->scope, "admin") && !text_equal(ret->scope, "read"))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "scope is admin or read");
    return 0;
}

static int parse_wanted(const struct js *body, struct token_new *ret, struct err *err)
{
    const char *kind = js_str(body, "kind", "join");

    if (text_equal(kind, "join"))
        return parse_join(body, ret, err);
    if (text_equal(kind, "operator"))
        return parse_operator(body, ret, err);
    return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "kind is join or operator");
}

/* secret NULL: as it is told when the same request comes again. */
static int write_document(struct api_call *call, const char *id, const char *secret,
                          struct jsw **ret, struct err *err)
{
    struct token_walk walk = {.now_ms = clock_wall_ms(call->service->clock)};
    int r;

    r = api_document(call, "godwit.token/1", ret, err);
    if (r < 0)
        return r;
    walk.w = *ret;
    r = db_access_token_each(call->service->db, id, "", 1, walk_token, &walk, err);
    if (r == 0 && walk.n == 0)
        return err_set_gw(err, GW_API_NOT_FOUND, -ENOENT, "no token '%s'", id);
    jsw_str(*ret, "token", secret);
    return r;
}

void api_token_answer(struct api_call *call, int r, const char *id, const char *secret,
                      struct err *err)
{
    auto_jsw struct jsw *kept = NULL;
    struct jsw *w = NULL;

    if (r == 0)
        r = write_document(call, id, secret, &w, err);
    if (r == 0)
        r = write_document(call, id, NULL, &kept, err);
    if (r == 0) {
        jsw_end(kept);
        r = api_keep_instead(call, kept, err);
    }
    api_finish(call, r, 201, w, err);
}

void api_token_create(struct api_call *call)
{
    struct token_new wanted = {.created_by = call->who};
    char id[TOKEN_ID_MAX] = "", text[TOKEN_TEXT_MAX] = "";
    struct err err = {0};
    int r;

    r = api_need_body(call, &err);
    if (r == 0)
        r = parse_wanted(call->body, &wanted, &err);
    if (r == 0)
        r = token_create(call->service, &wanted, id, text, &err);
    if (r == 0)
        r = event_note(call->service, "token.created", call->who, id, &err, "%s token%s%s",
                       wanted.kind == TOKEN_JOIN ? "join" : "operator", wanted.name ? " for " : "",
                       wanted.name ? wanted.name : "");
    api_token_answer(call, r, id, text, &err);
}

/* Nobody could let anybody in any more. */
static int check_admin_left(struct api_call *call, struct err *err)
{
    uint64_t n = 0;
    int r;

    r = db_access_admins(call->service->db, clock_wall_ms(call->service->clock), &n, err);
    if (r == 0 && n == 0)
        return err_set_gw(err, GW_API_CONFLICT, -EBUSY,
                          "this is the last admin token: make another one first");
    return r;
}

void api_token_revoke(struct api_call *call)
{
    const char *id = call->param[0];
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = db_access_token_revoke(call->service->db, id, clock_wall_ms(call->service->clock), &err);
    if (r == 0)
        r = write_document(call, id, NULL, &w, &err);
    if (r == 0)
        r = check_admin_left(call, &err);
    if (r == 0)
        r = event_note(call->service, "token.revoked", call->who, id, &err, "revoked");
    api_finish(call, r, 200, w, &err);
}
