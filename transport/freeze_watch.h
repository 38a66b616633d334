/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of its own that thaws file systems when the one that froze them dies, hangs or takes
 * too long. It is forked before anything is frozen, holds the descriptors that it needs and nothing
 * else, and never waits for memory, a file system or a lock of its parent.
 */
#ifndef GODWIT_TRANSPORT_FREEZE_WATCH_H
#define GODWIT_TRANSPORT_FREEZE_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct freeze_watch {
    pid_t pid; /* 0: there is none */
    int fd;
};

enum { FREEZE_WATCH_MAX = 64 }; /* file systems */

/*
 * fds are thawed in their order when limit_ms are over, or this process is gone; then again and
 * again until freeze_watch_end: what is being frozen at that moment is thawed, too. On return the
 * watchdog is at work and its time runs.
 */
int freeze_watch_start(const int *fds, size_t n, uint64_t limit_ms, struct freeze_watch *ret,
                       struct err *err);
/* Allocates nothing. */
void freeze_watch_end(struct freeze_watch *w);

#endif
