/* SPDX-License-Identifier: Apache-2.0 */
/* Servers of NBD exports that end with the test, also when it is killed. */
#ifndef GODWIT_TESTS_NBD_SERVER_H
#define GODWIT_TESTS_NBD_SERVER_H

#include "tests/unit.h"

#include "base/text.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { NBD_SERVER_WAITS = 500, NBD_SERVER_WAIT_MS = 20 };

static inline bool nbd_server_answers(const char *socket_path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return text_copy(sun.sun_path, sizeof(sun.sun_path), socket_path) == 0 &&
           connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0;
}

static inline void nbd_server_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Its pid, once it takes connections on socket_path; -1: there is no such program. */
static inline pid_t nbd_server_start(const char *const *argv, const char *socket_path)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        char *copy[32] = {NULL};

        for (size_t i = 0; i < ARRAY_LEN(copy) - 1 && argv[i]; i++)
            copy[i] = strdup(argv[i]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (copy[0])
            execvp(copy[0], copy);
        _exit(127);
    }
    for (int i = 0; i < NBD_SERVER_WAITS; i++) {
        if (nbd_server_answers(socket_path))
            return pid;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return -1;
        poll(NULL, 0, NBD_SERVER_WAIT_MS);
    }
    nbd_server_end(pid);
    return -1;
}

#endif
