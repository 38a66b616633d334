/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child in a process group of its own, fed and drained until it ends or its time is up.
 *
 * Its end is asked for in short steps and not by a pidfd: agents run on kernels without one, and
 * SIGCHLD belongs to the program, not to a library.
 */
#include "base/proc.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/banned.h"

enum {
    OUTPUT_MAX_DEFAULT = 64 * 1024,
    TOOL_SAID_MAX = 2048,
    TIMEOUT_DEFAULT_MS = 60000,
    GRACE_MS = 2000,
    STEP_MIN_MS = 1,
    STEP_MAX_MS = 50,
    CHUNK = 4096,
    CHUNKS_AT_ONCE =
        32, /* above a pipe's 64 KiB, and an end for a child that never stops writing */
};

struct child {
    pid_t pid;
    int in;  /* we write its stdin; -1 when all is given */
    int out; /* we read its stdout and stderr; -1 at their end */
    struct slice input;
    struct buf *output; /* or NULL */
    size_t output_max;
};

static void child_done(struct child *c)
{
    auto_close_(&c->in);
    auto_close_(&c->out);
}

static void close_fd(int *fd)
{
    auto_close_(fd);
    *fd = -1;
}

/* Both ends of a pipe, closed when left. */
struct pipe_ends {
    int read;
    int write;
};

static void pipe_done(struct pipe_ends *p)
{
    auto_close_(&p->read);
    auto_close_(&p->write);
}

static int pipe_open(struct pipe_ends *p)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *p = (struct pipe_ends){.read = fds[0], .write = fds[1]};
    return 0;
}

static size_t key_len(const char *entry)
{
    return strcspn(entry, "=");
}

/* Does a list set the same variable as entry? */
static bool overridden(const char *const *list, const char *entry)
{
    size_t len = key_len(entry);

    for (size_t i = 0; list && list[i]; i++)
        if (key_len(list[i]) == len && memcmp(list[i], entry, len) == 0)
            return true;
    return false;
}

/* Ours without those that extra replaces, then extra. The strings are lent. */
static int merge_env(const char *const *extra, const char ***ret)
{
    const char **env;
    size_t n = 0;
    size_t total = 1;

    for (size_t i = 0; environ[i]; i++)
        total++;
    for (size_t i = 0; extra && extra[i]; i++)
        total++;
    env = calloc(total, sizeof(*env));
    if (!env)
        return -ENOMEM;
    for (size_t i = 0; environ[i]; i++)
        if (!overridden(extra, environ[i]))
            env[n++] = environ[i];
    for (size_t i = 0; extra && extra[i]; i++)
        env[n++] = extra[i];
    *ret = env;
    return 0;
}

/* stdin from in (or /dev/null when -1), stdout and stderr to out, in cwd. */
static int set_files(posix_spawn_file_actions_t *files, const struct proc_run *run, int in, int out)
{
    int rc = in >= 0
                 ? posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO)
                 : posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    if (rc == 0 && !(run->flags & PROC_STDERR_OURS))
        rc = posix_spawn_file_actions_adddup2(files, out, STDERR_FILENO);
    if (rc == 0 && run->cwd)
        rc = posix_spawn_file_actions_addchdir_np(files, run->cwd);
    return rc;
}

/* A process group to kill as one; no signal blocked or ignored, whatever this thread does. */
static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none;
    sigset_t ordinary;
    int rc;

    sigemptyset(&none);
    sigemptyset(&ordinary);
    for (int sig = 1; sig < 32; sig++)
        if (sig != SIGKILL && sig != SIGSTOP)
            sigaddset(&ordinary, sig);
    rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawnattr_setpgroup(attr, 0);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attr, &ordinary);
    return rc;
}

