/* SPDX-License-Identifier: Apache-2.0 */
/* The table of volumes and the dispatchers around them, which check modes and bounds. Who holds a
 * volume open is volume_writers.c's. */
#include "transport/volume_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "transport/volume_claims.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static const struct volume_ops *const volumes[] = {
    &volume_image_ops,
    &volume_blockdev_ops,
    &volume_nbd_ops,
};

enum { VOLUME_IMAGE_MODE = 0600 };

int volume_changed(const struct volume *v, const char *what, struct err *err)
{
    return err_set_gw(err, GW_VOLUME_CHANGED, -ESTALE, "volume '%s' %s while in use", v->path,
                      what);
}

int volume_open_failed(const char *path, int code, struct err *err)
{
    unsigned gw = GW_VOLUME_UNREADABLE;

    if (code == -EPERM || code == -EROFS)
        code = -EACCES;
    if (code == -EBUSY || code == -ETXTBSY)
        gw = GW_VOLUME_BUSY;
    return err_set_gw(err, gw, code, "open volume '%s': %m", path);
}

int volume_io_failed(const struct volume *v, int code, const char *what, uint64_t offset,
                     struct err *err)
{
    unsigned gw = code == -EIO ? GW_IO : code == -ENOSPC ? GW_NO_SPACE : 0;

    return err_set_gw(err, gw, code, "%s volume '%s' at byte %llu: %m", what, v->path,
                      (unsigned long long)offset);
}

/* blk_status of the kernel's block layer as errno: medium, protection, target, time-out. */
bool volume_is_medium_error(int code)
{
    return code == -EIO || code == -ENODATA || code == -EILSEQ || code == -EREMOTEIO ||
           code == -ETIMEDOUT;
}

static const char *kind_of_mode(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    case S_IFCHR:
        return "a character device";
    default:
        return "of no kind that can be a volume";
    }
}

static const struct volume_ops *ops_of(const char *path, const struct stat *st)
{
    for (size_t i = 0; i < ARRAY_LEN(volumes); i++)
        if (volumes[i]->claims(path, st))
            return volumes[i];
    return NULL;
}

/* Looks without opening: a FIFO would hang, and opening a device can have effects. */
static int find_ops(const char *path, struct stat *ret_st, const struct volume_ops **ret_ops,
                    struct err *err)
{
    const struct volume_ops *ops = ops_of(path, NULL);

    *ret_st = (struct stat){0};
    if (!ops && stat(path, ret_st) < 0)
        return volume_open_failed(path, -errno, err);
    if (!ops)
        ops = ops_of(path, ret_st);
    if (!ops)
        return err_set_gw(err, GW_VOLUME_UNREADABLE, -EINVAL,
                          "'%s' is %s; a volume is a block device or a regular file", path,
                          kind_of_mode(ret_st->st_mode));
    *ret_ops = ops;
    return 0;
}

/* Only what claims a device stops another who claims it: not what has an image, a loop device on
 * either, or a program that just opened it, as virtual machines do. */
static int refuse_used(const struct volume *v, struct err *err)
{
    char name[PATH_MAX] = "";
    unsigned writers = 0;
    int rc = volume_claims_above(v->path, name, sizeof(name), err);

    if (rc > 0)
        return err_set_gw(err, GW_VOLUME_BUSY, -EBUSY,
                          "volume '%s' is in use: '%s', which leads to it, is mounted or claimed",
                          v->path, name);
    if (rc == 0)
        rc = volume_raw_writers(v->path, name, sizeof(name), &writers, err);
    if (rc == 0 && writers > 0)
        return err_set_gw(err, GW_VOLUME_BUSY, -EBUSY,
                          "volume '%s' is in use: %s has it open for writing", v->path, name);
    return rc;
}

int volume_open(const char *path, enum volume_mode mode, struct volume **ret, struct err *err)
{
    auto_volume struct volume *v = calloc(1, sizeof(*v));
    int rc;

    if (!v)
        return err_set(err, -ENOMEM, "open volume '%s': %m", path);
    pthread_mutex_init(&v->partial_lock, NULL);
    v->fd = -1;
    v->direct_fd = -1;
    v->mode = mode;
    v->sector_bytes = VOLUME_SECTOR;
    v->path = strdup(path);
    if (!v->path)
        return err_set(err, -ENOMEM, "open volume '%s': %m", path);
    rc = find_ops(path, &v->st, &v->ops, err);
    if (rc < 0)
        return rc;
    if (mode == VOLUME_WRITE && v->st.st_mode != 0) /* else a server's */
        rc = refuse_used(v, err);
    if (rc == 0)
        rc = v->ops->open(v, err);
    if (rc < 0)
        return rc;
    *ret = TAKE(v);
    return 0;
}

void volume_close(struct volume *v)
{
    if (!v)
        return;
    if (v->ops && v->ops->close)
        v->ops->close(v);
    if (v->fd >= 0)
        close(v->fd);
    if (v->direct_fd >= 0)
        close(v->direct_fd);
    pthread_mutex_destroy(&v->partial_lock);
    free(v->path);
    free(v);
}

static int make_image(const char *path, uint64_t size_bytes, struct err *err)
{
    auto_close int fd =
        open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, VOLUME_IMAGE_MODE);
    char *slash;
    auto_free char *dir = strdup(path);

    if (fd < 0)
        return volume_open_failed(path, -errno, err);
    if (!dir)
        return err_set(err, -ENOMEM, "make image '%s': %m", path);
    if (size_bytes > INT64_MAX || ftruncate(fd, (off_t)size_bytes) < 0 || fsync(fd) < 0)
        return err_set(err, size_bytes > INT64_MAX ? -EFBIG : -errno, "make image '%s': %m", path);
    slash = strrchr(dir, '/');
    if (!slash)
        return fd_sync_dir(".", err);
    slash[slash == dir ? 1 : 0] = '\0';
    return fd_sync_dir(dir, err);
}

