/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the directory store in the byte order of whole keys: a directory sorts as its name and a
 * '/', so memory holds the names of one directory a level, never the whole listing. */
#include "transport/store_file.h"

#include "base/auto.h"
#include "base/err.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/banned.h"

struct list_walk {
    const char *prefix;
    const char *after; /* "" = from the start */
    store_list_fn fn;
    void *arg;
    struct err *err;
    char key[STORE_KEY_MAX + 2]; /* of the entry at hand, with its '/' when it is a directory */
};

/* Names of one directory, each NUL-terminated, directories with a '/' at their end. */
struct list_names {
    char **names;
    size_t n;
    size_t cap;
};

static void names_done(struct list_names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->names[i]);
    free(l->names);
}

static int names_add(struct list_names *l, const char *name, bool is_dir)
{
    size_t len = strlen(name);
    char *copy;

    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        char **names = reallocarray(l->names, cap, sizeof(*names));

        if (!names)
            return -ENOMEM;
        l->names = names;
        l->cap = cap;
    }
    copy = malloc(len + 2);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, name, len);
    copy[len] = is_dir ? '/' : '\0';
    copy[len + 1] = '\0';
    l->names[l->n++] = copy;
    return 0;
}

static int names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* 1 directory, 0 regular file, -1 neither (or gone). */
static int entry_kind(int dir_fd, const struct dirent *e)
{
    struct stat st;

    if (e->d_type == DT_DIR)
        return 1;
    if (e->d_type == DT_REG)
        return 0;
    if (e->d_type != DT_UNKNOWN || fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    return S_ISDIR(st.st_mode) ? 1 : S_ISREG(st.st_mode) ? 0 : -1;
}

static int names_read(DIR *d, struct list_names *l)
{
    struct dirent *e;

    for (;;) {
        int kind;
        int rc;

        errno = 0;
        e = readdir(d);
        if (!e)
            return -errno;
        if (!store_is_key(e->d_name)) /* ".", "..", "~tmp" and what others put here */
            continue;
        kind = entry_kind(dirfd(d), e);
        if (kind < 0)
            continue;
        rc = names_add(l, e->d_name, kind == 1);
        if (rc < 0)
            return rc;
    }
}

/* Can a key that begins with dir ("a/b/") be wanted? */
static bool list_wants_dir(const struct list_walk *w, const char *dir)
{
    size_t len = strlen(dir);
    size_t prefix_len = strlen(w->prefix);

    if (strncmp(dir, w->prefix, len < prefix_len ? len : prefix_len) != 0)
        return false;
    return strncmp(dir, w->after, len) >= 0;
}

static bool list_wants_key(const struct list_walk *w, const char *key)
{
    return strncmp(key, w->prefix, strlen(w->prefix)) == 0 &&
           (w->after[0] == '\0' || strcmp(key, w->after) > 0);
}

static int list_file(struct list_walk *w, int dir_fd, const char *name)
{
    struct stat st;

    if (!list_wants_key(w, w->key))
        return 0;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : store_file_fail(w->err, -errno, "list", w->key);
    return w->fn(w->arg, w->key, (uint64_t)st.st_size,
                 (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000);
}

static int list_dir(struct list_walk *w, int taken_fd, size_t len);

static int list_entry(struct list_walk *w, int dir_fd, const char *name, size_t at)
{
    size_t len = strlen(name);
    int fd;

    if (at + len > STORE_KEY_MAX)
        return 0;
    memcpy(w->key + at, name, len + 1);
    if (name[len - 1] != '/')
        return list_file(w, dir_fd, name);
    if (!list_wants_dir(w, w->key))
        return 0;
    w->key[at + len - 1] = '\0';
    fd = openat(dir_fd, w->key + at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    w->key[at + len - 1] = '/';
    if (fd < 0)
        return errno == ENOENT ? 0 : store_file_fail(w->err, -errno, "list", w->key);
    return list_dir(w, fd, at + len);
}

static void closedirp(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* The directory of the first len bytes of w->key. As deep as a key has parts. */
static int list_dir(struct list_walk *w, int taken_fd, size_t len)
{
    AUTO(names_done) struct list_names l = {0};
    AUTO(closedirp) DIR *d = fdopendir(taken_fd);
    int rc;

    if (!d) {
        rc = -errno;
        close(taken_fd);
        return store_file_fail(w->err, rc, "list", w->prefix);
    }
    rc = names_read(d, &l);
    if (rc < 0)
        return store_file_fail(w->err, rc, "list", w->prefix);
    if (l.n > 0)
        qsort(l.names, l.n, sizeof(*l.names), names_compare);
    for (size_t i = 0; i < l.n; i++) {
        rc = list_entry(w, dirfd(d), l.names[i], len);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int store_file_list(int root_fd, const char *prefix, const char *after, store_list_fn fn, void *arg,
                    struct err *err)
{
    struct list_walk w = {
        .prefix = prefix, .after = after ? after : "", .fn = fn, .arg = arg, .err = err};
    int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return store_file_fail(err, -errno, "list", prefix);
    return list_dir(&w, fd, 0);
}
