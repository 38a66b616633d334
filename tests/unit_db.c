/* SPDX-License-Identifier: Apache-2.0 */
/* db: migrations, values, constraints, and files that are damaged, newer, full or shared. */
#include "tests/unit.h"

#include "base/buf.h"
#include "base/db.h"
#include "base/fd.h"
#include "base/gw.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { FILE_MAX_BYTES = 16 << 20 };

static const struct db_migration steps[] = {
    {"CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"},
    {"CREATE TABLE b (a INTEGER NOT NULL REFERENCES a(id), v BLOB) STRICT;"
     "INSERT INTO a (id, name) VALUES (1, 'first');"},
    {"INSERT INTO b (a, v) VALUES (1, x'00ff');"},
};

struct home {
    char *dir;
    char path[PATH_MAX];
};

static int setup(void **state)
{
    struct home *h = calloc(1, sizeof(*h));

    h->dir = unit_mkdir();
    unit_path(h->dir, "x.db", h->path);
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    struct home *h = *state;

    unit_rmdir(h->dir);
    free(h);
    return 0;
}

static struct db *open_n(const char *path, size_t n)
{
    struct db *d = NULL;
    struct err err = {0};

    if (db_open(path, steps, n, &d, &err) != 0)
        fail_msg("%s", err.text);
    return d;
}

static struct db *open_all(const char *path)
{
    return open_n(path, ARRAY_LEN(steps));
}

static int64_t ask(struct db *d, const char *sql)
{
    auto_stmt struct db_stmt *s = NULL;

    assert_ok(db_prepare(d, sql, &s, NULL));
    assert_int_equal(1, db_step(s, NULL));
    return db_i64(s, 0);
}

static int insert(struct db *d, const char *name, struct err *err)
{
    auto_stmt struct db_stmt *s = NULL;

    assert_ok(db_prepare(d, "INSERT INTO a (name) VALUES (?)", &s, NULL));
    db_bind_text(s, 1, name);
    return db_run(s, err);
}

/* -- opening and migrations --------------------------------------------- */

static void new_file_gets_every_migration_once(void **state)
{
    struct home *h = *state;

    for (int i = 0; i < 2; i++) {
        struct db *d = open_all(h->path);

        assert_int_equal(ARRAY_LEN(steps), ask(d, "PRAGMA user_version"));
        assert_int_equal(1, ask(d, "SELECT count(*) FROM b"));
        db_close(d);
    }
}

static void old_file_gets_only_what_it_lacks(void **state)
{
    struct home *h = *state;
    struct db *d = open_n(h->path, 1);

    assert_ok(insert(d, "kept", NULL));
    assert_ok(db_exec(d, "UPDATE a SET id = 7", NULL));
    db_close(d);
    d = open_all(h->path);
    assert_int_equal(7, ask(d, "SELECT id FROM a WHERE name = 'kept'"));
    assert_int_equal(ARRAY_LEN(steps), ask(d, "PRAGMA user_version"));
    db_close(d);
}

static void failed_migration_leaves_the_version_before(void **state)
{
    static const struct db_migration broken[] = {
        {"CREATE TABLE a (id INTEGER)"},
        {"CREATE TABLE b (id INTEGER)"},
        {"CREATE TABLE c (id INTEGER); INSERT INTO nowhere VALUES (1)"},
    };
    struct home *h = *state;
    struct db *d = NULL;
    struct err err = {0};

    assert_ok(db_open(h->path, broken, 1, &d, NULL));
    db_close(d);
    d = NULL;
    assert_fails(-EINVAL, db_open(h->path, broken, 3, &d, &err));
    assert_non_null(strstr(err.text, "version 3"));
    assert_non_null(strstr(err.text, "nowhere"));
    assert_null(d);
    assert_ok(db_open(h->path, broken, 1, &d, NULL));
    assert_int_equal(1, ask(d, "PRAGMA user_version"));
    assert_int_equal(0, ask(d, "SELECT count(*) FROM sqlite_schema WHERE name IN ('b', 'c')"));
    db_close(d);
}

