/* SPDX-License-Identifier: Apache-2.0 */
/* The probe of a directory laid out like /: for tests, and for hosts that were only copied. */
#include "inventory/probe_tree.h"

#include "inventory/line.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

enum { SPACE_FILE_MAX_BYTES = 1 << 20, SPACE_NUMBERS = 5 };

/* RESOLVE_IN_ROOT (Linux 5.6): links in the tree, absolute and "..", end inside it. */
static int fixture_open(const struct probe_tree *t, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned)flags, .resolve = RESOLVE_IN_ROOT};
    long fd = syscall(SYS_openat2, t->root_fd, path, &how, sizeof(how));

    return fd < 0 ? -errno : (int)fd;
}

/* One line of .fixture/space, when it is the line of mount. */
static bool space_parse(struct slice line, const char *mount, struct probe_space *ret)
{
    uint64_t v[SPACE_NUMBERS] = {0};
    struct slice word;

    for (size_t i = 0; i < SPACE_NUMBERS; i++) {
        if (!line_word(&line, &word) || !line_u64(word, 10, &v[i]))
            return false;
    }
    if (!line_is(line_trim(line), mount))
        return false;
    *ret = (struct probe_space){.total_bytes = v[0],
                                .used_bytes = v[1],
                                .available_bytes = v[2],
                                .inodes = v[3],
                                .inodes_used = v[4]};
    return true;
}

static int fixture_space(struct probe *p, const char *mount, struct probe_space *ret,
                         struct err *err)
{
    auto_buf struct buf b = {0};
    struct slice rest;
    struct slice line;
    bool cut = false;
    int rc = probe_tree_read(p, "/.fixture/space", SPACE_FILE_MAX_BYTES, &b, &cut, err);

    if (rc < 0)
        return rc;
    rest = buf_slice(&b);
    while (line_next(&rest, &line)) {
        if (space_parse(line, mount, ret))
            return 0;
    }
    return err_set(err, -ENOENT, "the fixture does not tell the use of '%s'", mount);
}

static const struct probe_ops fixture_ops = {
    .name = "fixture",
    .free = probe_tree_free,
    .read = probe_tree_read,
    .list = probe_tree_list,
    .link = probe_tree_link,
    .stat = probe_tree_stat,
    .space = fixture_space,
};

int probe_fixture_new(const char *root, struct probe **ret, struct err *err)
{
    auto_close int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_close int inside = -1;
    struct probe_tree *t = NULL;

    if (fd < 0)
        return err_set(err, -errno, "open fixture '%s': %m", root);
    inside = fixture_open(&(struct probe_tree){.root_fd = fd}, "/", O_PATH | O_CLOEXEC);
    if (inside == -ENOSYS ||
        inside == -EPERM) /* old container engines refuse what they do not know */
        return err_set(err, -EOPNOTSUPP, "this kernel or container has no openat2 (Linux 5.6)");
    t = calloc(1, sizeof(*t));
    if (!t)
        return err_set(err, -ENOMEM, "no memory for a probe");
    t->probe.ops = &fixture_ops;
    t->root_fd = fd;
    t->open = fixture_open;
    fd = -1;
    *ret = &t->probe;
    return 0;
}
