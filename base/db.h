/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A local database over SQLite: WAL, full synchronous, migrations with a version, integrity check
 * at start. A handle belongs to one thread.
 */
#ifndef GODWIT_BASE_DB_H
#define GODWIT_BASE_DB_H

#include "base/auto.h"
#include "base/slice.h"

#include <stdbool.h>

struct db;
struct db_stmt;
struct err;

/* Migration i brings version i to i + 1; each runs in a transaction. Never edit one that was
 * released. */
struct db_migration {
    const char *sql;
};

/*
 * Open or create. -EUCLEAN (GW_DB_DAMAGED) when the integrity check fails, -EPROTO (GW_DB_NEWER)
 * when it was written by a newer program. path ":memory:" for tests.
 */
int db_open(const char *path, const struct db_migration *steps, size_t n, struct db **ret,
            struct err *err);
void db_close(struct db *d);

int db_begin(struct db *d, struct err *err); /* immediate: takes the write lock at once */
int db_commit(struct db *d, struct err *err);
void db_rollback(struct db *d);                              /* nothing open is fine */
int db_exec(struct db *d, const char *sql, struct err *err); /* fixed text, no values */
uint64_t db_changes(const struct db *d); /* rows touched by the last statement */
int64_t db_last_id(const struct db *d);

int db_prepare(struct db *d, const char *sql, struct db_stmt **ret, struct err *err);
void db_stmt_free(struct db_stmt *s);
static inline void db_stmt_freep(struct db_stmt **s)
{
    db_stmt_free(*s);
}
#define auto_stmt AUTO(db_stmt_freep)

/* Parameters count from 1. A failure is kept and reported by db_step. Values are copied. */
void db_bind_text(struct db_stmt *s, int i, const char *v); /* NULL binds null */
void db_bind_i64(struct db_stmt *s, int i, int64_t v);
void db_bind_u64(struct db_stmt *s, int i, uint64_t v); /* above INT64_MAX: -ERANGE */
void db_bind_f64(struct db_stmt *s, int i, double v);
void db_bind_blob(struct db_stmt *s, int i, struct slice v);

/* 1 = a row is there, 0 = done, or -EEXIST (a constraint), -EIO, -ENOSPC, -EBUSY. */
int db_step(struct db_stmt *s, struct err *err);
/* Step a statement that gives no rows to its end. */
int db_run(struct db_stmt *s, struct err *err);
void db_reset(struct db_stmt *s); /* ready to bind and step again */

/* Columns of the current row count from 0; lent until the next step. */
const char *db_text(struct db_stmt *s, int col); /* NULL for null */
int64_t db_i64(struct db_stmt *s, int col);
uint64_t db_u64(struct db_stmt *s, int col); /* negative reads as 0 */
double db_f64(struct db_stmt *s, int col);
struct slice db_blob(struct db_stmt *s, int col);
bool db_is_null(struct db_stmt *s, int col);

#endif
