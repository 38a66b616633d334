/* SPDX-License-Identifier: Apache-2.0 */
/* Images whose file system can share blocks. */
#include "transport/snapshot.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/banned.h"

enum { BLOCK_BYTES = 512 /* of st_blocks */ };

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
    struct statvfs fs;
    struct stat st;
    uint64_t need;
    uint64_t free_bytes;

    if (fstat(s->volume_fd, &st) < 0 || fstatvfs(s->volume_fd, &fs) < 0)
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
    auto_close int fd = -1;
    int rc = open_nameless(s->volume, &fd, err);

    if (rc < 0)
        return rc;
    if (ioctl(fd, FICLONE, s->volume_fd) == 0)
        return 0;
    return err_set(err, errno == ENOSPC ? -ENOSPC : -EOPNOTSUPP,
                   "the file system of '%s' makes no snapshot of it: %m", s->volume);
}

int snapshot_open(const char *volume, struct snapshot *ret, struct err *err)
{
    struct snapshot s = {.volume = volume, .volume_fd = -1, .fd = -1};
    struct stat st;
    int rc;

    s.volume_fd = open(volume, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (s.volume_fd < 0 || fstat(s.volume_fd, &st) < 0)
        rc = err_set(err, -errno, "open '%s': %m", volume);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(err, -EOPNOTSUPP, "'%s' is no image: there are no snapshots of it", volume);
    else
        rc = check_room(&s, err);
    if (rc == 0)
        rc = rehearse(&s, err);
    if (rc == 0)
        rc = open_nameless(volume, &s.fd, err);
    if (rc == 0)
        rc = text_print(s.path, sizeof(s.path), "/proc/self/fd/%d", s.fd);
    if (rc < 0) {
        snapshot_close(&s);
        return rc;
    }
    *ret = s;
    return 0;
}

int snapshot_take(struct snapshot *s)
{
    return ioctl(s->fd, FICLONE, s->volume_fd) < 0 ? -errno : 0;
}

void snapshot_close(struct snapshot *s)
{
    if (s->fd >= 0)
        close(s->fd);
    if (s->volume_fd >= 0)
        close(s->volume_fd);
    s->fd = s->volume_fd = -1;
}