static void rules_of_the_file_are_set(void **state)
{
    struct home *h = *state;
    struct db *d = open_all(h->path);
    auto_stmt struct db_stmt *s = NULL;

    assert_ok(db_prepare(d, "PRAGMA journal_mode", &s, NULL));
    assert_int_equal(1, db_step(s, NULL));
    assert_string_equal("wal", db_text(s, 0));
    assert_int_equal(2, ask(d, "PRAGMA synchronous"));
    assert_int_equal(1, ask(d, "PRAGMA foreign_keys"));
    assert_int_equal(5000, ask(d, "PRAGMA busy_timeout"));
    db_close(d);
}

static void database_in_memory_works(void **state)
{
    struct db *d = open_all(":memory:");

    (void)state;
    assert_int_equal(1, ask(d, "SELECT count(*) FROM b"));
    db_close(d);
    db_close(NULL);
}

static void newer_file_is_refused_and_left_as_it_is(void **state)
{
    struct home *h = *state;
    auto_buf struct buf before = {0}, after = {0};
    struct db *d = open_all(h->path);
    struct err err = {0};

    db_close(d);
    d = NULL;
    assert_ok(fd_load(h->path, FILE_MAX_BYTES, &before, NULL));
    assert_fails(-EPROTO, db_open(h->path, steps, ARRAY_LEN(steps) - 1, &d, &err));
    assert_int_equal(GW_DB_NEWER, err.gw);
    assert_non_null(strstr(err.text, h->path));
    assert_null(d);
    assert_ok(fd_load(h->path, FILE_MAX_BYTES, &after, NULL));
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
}

static void file_that_is_no_database_is_damaged(void **state)
{
    struct home *h = *state;
    struct db *d = NULL;
    struct err err = {0};
    char text[4096];

    memset(text, 'x', sizeof(text));
    assert_ok(fd_save(h->path, slice_of(text, sizeof(text)), 0600, NULL));
    assert_fails(-EUCLEAN, db_open(h->path, steps, ARRAY_LEN(steps), &d, &err));
    assert_int_equal(GW_DB_DAMAGED, err.gw);
    assert_null(d);
}

static void fill(struct db *d, unsigned rows)
{
    char name[200];

    assert_ok(db_begin(d, NULL));
    for (unsigned i = 0; i < rows; i++) {
        snprintf(name, sizeof(name), "row %06u %0150u", i, i);
        assert_ok(insert(d, name, NULL));
    }
    assert_ok(db_commit(d, NULL));
}

/* A closed database of many pages, with change(file) done to it, must be called damaged. */
static void assert_damage_is_seen(const struct home *h, void (*change)(int fd, off_t size))
{
    struct db *d = open_all(h->path);
    struct err err = {0};
    struct stat st;
    int fd;

    fill(d, 2000);
    db_close(d);
    d = NULL;
    fd = open(h->path, O_RDWR | O_CLOEXEC);
    assert_int_equal(0, fstat(fd, &st));
    change(fd, st.st_size);
    close(fd);
    assert_fails(-EUCLEAN, db_open(h->path, steps, ARRAY_LEN(steps), &d, &err));
    assert_int_equal(GW_DB_DAMAGED, err.gw);
    assert_non_null(strstr(err.text, h->path));
    assert_null(d);
}

static void overwrite_a_page(int fd, off_t size)
{
    char junk[4096];

    memset(junk, 0x5a, sizeof(junk));
    assert_int_equal(sizeof(junk), pwrite(fd, junk, sizeof(junk), size / 2 / 4096 * 4096));
}

static void cut_in_half(int fd, off_t size)
{
    assert_int_equal(0, ftruncate(fd, size / 2));
}

static void overwritten_page_is_damage(void **state)
{
    assert_damage_is_seen(*state, overwrite_a_page);
}

static void truncated_file_is_damaged(void **state)
{
    assert_damage_is_seen(*state, cut_in_half);
}

static void place_that_cannot_hold_a_file_is_an_error(void **state)
{
    struct home *h = *state;
    struct db *d = NULL;
    char path[PATH_MAX];

    assert_true(db_open(h->dir, steps, 1, &d, NULL) < 0);
    assert_fails(-ENOENT, db_open(unit_path(h->dir, "no/such/dir.db", path), steps, 1, &d, NULL));
    assert_null(d);
}

