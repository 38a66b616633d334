/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that appear whole or not at all, also over a crash: written under a temporary name in the
 * same directory, synced, renamed, and the directory synced.
 */
#include "base/fd.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

/* A file being made. The directory is held open: renaming it meanwhile cannot redirect us. */
struct saving {
    const char *path;
    const char *name; /* last part of path */
    int dir_fd;
    char temporary[32];
    bool temporary_there;
};

static void saving_done(struct saving *s)
{
    if (s->temporary_there)
        unlinkat(s->dir_fd, s->temporary, 0);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
}

static int saving_open(struct saving *s, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char dir[PATH_MAX];
    int len = slash ? (int)(slash - path) : 1;

    *s = (struct saving){.path = path, .name = slash ? slash + 1 : path, .dir_fd = -1};
    if (s->name[0] == '\0')
        return err_set(err, -EISDIR, "'%s' names a directory", path);
    /* "name" is in ".", "/name" in "/". */
    if (text_print(dir, sizeof(dir), "%.*s", len ? len : 1, slash ? path : ".") < 0)
        return err_set(err, -ENAMETOOLONG, "'%.80s': %m", path);
    s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0)
        return err_set(err, -errno, "open directory of '%s': %m", path);
    snprintf(s->temporary, sizeof(s->temporary), FD_TEMPORARY_PREFIX "%016" PRIx64,
             rng_u64(&rng_system));
    return 0;
}

static int sync_fd(int fd)
{
    int rc = failpoint("fd_sync");

    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    return rc;
}

/* The body on disk under the temporary name. */
static int saving_write(struct saving *s, struct slice body, mode_t mode, struct err *err)
{
    auto_close int fd =
        openat(s->dir_fd, s->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc;

    if (fd < 0)
        return err_set(err, -errno, "create a file beside '%s': %m", s->path);
    s->temporary_there = true;
    if (fchmod(fd, mode) < 0)
        return err_set(err, -errno, "chmod beside '%s': %m", s->path);
    rc = fd_write_full(fd, body.data, body.len, err);
    if (rc < 0)
        return err_add(err, rc, "'%s'", s->path);
    rc = sync_fd(fd);
    return rc < 0 ? err_set(err, rc, "fsync '%s': %m", s->path) : 0;
}

static int saving_settle(struct saving *s, struct err *err)
{
    int rc;

    s->temporary_there = false;
    rc = sync_fd(s->dir_fd);
    return rc < 0 ? err_set(err, rc, "fsync directory of '%s': %m", s->path) : 0;
}

int fd_save(const char *path, struct slice body, mode_t mode, struct err *err)
{
    AUTO(saving_done) struct saving s = {.dir_fd = -1};
    int rc = saving_open(&s, path, err);

    if (rc == 0)
        rc = saving_write(&s, body, mode, err);
    if (rc < 0)
        return rc;
    rc = failpoint("fd_rename");
    if (rc == 0 && renameat(s.dir_fd, s.temporary, s.dir_fd, s.name) < 0)
        rc = -errno;
    if (rc < 0)
        return err_set(err, rc, "rename to '%s': %m", path);
    return saving_settle(&s, err);
}

/* Give the finished file its name unless somebody has it: atomically, or -EEXIST. */
static int name_once(struct saving *s)
{
    int rc = failpoint("fd_rename");

    if (rc < 0)
        return rc;
    if (renameat2(s->dir_fd, s->temporary, s->dir_fd, s->name, RENAME_NOREPLACE) == 0)
        return 0;
    /* Some file systems (NFS among them) cannot; a hard link refuses an existing name too. */
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    if (linkat(s->dir_fd, s->temporary, s->dir_fd, s->name, 0) < 0)
        return -errno;
    return unlinkat(s->dir_fd, s->temporary, 0) < 0 ? -errno : 0;
}

int fd_create_once(const char *path, struct slice body, mode_t mode, struct err *err)
{
    AUTO(saving_done) struct saving s = {.dir_fd = -1};
    int rc = saving_open(&s, path, err);

    if (rc < 0)
        return rc;
    /* Cheap answer for the common case; name_once decides. */
    if (faccessat(s.dir_fd, s.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(err, -EEXIST, "'%s' exists", path);
    rc = saving_write(&s, body, mode, err);
    if (rc < 0)
        return rc;
    rc = name_once(&s);
    if (rc == -EEXIST)
        return err_set(err, rc, "'%s' exists", path);
    if (rc < 0)
        return err_set(err, rc, "name '%s': %m", path);
    return saving_settle(&s, err);
}
