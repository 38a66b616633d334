/* SPDX-License-Identifier: Apache-2.0 */
/* Images whose file system can share blocks: a snapshot takes no time and, at first, no space. */
#include "transport/snapshot_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/banned.h"

enum { BLOCK_BYTES = 512 /* of st_blocks */ };

struct reflink {
    int volume_fd;
    int fd;
};

/* A file without a name, beside the volume. */
static int open_nameless(const char *volume, int *ret, struct err *err)
{
    char dir[PATH_MAX];
    char *slash;
    int fd;

    if (text_copy(dir, sizeof(dir), volume) < 0)
        return err_set(err, -ENAMETOOLONG, "'%s': %m", volume);
    slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir ? 1 : 0] = '\0';
    fd = open(slash ? dir : ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, errno == ENOSPC ? -ENOSPC : -EOPNOTSUPP,
                       "a file beside '%s' for its snapshot: %m", volume);
    *ret = fd;
    return 0;
}

/* Room for every block of the volume once more. */
static int check_room(const struct snapshot *s, struct err *err)
{
    const struct reflink *r = s->more;
    struct statvfs fs;
    struct stat st;
    uint64_t need;
    uint64_t free_bytes;

    if (fstat(r->volume_fd, &st) < 0 || fstatvfs(r->volume_fd, &fs) < 0)
        return err_set(err, -errno, "look at '%s': %m", s->volume);
    need = (uint64_t)st.st_blocks * BLOCK_BYTES;
    free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (free_bytes >= need)
        return 0;
    return err_set_gw(err, GW_NO_SPACE, -ENOSPC,
                      "a snapshot of '%s' may need %" PRIu64
                      " bytes of its file system, which has %" PRIu64 " left",
                      s->volume, need, free_bytes);
}

static int rehearse(const struct snapshot *s, struct err *err)
{
    const struct reflink *r = s->more;
    auto_close int fd = -1;
    int rc = open_nameless(s->volume, &fd, err);

    if (rc < 0)
        return rc;
    if (ioctl(fd, FICLONE, r->volume_fd) == 0)
        return 0;
    return err_set(err, errno == ENOSPC ? -ENOSPC : -EOPNOTSUPP,
                   "the file system of '%s' makes no snapshot of it: %m", s->volume);
}

static bool reflink_claims(const struct stat *st)
{
    return S_ISREG(st->st_mode);
}

static int reflink_open(struct snapshot *s, unsigned share, struct err *err)
{
    struct reflink *r = malloc(sizeof(*r));
    int rc = 0;

    (void)share; /* images of one file system are few, and their room is rarely that short */
    if (!r)
        return err_set(err, -ENOMEM, "snapshot: %m");
    *r = (struct reflink){.volume_fd = -1, .fd = -1};
    s->more = r;
    r->volume_fd = open(s->volume, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (r->volume_fd < 0)
        rc = err_set(err, -errno, "open '%s': %m", s->volume);
    if (rc == 0)
        rc = check_room(s, err);
    if (rc == 0)
        rc = rehearse(s, err);
    if (rc == 0)
        rc = open_nameless(s->volume, &r->fd, err);
    return rc < 0 ? rc : text_print(s->path, sizeof(s->path), "/proc/self/fd/%d", r->fd);
}

static int reflink_take(struct snapshot *s)
{
    const struct reflink *r = s->more;

    return ioctl(r->fd, FICLONE, r->volume_fd) < 0 ? -errno : 0;
}

static int reflink_close(struct snapshot *s, struct err *err)
{
    struct reflink *r = s->more;

    (void)err;
    if (!r)
        return 0;
    if (r->fd >= 0)
        close(r->fd);
    if (r->volume_fd >= 0)
        close(r->volume_fd);
    free(r);
    return 0;
}

const struct snapshot_ops snapshot_reflink_ops = {.kind = "reflink",
                                                  .claims = reflink_claims,
                                                  .open = reflink_open,
                                                  .take = reflink_take,
                                                  .close = reflink_close};