int volume_prepare(const char *path, uint64_t size_bytes, struct err *err)
{
    const struct volume_ops *ops;
    struct stat st;
    int rc;

    if (!ops_of(path, NULL) && stat(path, &st) < 0 && errno == ENOENT)
        return make_image(path, size_bytes, err);
    rc = find_ops(path, &st, &ops, err);
    return rc < 0 ? rc : ops->prepare(path, size_bytes, err);
}

int volume_prepare_fixed(const char *path, uint64_t size_bytes, struct err *err)
{
    auto_volume struct volume *v = NULL;
    char have[NUM_TEXT_MAX];
    char need[NUM_TEXT_MAX];
    int rc = volume_open(path, VOLUME_READ, &v, err);

    if (rc < 0 || v->size_bytes >= size_bytes)
        return rc;
    return err_set_gw(err, GW_VOLUME_TOO_SMALL, -ENOSPC,
                      "volume '%s' has %s (%llu bytes), %s (%llu bytes) are needed", path,
                      num_format_bytes(v->size_bytes, false, have),
                      (unsigned long long)v->size_bytes, num_format_bytes(size_bytes, false, need),
                      (unsigned long long)size_bytes);
}

bool volume_is_export(const char *path)
{
    return ops_of(path, NULL) != NULL;
}

uint64_t volume_size(const struct volume *v)
{
    return v->size_bytes;
}

uint32_t volume_sector(const struct volume *v)
{
    return v->sector_bytes;
}

const char *volume_kind(const struct volume *v)
{
    return v->ops->kind;
}

const char *volume_path(const struct volume *v)
{
    return v->path;
}

const char *volume_identity(const struct volume *v)
{
    return v->identity;
}

bool volume_is_unmistakable(const struct volume *v)
{
    return v->unmistakable;
}

static int check_range(const struct volume *v, uint64_t offset, uint64_t len, struct err *err)
{
    if (offset > v->size_bytes || len > v->size_bytes - offset)
        return err_set(err, -EINVAL, "volume '%s': bytes %llu+%llu are outside its %llu", v->path,
                       (unsigned long long)offset, (unsigned long long)len,
                       (unsigned long long)v->size_bytes);
    return 0;
}

static int check_write(const struct volume *v, uint64_t offset, uint64_t len, struct err *err)
{
    if (v->mode != VOLUME_WRITE)
        return err_set(err, -EBADF, "volume '%s' is open for reading only", v->path);
    return check_range(v, offset, len, err);
}

int volume_check_read(const struct volume *v, uint64_t offset, size_t len, struct err *err)
{
    int rc = check_range(v, offset, len, err);

    if (rc < 0 || len == 0)
        return rc;
    rc = failpoint_at("volume_read", offset, len);
    return rc < 0 ? volume_io_failed(v, rc, "read", offset, err) : 0;
}

int volume_read(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err)
{
    int rc = volume_check_read(v, offset, len, err);

    return rc < 0 || len == 0 ? rc : v->ops->read(v, offset, data, len, err);
}

int volume_write(struct volume *v, uint64_t offset, const void *data, size_t len, struct err *err)
{
    int rc = check_write(v, offset, len, err);

    if (rc < 0 || len == 0)
        return rc;
    rc = failpoint("volume_write");
    if (rc < 0)
        return volume_io_failed(v, rc, "write", offset, err);
    return v->ops->write(v, offset, data, len, err);
}

int volume_zero(struct volume *v, uint64_t offset, uint64_t len, struct err *err)
{
    int rc = check_write(v, offset, len, err);

    if (rc < 0 || len == 0)
        return rc;
    return v->ops->zero(v, offset, len, err);
}

int volume_write_zeroes(struct volume *v, uint64_t offset, uint64_t len, struct err *err)
{
    auto_free uint8_t *zeroes = aligned_alloc(VOLUME_SECTOR, VOLUME_BLOCK);

    if (!zeroes)
        return err_set(err, -ENOMEM, "zero volume '%s': %m", v->path);
    memset(zeroes, 0, VOLUME_BLOCK);
    while (len > 0) {
        size_t now = len < VOLUME_BLOCK ? (size_t)len : VOLUME_BLOCK;
        int rc = v->ops->write(v, offset, zeroes, now, err);

        if (rc < 0)
            return rc;
        offset += now;
        len -= now;
    }
    return 0;
}

int volume_flush(struct volume *v, struct err *err)
{
    int rc = failpoint("volume_flush");

    if (rc < 0)
        return volume_io_failed(v, rc, "flush", 0, err);
    return v->ops->flush(v, err);
}

int volume_drop_cache(struct volume *v, struct err *err)
{
    return v->ops->drop_cache(v, err);
}

int volume_extent(struct volume *v, uint64_t offset, uint64_t *ret_len, bool *ret_hole,
                  struct err *err)
{
    int rc = check_range(v, offset, 1, err);

    return rc < 0 ? rc : v->ops->extent(v, offset, ret_len, ret_hole, err);
}

int volume_check(struct volume *v, struct err *err)
{
    return v->ops->check(v, err);
}

int volume_set_readonly(const char *path, bool readonly, struct err *err)
{
    const struct volume_ops *ops;
    struct stat st;
    int rc = find_ops(path, &st, &ops, err);

    return rc < 0 ? rc : ops->set_readonly(path, readonly, err);
}