static void *open_and_close(void *arg)
{
    const struct home *h = arg;
    struct db *d = NULL;
    int r = db_open(h->path, steps, ARRAY_LEN(steps), &d, NULL);

    db_close(d);
    return (void *)(intptr_t)r;
}

static void many_can_open_a_new_file_at_once(void **state)
{
    struct home *h = *state;
    pthread_t threads[4];
    struct db *d;

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, open_and_close, h));
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *r;

        pthread_join(threads[i], &r);
        assert_int_equal(0, (intptr_t)r);
    }
    d = open_all(h->path);
    assert_int_equal(1, ask(d, "SELECT count(*) FROM b"));
    db_close(d);
}

/* -- values ------------------------------------------------------------- */

static void values_come_back_as_they_went(void **state)
{
    struct db *d = open_all(":memory:");
    auto_stmt struct db_stmt *s = NULL;

    (void)state;
    assert_ok(db_prepare(d, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9", &s, NULL));
    db_bind_text(s, 1, "t\xc3\xa4xt");
    db_bind_text(s, 2, NULL);
    db_bind_i64(s, 3, INT64_MIN);
    db_bind_u64(s, 4, INT64_MAX);
    db_bind_f64(s, 5, 0.1);
    db_bind_blob(s, 6, slice_of("a\0b", 3));
    db_bind_blob(s, 7, (struct slice){0});
    db_bind_i64(s, 8, -1);
    assert_int_equal(1, db_step(s, NULL));
    assert_string_equal("t\xc3\xa4xt", db_text(s, 0));
    assert_null(db_text(s, 1));
    assert_true(db_is_null(s, 1));
    assert_true(db_i64(s, 2) == INT64_MIN);
    assert_true(db_u64(s, 3) == INT64_MAX);
    assert_true(db_f64(s, 4) == 0.1);
    assert_int_equal(3, db_blob(s, 5).len);
    assert_memory_equal("a\0b", db_blob(s, 5).data, 3);
    assert_int_equal(0, db_blob(s, 6).len);
    assert_false(db_is_null(s, 6));
    assert_int_equal(0, db_u64(s, 7)); /* negative */
    assert_true(db_is_null(s, 8));     /* never bound */
    assert_int_equal(0, db_step(s, NULL));
    db_close(d);
}

static void statement_is_used_again_after_reset_with_nothing_left_bound(void **state)
{
    struct db *d = open_all(":memory:");
    auto_stmt struct db_stmt *s = NULL;

    (void)state;
    assert_ok(db_prepare(d, "SELECT ?1, ?2", &s, NULL));
    db_bind_i64(s, 1, 1);
    db_bind_i64(s, 2, 2);
    assert_int_equal(1, db_step(s, NULL));
    db_reset(s);
    db_bind_i64(s, 1, 3);
    assert_int_equal(1, db_step(s, NULL));
    assert_int_equal(3, db_i64(s, 0));
    assert_true(db_is_null(s, 1));
    db_close(d);
}

static void failed_bind_is_kept_until_reset(void **state)
{
    struct db *d = open_all(":memory:");
    auto_stmt struct db_stmt *s = NULL;

    (void)state;
    assert_ok(db_prepare(d, "SELECT ?1", &s, NULL));
    db_bind_u64(s, 1, (uint64_t)INT64_MAX + 1);
    db_bind_i64(s, 1, 5); /* does not heal it */
    assert_fails(-ERANGE, db_step(s, NULL));
    db_reset(s);
    db_bind_i64(s, 9, 5); /* no such parameter */
    assert_fails(-EINVAL, db_step(s, NULL));
    db_reset(s);
    db_bind_i64(s, 1, 5);
    assert_int_equal(1, db_step(s, NULL));
    assert_int_equal(5, db_i64(s, 0));
    db_close(d);
}

static void wrong_sql_is_invalid(void **state)
{
    struct db *d = open_all(":memory:");
    struct db_stmt *s = NULL;
    struct err err = {0};

    (void)state;
    assert_fails(-EINVAL, db_prepare(d, "SELEC 1", &s, &err));
    assert_non_null(strstr(err.text, "SELEC"));
    assert_fails(-EINVAL, db_prepare(d, "", &s, NULL));
    assert_fails(-EINVAL, db_prepare(d, "SELECT \"a typo is not a text\"", &s, NULL));
    assert_fails(-EINVAL, db_exec(d, "DROP TABLE nowhere", NULL));
    assert_null(s);
    db_stmt_free(NULL);
    db_close(d);
}

static void changes_and_last_id_tell_of_the_last_statement(void **state)
{
    struct db *d = open_all(":memory:");

    (void)state;
    assert_ok(insert(d, "second", NULL));
    assert_int_equal(1, db_changes(d));
    assert_int_equal(2, db_last_id(d));
    assert_ok(db_exec(d, "UPDATE a SET name = name || '!'", NULL));
    assert_int_equal(2, db_changes(d));
    db_close(d);
}

/* -- failures ----------------------------------------------------------- */

static void broken_constraints_are_eexist(void **state)
{
    struct db *d = open_all(":memory:");
    struct err err = {0};

    (void)state;
    assert_fails(-EEXIST, insert(d, "first", &err));
    assert_non_null(strstr(err.text, "a.name"));
    assert_fails(-EEXIST, insert(d, NULL, NULL));
    assert_fails(-EEXIST, db_exec(d, "INSERT INTO b (a) VALUES (99)", NULL));
    assert_fails(-EEXIST, db_exec(d, "DELETE FROM a WHERE id = 1", NULL));
    assert_ok(insert(d, "other", NULL));
    db_close(d);
}

static void rollback_undoes_and_commit_keeps(void **state)
{
    struct home *h = *state;
    struct db *d = open_all(h->path);

    db_rollback(d); /* nothing open */
    assert_ok(db_begin(d, NULL));
    assert_ok(insert(d, "gone", NULL));
    db_rollback(d);
    assert_ok(db_begin(d, NULL));
    assert_ok(insert(d, "kept", NULL));
    assert_ok(db_commit(d, NULL));
    db_close(d);
    d = open_all(h->path);
    assert_int_equal(0, ask(d, "SELECT count(*) FROM a WHERE name = 'gone'"));
    assert_int_equal(1, ask(d, "SELECT count(*) FROM a WHERE name = 'kept'"));
    db_close(d);
}

static void full_database_is_enospc_and_goes_on_when_there_is_room(void **state)
{
    struct home *h = *state;
    struct db *d = open_all(h->path);
    struct err err = {0};
    char name[64];
    int r = 0;

    ask(d, "PRAGMA max_page_count = 20");
    for (unsigned i = 0; r == 0 && i < 100000; i++) {
        snprintf(name, sizeof(name), "filler %032u", i);
        r = insert(d, name, &err);
    }
    assert_int_equal(-ENOSPC, r);
    assert_int_equal(-ENOSPC, err.code);
    db_rollback(d);
    ask(d, "PRAGMA max_page_count = 10000");
    assert_ok(insert(d, name, NULL));
    db_close(d);
}

static void file_that_may_not_grow_is_enospc_and_loses_nothing_committed(void **state)
{
    struct home *h = *state;
    struct db *d = open_all(h->path);
    const rlim_t tight = 256 * 1024;
    void (*old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit old;
    unsigned kept = 0;
    char name[600];
    int r = 0;

    assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &old));
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &(struct rlimit){tight, old.rlim_max}));
    for (; r == 0 && kept < 10000; kept += r == 0) {
        snprintf(name, sizeof(name), "filler %0500u", kept);
        r = insert(d, name, NULL);
    }
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &old));
    signal(SIGXFSZ, old_handler);
    assert_int_equal(-ENOSPC, r);
    db_close(d);
    d = open_all(h->path);
    assert_int_equal(kept + 1, ask(d, "SELECT count(*) FROM a"));
    db_close(d);
}

