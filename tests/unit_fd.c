/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole reads and writes, bounds, durable replacement, locks, directories. */
#include "tests/unit.h"

#include "base/fd.h"
#include "base/gw.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

#include "base/banned.h"

static int setup(void **state)
{
    *state = unit_mkdir();
    return 0;
}

static int teardown(void **state)
{
    unit_rmdir(*state);
    return 0;
}

static size_t count_entries(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;

    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e; e = readdir(d))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static void assert_file(const char *path, const char *want)
{
    auto_buf struct buf b = {0};

    assert_ok(fd_load(path, 1 << 20, &b, NULL));
    assert_string_equal(want, buf_cstr(&b));
}

static void full_write_and_read_pass_a_small_pipe(void **state)
{
    enum { LEN = 1 << 20 }; /* sixteen times what a pipe holds */
    uint8_t *sent = malloc(LEN);
    uint8_t *got = malloc(LEN);
    int fds[2];
    pid_t pid;

    (void)state;
    assert_non_null(sent);
    assert_non_null(got);
    for (size_t i = 0; i < LEN; i++)
        sent[i] = (uint8_t)(i * 7);
    assert_ok(pipe(fds));
    pid = fork();
    if (pid == 0)
        _exit(fd_write_full(fds[1], sent, LEN, NULL) == 0 ? 0 : 1);
    close(fds[1]);
    assert_ok(fd_read_full(fds[0], got, LEN, NULL));
    assert_memory_equal(sent, got, LEN);
    assert_int_equal(pid, waitpid(pid, NULL, 0));
    close(fds[0]);
    free(sent);
    free(got);
}

static void reading_past_the_end_is_nodata(void **state)
{
    auto_close int fd = -1;
    char path[PATH_MAX];
    char out[8];
    struct err err = {0};

    assert_ok(fd_save(unit_path(*state, "f", path), slice_str("hello"), 0600, NULL));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_fails(-ENODATA, fd_read_full(fd, out, 8, &err));
    assert_string_equal("end of file with 3 bytes missing", err.text);
    assert_fails(-ENODATA, fd_pread_full(fd, out, 3, 3, NULL));
    assert_fails(-ENODATA, fd_pread_full(fd, out, 1, 1000, NULL));
    assert_ok(fd_pread_full(fd, out, 2, 3, NULL));
    assert_memory_equal("lo", out, 2);
    assert_ok(fd_pread_full(fd, out, 0, 1000, NULL));
}

