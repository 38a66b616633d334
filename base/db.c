/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A local database over SQLite. The version of the schema is the file's user_version.
 *
 * Statements keep their first failed bind, so that a row of binds needs one check, in db_step.
 */
#include "base/db.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include <sqlite3.h>

#include "base/banned.h"

enum { BUSY_TIMEOUT_MS = 5000, SQL_MAX = 64 };

struct db {
    sqlite3 *handle;
};

struct db_stmt {
    sqlite3_stmt *handle;
    int bind_code; /* the first SQLite code of a failed bind */
    bool too_big;  /* an unsigned value did not fit */
};

static int errno_of_file(sqlite3 *handle, int which)
{
    sqlite3_file *file = NULL;
    int last = 0;

    if (sqlite3_file_control(handle, "main", which, &file) == SQLITE_OK && file && file->pMethods)
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &last);
    return last;
}

/* Only a failed open is remembered by the handle; for the rest its files are asked. */
static int errno_of(sqlite3 *handle)
{
    int last = sqlite3_system_errno(handle);

    if (last == 0)
        last = errno_of_file(handle, SQLITE_FCNTL_JOURNAL_POINTER);
    if (last == 0)
        last = errno_of_file(handle, SQLITE_FCNTL_FILE_POINTER);
    return last;
}

static int code_of_io(sqlite3 *handle)
{
    switch (errno_of(handle)) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* RLIMIT_FSIZE, or a file system's largest file */
        return -ENOSPC;
    case EACCES:
    case EPERM:
    case EROFS:
        return -EACCES;
    case ENOENT:
        return -ENOENT;
    default:
        return -EIO;
    }
}

static int code_of(sqlite3 *handle, int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EUCLEAN;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return -EACCES;
    case SQLITE_TOOBIG:
        return -EFBIG;
    case SQLITE_INTERRUPT:
        return -ECANCELED;
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_MISUSE:
        return -EINVAL;
    default:
        return code_of_io(handle);
    }
}

static int fail(sqlite3 *handle, int sqlite_code, const char *what, struct err *err)
{
    const int code = code_of(handle, sqlite_code);

    err_set_gw(err, code == -EUCLEAN ? GW_DB_DAMAGED : 0, code, "%s: %s", what,
               handle ? sqlite3_errmsg(handle) : sqlite3_errstr(sqlite_code));
    return code;
}

/* The one number that a PRAGMA answers. */
static int query_i64(struct db *d, const char *sql, int64_t *ret, struct err *err)
{
    auto_stmt struct db_stmt *s = NULL;
    int r;

    r = db_prepare(d, sql, &s, err);
    if (r < 0)
        return r;
    r = db_step(s, err);
    if (r < 0)
        return r;
    *ret = r > 0 ? db_i64(s, 0) : 0;
    return 0;
}

static int check_version(struct db *d, size_t known, uint64_t *ret, struct err *err)
{
    int64_t version = 0;
    int r;

    r = query_i64(d, "PRAGMA user_version", &version, err);
    if (r < 0)
        return r;
    if (version < 0)
        return err_set_gw(err, GW_DB_DAMAGED, -EUCLEAN, "version %lld makes no sense",
                          (long long)version);
    if ((uint64_t)version > known)
        return err_set_gw(err, GW_DB_NEWER, -EPROTO,
                          "it has version %lld, this program knows up to %zu", (long long)version,
                          known);
    *ret = (uint64_t)version;
    return 0;
}

static int check_whole(struct db *d, struct err *err)
{
    auto_stmt struct db_stmt *s = NULL;
    const char *answer;
    int r;

    r = db_prepare(d, "PRAGMA quick_check(1)", &s, err);
    if (r < 0)
        return r;
    r = db_step(s, err);
    if (r < 0)
        return r;
    answer = r > 0 ? db_text(s, 0) : NULL;
    if (!text_equal(answer, "ok"))
        return err_set_gw(err, GW_DB_DAMAGED, -EUCLEAN, "the check of its pages says: %s",
                          answer ? answer : "nothing");
    return 0;
}

/* Looking at the version inside the transaction lets two programs open a new file at once. */
static int migrate_in_transaction(struct db *d, const struct db_migration *steps, size_t n,
                                  struct err *err)
{
    char sql[SQL_MAX];
    uint64_t version = 0;
    int r;

    r = check_version(d, n, &version, err);
    if (r < 0)
        return r;
    for (size_t i = (size_t)version; i < n; i++) {
        r = db_exec(d, steps[i].sql, err);
        if (r < 0)
            return err_add(err, r, "bring it to version %zu", i + 1);
    }
    r = text_print(sql, sizeof(sql), "PRAGMA user_version = %zu", n);
    return r < 0 || version == n ? r : db_exec(d, sql, err);
}

static int migrate(struct db *d, const struct db_migration *steps, size_t n, struct err *err)
{
    int r;

    r = db_begin(d, err);
    if (r < 0)
        return r;
    r = migrate_in_transaction(d, steps, n, err);
    if (r == 0)
        r = db_commit(d, err);
    if (r < 0)
        db_rollback(d);
    return r;
}

/* Before anything that may write: a newer or damaged file is left as it is. */
static int prepare(struct db *d, size_t known, uint64_t *ret_version, struct err *err)
{
    int r;

    sqlite3_extended_result_codes(d->handle, 1);
    sqlite3_busy_timeout(d->handle, BUSY_TIMEOUT_MS);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    r = check_version(d, known, ret_version, err);
    if (r == 0)
        r = check_whole(d, err);
    if (r == 0)
        r = db_exec(d,
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                    "PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864",
                    err);
    return r;
}