static void write_behind_a_newer_write_is_busy_and_retryable(void **state)
{
    struct home *h = *state;
    struct db *one = open_all(h->path), *two = open_all(h->path);
    struct err err = {0};

    assert_ok(db_exec(one, "BEGIN", NULL));
    assert_int_equal(1, ask(one, "SELECT count(*) FROM a"));
    assert_ok(insert(two, "newer", NULL));
    assert_fails(-EBUSY, insert(one, "older", &err));
    assert_true(err.retryable);
    db_rollback(one);
    assert_ok(insert(one, "older", NULL));
    db_close(one);
    db_close(two);
}

struct writer {
    struct db *db;
    int code;
};

static void *begin_and_commit(void *arg)
{
    struct writer *w = arg;

    w->code = db_begin(w->db, NULL);
    if (w->code == 0)
        w->code = db_commit(w->db, NULL);
    return NULL;
}

static void second_writer_waits_for_the_first(void **state)
{
    struct home *h = *state;
    struct db *one = open_all(h->path);
    struct writer second = {.db = open_all(h->path)};
    pthread_t thread;

    assert_ok(db_begin(one, NULL));
    assert_int_equal(0, pthread_create(&thread, NULL, begin_and_commit, &second));
    assert_ok(insert(one, "mine", NULL));
    assert_ok(db_commit(one, NULL));
    pthread_join(thread, NULL);
    assert_int_equal(0, second.code);
    db_close(one);
    db_close(second.db);
}

