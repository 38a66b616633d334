/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes that are regular files: raw images, sparse where they can be. */
#include "transport/volume_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/banned.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

enum {
    IMAGE_ALIGN = VOLUME_SECTOR,
    /* Past the page cache, 1 MiB costs a third of the processor time (four threads, ext4); 256 KiB
     * cost about the same either way, and less than that is dearer. */
    IMAGE_DIRECT_MIN = 512 * 1024,
    /* A MiB at once through it makes threads that write the same file spin for its lock: four times
     * the processor time (Linux 6.18, ext4). */
    IMAGE_WRITE_MAX = 256 * 1024
};

static bool image_claims(const char *path, const struct stat *st)
{
    (void)path;
    return st && S_ISREG(st->st_mode);
}

/* Two restores into one image would make a mix of both. */
static int image_claim(const struct volume *v, struct err *err)
{
    if (flock(v->fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return err_set_gw(err, GW_VOLUME_BUSY, -EBUSY,
                          "volume '%s' is being written by another process", v->path);
    return volume_open_failed(v->path, -errno, err);
}

/* Only where it is known to serve: some file systems take the flag and copy all the same, and those
 * of a network would wait for each write. */
static bool image_may_go_direct(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_SUPER_MAGIC);
}

/* Without it all is as well, only dearer. */
static void image_open_direct(struct volume *v, const struct stat *st)
{
    struct stat same;

    if (!image_may_go_direct(v->fd))
        return;
    v->direct_fd = open(v->path, O_WRONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (v->direct_fd < 0)
        return;
    if (fstat(v->direct_fd, &same) < 0 || same.st_dev != st->st_dev || same.st_ino != st->st_ino) {
        close(v->direct_fd);
        v->direct_fd = -1;
    }
}

/* Files of /proc and their like are made as they are read: nobody knows how much there is. */
static bool is_bottomless(int fd)
{
    char byte;

    return pread(fd, &byte, 1, 0) > 0;
}

static int image_identify(struct volume *v, const struct stat *st)
{
    unsigned long long dev = (unsigned long long)st->st_dev;
    unsigned long long ino = (unsigned long long)st->st_ino;
    struct statx sx;

    v->unmistakable =
        statx(v->fd, "", AT_EMPTY_PATH, STATX_BTIME, &sx) == 0 && (sx.stx_mask & STATX_BTIME);
    if (!v->unmistakable)
        return text_print(v->identity, sizeof(v->identity), "image:%llu:%llu", dev, ino);
    return text_print(v->identity, sizeof(v->identity), "image:%llu:%llu:%lld.%09u", dev, ino,
                      (long long)sx.stx_btime.tv_sec, (unsigned)sx.stx_btime.tv_nsec);
}

static int image_open(struct volume *v, struct err *err)
{
    int flags = v->mode == VOLUME_WRITE ? O_RDWR : O_RDONLY;
    struct stat st;

    /* O_NONBLOCK: a FIFO put in the file's place must not hang us. */
    v->fd = open(v->path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (v->fd < 0 || fstat(v->fd, &st) < 0)
        return volume_open_failed(v->path, -errno, err);
    if (!S_ISREG(st.st_mode) || st.st_dev != v->st.st_dev || st.st_ino != v->st.st_ino)
        return volume_changed(v, "was replaced", err);
    if (v->mode == VOLUME_WRITE) {
        int rc = image_claim(v, err);

        if (rc < 0)
            return rc;
        image_open_direct(v, &st);
    }
    if (st.st_size == 0 && is_bottomless(v->fd))
        return err_set_gw(err, GW_VOLUME_UNREADABLE, -EINVAL,
                          "volume '%s' is no image: it has bytes and says that its size is 0",
                          v->path);
    v->size_bytes = (uint64_t)st.st_size;
    return image_identify(v, &st);
}

static int image_read(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err)
{
    int rc = fd_pread_full(v->fd, data, len, offset, err);
    struct stat st;

    /* No data: behind the end, or on a bad sector of the disk below. */
    if (rc == -ENODATA && (fstat(v->fd, &st) < 0 || (uint64_t)st.st_size < v->size_bytes))
        return volume_changed(v, "shrank", err);
    if (volume_is_medium_error(rc))
        rc = -EIO;
    return rc < 0 ? volume_io_failed(v, rc, "read", offset, err) : 0;
}

static int image_write_cached(const struct volume *v, uint64_t offset, const uint8_t *data,
                              size_t len)
{
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < len; at += IMAGE_WRITE_MAX)
        rc = fd_pwrite_full(v->fd, data + at, (size_t)num_min(len - at, IMAGE_WRITE_MAX),
                            offset + at, NULL);
    return rc;
}

static int image_write(struct volume *v, uint64_t offset, const void *data, size_t len,
                       struct err *err)
{
    bool aligned = (offset | (uintptr_t)data | len) % IMAGE_ALIGN == 0;
    int rc = -EINVAL;

    if (v->direct_fd >= 0 && aligned && len >= IMAGE_DIRECT_MIN)
        rc = fd_pwrite_full(v->direct_fd, data, len, offset, NULL);
    /* EINVAL: this disk wants more than we align to. */
    if (rc == -EINVAL)
        rc = image_write_cached(v, offset, data, len);
    return rc < 0 ? volume_io_failed(v, rc, "write", offset, err) : 0;
}

static int image_zero(struct volume *v, uint64_t offset, uint64_t len, struct err *err)
{
    if (fallocate(v->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len) ==
        0)
        return 0;
    if (errno == EOPNOTSUPP || errno == ENOSYS)
        return volume_write_zeroes(v, offset, len, err);
    return volume_io_failed(v, -errno, "zero", offset, err);
}

static int image_flush(struct volume *v, struct err *err)
{
    return fsync(v->fd) < 0 ? volume_io_failed(v, -errno, "flush", 0, err) : 0;
}

static int image_drop_cache(struct volume *v, struct err *err)
{
    int rc;

    /* Only clean pages are dropped. A reader may sync too: what it reads next must be the medium.
     */
    if (fdatasync(v->fd) < 0)
        return volume_io_failed(v, -errno, "flush", 0, err);
    rc = posix_fadvise(v->fd, 0, 0, POSIX_FADV_DONTNEED);
    return rc != 0 ? volume_io_failed(v, -rc, "drop the cache of", 0, err) : 0;
}

/* SEEK_DATA moves the shared file offset, which nobody uses: all else is pread and pwrite. */
static int image_extent(struct volume *v, uint64_t offset, uint64_t *ret_len, bool *ret_hole,
                        struct err *err)
{
    off_t data = lseek(v->fd, (off_t)offset, SEEK_DATA);
    off_t end;

    if (data < 0 && errno == ENXIO) {
        *ret_len = v->size_bytes - offset;
        *ret_hole = true;
        return 0;
    }
    if (data < 0)
        return volume_io_failed(v, -errno, "seek in", offset, err);
    if ((uint64_t)data > offset) {
        uint64_t to = (uint64_t)data < v->size_bytes ? (uint64_t)data : v->size_bytes;

        *ret_len = to - offset;
        *ret_hole = true;
        return 0;
    }
    end = lseek(v->fd, data, SEEK_HOLE);
    /* ENXIO: cut shorter in between; reading will say so. */
    if (end <= data || (uint64_t)end > v->size_bytes)
        end = (off_t)v->size_bytes;
    *ret_len = (uint64_t)end - offset;
    *ret_hole = false;
    return 0;
}

static int image_check(struct volume *v, struct err *err)
{
    struct stat at_path;
    struct stat st;

    if (fstat(v->fd, &st) < 0)
        return volume_open_failed(v->path, -errno, err);
    if ((uint64_t)st.st_size != v->size_bytes)
        return volume_changed(v, (uint64_t)st.st_size < v->size_bytes ? "shrank" : "grew", err);
    if (stat(v->path, &at_path) < 0)
        return volume_changed(v, "vanished", err);
    if (at_path.st_dev != st.st_dev || at_path.st_ino != st.st_ino)
        return volume_changed(v, "was replaced", err);
    return 0;
}

static int image_prepare(const char *path, uint64_t size_bytes, struct err *err)
{
    auto_volume struct volume *v = NULL;
    int rc = volume_open(path, VOLUME_WRITE, &v, err);

    if (rc < 0 || v->size_bytes == size_bytes)
        return rc;
    if (size_bytes > INT64_MAX || ftruncate(v->fd, (off_t)size_bytes) < 0)
        return err_set(err, size_bytes > INT64_MAX ? -EFBIG : -errno, "resize image '%s': %m",
                       path);
    return image_flush(v, err);
}

static int image_set_readonly(const char *path, bool readonly, struct err *err)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    mode_t mode;

    if (fd < 0 || fstat(fd, &st) < 0)
        return volume_open_failed(path, -errno, err);
    mode = st.st_mode & 07777;
    mode = readonly ? mode & ~(mode_t)0222 : mode | 0200;
    /* chmod moves the change time even when it changes nothing, and a pull would then distrust the
     * image. */
    if (mode == (st.st_mode & 07777))
        return 0;
    if (fchmod(fd, mode) < 0)
        return err_set(err, -errno, "make '%s' %s: %m", path, readonly ? "read-only" : "writable");
    return 0;
}

const struct volume_ops volume_image_ops = {
    .kind = "image",
    .claims = image_claims,
    .open = image_open,
    .read = image_read,
    .write = image_write,
    .zero = image_zero,
    .flush = image_flush,
    .drop_cache = image_drop_cache,
    .extent = image_extent,
    .check = image_check,
    .prepare = image_prepare,
    .set_readonly = image_set_readonly,
};
