/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that stay behind the demo. A process id alone proves nothing, since ids are used again:
 * one is ours when its command line names our directory.
 */
#include "cli/demo.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/text.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/banned.h"

enum {
    CMDLINE_MAX = 64 * 1024,
    LOG_MAX = 16 << 20,
    END_MS = 15000,
    POLL_MS = 20,
    LAST_LINE_MAX = 240,
};

extern char **environ;

static int pid_path(const struct demo *d, const char *name, char out[static PATH_MAX],
                    struct err *err)
{
    char file[64];

    (void)text_print(file, sizeof(file), "pid/%s", name);
    return demo_place_state(d, file, out, err);
}

static int log_path(const struct demo *d, const char *name, char out[static PATH_MAX],
                    struct err *err)
{
    char file[64];

    (void)text_print(file, sizeof(file), "log/%s.log", name);
    return demo_place_state(d, file, out, err);
}

/* -- is it ours ---------------------------------------------------------------- */

static bool is_ours(const struct demo *d, const char *name, pid_t pid)
{
    auto_buf struct buf line = {0};
    char path[64], dir[PATH_MAX];
    size_t at = 0;

    (void)text_print(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
    if (demo_place_state(d, name, dir, NULL) < 0 ||
        fd_load_proc(path, CMDLINE_MAX, &line, NULL) < 0 || !buf_cstr(&line))
        return false;
    while (at < line.len) {
        const char *word = (const char *)line.data + at;

        if (text_equal(word, dir))
            return true;
        at += strlen(word) + 1;
    }
    return false;
}

static pid_t running_pid(const struct demo *d, const char *name)
{
    auto_buf struct buf text = {0};
    char path[PATH_MAX];
    uint64_t pid;

    if (pid_path(d, name, path, NULL) < 0 || fd_load(path, 64, &text, NULL) < 0 || text.len == 0)
        return 0;
    text.len--; /* its newline */
    if (num_parse_u64(buf_cstr(&text), 2, INT32_MAX, &pid, NULL) < 0)
        return 0;
    return is_ours(d, name, (pid_t)pid) ? (pid_t)pid : 0;
}

bool demo_proc_runs(const struct demo *d, const char *name)
{
    return running_pid(d, name) > 0;
}

/* -- beginning and ending --------------------------------------------------------- */

static int spawn(const char *log, const char *const *argv, pid_t *ret, struct err *err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int r = posix_spawn_file_actions_init(&files);

    if (r != 0)
        return err_set(err, -r, "start '%s': %m", argv[0]);
    r = posix_spawnattr_init(&attr);
    if (r != 0) {
        posix_spawn_file_actions_destroy(&files);
        return err_set(err, -r, "start '%s': %m", argv[0]);
    }
    r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log,
                                             O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    if (r == 0)
        r = posix_spawn(ret, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return r == 0 ? 0 : err_set(err, -r, "start '%s': %m", argv[0]);
}

/* One that was killed may hold its directory's lock a moment longer than its command line. */
static int wait_unlocked(const struct demo *d, const char *name, struct err *err)
{
    const struct clock *clock = d->call->clock;
    uint64_t until = clock_mono_ms(clock) + END_MS;
    char file[64], path[PATH_MAX];
    int r;

    (void)text_print(file, sizeof(file), "%s/lock", name);
    r = demo_place_state(d, file, path, err);
    while (r == 0 && access(path, F_OK) == 0) {
        auto_close int fd = -1;

        if (fd_lock(path, &fd, NULL) != -EWOULDBLOCK)
            return 0;
        if (clock_mono_ms(clock) > until)
            return err_set_gw(err, GW_IN_USE, -EWOULDBLOCK, "somebody else holds '%s'", path);
        clock_sleep_ms(clock, POLL_MS);
    }
    return r;
}

/*
 * posix_spawn returns as soon as the child has let go of our memory; the kernel writes its new
 * command line a moment later, and who reads it between the two sees an empty one, as of a process
 * that ended.
 */
static void wait_named(const struct demo *d, const char *name, pid_t pid)
{
    const struct clock *clock = d->call->clock;
    uint64_t until = clock_mono_ms(clock) + END_MS;
    siginfo_t info = {0};

    while (!is_ours(d, name, pid) && clock_mono_ms(clock) < until &&
           waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0)
        clock_sleep_ms(clock, 1);
}

int demo_proc_start(const struct demo *d, const char *name, const char *const *argv,
                    struct err *err)
{
    char log[PATH_MAX], path[PATH_MAX], text[32];
    pid_t pid = 0;
    int r;

    if (demo_proc_runs(d, name))
        return 0;
    r = wait_unlocked(d, name, err);
    if (r == 0)
        r = log_path(d, name, log, err);
    if (r == 0)
        r = pid_path(d, name, path, err);
    if (r == 0)
        r = spawn(log, argv, &pid, err);
    if (r < 0)
        return r;
    (void)text_print(text, sizeof(text), "%ld\n", (long)pid);
    r = fd_save(path, slice_str(text), 0600, err);
    if (r < 0)
        kill(pid, SIGTERM); /* what nobody could find again must not stay */
    else
        wait_named(d, name, pid);
    return r;
}

int demo_proc_end(const struct demo *d, const char *name, struct err *err)
{
    const struct clock *clock = d->call->clock;
    uint64_t began = clock_mono_ms(clock);
    char path[PATH_MAX];
    pid_t pid;
    int sig = SIGTERM;

    while ((pid = running_pid(d, name)) > 0) {
        uint64_t waited = clock_mono_ms(clock) - began;

        if (waited > (uint64_t)END_MS + 5000)
            return err_set(err, -ETIMEDOUT, "process %ld (%s) does not end", (long)pid, name);
        if (waited > END_MS)
            sig = SIGKILL;
        if (kill(pid, sig) < 0 && errno != ESRCH)
            return err_set(err, -errno, "end process %ld (%s): %m", (long)pid, name);
        clock_sleep_ms(clock, POLL_MS);
    }
    if (pid_path(d, name, path, err) < 0)
        return -ENAMETOOLONG;
    return fd_unlink(path, err);
}

/* -- what they say ------------------------------------------------------------------ */

/* The line that matters: godwit's programs end a failure with why and next. */
static void error_line(const struct buf *text, char out[static LAST_LINE_MAX])
{
    const char *all = text->len ? (const char *)text->data : "";
    const char *at = text->len ? memmem(all, text->len, "error", 5) : NULL, *next = at;
    struct buf line;

    while (next) { /* the last of them */
        at = next;
        next = memmem(at + 5, text->len - (size_t)(at + 5 - all), "error", 5);
    }
    if (!at) {
        text_last_line((const char *)text->data, text->len, out, LAST_LINE_MAX);
        return;
    }
    line = (struct buf){.data = (uint8_t *)(uintptr_t)at, .len = text->len - (size_t)(at - all)};
    next = memchr(at, '\n', line.len);
    if (next)
        line.len = (size_t)(next - at);
    text_last_line((const char *)line.data, line.len, out, LAST_LINE_MAX);
}

int demo_proc_check(const struct demo *d, const char *name, struct err *err)
{
    auto_buf struct buf text = {0};
    char path[PATH_MAX], line[LAST_LINE_MAX] = "";

    if (demo_proc_runs(d, name))
        return 0;
    if (log_path(d, name, path, NULL) == 0 && fd_load(path, LOG_MAX, &text, NULL) == 0)
        error_line(&text, line);
    return err_set_gw(err, GW_UNREACHABLE, -EIO, "%s ended: %s", name, line);
}

int demo_proc_tool(const char *const *argv, const char *cwd, struct buf *out, struct err *err)
{
    auto_buf struct buf own = {0};
    char line[LAST_LINE_MAX];
    int status, r;

    if (!out)
        out = &own;
    r = proc_run(&(struct proc_run){.argv = argv, .cwd = cwd, .timeout_ms = DEMO_STEP_MS}, out,
                 &status, err);
    if (r < 0)
        return err_add(err, r, "%s", argv[0]);
    if (status == 0)
        return 0;
    error_line(out, line);
    return err_set(err, -EIO, "%s ended with %d: %s", argv[0], status, line);
}
