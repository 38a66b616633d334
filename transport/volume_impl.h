/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of volume implements; only volume*.c include this.
 *
 * To add one: volume_x.c with a `const struct volume_ops volume_x_ops`, a row in volumes[]
 * (volume.c), and tests/contract_volume.c must pass unchanged.
 */
#ifndef GODWIT_TRANSPORT_VOLUME_IMPL_H
#define GODWIT_TRANSPORT_VOLUME_IMPL_H

#include "transport/volume.h"

#include <pthread.h>
#include <sys/stat.h>

enum { VOLUME_IDENTITY_MAX = 96 };

struct volume_ops;

/* Set by the dispatcher but for fd, size_bytes, sector_bytes, identity, diskseq and more, which are
 * open's. */
struct volume {
    const struct volume_ops *ops;
    enum volume_mode mode;
    int fd;
    int direct_fd; /* images: to write past the page cache; or -1 */
    uint64_t size_bytes;
    uint32_t sector_bytes;        /* VOLUME_SECTOR when open says nothing */
    struct stat st;               /* of the path when it was opened */
    uint64_t diskseq;             /* block devices: changes with the medium */
    void *more;                   /* of the kind; its close frees it */
    pthread_mutex_t partial_lock; /* volume_bounce.c: around read, change, write of one block */
    char *path;
    char identity[VOLUME_IDENTITY_MAX];
    bool unmistakable;
};

/*
 * read, write, zero and extent may run in several threads at once for disjoint ranges; ranges lie
 * inside the volume and are not empty (checked). err may be NULL.
 */
struct volume_ops {
    const char *kind;
    bool direct; /* reads pass the page cache by: only a deep queue of them is fast */
    /* st NULL: path is the name of something that is no file. */
    bool (*claims)(const char *path, const struct stat *st);
    /* Open v->path in v->mode; v->st is what stat said of it, if anything. On failure volume.c
     * closes v->fd and calls close. */
    int (*open)(struct volume *v, struct err *err);
    void (*close)(struct volume *v); /* NULL: v->fd is all there is */
    int (*read)(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err);
    int (*write)(struct volume *v, uint64_t offset, const void *data, size_t len, struct err *err);
    int (*zero)(struct volume *v, uint64_t offset, uint64_t len, struct err *err);
    int (*flush)(struct volume *v, struct err *err);
    int (*drop_cache)(struct volume *v, struct err *err);
    int (*extent)(struct volume *v, uint64_t offset, uint64_t *ret_len, bool *ret_hole,
                  struct err *err);
    int (*check)(struct volume *v, struct err *err);
    /* An existing one for size_bytes. */
    int (*prepare)(const char *path, uint64_t size_bytes, struct err *err);
    int (*set_readonly)(const char *path, bool readonly, struct err *err);
};

extern const struct volume_ops volume_image_ops;
extern const struct volume_ops volume_blockdev_ops;
extern const struct volume_ops volume_nbd_ops;

/* Helpers of the implementations. */
int volume_changed(const struct volume *v, const char *what,
                   struct err *err); /* -ESTALE, GW_VOLUME_CHANGED */
int volume_open_failed(const char *path, int code, struct err *err);
/* A failed call at offset, -EIO and -ENOSPC with their rows. Returns code. */
int volume_io_failed(const struct volume *v, int code, const char *what, uint64_t offset,
                     struct err *err);
/* Is it what a kernel says of a medium that gives no data? */
bool volume_is_medium_error(int code);
/* What must hold before a read: the range. Also the failpoint volume_read. */
int volume_check_read(const struct volume *v, uint64_t offset, size_t len, struct err *err);
/* Write zeroes by hand where no call makes holes. */
int volume_write_zeroes(struct volume *v, uint64_t offset, uint64_t len, struct err *err);
/* volume_bounce.c: ranges of any borders, by calls for whole blocks of grain bytes (or up to the
 * end of the volume), in memory that is aligned to VOLUME_SECTOR. */
enum { VOLUME_BOUNCE_GRAIN_MAX = 64 * 1024 };
struct volume_bounce {
    uint32_t grain; /* 1..VOLUME_BOUNCE_GRAIN_MAX, a power of two */
    int (*read)(struct volume *v, uint64_t offset, void *data, size_t len, struct err *err);
    int (*write)(struct volume *v, uint64_t offset, const void *data, size_t len, struct err *err);
};
int volume_bounce_read(struct volume *v, const struct volume_bounce *b, uint64_t offset, void *data,
                       size_t len, struct err *err);
int volume_bounce_write(struct volume *v, const struct volume_bounce *b, uint64_t offset,
                        const void *data, size_t len, struct err *err);
/* The prepare of what has the size that it has. */
int volume_prepare_fixed(const char *path, uint64_t size_bytes, struct err *err);

#endif
