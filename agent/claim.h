/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a volume's path leads to, so that two names of one file or device are seen to be one.
 *
 * Links of both kinds are followed. A file that does not exist yet is known by its directory and
 * its name there.
 */
#ifndef GODWIT_AGENT_CLAIM_H
#define GODWIT_AGENT_CLAIM_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct claim {
    bool made;                      /* the rest is set */
    bool exists, is_device;         /* inode is of a file, or a device's number */
    uint64_t device, inode;         /* of the file; device alone of a device */
    uint64_t dir_device, dir_inode; /* of the directory that the path names */
    char name[NAME_MAX + 1];        /* in that directory */
};

/* Not made when the directory cannot be looked at: there is nothing to use either. */
void claim_look(const char *path, struct claim *ret);
bool claim_same(const struct claim *a, const struct claim *b);

#endif
