/* SPDX-License-Identifier: Apache-2.0 */
/* Making, taking apart and checking tokens. */
#include "planner/service/token.h"

#include "base/crypto.h"
#include "base/text.h"
#include "planner/service/db_access.h"
#include "planner/service/service_own.h"

#include "base/banned.h"

enum { ID_BYTES = 6, SECRET_BYTES = 32 };

static void hash_secret(const char *secret, char *out_hex)
{
    uint8_t hash[CRYPTO_SHA256_LEN];

    crypto_sha256(slice_str(secret), hash);
    text_hex(hash, sizeof(hash), out_hex);
}

static int parse_vec(char *const *vec, struct token_parts *parts)
{
    const size_t n = text_vec_len(vec);
    size_t at = 1;
    int r;

    *parts = (struct token_parts){0};
    if (n == 4 && text_equal(vec[0], "gw1")) {
        parts->kind = TOKEN_JOIN;
        r = text_copy(parts->pin, sizeof(parts->pin), vec[at++]);
    } else if (n == 3 && text_equal(vec[0], "gwo1")) {
        parts->kind = TOKEN_OPERATOR;
        r = 0;
    } else {
        return -EINVAL;
    }
    if (r == 0)
        r = text_copy(parts->id, sizeof(parts->id), vec[at++]);
    if (r == 0)
        r = text_copy(parts->secret, sizeof(parts->secret), vec[at]);
    return r < 0 || !parts->id[0] || !parts->secret[0] ? -EINVAL : 0;
}

int token_parse(const char *text, struct token_parts *ret, struct err *err)
{
    auto_vec char **vec = NULL;
    struct token_parts parts;
    int r;

    if (strlen(text) >= TOKEN_TEXT_MAX)
        return err_set_gw(err, GW_TOKEN_BAD, -EINVAL, "the token is too long to be one");
    r = text_split(text, ".", &vec, err);
    if (r < 0)
        return r;
    if (parse_vec(vec, &parts) < 0)
        return err_set_gw(err, GW_TOKEN_BAD, -EINVAL,
                          "the token is malformed: a join token is gw1.PIN.ID.SECRET");
    *ret = parts;
    return 0;
}

int token_create(struct service *svc, const struct token_new *wanted, char *out_id, char *out_text,
                 struct err *err)
{
    const uint64_t now = clock_wall_ms(svc->clock);
    uint8_t random[ID_BYTES + SECRET_BYTES];
    char secret[TOKEN_SECRET_MAX], hash[TOKEN_HASH_MAX], hex[2 * ID_BYTES + 1];
    struct db_token row = {
        .id = out_id,
        .kind = wanted->kind == TOKEN_JOIN ? "join" : "operator",
        .name = wanted->name,
        .scope = wanted->scope,
        .host = wanted->host,
        .hash = hash,
        .uses_left = wanted->uses,
        .created_ms = now,
        .created_by = wanted->created_by,
        .expires_ms = wanted->ttl_ms ? now + wanted->ttl_ms : 0,
    };
    int r;

    rng_fill(svc->rng, random, sizeof(random));
    crypto_b64url(random + ID_BYTES, SECRET_BYTES, secret);
    hash_secret(secret, hash);
    r = text_print(out_id, TOKEN_ID_MAX, "t-%s", text_hex(random, ID_BYTES, hex));
    if (r == 0 && wanted->kind == TOKEN_JOIN)
        r = text_print(out_text, TOKEN_TEXT_MAX, "gw1.%s.%s.%s", svc->own->pin, out_id, secret);
    else if (r == 0)
        r = text_print(out_text, TOKEN_TEXT_MAX, "gwo1.%s.%s", out_id, secret);
    if (r == 0)
        r = db_access_token_add(svc->db, &row, err);
    crypto_wipe(secret, sizeof(secret));
    crypto_wipe(random, sizeof(random));
    return r;
}

struct check {
    struct service *service;
    enum token_kind kind;
    const struct token_parts *parts;
    struct token_info *info;
    struct err *err;
    bool found;
};

static int refuse(const struct check *c, const char *why)
{
    const bool join = c->kind == TOKEN_JOIN;

    return err_set_gw(c->err, join ? GW_TOKEN_BAD : GW_API_AUTH, -EACCES, "the %s token %s",
                      join ? "join" : "operator", why);
}

static int check_row(void *arg, const struct db_token *row)
{
    struct check *c = arg;
    const uint64_t now = clock_wall_ms(c->service->clock);
    char hash[TOKEN_HASH_MAX];

    c->found = true;
    hash_secret(c->parts->secret, hash);
    if (strlen(row->hash) != sizeof(hash) - 1 || !crypto_equal(hash, row->hash, sizeof(hash) - 1) ||
        !text_equal(row->kind, c->kind == TOKEN_JOIN ? "join" : "operator"))
        return refuse(c, "is unknown");
    if (row->revoked_ms)
        return refuse(c, "was revoked");
    if (row->expires_ms && row->expires_ms <= now)
        return refuse(c, "has expired");
    c->info->uses_left = row->uses_left;
    (void)text_copy(c->info->name, sizeof(c->info->name), row->name ? row->name : "");
    (void)text_copy(c->info->scope, sizeof(c->info->scope), row->scope ? row->scope : "");
    (void)text_copy(c->info->host, sizeof(c->info->host), row->host ? row->host : "");
    return 0;
}

int token_check(struct service *svc, enum token_kind kind, const struct token_parts *parts,
                struct token_info *ret, struct err *err)
{
    struct token_info info = {0};
    struct check c = {.service = svc, .kind = kind, .parts = parts, .info = &info, .err = err};
    int r;

    if (parts->kind != kind)
        return refuse(&c, "is of another kind");
    r = db_access_token_each(svc->db, parts->id, "", 1, check_row, &c, err);
    if (r < 0)
        return r;
    if (!c.found)
        return refuse(&c, "is unknown");
    *ret = info;
    return 0;
}
