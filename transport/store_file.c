/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as files of a directory: file:///path.
 *
 * A body is written under a temporary name in "~tmp" ('~' is in no key), made durable, and then
 * linked or renamed into place, so that a crash leaves a whole object or none. Keys never lead out
 * of the directory: every open is beneath the root and follows no symbolic link.
 */
#include "transport/store_file.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/banned.h"

#define FILE_TMP_DIR "~tmp"

enum { FILE_TMP_NAME_MAX = 64, FILE_TMP_OLD_S = 24 * 3600, FILE_MODE = 0600, FILE_DIR_MODE = 0700 };

int store_file_fail(struct err *err, int code, const char *what, const char *key)
{
    switch (code) {
    case -ENOSPC:
    case -EDQUOT:
        return err_set_gw(err, GW_NO_SPACE, -ENOSPC, "%s '%s': %m", what, key);
    case -EACCES:
    case -EPERM:
    case -EROFS:
        return err_set_gw(err, GW_STORE_DENIED, -EACCES, "%s '%s': %s", what, key, strerror(-code));
    case -EIO:
        return err_set_gw(err, GW_IO, -EIO, "%s '%s': %m", what, key);
    case -ENOENT:
        return err_set_gw(err, GW_VAULT_MISSING, -ENOENT, "no object '%s'", key);
    default:
        return err_set(err, code, "%s '%s': %m", what, key);
    }
}

/* The way of kernels and sandboxes without openat2: each component by itself, none a link. */
static int file_walk(int dir_fd, const char *path, int flags, mode_t mode)
{
    auto_close int at = -1;
    int from = dir_fd;

    for (;;) {
        char part[NAME_MAX + 1];
        size_t len = strcspn(path, "/");
        int fd;

        if (len == 0 || len > NAME_MAX)
            return -EINVAL;
        memcpy(part, path, len);
        part[len] = '\0';
        if (path[len] == '\0') {
            fd = openat(from, part, flags | O_NOFOLLOW, mode);
            return fd < 0 ? -errno : fd;
        }
        fd = openat(from, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return -errno;
        if (at >= 0)
            close(at);
        from = at = fd;
        path += len + 1;
    }
}

int store_file_open_beneath(int dir_fd, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    long fd = failpoint("file_openat2");

    if (fd == 0) {
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        fd = -errno;
    }
    /* EPERM: seccomp profiles that do not know the call. EAGAIN: a rename raced with it. */
    if (fd != -ENOSYS && fd != -EPERM && fd != -EAGAIN)
        return (int)fd;
    return file_walk(dir_fd, path, flags | O_CLOEXEC, mode);
}

static int file_sync_fd(int fd)
{
    return fsync(fd) < 0 ? -errno : 0;
}

/* Remove what writers that died have left long ago; nobody depends on it. */
static void file_clean_tmp(int root_fd)
{
    int fd = store_file_open_beneath(root_fd, FILE_TMP_DIR, O_RDONLY | O_DIRECTORY, 0);
    uint64_t now_s = clock_wall_ms(&clock_system) / 1000;
    struct dirent *e;
    DIR *d;

    if (fd < 0)
        return;
    d = fdopendir(fd);
    if (!d) {
        close(fd);
        return;
    }
    while ((e = readdir(d))) {
        struct stat st;

        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        if ((uint64_t)st.st_mtime + FILE_TMP_OLD_S < now_s)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

/* *ret_fd of the root, opened when it is there. */
static int file_root(struct store_file *f)
{
    if (f->root_fd >= 0)
        return f->root_fd;
    f->root_fd = open(f->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return f->root_fd >= 0 ? f->root_fd : -errno;
}

static int file_make_root(struct store_file *f, struct err *err)
{
    int rc = file_root(f);

    if (rc != -ENOENT)
        return rc;
    rc = fd_mkdirs(f->root, FILE_DIR_MODE, err);
    return rc < 0 ? rc : file_root(f);
}

/* A missing directory is an empty store, like a prefix nobody wrote under; but a missing parent is
 * a wrong URL or a disk that is not mounted. */
static int file_check_parent(const char *root, struct err *err)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(root, '/');
    struct stat st;

    if (text_print(parent, sizeof(parent), "%.*s/", (int)(slash - root), root) < 0)
        return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL, "file://%s: path too long", root);
    if (stat(parent, &st) < 0)
        return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL, "file://%s: '%s': %s", root, parent,
                          strerror(errno));
    return 0;
}

static int file_new(const char *root, void **ret_self, struct err *err)
{
    auto_free struct store_file *f = calloc(1, sizeof(*f));
    int rc;

    if (!f)
        return err_set(err, -ENOMEM, "opening store: %m");
    f->root_fd = -1;
    f->root = root;
    rc = file_root(f);
    if (rc == -ENOENT)
        rc = file_check_parent(root, err);
    else if (rc == -EACCES)
        rc = store_file_fail(err, rc, "open", root);
    else if (rc < 0)
        rc = err_set_gw(err, GW_STORE_BAD_URL, -EINVAL, "file://%s: %s", root, strerror(-rc));
    if (rc < 0)
        return rc;
    *ret_self = TAKE(f);
    return 0;
}

static int file_open(const struct store_conf *conf, void **ret_self, struct err *err)
{
    const char *root = conf->url + strlen(store_file_ops.scheme);
    int rc;

    if (root[0] != '/')
        return err_set_gw(err, GW_STORE_BAD_URL, -EINVAL, "'%s': expected file:///path", conf->url);
    rc = file_new(root, ret_self, err);
    if (rc < 0)
        return rc;
    if (((struct store_file *)*ret_self)->root_fd >= 0)
        file_clean_tmp(((struct store_file *)*ret_self)->root_fd);
    return 0;
}

static int file_dup(const void *self, void **ret_self, struct err *err)
{
    return file_new(((const struct store_file *)self)->root, ret_self, err);
}

static void file_close(void *self)
{
    struct store_file *f = self;

    if (f->root_fd >= 0)
        close(f->root_fd);
    free(f);
}

/* The directory of key's last part, and where that part begins. */
static int file_open_parent(int root_fd, const char *key, const char **ret_name)
{
    const char *slash = strrchr(key, '/');
    char dir[STORE_KEY_MAX + 1];

    *ret_name = slash ? slash + 1 : key;
    if (!slash) {
        int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);

        return fd < 0 ? -errno : fd;
    }
    memcpy(dir, key, (size_t)(slash - key));
    dir[slash - key] = '\0';
    return store_file_open_beneath(root_fd, dir, O_RDONLY | O_DIRECTORY, 0);
}

