/* SPDX-License-Identifier: Apache-2.0 */
/* The probe of a directory laid out like /: for tests, and for hosts that were only copied. */
#include "inventory/probe_tree.h"

#include "inventory/line.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

enum { SPACE_FILE_MAX_BYTES = 1 << 20, SPACE_NUMBERS = 5, LINKS_MAX = 40 };

/*
 * A path as it is taken apart: done is what is known to hold no link, left what is still to come.
 * openat2(RESOLVE_IN_ROOT) would do it, but valgrind and older container engines do not know it,
 * and a tree that nobody changes meanwhile needs no more than this.
 */
struct walk {
    char done[PATH_MAX];
    char left[PATH_MAX];
    unsigned links;
};

static void walk_up(struct walk *w)
{
    char *slash = strrchr(w->done, '/');

    *(slash ? slash : w->done) = '\0';
}

/* Put target before what is left, from the root of the tree if it is absolute. */
static int walk_link(struct walk *w, const char *target)
{
    char left[PATH_MAX];
    int rc = text_print(left, sizeof(left), "%s/%s", target, w->left);

    if (rc < 0)
        return rc;
    if (++w->links > LINKS_MAX)
        return -ELOOP;
    if (target[0] == '/')
        w->done[0] = '\0';
    return text_copy(w->left, sizeof(w->left), left);
}

/* Take the next part of the path; links are followed, the last one only if follow says so. */
static int walk_step(const struct probe_tree *t, struct walk *w, const char *part, bool follow)
{
    char next[PATH_MAX];
    char target[PATH_MAX];
    ssize_t len;
    int rc;

    if (!part[0] || strcmp(part, ".") == 0)
        return 0;
    if (strcmp(part, "..") == 0) {
        walk_up(w);
        return 0;
    }
    rc = text_print(next, sizeof(next), "%s%s%s", w->done, w->done[0] ? "/" : "", part);
    if (rc < 0)
        return rc;
    len = follow ? readlinkat(t->root_fd, next, target, sizeof(target) - 1) : -1;
    if (len < 0)
        return text_copy(w->done, sizeof(w->done), next);
    target[len] = '\0';
    return walk_link(w, target);
}

/* Links in the tree, absolute ones and "..", end inside it. */
static int fixture_open(const struct probe_tree *t, const char *path, int flags)
{
    struct walk w = {.links = 0};
    int rc = text_copy(w.left, sizeof(w.left), path);
    int fd;

    while (rc == 0 && w.left[0]) {
        char part[PATH_MAX];
        char *slash = strchrnul(w.left, '/');
        size_t len = (size_t)(slash - w.left);

        memcpy(part, w.left, len);
        part[len] = '\0';
        memmove(w.left, *slash ? slash + 1 : slash, strlen(*slash ? slash + 1 : slash) + 1);
        rc = walk_step(t, &w, part, w.left[0] || !(flags & O_NOFOLLOW));
    }
    if (rc < 0)
        return rc;
    fd = openat(t->root_fd, w.done[0] ? w.done : ".", flags | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
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
    struct probe_tree *t = NULL;

    if (fd < 0)
        return err_set(err, -errno, "open fixture '%s': %m", root);
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
