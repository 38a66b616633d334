/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes that are block devices, with O_DIRECT: the page cache of a device is not the one of the
 * file system mounted from it, so a buffered read could be stale for ever.
 */
#include "transport/volume_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

/* One size for all alignments: no logical block of Linux is larger than a page here. */
enum { BLOCKDEV_ALIGN = VOLUME_SECTOR };

static bool blockdev_claims(const char *path, const struct stat *st)
{
    (void)path;
    return st && S_ISBLK(st->st_mode);
}

/* A number that changes whenever another medium sits behind the same device node (Linux 5.15). */
static uint64_t read_diskseq(int fd, dev_t rdev)
{
    auto_buf struct buf text = {0};
    char path[64];
    uint64_t seq = 0;

#ifdef BLKGETDISKSEQ
    if (ioctl(fd, BLKGETDISKSEQ, &seq) == 0)
        return seq;
#else
    (void)fd;
#endif
    if (text_print(path, sizeof(path), "/sys/dev/block/%u:%u/diskseq", major(rdev), minor(rdev)) <
            0 ||
        fd_load_proc(path, sizeof(path), &text, NULL) < 0 || text.len == 0)
        return 0;
    text.data[text.len - 1] = '\0'; /* its newline */
    return num_parse_u64((const char *)text.data, 0, UINT64_MAX, &seq, NULL) == 0 ? seq : 0;
}

static int read_size(int fd, uint64_t *ret)
{
    uint64_t size = 0;

    if (ioctl(fd, BLKGETSIZE64, &size) < 0)
        return -errno;
    *ret = size;
    return 0;
}

static uint32_t read_sector(int fd)
{
    int bytes = 0;

    if (ioctl(fd, BLKSSZGET, &bytes) < 0 || bytes <= 0 || bytes > VOLUME_SECTOR ||
        VOLUME_SECTOR % bytes != 0)
        return VOLUME_SECTOR;
    return (uint32_t)bytes;
}