static int spawn(const struct proc_run *run, int in, int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    auto_free const char **env = NULL;
    int rc = merge_env(run->env, &env);

    if (rc < 0)
        return rc;
    if (posix_spawn_file_actions_init(&files) != 0)
        return -ENOMEM;
    if (posix_spawnattr_init(&attr) != 0) {
        posix_spawn_file_actions_destroy(&files);
        return -ENOMEM;
    }
    rc = set_files(&files, run, in, out);
    if (rc == 0)
        rc = set_attributes(&attr);
    /* POSIX promises not to change the strings; its prototype is older than const. */
    if (rc == 0)
        rc = posix_spawnp(ret_pid, run->argv[0], &files, &attr, (char *const *)(uintptr_t)run->argv,
                          (char *const *)(uintptr_t)env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return -rc;
}

static int start(const struct proc_run *run, struct child *c, struct err *err)
{
    AUTO(pipe_done) struct pipe_ends in = {-1, -1};
    AUTO(pipe_done) struct pipe_ends out = {-1, -1};
    int rc = pipe_open(&out);

    if (rc == 0 && run->input.len)
        rc = pipe_open(&in);
    if (rc < 0)
        return err_set(err, rc, "pipe for '%s': %m", run->argv[0]);
    rc = spawn(run, in.read, out.write, &c->pid);
    if (rc < 0 && run->cwd)
        return err_set(err, rc, "run '%s' in '%s': %m", run->argv[0], run->cwd);
    if (rc < 0)
        return err_set(err, rc, "run '%s': %m", run->argv[0]);
    c->in = in.write;
    c->out = out.read;
    in.write = -1;
    out.read = -1;
    c->input = run->input;
    if (c->in >= 0)
        fcntl(c->in, F_SETFL, O_NONBLOCK);
    fcntl(c->out, F_SETFL, O_NONBLOCK);
    return 0;
}

/* write() that answers EPIPE without the signal, whatever the program does with SIGPIPE. */
static ssize_t write_quietly(int fd, const void *data, size_t len)
{
    const struct timespec now = {0};
    sigset_t pipe_only;
    sigset_t pending;
    sigset_t old;
    bool was_pending;
    ssize_t n;
    int code;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
    n = write(fd, data, len);
    code = errno;
    if (n < 0 && code == EPIPE && !was_pending)
        while (sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = code;
    return n;
}

/* A child that does not read all its input is its own affair. */
static void feed(struct child *c)
{
    ssize_t n = write_quietly(c->in, c->input.data, c->input.len);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        c->input.data += n;
        c->input.len -= (size_t)n;
    }
    if (n < 0 || c->input.len == 0)
        close_fd(&c->in);
}

/* What is there now. */
static void drain(struct child *c)
{
    uint8_t chunk[CHUNK];
    size_t room;
    ssize_t n;

    for (int i = 0; i < CHUNKS_AT_ONCE && c->out >= 0; i++) {
        n = read(c->out, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            close_fd(&c->out);
            return;
        }
        room = c->output && c->output->len < c->output_max ? c->output_max - c->output->len : 0;
        if (room)
            buf_append(c->output, chunk, num_min((size_t)n, room));
    }
}

/* Up to ms for something to do; a child that has closed everything makes it a plain wait. */
static void wait_for_work(struct child *c, uint64_t ms)
{
    struct pollfd fds[] = {
        {.fd = c->in, .events = POLLOUT},
        {.fd = c->out, .events = POLLIN},
    };

    if (poll(fds, ARRAY_LEN(fds), (int)ms) <= 0)
        return;
    if (fds[0].revents)
        feed(c);
    if (fds[1].revents)
        drain(c);
}

/* Has it ended? It stays a zombie, so that its group's number cannot go to somebody else. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* 0 when it ended before the deadline, else -ETIMEDOUT or -ECANCELED. stop may be NULL. */
static int run_until(struct child *c, uint64_t deadline_ms, const atomic_bool *stop)
{
    uint64_t step = STEP_MIN_MS;
    uint64_t now;

    while (!has_ended(c->pid)) {
        now = clock_mono_ms(&clock_system);
        if (now >= deadline_ms)
            return -ETIMEDOUT;
        if (stop && atomic_load(stop))
            return -ECANCELED;
        wait_for_work(c, num_min(step, deadline_ms - now));
        step = num_min(step * 2, STEP_MAX_MS);
    }
    return 0;
}

/* SIGTERM, time to clean up, then SIGKILL to whatever is left of the group. */
static void end_group(struct child *c)
{
    kill(-c->pid, SIGTERM);
    (void)run_until(c, clock_mono_ms(&clock_system) + GRACE_MS, NULL);
    kill(-c->pid, SIGKILL);
}

static int reap(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int proc_run(const struct proc_run *run, struct buf *out, int *ret_status, struct err *err)
{
    AUTO(child_done) struct child c = {.in = -1, .out = -1, .output = out};
    uint64_t timeout_ms = run->timeout_ms ? run->timeout_ms : TIMEOUT_DEFAULT_MS;
    int ended;
    int status;
    int rc;

    /* Begun and ended at once, it might have done what it is for by then. */
    if (run->stop && atomic_load(run->stop))
        return err_set(err, -ECANCELED, "'%s' was not started", run->argv[0]);
    rc = start(run, &c, err);
    if (rc < 0)
        return rc;
    c.output_max = out && out->max ? out->max : OUTPUT_MAX_DEFAULT;
    ended = run_until(&c, clock_mono_ms(&clock_system) + timeout_ms, run->stop);
    if (ended < 0)
        end_group(&c);
    status = reap(c.pid);
    drain(&c); /* what it left in the pipe; a daemon that it started may hold the pipe open */
    if (ended == -ECANCELED)
        return err_set(err, ended, "'%s' was stopped", run->argv[0]);
    if (ended < 0)
        return err_set(err, ended, "'%s' did not end in %ju ms", run->argv[0],
                       (uintmax_t)timeout_ms);
    if (out && out->failed == -ENOMEM)
        return err_set(err, -ENOMEM, "output of '%s': %m", run->argv[0]);
    *ret_status = status;
    return 0;
}

int proc_tool(const char *const *argv, struct buf *out, struct err *err)
{
    auto_buf struct buf said = {.max = TOOL_SAID_MAX};
    const struct proc_run run = {.argv = argv};
    const char *text;
    int status = 0;
    int r;

    out = out ? out : &said;
    r = proc_run(&run, out, &status, err);
    if (r < 0)
        return r;
    text = buf_cstr(out);
    if (status != 0)
        return err_set_gw(err, GW_DENIED, -EIO, "%s: ended with %d: %.200s", argv[0], status,
                          text ? text : "");
    return 0;
}
