/* SPDX-License-Identifier: Apache-2.0 */
/* Files, directories and links below an opened root, for the local and the fixture probe. */
#include "inventory/probe_tree.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/banned.h"

enum { READ_CHUNK_BYTES = 16384 };

static int tree_open(struct probe *p, const char *path, int flags, struct err *err)
{
    const struct probe_tree *t = (const struct probe_tree *)p;
    int fd = t->open(t, path, flags | O_CLOEXEC);

    return fd < 0 ? err_set(err, fd, "open '%s': %m", path) : fd;
}

void probe_tree_free(struct probe *p)
{
    struct probe_tree *t = (struct probe_tree *)p;

    if (t->root_fd >= 0)
        close(t->root_fd);
    free(t);
}

/* Append what comes until the end or until max bytes are there. */
static int read_some(int fd, size_t max_bytes, struct buf *out, size_t *ret_len)
{
    size_t len = 0;

    while (len < max_bytes) {
        size_t want = max_bytes - len < READ_CHUNK_BYTES ? max_bytes - len : READ_CHUNK_BYTES;
        uint8_t *at = NULL;
        ssize_t got;
        int rc = buf_reserve(out, want, &at);

        if (rc < 0)
            return rc;
        got = read(fd, at, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        buf_grow(out, (size_t)got);
        len += (size_t)got;
    }
    *ret_len = len;
    return 0;
}

int probe_tree_read(struct probe *p, const char *path, size_t max_bytes, struct buf *out,
                    bool *ret_cut, struct err *err)
{
    auto_close int fd = -1;
    struct stat st;
    size_t before = out->len;
    size_t len = 0;
    char more;
    int rc;

    /* O_NONBLOCK: a FIFO in the file's place must not hang us. */
    fd = tree_open(p, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "'%s' is not a plain file", path);
    rc = read_some(fd, max_bytes, out, &len);
    if (rc < 0) {
        out->len = before;
        return err_set(err, rc, "read '%s': %m", path);
    }
    *ret_cut = len == max_bytes && read(fd, &more, 1) == 1;
    return 0;
}

/* Append a copy of name to the vector, which has room for *n of *cap pointers and a NULL. */
static int names_push(char ***names, size_t *n, size_t *cap, const char *name)
{
    char *copy = NULL;

    if (*n + 1 >= *cap) {
        size_t wanted = *cap ? *cap * 2 : 64;
        char **grown = reallocarray(*names, wanted, sizeof(**names));

        if (!grown)
            return -ENOMEM;
        *names = grown;
        *cap = wanted;
    }
    copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    (*names)[(*n)++] = copy;
    (*names)[*n] = NULL;
    return 0;
}

static int names_read(DIR *dir, size_t max, char ***names)
{
    const struct dirent *entry = NULL;
    size_t n = 0;
    size_t cap = 1;
    int rc = 0;

    *names = calloc(1, sizeof(**names));
    if (!*names)
        return -ENOMEM;
    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (!entry)
            return -errno;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (n == max)
            return 0;
        rc = names_push(names, &n, &cap, entry->d_name);
        if (rc < 0)
            return rc;
    }
}

int probe_tree_list(struct probe *p, const char *path, size_t max, char ***ret_names,
                    struct err *err)
{
    auto_vec char **names = NULL;
    DIR *dir = NULL;
    int rc = 0;
    int fd = tree_open(p, path, O_RDONLY | O_DIRECTORY, err);

    if (fd < 0)
        return fd;
    dir = fdopendir(fd);
    if (!dir) {
        rc = -errno;
        close(fd);
        return err_set(err, rc, "list '%s': %m", path);
    }
    rc = names_read(dir, max, &names);
    closedir(dir);
    if (rc < 0)
        return err_set(err, rc, "list '%s': %m", path);
    *ret_names = TAKE(names);
    return 0;
}

int probe_tree_link(struct probe *p, const char *path, char *out, size_t size, struct err *err)
{
    auto_close int fd = -1;
    struct stat st;
    ssize_t len;

    fd = tree_open(p, path, O_PATH | O_NOFOLLOW, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    if (!S_ISLNK(st.st_mode))
        return err_set(err, -EINVAL, "'%s' is not a link", path);
    len = readlinkat(fd, "", out, size);
    if (len < 0)
        return err_set(err, -errno, "read link '%s': %m", path);
    if ((size_t)len >= size)
        return err_set(err, -ENAMETOOLONG, "link '%s' is too long", path);
    out[len] = '\0';
    return 0;
}

static enum probe_kind kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return PROBE_FILE;
    case S_IFDIR:
        return PROBE_DIR;
    case S_IFBLK:
    case S_IFCHR:
        return PROBE_DEVICE;
    default:
        return PROBE_OTHER;
    }
}

int probe_tree_stat(struct probe *p, const char *path, struct probe_stat *ret, struct err *err)
{
    auto_close int fd = -1;
    struct stat st;

    fd = tree_open(p, path, O_PATH, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    *ret = (struct probe_stat){
        .kind = kind_of(st.st_mode),
        .size_bytes = st.st_size > 0 ? (uint64_t)st.st_size : 0,
        .dev_major = major(st.st_rdev),
        .dev_minor = minor(st.st_rdev),
    };
    return 0;
}