static void offsets_beyond_off_t_do_not_wrap(void **state)
{
    auto_close int fd = -1;
    char path[PATH_MAX];
    char c = 'x';

    fd = open(unit_path(*state, "f", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_fails(-EOVERFLOW, fd_pwrite_full(fd, &c, 1, UINT64_MAX, NULL));
    assert_fails(-EOVERFLOW, fd_pwrite_full(fd, &c, 1, INT64_MAX, NULL));
    assert_fails(-EOVERFLOW, fd_pread_full(fd, &c, 1, UINT64_C(1) << 63, NULL));
    assert_int_equal(0, lseek(fd, 0, SEEK_END));
}

static void pwrite_writes_where_it_is_told(void **state)
{
    auto_close int fd = -1;
    char path[PATH_MAX];

    fd = open(unit_path(*state, "f", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_ok(fd_pwrite_full(fd, "world", 5, 6, NULL));
    assert_ok(fd_pwrite_full(fd, "hello ", 6, 0, NULL));
    assert_file(path, "hello world");
}

static void errors_of_the_kernel_come_through(void **state)
{
    auto_close int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    char c = 'x';

    (void)state;
    assert_fails(-ENOSPC, fd_write_full(full, &c, 1, NULL));
    assert_fails(-EBADF, fd_write_full(-1, &c, 1, NULL));
    assert_fails(-EBADF, fd_read_full(-1, &c, 1, NULL));
}

static void load_respects_its_bound(void **state)
{
    auto_buf struct buf b = {0};
    char path[PATH_MAX];

    assert_ok(fd_save(unit_path(*state, "f", path), slice_str("12345"), 0600, NULL));
    assert_fails(-EFBIG, fd_load(path, 4, &b, NULL));
    assert_int_equal(0, b.len);
    assert_ok(fd_load(path, 5, &b, NULL));
    assert_ok(fd_load(path, 5, &b, NULL));
    assert_string_equal("1234512345", buf_cstr(&b));
}

static void load_refuses_what_is_no_file(void **state)
{
    auto_buf struct buf b = {0};
    struct err err = {0};
    char path[PATH_MAX];

    assert_fails(-ENOENT, fd_load(unit_path(*state, "none", path), 10, &b, NULL));
    assert_fails(-EINVAL, fd_load(*state, 10, &b, NULL));
    /* Opening a FIFO that nobody writes would hang; reading /dev/zero would not end. */
    assert_ok(mkfifo(unit_path(*state, "fifo", path), 0600));
    assert_fails(-EINVAL, fd_load(path, 10, &b, NULL));
    assert_fails(-EINVAL, fd_load("/dev/zero", 10, &b, &err));
    assert_int_equal(GW_BAD_FILE, err.gw);
    assert_int_equal(0, b.len);
}

static void load_of_an_empty_file_is_empty(void **state)
{
    auto_buf struct buf b = {0};
    char path[PATH_MAX];

    assert_ok(fd_save(unit_path(*state, "f", path), slice_of(NULL, 0), 0600, NULL));
    assert_ok(fd_load(path, 0, &b, NULL));
    assert_int_equal(0, b.len);
}

static void load_proc_reads_files_whose_size_lies(void **state)
{
    auto_buf struct buf b = {0};

    (void)state;
    assert_ok(fd_load_proc("/proc/self/status", 1 << 16, &b, NULL));
    assert_non_null(strstr(buf_cstr(&b), "Name:"));
    buf_clear(&b);
    assert_fails(-EFBIG, fd_load_proc("/proc/self/status", 16, &b, NULL));
    assert_int_equal(0, b.len);
}

static void load_keeps_to_the_callers_ceiling(void **state)
{
    auto_buf struct buf b = {.max = 3};
    char path[PATH_MAX];

    assert_ok(fd_save(unit_path(*state, "f", path), slice_str("12345"), 0600, NULL));
    assert_fails(-EFBIG, fd_load(path, 100, &b, NULL));
    assert_int_equal(0, b.len);
}

static void save_replaces_and_leaves_nothing_beside(void **state)
{
    char path[PATH_MAX];
    struct stat st;

    unit_path(*state, "f", path);
    assert_ok(fd_save(path, slice_str("one"), 0600, NULL));
    assert_ok(fd_save(path, slice_str("two"), 0644, NULL));
    assert_file(path, "two");
    assert_int_equal(1, count_entries(*state));
    assert_ok(stat(path, &st));
    assert_int_equal(0644, st.st_mode & 07777);
}

static void save_sets_the_mode_whatever_the_umask(void **state)
{
    mode_t old = umask(0);
    char path[PATH_MAX];
    struct stat st;

    assert_ok(fd_save(unit_path(*state, "a", path), slice_str("x"), 0600, NULL));
    assert_ok(stat(path, &st));
    assert_int_equal(0600, st.st_mode & 07777);
    umask(077);
    assert_ok(fd_save(unit_path(*state, "b", path), slice_str("x"), 0644, NULL));
    assert_ok(stat(path, &st));
    assert_int_equal(0644, st.st_mode & 07777);
    umask(old);
}

static void save_works_in_the_current_directory(void **state)
{
    char here[PATH_MAX];

    assert_non_null(getcwd(here, sizeof(here)));
    assert_ok(chdir(*state));
    assert_ok(fd_save("plain", slice_str("x"), 0600, NULL));
    assert_file("plain", "x");
    assert_fails(-EISDIR, fd_save("plain/", slice_str("x"), 0600, NULL));
    assert_ok(chdir(here));
}

static void save_replaces_a_symlink_not_its_target(void **state)
{
    char target[PATH_MAX];
    char link[PATH_MAX];

    assert_ok(fd_save(unit_path(*state, "target", target), slice_str("old"), 0600, NULL));
    assert_ok(symlink("target", unit_path(*state, "link", link)));
    assert_ok(fd_save(link, slice_str("new"), 0600, NULL));
    assert_file(target, "old");
    assert_file(link, "new");
}

static void failed_save_keeps_the_old_file(void **state)
{
    char path[PATH_MAX];
    struct err err = {0};

    /* A directory of that name cannot be replaced by a file. */
    assert_ok(mkdir(unit_path(*state, "d", path), 0700));
    assert_int_not_equal(0, fd_save(path, slice_str("x"), 0600, &err));
    assert_int_equal(1, count_entries(*state));
    assert_fails(-ENOENT, fd_save(unit_path(*state, "no/f", path), slice_str("x"), 0600, NULL));
}

static void create_once_creates_once(void **state)
{
    char path[PATH_MAX];

    unit_path(*state, "f", path);
    assert_ok(fd_create_once(path, slice_str("first"), 0640, NULL));
    assert_fails(-EEXIST, fd_create_once(path, slice_str("second"), 0640, NULL));
    assert_file(path, "first");
    assert_int_equal(1, count_entries(*state));
}

static void create_once_sees_a_dangling_symlink(void **state)
{
    char path[PATH_MAX];

    assert_ok(symlink("nowhere", unit_path(*state, "f", path)));
    assert_fails(-EEXIST, fd_create_once(path, slice_str("x"), 0600, NULL));
    assert_int_equal(1, count_entries(*state));
}

enum { RACERS = 8, RACES = 25 };

struct race {
    pthread_barrier_t start;
    const char *path;
    unsigned created;
    unsigned refused;
    pthread_mutex_t lock; /* guards created and refused */
};

static void *racer(void *arg)
{
    struct race *r = arg;
    int rc;

    pthread_barrier_wait(&r->start);
    rc = fd_create_once(r->path, slice_str("mine"), 0600, NULL);
    pthread_mutex_lock(&r->lock);
    r->created += rc == 0;
    r->refused += rc == -EEXIST;
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void create_once_has_one_winner_in_a_race(void **state)
{
    char path[PATH_MAX];
    pthread_t threads[RACERS];

    for (unsigned i = 0; i < RACES; i++) {
        struct race r = {.lock = PTHREAD_MUTEX_INITIALIZER};
        char name[16];

        snprintf(name, sizeof(name), "f%u", i);
        r.path = unit_path(*state, name, path);
        pthread_barrier_init(&r.start, NULL, RACERS);
        for (size_t t = 0; t < RACERS; t++)
            assert_ok(pthread_create(&threads[t], NULL, racer, &r));
        for (size_t t = 0; t < RACERS; t++)
            pthread_join(threads[t], NULL);
        pthread_barrier_destroy(&r.start);
        assert_int_equal(1, r.created);
        assert_int_equal(RACERS - 1, r.refused);
    }
    assert_int_equal(RACES, count_entries(*state));
}

static void mkdirs_makes_the_whole_way(void **state)
{
    char path[PATH_MAX];
    struct stat st;

    unit_path(*state, "a/b//c", path);
    assert_ok(fd_mkdirs(path, 0700, NULL));
    assert_ok(fd_mkdirs(path, 0700, NULL));
    assert_ok(stat(path, &st));
    assert_true(S_ISDIR(st.st_mode));
    assert_int_equal(0700, st.st_mode & 07777);
    assert_ok(fd_mkdirs(unit_path(*state, "a/b/", path), 0700, NULL));
    assert_ok(fd_mkdirs("/", 0700, NULL));
}

static void mkdirs_refuses_a_file_in_the_way(void **state)
{
    char path[PATH_MAX];

    assert_ok(fd_save(unit_path(*state, "f", path), slice_str("x"), 0600, NULL));
    assert_fails(-ENOTDIR, fd_mkdirs(path, 0700, NULL));
    assert_fails(-ENOTDIR, fd_mkdirs(unit_path(*state, "f/g", path), 0700, NULL));
    assert_fails(-EINVAL, fd_mkdirs("", 0700, NULL));
}

static void sync_dir_wants_a_directory(void **state)
{
    char path[PATH_MAX];

    assert_ok(fd_sync_dir(*state, NULL));
    assert_ok(fd_save(unit_path(*state, "f", path), slice_str("x"), 0600, NULL));
    assert_fails(-ENOTDIR, fd_sync_dir(path, NULL));
}

static void unlinking_what_is_gone_is_fine(void **state)
{
    char path[PATH_MAX];

    assert_ok(fd_save(unit_path(*state, "f", path), slice_str("x"), 0600, NULL));
    assert_ok(fd_unlink(path, NULL));
    assert_ok(fd_unlink(path, NULL));
    assert_int_equal(0, count_entries(*state));
    assert_int_not_equal(0, fd_unlink(*state, NULL));
}

static void a_lock_is_held_once_and_given_back(void **state)
{
    char path[PATH_MAX];
    struct err err = {0};
    int first = -1;
    int second = -1;

    unit_path(*state, "lock", path);
    assert_ok(fd_lock(path, &first, NULL));
    assert_fails(-EWOULDBLOCK, fd_lock(path, &second, &err));
    assert_int_equal(-1, second);
    assert_non_null(strstr(err.text, "locked by another process"));
    close(first);
    assert_ok(fd_lock(path, &second, NULL));
    close(second);
}

static void a_lock_does_not_follow_symlinks(void **state)
{
    char path[PATH_MAX];
    int fd = -1;

    assert_ok(symlink("elsewhere", unit_path(*state, "lock", path)));
    assert_fails(-ELOOP, fd_lock(path, &fd, NULL));
}

static void xdg_follows_the_specification(void **state)
{
    char out[64];

    (void)state;
    setenv("HOME", "/home/ana", 1);
    unsetenv("XDG_CONFIG_HOME");
    assert_ok(fd_xdg("config", out, sizeof(out), NULL));
    assert_string_equal("/home/ana/.config/godwit", out);
    setenv("XDG_CONFIG_HOME", "/cfg", 1);
    assert_ok(fd_xdg("config", out, sizeof(out), NULL));
    assert_string_equal("/cfg/godwit", out);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_ok(fd_xdg("config", out, sizeof(out), NULL));
    assert_string_equal("/home/ana/.config/godwit", out);
    unsetenv("XDG_STATE_HOME");
    assert_ok(fd_xdg("state", out, sizeof(out), NULL));
    assert_string_equal("/home/ana/.local/state/godwit", out);
}

static void xdg_without_home_says_so(void **state)
{
    char out[64] = "x";

    (void)state;
    unsetenv("HOME");
    unsetenv("XDG_DATA_HOME");
    assert_fails(-ENOENT, fd_xdg("data", out, sizeof(out), NULL));
    assert_string_equal("", out);
    setenv("HOME", "/home/ana", 1);
    assert_fails(-EINVAL, fd_xdg("nonsense", out, sizeof(out), NULL));
    assert_fails(-ENAMETOOLONG, fd_xdg("data", out, 8, NULL));
}

static void a_write_that_fails_names_its_file(void **state)
{
    char path[PATH_MAX];
    struct err err = {0};
    int fd;

    assert_ok(fd_save(unit_path(*state, "table", path), slice_str("x"), 0600, NULL));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_fails(-EBADF, fd_pwrite_full(fd, "y", 1, 0, &err));
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "Bad file descriptor"));
    close(fd);
    assert_fails(-ENOSPC, fd_failed(-1, -ENOSPC, "fsync", &err));
    assert_string_equal("fsync: No space left on device", err.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_write_and_read_pass_a_small_pipe, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_past_the_end_is_nodata, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets_beyond_off_t_do_not_wrap, setup, teardown),
        cmocka_unit_test_setup_teardown(pwrite_writes_where_it_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(errors_of_the_kernel_come_through, setup, teardown),
        cmocka_unit_test_setup_teardown(load_respects_its_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(load_refuses_what_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(load_of_an_empty_file_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(load_proc_reads_files_whose_size_lies, setup, teardown),
        cmocka_unit_test_setup_teardown(load_keeps_to_the_callers_ceiling, setup, teardown),
        cmocka_unit_test_setup_teardown(save_replaces_and_leaves_nothing_beside, setup, teardown),
        cmocka_unit_test_setup_teardown(save_sets_the_mode_whatever_the_umask, setup, teardown),
        cmocka_unit_test_setup_teardown(save_works_in_the_current_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(save_replaces_a_symlink_not_its_target, setup, teardown),
        cmocka_unit_test_setup_teardown(failed_save_keeps_the_old_file, setup, teardown),
        cmocka_unit_test_setup_teardown(create_once_creates_once, setup, teardown),
        cmocka_unit_test_setup_teardown(create_once_sees_a_dangling_symlink, setup, teardown),
        cmocka_unit_test_setup_teardown(create_once_has_one_winner_in_a_race, setup, teardown),
        cmocka_unit_test_setup_teardown(mkdirs_makes_the_whole_way, setup, teardown),
        cmocka_unit_test_setup_teardown(mkdirs_refuses_a_file_in_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(sync_dir_wants_a_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(unlinking_what_is_gone_is_fine, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_is_held_once_and_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_does_not_follow_symlinks, setup, teardown),
        cmocka_unit_test_setup_teardown(xdg_follows_the_specification, setup, teardown),
        cmocka_unit_test_setup_teardown(xdg_without_home_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_that_fails_names_its_file, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
