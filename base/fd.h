/* SPDX-License-Identifier: Apache-2.0 */
/* Files and descriptors: whole reads and writes, durable replacement, locks, directories. */
#ifndef GODWIT_BASE_FD_H
#define GODWIT_BASE_FD_H

#include "base/buf.h"

#include <sys/types.h>

/* All of it or an error; EINTR is retried. fd_read_full and fd_pread_full: -ENODATA at early end.
 */
int fd_write_full(int fd, const void *data, size_t len, struct err *err);
/* Its error names the file. */
int fd_pwrite_full(int fd, const void *data, size_t len, uint64_t offset, struct err *err);
int fd_read_full(int fd, void *out, size_t len, struct err *err);
int fd_pread_full(int fd, void *out, size_t len, uint64_t offset, struct err *err);

/* What failed, and of which file where the kernel tells its path: "fsync '/srv/x': No space left on
 * device". Returns code. */
int fd_failed(int fd, int code, const char *what, struct err *err);

/* Append the whole file to out; -EFBIG above max_bytes, -ENOENT. Regular files, never a FIFO. */
int fd_load(const char *path, size_t max_bytes, struct buf *out, struct err *err);
/* As fd_load for /proc and /sys, where sizes lie. */
int fd_load_proc(const char *path, size_t max_bytes, struct buf *out, struct err *err);

/*
 * What a crash may leave of the next two begins so, in the directory of the file: whoever lists a
 * directory skips such names, and may remove old ones.
 */
#define FD_TEMPORARY_PREFIX ".gw-tmp-"

/* Replace path durably: temporary name, fsync, rename, fsync of the directory. */
int fd_save(const char *path, struct slice body, mode_t mode, struct err *err);
/* Create path durably, only if it does not exist: -EEXIST. Never half-written after a crash. */
int fd_create_once(const char *path, struct slice body, mode_t mode, struct err *err);

/* mkdir -p; existing directories are fine. New ones get mode, and are durable on return. */
int fd_mkdirs(const char *path, mode_t mode, struct err *err);
int fd_sync_dir(const char *path, struct err *err);
int fd_unlink(const char *path, struct err *err); /* 0 when it is gone already */

/* A file without a name below $TMPDIR, else /var/tmp, for what memory should not hold. */
int fd_unnamed(int *ret_fd, struct err *err);

/* Exclusive lock file; -EWOULDBLOCK when held. Closing the fd gives it back. */
int fd_lock(const char *path, int *ret_fd, struct err *err);
/* The same of a directory itself, so that no file of ours stays in it. */
int fd_lock_dir(const char *path, int *ret_fd, struct err *err);

/* $XDG_CONFIG_HOME/godwit and friends; -ENOENT and "" when neither it nor HOME is set. which:
 * "config", "data", "state", "cache", "runtime". Nothing is created. */
int fd_xdg(const char *which, char *out, size_t size, struct err *err);

#endif
