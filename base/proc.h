/* SPDX-License-Identifier: Apache-2.0 */
/* Run a program without a shell, with a deadline, its output captured: hooks and tools. */
#ifndef GODWIT_BASE_PROC_H
#define GODWIT_BASE_PROC_H

#include "base/buf.h"

#include <stdatomic.h>

enum proc_flags {
    PROC_STDERR_OURS = 1, /* stderr goes where ours goes, only stdout is captured */
};

struct proc_run {
    const char *const *argv; /* NULL-terminated; argv[0] found through our PATH */
    const char *const *env;  /* "K=V" added to (or replacing) the inherited ones; NULL = none */
    const char *cwd;         /* NULL = ours */
    struct slice input;      /* given on stdin; empty = /dev/null */
    uint64_t timeout_ms;     /* 0 = 60 s. Then SIGTERM to its process group, SIGKILL 2 s later */
    unsigned flags;          /* enum proc_flags */
    const atomic_bool *stop; /* or NULL; once true it ends as when its time is up, and if it is true
                                already nothing is started */
};

/*
 * Run to its end. out (may be NULL) gets stdout and stderr as they came, up to out->max or 64 KiB;
 * more is read and dropped. *ret_status is the exit status, or 128 + signal.
 * What the program started in the background and left running is left alone, unless time ran out.
 * -ETIMEDOUT, -ECANCELED (stop), -ENOENT (no such program), -EACCES, -ENOMEM. A non-zero status is
 * not an error here.
 */
int proc_run(const struct proc_run *run, struct buf *out, int *ret_status, struct err *err);

/* Tools of the system that have to succeed. out (may be NULL) gets what they said; -EIO (GW_DENIED)
 * with it when they end otherwise, else as proc_run. */
int proc_tool(const char *const *argv, struct buf *out, struct err *err);

#endif
