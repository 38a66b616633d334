/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes: what is replicated, a run of bytes of a fixed size, read and written at offsets.
 *
 * A volume handle may be read by several threads at once (pread); writes of different ranges too.
 * An implementation is a row of volumes[] in volume.c and passes tests/contract_volume.c unchanged.
 */
#ifndef GODWIT_TRANSPORT_VOLUME_H
#define GODWIT_TRANSPORT_VOLUME_H

#include "base/auto.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct volume;

enum volume_mode { VOLUME_READ, VOLUME_WRITE };

enum {
    VOLUME_SECTOR = 4096,            /* the grain of change */
    VOLUME_BLOCK = 64 * 1024,        /* the leaf of the volume digest */
    VOLUME_REGION = 64 * 1024 * 1024 /* what one map page describes */
};

/*
 * Open path, taking the first row that claims it: a block device, a regular file, or the URI of an
 * NBD export (transport/nbd_uri.h).
 * Block devices are read with O_DIRECT; large aligned writes of images go past the page cache where
 * the file system is known for doing that well. VOLUME_WRITE takes an exclusive claim where the
 * kind has one (O_EXCL on devices): -EBUSY (GW_VOLUME_BUSY). -ENOENT, -EACCES
 * (GW_VOLUME_UNREADABLE), -EINVAL for what cannot be a volume.
 */
int volume_open(const char *path, enum volume_mode mode, struct volume **ret, struct err *err);
/* Make (or resize) an image file of size_bytes for a restore; an existing device must be at least
 * that big: -ENOSPC (GW_VOLUME_TOO_SMALL). */
int volume_prepare(const char *path, uint64_t size_bytes, struct err *err);
/* Is path no path at all, but the name of something on a server? Looks at the text alone. */
bool volume_is_export(const char *path);
void volume_close(struct volume *v);
static inline void volume_closep(struct volume **v)
{
    volume_close(*v);
}
#define auto_volume AUTO(volume_closep)

uint64_t volume_size(const struct volume *v); /* bytes; any number, not only whole sectors */
/* What is read as a whole, or not at all: 512 or 4096 on disks. A power of two, at most
 * VOLUME_SECTOR. */
uint32_t volume_sector(const struct volume *v);
const char *volume_kind(const struct volume *v); /* "image", "blockdev", "nbd" */
const char *volume_path(const struct volume *v);

/*
 * len bytes at offset, all of them. -EIO, whatever the medium calls it, with the offset in err;
 * -ESTALE (GW_VOLUME_CHANGED) when the volume shrank or vanished. data should be aligned to
 * VOLUME_SECTOR (a bounce buffer is used otherwise on O_DIRECT).
 */
int volume_read(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err);
int volume_write(struct volume *v, uint64_t offset, const void *data, size_t len, struct err *err);
/* Make [offset, offset + len) read as zeroes, as a hole where that is possible. */
int volume_zero(struct volume *v, uint64_t offset, uint64_t len, struct err *err);
int volume_flush(struct volume *v, struct err *err); /* durable: fsync, BLKFLSBUF on devices */
/* Drop caches so that the next reads come from the medium (posix_fadvise, O_DIRECT devices:
 * nothing). */
int volume_drop_cache(struct volume *v, struct err *err);

/* From offset on: *ret_len bytes of the same sort, *ret_hole true for a hole. A hint for speed;
 * never trusted while the file changes. */
int volume_extent(struct volume *v, uint64_t offset, uint64_t *ret_len, bool *ret_hole,
                  struct err *err);

/* Is it still the thing that was opened, of the same size? 0 or -ESTALE (GW_VOLUME_CHANGED). */
int volume_check(struct volume *v, struct err *err);
/* Stable identity text of what was opened: "image:DEV:INO:BIRTH" (without the birth where the file
 * system keeps none), "blockdev:MAJ:MIN:DISKSEQ:SIZE" or "nbd:HASH:SIZE". */
const char *volume_identity(const struct volume *v);
/* Would a new thing in the same place surely have another identity? Numbers of files are used again
 * at once. */
bool volume_is_unmistakable(const struct volume *v);

/* Fence help: make the medium refuse writes (BLKROSET, or file mode without write bits) and back.
 */
int volume_set_readonly(const char *path, bool readonly, struct err *err);
/* Processes of other people that hold path (or a mount of it) open for writing, and file systems
 * that are mounted from it, wherever any process sees them: their number; the first one's name into
 * out. */
int volume_writers(const char *path, char *out_name, size_t size, unsigned *ret_n, struct err *err);
/* Only those that write below any file system: the device, one above it or the image is open for
 * writing itself. */
int volume_raw_writers(const char *path, char *out_name, size_t size, unsigned *ret_n,
                       struct err *err);

#endif