static int blockdev_open(struct volume *v, struct err *err)
{
    /* O_EXCL without O_CREAT on a device: -EBUSY while it is mounted or claimed. */
    int flags = v->mode == VOLUME_WRITE ? O_RDWR | O_EXCL : O_RDONLY;
    struct stat st;
    int rc;

    v->fd = open(v->path, flags | O_DIRECT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (v->fd < 0 || fstat(v->fd, &st) < 0)
        return volume_open_failed(v->path, -errno, err);
    if (!S_ISBLK(st.st_mode) || st.st_rdev != v->st.st_rdev)
        return volume_changed(v, "was replaced", err);
    rc = read_size(v->fd, &v->size_bytes);
    /* A drive without a disk, a loop device without a file: not a volume that became empty. */
    if (rc == 0 && v->size_bytes == 0)
        rc = -ENOMEDIUM;
    if (rc < 0)
        return volume_open_failed(v->path, rc, err);
    v->sector_bytes = read_sector(v->fd);
    v->diskseq = read_diskseq(v->fd, st.st_rdev);
    v->unmistakable = v->diskseq != 0;
    return text_print(v->identity, sizeof(v->identity), "blockdev:%u:%u:%llu:%llu",
                      major(st.st_rdev), minor(st.st_rdev), (unsigned long long)v->diskseq,
                      (unsigned long long)v->size_bytes);
}

static int blockdev_failed(const struct volume *v, int code, const char *what, uint64_t offset,
                           struct err *err)
{
    uint64_t size = 0;

    /* No data: behind the end, or on a bad sector. */
    if (code == -ENODATA && (read_size(v->fd, &size) < 0 || size < v->size_bytes))
        return volume_changed(v, "shrank", err);
    if (volume_is_medium_error(code))
        code = -EIO;
    if (code == -ENXIO || code == -ENODEV)
        return volume_changed(v, "vanished", err);
    return volume_io_failed(v, code, what, offset, err);
}

static bool is_aligned(uint64_t offset, const void *data, size_t len, uint32_t to)
{
    return (offset | (uintptr_t)data | len) % to == 0;
}

static int read_whole(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err)
{
    int rc = fd_pread_full(v->fd, data, len, offset, NULL);

    return rc < 0 ? blockdev_failed(v, rc, "read", offset, err) : 0;
}

static int write_whole(struct volume *v, uint64_t offset, const void *data, size_t len,
                       struct err *err)
{
    int rc = fd_pwrite_full(v->fd, data, len, offset, NULL);

    return rc < 0 ? blockdev_failed(v, rc, "write", offset, err) : 0;
}

/* The device ends at a whole logical block, if not at a whole page. */
static const struct volume_bounce bounce = {
    .grain = BLOCKDEV_ALIGN, .read = read_whole, .write = write_whole};

static int blockdev_read(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err)
{
    if (is_aligned(offset, data, len, v->sector_bytes))
        return read_whole(v, offset, data, len, err);
    return volume_bounce_read(v, &bounce, offset, data, len, err);
}

static int blockdev_write(struct volume *v, uint64_t offset, const void *data, size_t len,
                          struct err *err)
{
    if (is_aligned(offset, data, len, BLOCKDEV_ALIGN))
        return write_whole(v, offset, data, len, err);
    return volume_bounce_write(v, &bounce, offset, data, len, err);
}

/* Whole sectors. A discard alone does not promise zeroes; punching a hole in a device does, and
 * frees what thin devices can free. */
static int zero_sectors(struct volume *v, uint64_t offset, uint64_t len, struct err *err)
{
    uint64_t range[2] = {offset, len};

    if (fallocate(v->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len) ==
        0)
        return 0;
    if (ioctl(v->fd, BLKZEROOUT, range) == 0)
        return 0;
    return volume_write_zeroes(v, offset, len, err);
}

static int blockdev_zero(struct volume *v, uint64_t offset, uint64_t len, struct err *err)
{
    uint64_t end = offset + len;
    uint64_t first = num_div_up(offset, BLOCKDEV_ALIGN) * BLOCKDEV_ALIGN;
    uint64_t last = end - end % BLOCKDEV_ALIGN;
    int rc;

    if (first >= last)
        return volume_write_zeroes(v, offset, len, err);
    rc = zero_sectors(v, first, last - first, err);
    if (rc == 0 && first > offset)
        rc = volume_write_zeroes(v, offset, first - offset, err);
    if (rc == 0 && end > last)
        rc = volume_write_zeroes(v, last, end - last, err);
    return rc;
}

static int blockdev_flush(struct volume *v, struct err *err)
{
    if (fsync(v->fd) < 0)
        return blockdev_failed(v, -errno, "flush", 0, err);
    /* Pages that a reader of the device may have cached; it needs a privilege, and is a courtesy.
     */
    (void)ioctl(v->fd, BLKFLSBUF, 0);
    return 0;
}

static int blockdev_drop_cache(struct volume *v, struct err *err)
{
    (void)v;
    (void)err;
    return 0; /* O_DIRECT has none */
}

static int blockdev_extent(struct volume *v, uint64_t offset, uint64_t *ret_len, bool *ret_hole,
                           struct err *err)
{
    (void)err;
    *ret_len = v->size_bytes - offset;
    *ret_hole = false;
    return 0;
}

static int blockdev_check(struct volume *v, struct err *err)
{
    struct stat st;
    uint64_t size = 0;
    int rc = read_size(v->fd, &size);

    if (rc < 0)
        return blockdev_failed(v, rc, "look at", 0, err);
    if (size != v->size_bytes)
        return volume_changed(v, size < v->size_bytes ? "shrank" : "grew", err);
    if (stat(v->path, &st) < 0)
        return volume_changed(v, "vanished", err);
    if (!S_ISBLK(st.st_mode) || st.st_rdev != v->st.st_rdev ||
        read_diskseq(v->fd, st.st_rdev) != v->diskseq)
        return volume_changed(v, "was replaced", err);
    return 0;
}

static int blockdev_set_readonly(const char *path, bool readonly, struct err *err)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int value = readonly;

    if (fd < 0)
        return volume_open_failed(path, -errno, err);
    if (ioctl(fd, BLKROSET, &value) < 0)
        return err_set(err, -errno, "make '%s' %s: %m", path, readonly ? "read-only" : "writable");
    return 0;
}

const struct volume_ops volume_blockdev_ops = {
    .kind = "blockdev",
    .direct = true,
    .claims = blockdev_claims,
    .open = blockdev_open,
    .read = blockdev_read,
    .write = blockdev_write,
    .zero = blockdev_zero,
    .flush = blockdev_flush,
    .drop_cache = blockdev_drop_cache,
    .extent = blockdev_extent,
    .check = blockdev_check,
    .prepare = volume_prepare_fixed,
    .set_readonly = blockdev_set_readonly,
};
