/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and answered requests as rows. */
#include "planner/service/db_access.h"

#include "base/gw.h"
#include "base/text.h"
#include "planner/service/db_sql.h"

#include "base/banned.h"

int db_access_token_add(struct db *db, const struct db_token *t, struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO token (id, kind, name, scope, host, hash, uses_left,"
                      " created_ms, created_by, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      "ttttttuutu", t->id, t->kind, t->name, t->scope, t->host, t->hash,
                      t->uses_left, t->created_ms, t->created_by, t->expires_ms);
}

int db_access_token_each(struct db *db, const char *id, const char *after, uint64_t limit,
                         db_access_token_fn fn, void *arg, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT id, kind, name, scope, host, hash, uses_left, created_ms, expires_ms,"
                    " revoked_ms, created_by FROM token WHERE (? IS NULL OR id = ?) AND id > ?"
                    " ORDER BY id LIMIT ?",
                    "tttu", id, id, after ? after : "", limit);
    if (r < 0)
        return r;
    while ((r = db_step(st, err)) > 0) {
        const struct db_token token = {
            .id = db_text(st, 0),
            .kind = db_text(st, 1),
            .name = db_text(st, 2),
            .scope = db_text(st, 3),
            .host = db_text(st, 4),
            .hash = db_text(st, 5),
            .uses_left = db_u64(st, 6),
            .created_ms = db_u64(st, 7),
            .expires_ms = db_u64(st, 8),
            .revoked_ms = db_u64(st, 9),
            .created_by = db_text(st, 10),
        };

        r = fn(arg, &token);
        if (r < 0)
            return r;
    }
    return r;
}

int db_access_token_revoke(struct db *db, const char *id, uint64_t now_ms, struct err *err)
{
    return db_sql_run(db, err, "UPDATE token SET revoked_ms = ? WHERE id = ? AND revoked_ms = 0",
                      "ut", now_ms, id);
}

int db_access_token_use(struct db *db, const char *id, struct err *err)
{
    int r;

    r = db_sql_run(db, err,
                   "UPDATE token SET uses_left = uses_left - 1 WHERE id = ? AND uses_left > 0", "t",
                   id);
    if (r == 0 && db_changes(db) == 0)
        return err_set_gw(err, GW_TOKEN_BAD, -EEXIST, "the join token is used up");
    return r;
}

int db_access_admins(struct db *db, uint64_t now_ms, uint64_t *ret_n, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT COUNT(*) FROM token WHERE kind = 'operator' AND scope = 'admin'"
                    " AND revoked_ms = 0 AND (expires_ms = 0 OR expires_ms > ?)",
                    "u", now_ms);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    *ret_n = db_u64(st, 0);
    return 0;
}

int db_access_use_find(struct db *db, const char *token, const char *csr_hash, char *out_identity,
                       size_t size, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err, "SELECT identity FROM token_use WHERE token = ? AND csr_hash = ?",
                    "tt", token, csr_hash);
    if (r == 0)
        r = db_step(st, err);
    if (r < 0)
        return r;
    if (r == 0)
        return err_set(err, -ENOENT, "the token was not used with this request");
    return text_copy(out_identity, size, db_text(st, 0));
}

int db_access_use_add(struct db *db, const char *token, const char *csr_hash, const char *identity,
                      uint64_t now_ms, struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO token_use (token, csr_hash, identity, at_ms)"
                      " VALUES (?, ?, ?, ?)",
                      "tttu", token, csr_hash, identity, now_ms);
}

int db_access_request_find(struct db *db, const struct db_request *asked, int *ret_status,
                           struct buf *out, struct err *err)
{
    auto_stmt struct db_stmt *st = NULL;
    int r;

    r = db_sql_open(db, &st, err,
                    "SELECT what_hash, status, answer FROM request WHERE who = ? AND id = ?", "tt",
                    asked->who, asked->id);
    if (r == 0)
        r = db_step(st, err);
    if (r <= 0)
        return r;
    if (!text_equal(db_text(st, 0), asked->what_hash))
        return err_set_gw(err, GW_API_CONFLICT, -EEXIST,
                          "request_id '%s' was used for another request", asked->id);
    *ret_status = (int)db_u64(st, 1);
    r = buf_str(out, db_text(st, 2));
    return r < 0 ? buf_failed(out, err) : 1;
}

int db_access_request_add(struct db *db, const struct db_request *q, struct err *err)
{
    return db_sql_run(db, err,
                      "INSERT INTO request (id, who, what_hash, status, answer, at_ms)"
                      " VALUES (?, ?, ?, ?, ?, ?)",
                      "tttutu", q->id, q->who, q->what_hash, (uint64_t)q->status, q->answer,
                      q->at_ms);
}

int db_access_request_forget(struct db *db, uint64_t before_ms, struct err *err)
{
    return db_sql_run(db, err, "DELETE FROM request WHERE at_ms < ?", "u", before_ms);
}
