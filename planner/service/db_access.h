/* SPDX-License-Identifier: Apache-2.0 */
/* Rows about who may come in: tokens, and the requests that were answered already. */
#ifndef GODWIT_PLANNER_SERVICE_DB_ACCESS_H
#define GODWIT_PLANNER_SERVICE_DB_ACCESS_H

#include "base/buf.h"
#include "base/db.h"

struct db_token {
    const char *id, *kind, *name, *scope, *host; /* name, scope and host may be NULL */
    const char *hash;                            /* hex SHA-256 of the secret */
    uint64_t uses_left, created_ms, expires_ms, revoked_ms;
    const char *created_by;
};

int db_access_token_add(struct db *db, const struct db_token *token, struct err *err);
typedef int (*db_access_token_fn)(void *arg, const struct db_token *token);
/* The one of that id (NULL = all after `after`, at most limit), by id. */
int db_access_token_each(struct db *db, const char *id, const char *after, uint64_t limit,
                         db_access_token_fn fn, void *arg, struct err *err);
int db_access_token_revoke(struct db *db, const char *id, uint64_t now_ms, struct err *err);
/* Takes one use: -EEXIST when none is left. */
int db_access_token_use(struct db *db, const char *id, struct err *err);
/* Operator tokens of scope admin that work at now_ms. */
int db_access_admins(struct db *db, uint64_t now_ms, uint64_t *ret_n, struct err *err);

/* The identity that a token gave to a request (by its hash) before; -ENOENT. */
int db_access_use_find(struct db *db, const char *token, const char *csr_hash, char *out_identity,
                       size_t size, struct err *err);
int db_access_use_add(struct db *db, const char *token, const char *csr_hash, const char *identity,
                      uint64_t now_ms, struct err *err);

struct db_request {
    const char *who, *id, *what_hash;
    int status;
    const char *answer;
    uint64_t at_ms;
};
/* 1 = found: the answer is appended to out; 0 = not known; -EEXIST = another request had it. */
int db_access_request_find(struct db *db, const struct db_request *asked, int *ret_status,
                           struct buf *out, struct err *err);
int db_access_request_add(struct db *db, const struct db_request *request, struct err *err);
int db_access_request_forget(struct db *db, uint64_t before_ms, struct err *err);

#endif
