/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: "gw1.<CA pin>.<id>.<secret>" lets an agent join, "gwo1.<id>.<secret>" is an operator.
 *
 * The secret has 256 random bits, so its SHA-256 can be kept as it is; it is shown once.
 */
#ifndef GODWIT_PLANNER_SERVICE_TOKEN_H
#define GODWIT_PLANNER_SERVICE_TOKEN_H

#include "planner/service/service.h"

enum {
    TOKEN_ID_MAX = 32,
    TOKEN_SECRET_MAX = 64,
    TOKEN_TEXT_MAX = 192,
    TOKEN_NAME_MAX = 64,
    TOKEN_HASH_MAX = 65,
};

enum token_kind { TOKEN_JOIN, TOKEN_OPERATOR };

struct token_parts {
    enum token_kind kind;
    char pin[TOKEN_SECRET_MAX]; /* of a join token, base64url */
    char id[TOKEN_ID_MAX];
    char secret[TOKEN_SECRET_MAX];
};
/* -EINVAL (GW_TOKEN_BAD): malformed. */
int token_parse(const char *text, struct token_parts *ret, struct err *err);

struct token_new {
    enum token_kind kind;
    const char *name;  /* of an operator */
    const char *scope; /* "admin" or "read", of an operator */
    const char *host;  /* join: only for this name; or NULL */
    uint64_t ttl_ms;   /* 0 = no end */
    uint64_t uses;
    const char *created_by;
};
/* Write its row. out_id has TOKEN_ID_MAX, out_text TOKEN_TEXT_MAX bytes. */
int token_create(struct service *svc, const struct token_new *wanted, char *out_id, char *out_text,
                 struct err *err);

struct token_info {
    char name[TOKEN_NAME_MAX];
    char scope[TOKEN_NAME_MAX];
    char host[TOKEN_NAME_MAX];
    uint64_t uses_left;
};
/*
 * The token of that kind is known, its secret right, not expired, not revoked. -EACCES with
 * GW_TOKEN_BAD (join) or GW_API_AUTH (operator), the text says which. uses_left may be 0: whoever
 * spends it looks.
 */
int token_check(struct service *svc, enum token_kind kind, const struct token_parts *parts,
                struct token_info *ret, struct err *err);

#endif
