/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command costs: bench_account FILE COMMAND [ARGUMENT...]
 *
 * Runs COMMAND and writes "WALL_S CPU_S PEAK_BYTES" to FILE: wall clock, user and system time of
 * all its processes, and the peak resident size of the largest of them. Processes that lost their
 * parent are waited for and counted, too. Ends with COMMAND's exit code.
 */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

enum { EXIT_OURS = 125, EXIT_NOT_RUN = 127, EXIT_SIGNAL = 128 };

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int exit_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

/* Until nobody is left; the exit code of pid. */
static int wait_all(pid_t pid)
{
    int ret = EXIT_OURS;
    int status;
    pid_t who;

    while ((who = waitpid(-1, &status, 0)) > 0 || errno == EINTR) {
        if (who == pid)
            ret = exit_of(status);
    }
    return ret;
}

static int tell(const char *path, double wall_s)
{
    FILE *f = fopen(path, "we");
    struct rusage use;
    bool bad;

    if (!f)
        return -1;
    getrusage(RUSAGE_CHILDREN, &use);
    bad = fprintf(f, "%.3f %.3f %llu\n", wall_s, seconds(use.ru_utime) + seconds(use.ru_stime),
                  (unsigned long long)use.ru_maxrss * 1024) < 0;
    return fclose(f) != 0 || bad ? -1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t start_ms;
    int ret;
    pid_t pid;

    if (argc < 3) {
        fprintf(stderr, "usage: bench_account FILE COMMAND [ARGUMENT...]\n");
        return 2;
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    start_ms = clock_mono_ms(&clock_system);
    pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(EXIT_NOT_RUN);
    }
    if (pid < 0) {
        perror("fork");
        return EXIT_OURS;
    }
    ret = wait_all(pid);
    if (tell(argv[1], (double)(clock_mono_ms(&clock_system) - start_ms) / 1e3) < 0) {
        perror(argv[1]);
        return EXIT_OURS;
    }
    return ret;
}