/* One directory in at_fd, durable in it. The new one's descriptor, or an error. */
static int file_make_dir(int at_fd, const char *name)
{
    int fd;
    int rc;

    if (mkdirat(at_fd, name, FILE_DIR_MODE) < 0 && errno != EEXIST)
        return -errno;
    /* Also when it existed: its maker may have died before the sync. */
    rc = file_sync_fd(at_fd);
    if (rc < 0)
        return rc;
    fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int file_make_parent(int root_fd, const char *key, const char **ret_name)
{
    auto_close int at = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);

    if (at < 0)
        return -errno;
    for (;;) {
        const char *slash = strchr(key, '/');
        char part[NAME_MAX + 1];
        int fd;

        if (!slash)
            break;
        memcpy(part, key, (size_t)(slash - key)); /* a key's part has at most NAME_MAX bytes */
        part[slash - key] = '\0';
        fd = file_make_dir(at, part);
        if (fd < 0)
            return fd;
        close(at);
        at = fd;
        key = slash + 1;
    }
    *ret_name = key;
    return fcntl(at, F_DUPFD_CLOEXEC, 0);
}

/* A temporary with body in it, durable but for its name. */
static int file_write_tmp(int tmp_fd, const char *name, struct slice body, struct err *err)
{
    auto_close int fd =
        openat(tmp_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    int rc;

    if (fd < 0)
        return -errno;
    rc = failpoint("file_put_write");
    if (rc == 0)
        rc = fd_write_full(fd, body.data, body.len, err);
    if (rc == 0)
        rc = failpoint("file_put_sync");
    if (rc == 0)
        rc = file_sync_fd(fd);
    return rc;
}

/* Create-only: fails with -EEXIST and never replaces, whoever else does the same. */
static int file_place_once(int tmp_fd, const char *tmp, int dir_fd, const char *name)
{
    if (renameat2(tmp_fd, tmp, dir_fd, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* File systems without that flag (NFS, old FUSE) have links. */
    if (linkat(tmp_fd, tmp, dir_fd, name, 0) < 0)
        return -errno;
    unlinkat(tmp_fd, tmp, 0);
    return 0;
}

static int file_place(int tmp_fd, const char *tmp, int dir_fd, const char *name,
                      enum store_put_flags flags)
{
    int rc = failpoint("file_put_place");

    if (rc == 0 && flags == STORE_PUT_CREATE_ONLY)
        rc = file_place_once(tmp_fd, tmp, dir_fd, name);
    else if (rc == 0 && renameat(tmp_fd, tmp, dir_fd, name) < 0)
        rc = -errno;
    if (rc == 0)
        rc = failpoint("file_put_sync_dir");
    return rc < 0 ? rc : file_sync_fd(dir_fd);
}

static int file_open_tmp(int root_fd)
{
    int fd = store_file_open_beneath(root_fd, FILE_TMP_DIR, O_RDONLY | O_DIRECTORY, 0);

    if (fd != -ENOENT)
        return fd;
    if (mkdirat(root_fd, FILE_TMP_DIR, FILE_DIR_MODE) < 0 && errno != EEXIST)
        return -errno;
    return store_file_open_beneath(root_fd, FILE_TMP_DIR, O_RDONLY | O_DIRECTORY, 0);
}

static int file_put_in(int root_fd, int dir_fd, const char *name, struct slice body,
                       enum store_put_flags flags, struct err *err)
{
    auto_close int tmp_fd = file_open_tmp(root_fd);
    char tmp[FILE_TMP_NAME_MAX];
    int rc;

    if (tmp_fd < 0)
        return tmp_fd;
    snprintf(tmp, sizeof(tmp), "%ld.%016llx", (long)getpid(),
             (unsigned long long)rng_u64(&rng_system));
    rc = file_write_tmp(tmp_fd, tmp, body, err);
    if (rc == 0)
        rc = file_place(tmp_fd, tmp, dir_fd, name, flags);
    if (rc < 0)
        unlinkat(tmp_fd, tmp, 0);
    return rc;
}

static int file_put(void *self, const char *key, struct slice body, const uint8_t *sha256,
                    enum store_put_flags flags, struct err *err)
{
    int root_fd = file_make_root(self, err);
    auto_close int dir_fd = -1;
    const char *name;
    int rc;

    (void)sha256;
    if (root_fd < 0)
        return store_file_fail(err, root_fd, "put", key);
    dir_fd = file_open_parent(root_fd, key, &name);
    if (dir_fd == -ENOENT)
        dir_fd = file_make_parent(root_fd, key, &name);
    if (dir_fd < 0)
        return store_file_fail(err, dir_fd, "put", key);
    rc = file_put_in(root_fd, dir_fd, name, body, flags, err);
    if (rc == -EEXIST)
        return err_set_gw(err, GW_STORE_CONFLICT, rc, "object '%s' exists already", key);
    return rc < 0 ? store_file_fail(err, rc, "put", key) : 0;
}

/* An open object and its size. O_NONBLOCK: a FIFO put in its place must not hang us. */
static int file_open_object(struct store_file *f, const char *key, struct stat *ret_st)
{
    int root_fd = file_root(f);
    int fd;
    int rc = 0;

    if (root_fd < 0)
        return root_fd;
    fd = store_file_open_beneath(root_fd, key, O_RDONLY | O_NONBLOCK, 0);
    if (fd == -ENOTDIR)
        return -ENOENT;
    if (fd < 0)
        return fd;
    if (fstat(fd, ret_st) < 0)
        rc = -errno;
    else if (!S_ISREG(ret_st->st_mode))
        rc = -ENOENT;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

static int file_read(int fd, const char *key, uint64_t offset, size_t len, struct buf *out,
                     struct err *err)
{
    uint8_t *at = NULL;
    int rc;

    if (buf_reserve(out, len, &at) < 0)
        return buf_failed(out, err);
    rc = failpoint("file_get_read");
    if (rc == 0)
        rc = fd_pread_full(fd, at, len, offset, err);
    if (rc < 0)
        return store_file_fail(err, rc == -ENODATA ? -EIO : rc, "read", key);
    buf_grow(out, len);
    return 0;
}

static int file_get(void *self, const char *key, const struct store_range *range, struct buf *out,
                    struct err *err)
{
    struct stat st;
    auto_close int fd = file_open_object(self, key, &st);
    uint64_t size;
    size_t len;

    if (fd < 0)
        return store_file_fail(err, fd, "get", key);
    size = (uint64_t)st.st_size;
    if (range->offset > size || range->len > size - range->offset)
        return err_set(err, -ERANGE, "object '%s' has only %llu bytes", key,
                       (unsigned long long)size);
    if (range->len == 0 && size - range->offset > range->max_bytes)
        return err_set(err, -EFBIG, "object '%s' has more than %zu bytes", key, range->max_bytes);
    len = range->len > 0 ? range->len : (size_t)(size - range->offset);
    return len > 0 ? file_read(fd, key, range->offset, len, out, err) : 0;
}

static int file_head(void *self, const char *key, uint64_t *ret_bytes, struct err *err)
{
    struct stat st;
    auto_close int fd = file_open_object(self, key, &st);

    if (fd < 0)
        return store_file_fail(err, fd, "head", key);
    *ret_bytes = (uint64_t)st.st_size;
    return 0;
}

static int file_remove(void *self, const char *key, struct err *err)
{
    int root_fd = file_root(self);
    auto_close int dir_fd = -1;
    const char *name;

    if (root_fd == -ENOENT)
        return 0;
    if (root_fd < 0)
        return store_file_fail(err, root_fd, "delete", key);
    dir_fd = file_open_parent(root_fd, key, &name);
    if (dir_fd == -ENOENT || dir_fd == -ENOTDIR)
        return 0;
    if (dir_fd < 0)
        return store_file_fail(err, dir_fd, "delete", key);
    if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
        return store_file_fail(err, -errno, "delete", key);
    return 0;
}

static int file_list(void *self, const char *prefix, const char *after, store_list_fn fn, void *arg,
                     struct err *err)
{
    int root_fd = file_root(self);

    if (root_fd == -ENOENT)
        return 0;
    if (root_fd < 0)
        return store_file_fail(err, root_fd, "list", prefix);
    return store_file_list(root_fd, prefix, after, fn, arg, err);
}

const struct store_ops store_file_ops = {
    .scheme = "file://",
    .open = file_open,
    .dup = file_dup,
    .close = file_close,
    .put = file_put,
    .get = file_get,
    .head = file_head,
    .remove = file_remove,
    .list = file_list,
};
