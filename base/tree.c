/* SPDX-License-Identifier: Apache-2.0 */
/* Trees over nftw(3). */
#include "base/tree.h"

#include "base/err.h"

#include <ftw.h>
#include <stdio.h>

#include "base/banned.h"

enum { WALK_FDS = 16 };

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path) < 0 ? -errno : 0;
}

int tree_remove(const char *path, struct err *err)
{
    int r = nftw(path, remove_entry, WALK_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

    if (r == -1)
        r = -errno;
    return r < 0 && r != -ENOENT ? err_set(err, r, "remove '%s': %m", path) : 0;
}
