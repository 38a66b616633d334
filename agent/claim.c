/* SPDX-License-Identifier: Apache-2.0 */
/* Claims from stat(2). */
#include "agent/claim.h"

#include "base/text.h"

#include <sys/stat.h>

#include "base/banned.h"

void claim_look(const char *path, struct claim *ret)
{
    const char *slash = strrchr(path, '/');
    struct claim c = {.made = true};
    char dir[PATH_MAX];
    struct stat st;

    *ret = (struct claim){0};
    if (!slash || text_copy(c.name, sizeof(c.name), slash + 1) < 0 ||
        text_print(dir, sizeof(dir), "%.*s/", (int)(slash - path), path) < 0 || stat(dir, &st) < 0)
        return;
    c.dir_device = st.st_dev;
    c.dir_inode = st.st_ino;
    c.exists = stat(path, &st) == 0;
    if (c.exists) {
        c.is_device = S_ISBLK(st.st_mode);
        c.device = c.is_device ? st.st_rdev : st.st_dev;
        c.inode = c.is_device ? 0 : st.st_ino;
    }
    *ret = c;
}

bool claim_same(const struct claim *a, const struct claim *b)
{
    if (!a->made || !b->made)
        return false;
    if (a->exists && b->exists)
        return a->is_device == b->is_device && a->device == b->device && a->inode == b->inode;
    return a->dir_device == b->dir_device && a->dir_inode == b->dir_inode &&
           text_equal(a->name, b->name);
}
