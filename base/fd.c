/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, loading files, locks, directories. Durable saving is in fd_save.c. */
#include "base/fd.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { PROC_CHUNK = 16 * 1024 };
/* At once. 4 MiB in one call took two to four times the processor time of the same in pieces of up
 * to 1 MiB (ext4, Linux 6.18, whose large pages it makes the kernel look for). */
enum { WRITE_MAX = 256 * 1024 };

int fd_write_full(int fd, const void *data, size_t len, struct err *err)
{
    const uint8_t *at = data;
    int rc = failpoint("fd_write");
    ssize_t n;

    if (rc < 0)
        return err_set(err, rc, "write: %m");
    while (len) {
        n = write(fd, at, (size_t)num_min(len, WRITE_MAX));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, -errno, "write: %m");
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

/* off_t is signed; an offset that it cannot hold must not wrap to the start of the file. */
static int check_offset(uint64_t offset, size_t len, struct err *err)
{
    uint64_t end;

    if (!num_add(offset, len, &end) || end > INT64_MAX)
        return err_set(err, -EOVERFLOW, "offset past the largest file");
    return 0;
}

int fd_failed(int fd, int code, const char *what, struct err *err)
{
    char link[32], path[ERR_TEXT_MAX / 2];
    ssize_t n = -1;

    if (text_print(link, sizeof(link), "/proc/self/fd/%d", fd) == 0)
        n = readlink(link, path, sizeof(path) - 1);
    if (n <= 0)
        return err_set(err, code, "%s: %m", what);
    path[n] = '\0';
    return err_set(err, code, "%s '%s': %m", what, path);
}

int fd_pwrite_full(int fd, const void *data, size_t len, uint64_t offset, struct err *err)
{
    const uint8_t *at = data;
    int rc = check_offset(offset, len, err);
    ssize_t n;

    if (rc < 0)
        return rc;
    rc = failpoint("fd_write");
    if (rc < 0)
        return fd_failed(fd, rc, "write", err);
    while (len) {
        n = pwrite(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fd_failed(fd, -errno, "write", err);
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* At the place of the descriptor, or at *offset, which moves along. */
static int read_rest(int fd, uint8_t *at, size_t len, uint64_t *offset, struct err *err)
{
    int rc = failpoint("fd_read");
    ssize_t n;

    if (rc < 0)
        return err_set(err, rc, "read: %m");
    while (len) {
        n = offset ? pread(fd, at, len, (off_t)*offset) : read(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(err, -errno, "read: %m");
        if (n == 0)
            return err_set(err, -ENODATA, "end of file with %zu bytes missing", len);
        at += n;
        len -= (size_t)n;
        if (offset)
            *offset += (uint64_t)n;
    }
    return 0;
}

int fd_read_full(int fd, void *out, size_t len, struct err *err)
{
    return read_rest(fd, out, len, NULL, err);
}

int fd_pread_full(int fd, void *out, size_t len, uint64_t offset, struct err *err)
{
    int rc = check_offset(offset, len, err);

    return rc < 0 ? rc : read_rest(fd, out, len, &offset, err);
}

/* Append up to one chunk of fd. *ret_n is 0 at the end of the file. */
static int read_chunk(int fd, struct buf *out, size_t *ret_n)
{
    uint8_t *at;
    ssize_t n;
    int rc = buf_reserve(out, PROC_CHUNK, &at);

    if (rc < 0)
        return rc;
    do {
        n = read(fd, at, PROC_CHUNK);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    buf_grow(out, (size_t)n);
    *ret_n = (size_t)n;
    return 0;
}

/* Read to the end whatever stat says: /proc says 0, and a log may grow meanwhile. */
static int read_to_end(int fd, const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
    auto_buf struct buf body = {.max = max_bytes + PROC_CHUNK};
    size_t n = 1;
    int rc = failpoint("fd_read");

    while (rc == 0 && n && body.len <= max_bytes)
        rc = read_chunk(fd, &body, &n);
    if (rc < 0)
        return err_set(err, rc, "read '%s': %m", path);
    if (body.len > max_bytes)
        return err_set(err, -EFBIG, "'%s' has more than %zu bytes", path, max_bytes);
    rc = buf_append(out, body.data, body.len);
    return rc < 0 ? err_set(err, rc, "read '%s': %m", path) : 0;
}

/* O_NONBLOCK: a FIFO put in the file's place must not hang us. */
static int open_regular(const char *path, int *ret_fd, struct err *err)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return err_set(err, -errno, "open '%s': %m", path);
    if (fstat(fd, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    if (!S_ISREG(st.st_mode))
        return err_set_gw(err, GW_BAD_FILE, -EINVAL, "'%s' is not a regular file", path);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int fd_load(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
    auto_close int fd = -1;
    struct stat st;
    int rc = open_regular(path, &fd, err);

    if (rc < 0)
        return rc;
    if (fstat(fd, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    if ((uint64_t)st.st_size > max_bytes)
        return err_set(err, -EFBIG, "'%s' has more than %zu bytes", path, max_bytes);
    return read_to_end(fd, path, max_bytes, out, err);
}

int fd_load_proc(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
    auto_close int fd = -1;
    int rc = open_regular(path, &fd, err);

    return rc < 0 ? rc : read_to_end(fd, path, max_bytes, out, err);
}

/* A directory that is gone after a power cut takes with it what was synced in it. */
static int sync_parent(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char dir[PATH_MAX];
    int len = slash && slash > path ? (int)(slash - path) : 1;

    if (text_print(dir, sizeof(dir), "%.*s", len, slash ? path : ".") < 0)
        return err_set(err, -ENAMETOOLONG, "'%.80s': %m", path);
    return fd_sync_dir(dir, err);
}

static int make_dir(const char *path, mode_t mode, struct err *err)
{
    struct stat st;
    int code;

    if (mkdir(path, mode) == 0)
        return sync_parent(path, err);
    code = -errno;
    /* Whatever mkdir said: a directory that is there is fine, also on a read-only file system. */
    if (stat(path, &st) == 0)
        return S_ISDIR(st.st_mode) ? 0 : err_set(err, -ENOTDIR, "'%s' is not a directory", path);
    return err_set(err, code, "mkdir '%s': %m", path);
}

int fd_mkdirs(const char *path, mode_t mode, struct err *err)
{
    char part[PATH_MAX];
    int rc;

    if (path[0] == '\0' || text_copy(part, sizeof(part), path) < 0)
        return err_set(err, path[0] ? -ENAMETOOLONG : -EINVAL, "mkdir '%.80s': %m", path);
    for (char *p = part + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        rc = make_dir(part, mode, err);
        if (rc < 0)
            return rc;
        *p = '/';
    }
    return make_dir(part, mode, err);
}

int fd_sync_dir(const char *path, struct err *err)
{
    auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = failpoint("fd_sync");

    if (fd < 0)
        return err_set(err, -errno, "open directory '%s': %m", path);
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    return rc < 0 ? err_set(err, rc, "fsync directory '%s': %m", path) : 0;
}

int fd_unlink(const char *path, struct err *err)
{
    if (unlink(path) < 0 && errno != ENOENT)
        return err_set(err, -errno, "unlink '%s': %m", path);
    return 0;
}

static int lock_open(const char *path, int flags, int *ret_fd, struct err *err)
{
    auto_close int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd < 0)
        return err_set(err, -errno, "open '%s': %m", path);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, -errno,
                       errno == EWOULDBLOCK ? "'%s' is locked by another process" : "lock '%s': %m",
                       path);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int fd_lock(const char *path, int *ret_fd, struct err *err)
{
    return lock_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, ret_fd, err);
}

int fd_lock_dir(const char *path, int *ret_fd, struct err *err)
{
    return lock_open(path, O_RDONLY | O_DIRECTORY, ret_fd, err);
}

static const struct {
    const char *which;
    const char *variable;
    const char *below_home;
} xdg[] = {
    {"config", "XDG_CONFIG_HOME", ".config/godwit"},
    {"data", "XDG_DATA_HOME", ".local/share/godwit"},
    {"state", "XDG_STATE_HOME", ".local/state/godwit"},
    {"cache", "XDG_CACHE_HOME", ".cache/godwit"},
    /* Without a login session there is no runtime directory; the state one outlives reboots only.
     */
    {"runtime", "XDG_RUNTIME_DIR", ".local/state/godwit/run"},
};

int fd_xdg(const char *which, char *out, size_t size, struct err *err)
{
    const char *home = getenv("HOME");
    const char *top;

    if (size)
        out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(xdg); i++) {
        if (!text_equal(xdg[i].which, which))
            continue;
        top = getenv(xdg[i].variable);
        /* The specification wants relative paths ignored. */
        if (top && top[0] == '/')
            return text_print(out, size, "%s/godwit", top) < 0
                       ? err_set(err, -ENAMETOOLONG, "%s is too long", xdg[i].variable)
                       : 0;
        if (!home || home[0] != '/')
            return err_set_gw(err, GW_BAD_CONFIG, -ENOENT, "neither %s nor HOME is set",
                              xdg[i].variable);
        return text_print(out, size, "%s/%s", home, xdg[i].below_home) < 0
                   ? err_set(err, -ENAMETOOLONG, "HOME is too long")
                   : 0;
    }
    return err_set(err, -EINVAL, "no XDG directory '%s'", which);
}

static int open_unnamed(const char *dir)
{
    int rc = failpoint("fd_tmpfile");
    int fd = rc < 0 ? -1 : open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (rc < 0)
        return rc;
    return fd < 0 ? -errno : fd;
}

/* It has a name for a moment. */
static int open_and_unlink(const char *dir)
{
    char path[PATH_MAX];
    int fd;

    if (text_print(path, sizeof(path), "%s/" FD_TEMPORARY_PREFIX "XXXXXX", dir) < 0)
        return -ENAMETOOLONG;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    (void)unlink(path);
    return fd;
}

int fd_unnamed(int *ret_fd, struct err *err)
{
    const char *dir = getenv("TMPDIR");
    int fd;

    if (!dir || dir[0] == '\0')
        dir = "/var/tmp"; /* what is large: /tmp may be memory */
    fd = open_unnamed(dir);
    if (fd == -EOPNOTSUPP || fd == -EISDIR) /* overlayfs before Linux 6.3, NFS */
        fd = open_and_unlink(dir);
    if (fd < 0)
        return err_set(err, fd, "a temporary file in '%s': %m", dir);
    *ret_fd = fd;
    return 0;
}
