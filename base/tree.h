/* SPDX-License-Identifier: Apache-2.0 */
/* Removing a directory that is ours with everything below it. */
#ifndef GODWIT_BASE_TREE_H
#define GODWIT_BASE_TREE_H

struct err;

/* 0 also when there is none. Never follows links, never leaves the file system. */
int tree_remove(const char *path, struct err *err);

#endif