/* Writes one committed and one open transaction, then dies without closing anything. */
static void write_and_die(const char *path)
{
    struct db *d = NULL;

    if (db_open(path, steps, ARRAY_LEN(steps), &d, NULL) == 0 &&
        db_exec(d, "INSERT INTO a (name) VALUES ('committed')", NULL) == 0 &&
        db_begin(d, NULL) == 0 && db_exec(d, "INSERT INTO a (name) VALUES ('open')", NULL) == 0)
        kill(getpid(), SIGKILL);
    _exit(1);
}

static void killed_process_leaves_what_it_committed(void **state)
{
    struct home *h = *state;
    struct db *d;
    int status;
    pid_t child;

    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_and_die(h->path);
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_true(WIFSIGNALED(status));
    d = open_all(h->path);
    assert_int_equal(1, ask(d, "SELECT count(*) FROM a WHERE name = 'committed'"));
    assert_int_equal(0, ask(d, "SELECT count(*) FROM a WHERE name = 'open'"));
    db_close(d);
}

static void statements_may_be_freed_after_their_database(void **state)
{
    struct db *d = open_all(":memory:");
    auto_stmt struct db_stmt *s = NULL;

    (void)state;
    assert_ok(db_prepare(d, "SELECT 1", &s, NULL));
    assert_int_equal(1, db_step(s, NULL));
    db_close(d);
}

#define WITH_HOME(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOME(new_file_gets_every_migration_once),
        WITH_HOME(old_file_gets_only_what_it_lacks),
        WITH_HOME(failed_migration_leaves_the_version_before),
        WITH_HOME(rules_of_the_file_are_set),
        cmocka_unit_test(database_in_memory_works),
        WITH_HOME(newer_file_is_refused_and_left_as_it_is),
        WITH_HOME(file_that_is_no_database_is_damaged),
        WITH_HOME(overwritten_page_is_damage),
        WITH_HOME(truncated_file_is_damaged),
        WITH_HOME(place_that_cannot_hold_a_file_is_an_error),
        WITH_HOME(many_can_open_a_new_file_at_once),
        cmocka_unit_test(values_come_back_as_they_went),
        cmocka_unit_test(statement_is_used_again_after_reset_with_nothing_left_bound),
        cmocka_unit_test(failed_bind_is_kept_until_reset),
        cmocka_unit_test(wrong_sql_is_invalid),
        cmocka_unit_test(changes_and_last_id_tell_of_the_last_statement),
        cmocka_unit_test(broken_constraints_are_eexist),
        WITH_HOME(rollback_undoes_and_commit_keeps),
        WITH_HOME(full_database_is_enospc_and_goes_on_when_there_is_room),
        WITH_HOME(file_that_may_not_grow_is_enospc_and_loses_nothing_committed),
        WITH_HOME(write_behind_a_newer_write_is_busy_and_retryable),
        WITH_HOME(second_writer_waits_for_the_first),
        WITH_HOME(killed_process_leaves_what_it_committed),
        cmocka_unit_test(statements_may_be_freed_after_their_database),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
