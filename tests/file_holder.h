/* SPDX-License-Identifier: Apache-2.0 */
/* Children that hold a file in some way until they are ended. */
#ifndef GODWIT_TESTS_FILE_HOLDER_H
#define GODWIT_TESTS_FILE_HOLDER_H

#include "tests/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* A child that does act and then waits to be ended. Its pid, once act has been done. */
static inline pid_t start_child(void (*act)(const char *path), const char *path)
{
    int ready[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(0, pipe2(ready, O_CLOEXEC));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        act(path);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(1, read(ready[0], &byte, 1));
    close(ready[0]);
    return pid;
}

static inline void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(pid, waitpid(pid, NULL, 0));
}

static inline void act_read(const char *path)
{
    if (open(path, O_RDONLY | O_CLOEXEC) < 0)
        _exit(1);
}

static inline void act_write(const char *path)
{
    if (open(path, O_WRONLY | O_APPEND | O_CLOEXEC) < 0)
        _exit(1);
}

static inline void act_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
        _exit(1);
    close(fd);
}

#endif
