/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory store when the machine fails under it: killed at every step of a put, no space,
 * failing disks, and links that lead out of the directory. Children of this program, started with
 * failpoints, do the failing.
 */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { BODY_LEN = 100000, CHILD_SURPRISED = 99, NOBODY = 65534 };

struct place {
    char *dir;
    char root[PATH_MAX];
    char url[PATH_MAX];
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    p->dir = unit_mkdir();
    unit_path(p->dir, "vault", p->root);
    assert_ok(text_print(p->url, sizeof(p->url), "file://%s", p->root));
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    unit_rmdir(p->dir);
    free(p);
    return 0;
}

static struct store *open_store(const char *url)
{
    struct store_conf conf = {.url = url};
    struct store *s = NULL;

    assert_ok(store_open(&conf, &s, NULL));
    return s;
}

static int put(const char *url, const char *key, struct err *err)
{
    static const uint8_t body[BODY_LEN] = {1, 2, 3};
    auto_store struct store *s = open_store(url);

    return store_put(s, key, slice_of(body, sizeof(body)), NULL, STORE_PUT_CREATE_ONLY, err);
}

/* The child: puts, and exits with 0 or the errno; 200 and more when err does not fit it. */
static int child_main(char **argv)
{
    struct err err = {0};
    int rc = put(argv[2], argv[3], &err);

    if (rc == -ENOSPC && err.gw != GW_NO_SPACE)
        return CHILD_SURPRISED;
    if (rc == -EIO && err.gw != GW_IO)
        return CHILD_SURPRISED;
    return -rc;
}

/* waitpid's status of a child that puts key with these failpoints. */
static int run_child(struct place *p, const char *key, const char *failpoints)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        char *argv[] = {(char[]){"fault_store_file"}, (char[]){"child"}, p->url, strdup(key), NULL};

        setenv("GODWIT_FAILPOINT", failpoints, 1);
        execv("/proc/self/exe", argv);
        _exit(CHILD_SURPRISED);
    }
    assert_int_equal(pid, waitpid(pid, &status, 0));
    return status;
}

static int count_key(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    (void)key;
    (void)mtime_ms;
    assert_int_equal(BODY_LEN, size_bytes);
    *(unsigned *)arg += 1;
    return 0;
}

static unsigned count_keys(struct place *p)
{
    auto_store struct store *s = open_store(p->url);
    unsigned n = 0;

    assert_ok(store_list(s, "", NULL, count_key, &n, NULL));
    return n;
}

static unsigned count_leftovers(struct place *p)
{
    char path[PATH_MAX];
    struct dirent **names = NULL;
    int n = scandir(unit_path(p->root, "~tmp", path), &names, NULL, NULL);

    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return n > 2 ? (unsigned)n - 2 : 0;
}

static void need_failpoints(void)
{
    const char *compiled_in = getenv("GODWIT_TEST_FAILPOINTS");

    if (compiled_in && compiled_in[0] == '\0')
        skip();
}

static void killed_at_any_step_an_object_is_whole_or_not_there(void **state)
{
    static const struct {
        const char *failpoints;
        unsigned keys;
    } steps[] = {
        {"file_put_write=kill", 0},
        {"file_put_sync=kill", 0},
        {"file_put_place=kill", 0},
        {"file_put_sync_dir=kill", 1},
    };
    struct place *p = *state;
    char key[32];

    need_failpoints();
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        unsigned before = count_keys(p);
        int status;
        int again;

        assert_ok(text_print(key, sizeof(key), "a/b%zu/object", i));
        status = run_child(p, key, steps[i].failpoints);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(before + steps[i].keys, count_keys(p));
        again = put(p->url, key, NULL);
        assert_int_equal(steps[i].keys ? -EEXIST : 0, again);
        assert_int_equal(before + 1, count_keys(p));
    }
}

static void failing_disks_are_told_and_leave_nothing(void **state)
{
    static const struct {
        const char *failpoints;
        int code;
    } steps[] = {
        {"file_put_write=err:ENOSPC", ENOSPC},
        {"file_put_sync=err:EIO", EIO},
        {"file_put_place=err:EDQUOT", ENOSPC},
        {"file_put_sync=err:EROFS", EACCES},
    };
    struct place *p = *state;

    need_failpoints();
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        int status = run_child(p, "k", steps[i].failpoints);

        assert_true(WIFEXITED(status));
        assert_int_equal(steps[i].code, WEXITSTATUS(status));
        assert_int_equal(0, count_keys(p));
        assert_int_equal(0, count_leftovers(p));
    }
}

static void without_openat2_it_works_the_same(void **state)
{
    struct place *p = *state;
    int status;

    need_failpoints();
    assert_ok(put(p->url, "a/b/first", NULL));
    status = run_child(p, "a/b/k",
                       "file_openat2:1=err:EAGAIN;file_openat2:2=err:EAGAIN;"
                       "file_openat2:3=err:EAGAIN;file_openat2:4=err:EAGAIN");
    assert_int_equal(0, status);
    assert_int_equal(2, count_keys(p));
    status = run_child(p, "a/b/k", "file_openat2:1=err:EAGAIN;file_openat2:2=err:EAGAIN");
    assert_int_equal(EEXIST, WEXITSTATUS(status));
}

