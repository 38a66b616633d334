/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog's life. The child of a program with threads: only system calls, no libraries, for a
 * lock may be held for ever by a thread that was not taken along.
 */
#include "transport/freeze_watch.h"

#include "base/auto.h"
#include "base/err.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/banned.h"

enum { AGAIN_MS = 20, LOOK_MS = 50, HELLO_MS = 5000, SOCKET_AT = 3, FDS_AT = 4 };

struct watched {
    int fds[FREEZE_WATCH_MAX];
    size_t n;
    uint64_t limit_ms;
    pid_t parent;
};

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* True when one of them was frozen. */
static bool thaw(const struct watched *w)
{
    bool any = false;

    for (size_t i = 0; i < w->n; i++)
        any |= ioctl(w->fds[i], FITHAW, 0) == 0;
    return any;
}

/*
 * Descriptors: 3 the socket, 4 and on the file systems, nothing else: neither the other end of
 * somebody's socket, whose end would then never come, nor a file on what is frozen.
 */
static bool take_descriptors(struct watched *w, int socket)
{
    /* First out of the way of where they go. */
    socket = fcntl(socket, F_DUPFD, FDS_AT + FREEZE_WATCH_MAX);
    for (size_t i = 0; i < w->n; i++)
        w->fds[i] = fcntl(w->fds[i], F_DUPFD, FDS_AT + FREEZE_WATCH_MAX);
    if (dup2(socket, SOCKET_AT) < 0)
        return false;
    for (size_t i = 0; i < w->n; i++) {
        if (dup2(w->fds[i], FDS_AT + (int)i) < 0)
            return false;
        w->fds[i] = FDS_AT + (int)i;
    }
    (void)syscall(SYS_close_range, FDS_AT + w->n, ~0U, 0);
    for (int fd = 0; fd < SOCKET_AT; fd++)
        close(fd);
    return true;
}

static bool parent_lives(const struct watched *w)
{
    return getppid() == w->parent;
}

/* What a terminal, an init or a careless hand sends must not end it. Group and session of its own:
 * a Ctrl-C or a kill of the group is not for it. */
static void stand_alone(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    (void)setsid();
    (void)prctl(PR_SET_NAME, "godwit-thaw");
}

/* The parent's word that it is over: true. */
static bool watch(const struct watched *w)
{
    struct pollfd p = {.fd = SOCKET_AT, .events = POLLIN};
    uint64_t until = now_ms() + w->limit_ms;
    char c;

    /* Its end of the socket closes with its last thread, so no freeze is under way any more then.
     * Another child of it may hold that end until it has closed what it does not need. */
    while (parent_lives(w)) {
        bool late = now_ms() >= until;

        if (poll(&p, 1, late ? AGAIN_MS : LOOK_MS) > 0)
            return read(SOCKET_AT, &c, 1) == 1;
        if (late)
            thaw(w);
    }
    return false;
}

_Noreturn static void child(struct watched *w, int socket)
{
    stand_alone();
    if (take_descriptors(w, socket) && write(SOCKET_AT, "a", 1) == 1 && !watch(w))
        while (thaw(w))
            ;
    _exit(0);
}

static int await_hello(int fd, struct err *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char c = 0;
    int rc;

    do
        rc = poll(&p, 1, HELLO_MS);
    while (rc < 0 && errno == EINTR);
    if (rc <= 0 || read(fd, &c, 1) != 1)
        return err_set(err, -ECHILD, "the watchdog that thaws does not answer");
    return 0;
}

int freeze_watch_start(const int *fds, size_t n, uint64_t limit_ms, struct freeze_watch *ret,
                       struct err *err)
{
    struct watched w = {.n = n, .limit_ms = limit_ms, .parent = getpid()};
    struct freeze_watch made;
    int pair[2];
    int rc;

    if (n > FREEZE_WATCH_MAX)
        return err_set(err, -E2BIG, "%zu file systems to freeze, more than %d", n,
                       FREEZE_WATCH_MAX);
    for (size_t i = 0; i < n; i++)
        w.fds[i] = fds[i];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return err_set(err, -errno, "watchdog: %m");
    made = (struct freeze_watch){.fd = pair[0], .pid = fork()};
    if (made.pid == 0)
        child(&w, pair[1]);
    rc = made.pid < 0 ? -errno : 0;
    close(pair[1]);
    if (rc < 0) {
        close(pair[0]);
        return err_set(err, rc, "watchdog: %m");
    }
    rc = await_hello(made.fd, err);
    if (rc < 0)
        freeze_watch_end(&made);
    else
        *ret = made;
    return rc;
}

void freeze_watch_end(struct freeze_watch *w)
{
    if (w->pid <= 0)
        return;
    (void)send(w->fd, "e", 1, MSG_NOSIGNAL);
    close(w->fd);
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    w->pid = 0;
}
