/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the directory store share; nobody else includes this. */
#ifndef GODWIT_TRANSPORT_STORE_FILE_H
#define GODWIT_TRANSPORT_STORE_FILE_H

#include "transport/store_impl.h"

#include <sys/types.h>

struct store_file {
    int root_fd;      /* -1 while the directory does not exist */
    const char *root; /* part of the configuration's URL */
};

/* openat of a path that cannot leave dir_fd and follows no link: a descriptor or -errno. */
int store_file_open_beneath(int dir_fd, const char *path, int flags, mode_t mode);

/* Report code about "what 'key'" with its row of the catalogue; returns the code to hand on. */
int store_file_fail(struct err *err, int code, const char *what, const char *key);

/* The `list` of store_ops, below root_fd. */
int store_file_list(int root_fd, const char *prefix, const char *after, store_list_fn fn, void *arg,
                    struct err *err);

#endif
