/* SPDX-License-Identifier: Apache-2.0 */
/* What the probes over real directories share: everything but how a path is opened. */
#ifndef GODWIT_INVENTORY_PROBE_TREE_H
#define GODWIT_INVENTORY_PROBE_TREE_H

#include "inventory/probe.h"

struct probe_tree {
    struct probe probe;
    int root_fd; /* -1 where paths are the machine's own */
    /* A descriptor for path with flags, or a negative errno. */
    int (*open)(const struct probe_tree *t, const char *path, int flags);
};

/* Members for struct probe_ops; p is the first member of a probe_tree. */
void probe_tree_free(struct probe *p);
int probe_tree_read(struct probe *p, const char *path, size_t max_bytes, struct buf *out,
                    bool *ret_cut, struct err *err);
int probe_tree_list(struct probe *p, const char *path, size_t max, char ***ret_names,
                    struct err *err);
int probe_tree_link(struct probe *p, const char *path, char *out, size_t size, struct err *err);
int probe_tree_stat(struct probe *p, const char *path, struct probe_stat *ret, struct err *err);

#endif