/* In a child with its own mounts: 0, or the number of the step that surprised. */
static int fill_small_disk(struct place *p)
{
    static const uint8_t big[1 << 20];
    struct err err = {0};
    struct store *s;

    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mkdir(p->root, 0700) < 0 || mount("none", p->root, "tmpfs", 0, "size=256k") < 0)
        return 77;
    s = open_store(p->url);
    if (store_put(s, "big", slice_of(big, sizeof(big)), NULL, STORE_PUT_CREATE_ONLY, &err) !=
            -ENOSPC ||
        err.gw != GW_NO_SPACE)
        return 1;
    if (count_leftovers(p) != 0)
        return 2;
    if (store_put(s, "small", slice_of(big, BODY_LEN), NULL, STORE_PUT_CREATE_ONLY, &err) != 0)
        return 3;
    return count_keys(p) == 1 ? 0 : 4;
}

static void a_full_disk_is_no_space_and_loses_nothing(void **state)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(fill_small_disk(*state));
    assert_int_equal(pid, waitpid(pid, &status, 0));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(0, status);
}

static void who_may_not_write_is_denied(void **state)
{
    struct place *p = *state;
    int status = 0;
    pid_t pid;

    if (geteuid() != 0)
        skip();
    assert_ok(put(p->url, "a/k", NULL));
    assert_int_equal(0, chmod(p->dir, 0755) | chmod(p->root, 0755));
    pid = fork();
    if (pid == 0) {
        struct err err = {0};

        if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
            _exit(77);
        _exit(put(p->url, "b", &err) == -EACCES && err.gw == GW_STORE_DENIED ? 0 : 1);
    }
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_int_equal(0, status);
}

static void links_lead_nowhere(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range whole = {0};
    char outside[PATH_MAX];
    char path[PATH_MAX];
    uint64_t size;

    assert_ok(put(p->url, "real", NULL));
    assert_int_equal(0, mkdir(unit_path(p->dir, "outside", outside), 0700));
    assert_int_equal(0, symlink(outside, unit_path(p->root, "dir", path)));
    assert_int_equal(0, symlink("real", unit_path(p->root, "alias", path)));
    assert_int_equal(0, symlink("/etc/passwd", unit_path(p->root, "passwd", path)));
    {
        auto_store struct store *s = open_store(p->url);

        assert_true(put(p->url, "dir/k", NULL) < 0);
        assert_true(put(p->url, "dir/new/k", NULL) < 0);
        assert_true(store_get(s, "passwd", whole, &out, NULL) < 0);
        assert_true(store_get(s, "alias", whole, &out, NULL) < 0);
        assert_true(store_head(s, "passwd", &size, NULL) < 0);
        assert_true(store_delete(s, "dir/k", NULL) < 0);
    }
    assert_int_equal(0, out.len);
    assert_int_equal(1, count_keys(p));
    assert_int_equal(0, rmdir(outside)); /* empty still */
}

static void what_is_no_object_is_not_one(void **state)
{
    struct place *p = *state;
    auto_buf struct buf out = {0};
    struct store_range whole = {0};
    char path[PATH_MAX];

    assert_ok(put(p->url, "a/k", NULL));
    assert_int_equal(0, mkfifo(unit_path(p->root, "fifo", path), 0600));
    assert_int_equal(0, close(open(unit_path(p->root, "b a d", path), O_CREAT | O_WRONLY, 0600)));
    {
        auto_store struct store *s = open_store(p->url);

        assert_fails(-ENOENT, store_get(s, "fifo", whole, &out, NULL));
        assert_fails(-ENOENT, store_get(s, "a", whole, &out, NULL));
    }
    assert_int_equal(1, count_keys(p));
}

static void old_leftovers_are_removed_and_young_ones_stay(void **state)
{
    struct place *p = *state;
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    char tmp[PATH_MAX];
    char path[PATH_MAX];

    assert_ok(put(p->url, "k", NULL));
    unit_path(p->root, "~tmp", tmp);
    assert_int_equal(0, close(open(unit_path(tmp, "1.young", path), O_CREAT | O_WRONLY, 0600)));
    assert_int_equal(0, close(open(unit_path(tmp, "1.old", path), O_CREAT | O_WRONLY, 0600)));
    assert_int_equal(0, utimensat(AT_FDCWD, path, old, 0));
    assert_int_equal(2, count_leftovers(p));
    assert_int_equal(1, count_keys(p)); /* opens the store */
    assert_int_equal(1, count_leftovers(p));
    assert_int_equal(-1, access(path, F_OK));
}

static void a_missing_directory_is_empty_until_it_is_written(void **state)
{
    struct place *p = *state;
    auto_store struct store *s = open_store(p->url);
    uint64_t size;

    assert_int_equal(0, count_keys(p));
    assert_fails(-ENOENT, store_head(s, "k", &size, NULL));
    assert_ok(store_delete(s, "k", NULL));
    assert_int_equal(-1, access(p->root, F_OK));
    assert_ok(put(p->url, "k", NULL));
    assert_ok(store_head(s, "k", &size, NULL)); /* also for who opened it before */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE(killed_at_any_step_an_object_is_whole_or_not_there),
        CASE(failing_disks_are_told_and_leave_nothing),
        CASE(without_openat2_it_works_the_same),
        CASE(a_full_disk_is_no_space_and_loses_nothing),
        CASE(who_may_not_write_is_denied),
        CASE(links_lead_nowhere),
        CASE(what_is_no_object_is_not_one),
        CASE(old_leftovers_are_removed_and_young_ones_stay),
        CASE(a_missing_directory_is_empty_until_it_is_written),
    };

    if (argc == 4)
        return child_main(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