int db_open(const char *path, const struct db_migration *steps, size_t n, struct db **ret,
            struct err *err)
{
    struct db *d = calloc(1, sizeof(*d));
    uint64_t version = 0;
    int r;

    if (!d)
        return err_set(err, -ENOMEM, "open '%s': %m", path);
    r = sqlite3_open_v2(path, &d->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    r = r == SQLITE_OK ? 0 : fail(d->handle, r, "open", err);
    if (r == 0)
        r = prepare(d, n, &version, err);
    if (r == 0 && version < n)
        r = migrate(d, steps, n, err);
    if (r < 0) {
        db_close(d);
        return err_add(err, r, "database '%s'", path);
    }
    *ret = d;
    return 0;
}

void db_close(struct db *d)
{
    if (!d)
        return;
    sqlite3_close_v2(d->handle); /* waits for statements that are freed later */
    free(d);
}

int db_begin(struct db *d, struct err *err)
{
    return db_exec(d, "BEGIN IMMEDIATE", err);
}

int db_commit(struct db *d, struct err *err)
{
    return db_exec(d, "COMMIT", err);
}

void db_rollback(struct db *d)
{
    /* Some failures (a full disk) have ended the transaction already. */
    if (!sqlite3_get_autocommit(d->handle))
        sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
}

int db_exec(struct db *d, const char *sql, struct err *err)
{
    const int r = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);

    return r == SQLITE_OK ? 0 : fail(d->handle, r, "run a statement", err);
}

uint64_t db_changes(const struct db *d)
{
    return (uint64_t)sqlite3_changes64(d->handle);
}

int64_t db_last_id(const struct db *d)
{
    return sqlite3_last_insert_rowid(d->handle);
}

int db_prepare(struct db *d, const char *sql, struct db_stmt **ret, struct err *err)
{
    struct db_stmt *s = calloc(1, sizeof(*s));
    int r;

    if (!s) {
        err_set(err, -ENOMEM, "prepare a statement: %m");
        return -ENOMEM;
    }
    r = sqlite3_prepare_v3(d->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->handle, NULL);
    if (r != SQLITE_OK || !s->handle) {
        free(s);
        return fail(d->handle, r == SQLITE_OK ? SQLITE_MISUSE : r, "prepare a statement", err);
    }
    *ret = s;
    return 0;
}

void db_stmt_free(struct db_stmt *s)
{
    if (!s)
        return;
    sqlite3_finalize(s->handle);
    free(s);
}

static void keep(struct db_stmt *s, int sqlite_code)
{
    if (s->bind_code == SQLITE_OK)
        s->bind_code = sqlite_code;
}

void db_bind_text(struct db_stmt *s, int i, const char *v)
{
    keep(s, sqlite3_bind_text(s->handle, i, v, -1, SQLITE_TRANSIENT));
}

void db_bind_i64(struct db_stmt *s, int i, int64_t v)
{
    keep(s, sqlite3_bind_int64(s->handle, i, v));
}

void db_bind_u64(struct db_stmt *s, int i, uint64_t v)
{
    s->too_big |= v > INT64_MAX;
    keep(s, sqlite3_bind_int64(s->handle, i, (int64_t)v));
}

void db_bind_f64(struct db_stmt *s, int i, double v)
{
    keep(s, sqlite3_bind_double(s->handle, i, v));
}

void db_bind_blob(struct db_stmt *s, int i, struct slice v)
{
    /* A NULL pointer would bind null; an empty blob is something else. */
    keep(s, sqlite3_bind_blob64(s->handle, i, v.data ? (const void *)v.data : "", v.len,
                                SQLITE_TRANSIENT));
}

int db_step(struct db_stmt *s, struct err *err)
{
    sqlite3 *handle = sqlite3_db_handle(s->handle);
    int r;

    if (s->too_big)
        return err_set(err, -ERANGE, "a value is above %lld", (long long)INT64_MAX);
    if (s->bind_code != SQLITE_OK)
        return err_set(err, code_of(handle, s->bind_code), "bind a value: %s",
                       sqlite3_errstr(s->bind_code));
    r = sqlite3_step(s->handle);
    if (r == SQLITE_ROW)
        return 1;
    return r == SQLITE_DONE ? 0 : fail(handle, r, "run a statement", err);
}

int db_run(struct db_stmt *s, struct err *err)
{
    int r;

    do
        r = db_step(s, err);
    while (r > 0);
    return r;
}

void db_reset(struct db_stmt *s)
{
    sqlite3_reset(s->handle); /* repeats the failure that db_step has reported */
    sqlite3_clear_bindings(s->handle);
    s->bind_code = SQLITE_OK;
    s->too_big = false;
}

const char *db_text(struct db_stmt *s, int col)
{
    return (const char *)sqlite3_column_text(s->handle, col);
}

int64_t db_i64(struct db_stmt *s, int col)
{
    return sqlite3_column_int64(s->handle, col);
}

uint64_t db_u64(struct db_stmt *s, int col)
{
    const int64_t v = db_i64(s, col);

    return v < 0 ? 0 : (uint64_t)v;
}

double db_f64(struct db_stmt *s, int col)
{
    return sqlite3_column_double(s->handle, col);
}

struct slice db_blob(struct db_stmt *s, int col)
{
    const void *data = sqlite3_column_blob(s->handle, col);

    return slice_of(data, (size_t)sqlite3_column_bytes(s->handle, col));
}

bool db_is_null(struct db_stmt *s, int col)
{
    return sqlite3_column_type(s->handle, col) == SQLITE_NULL;
}
