/* SPDX-License-Identifier: Apache-2.0 */
/* Segments on a disk, an index of them in memory; a row of the index is written after its unit. */
#include "transport/unit_cache.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/unit_rows.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { SEGMENTS = 32, SEGMENT_MAX = 64 << 20, OLD_SHARE = 4 };

struct unit_cache {
    int dir_fd;
    int lock_fd;
    uint64_t max_bytes;
    uint64_t segment_max;
    pthread_mutex_t lock; /* of all below */
    struct unit_rows rows;
    uint64_t bytes; /* of all segments */
    uint32_t oldest;
    uint32_t newest; /* the one being written */
    uint64_t newest_bytes;
    uint64_t index_bytes; /* of the newest */
    bool broken;          /* the disk refused a write: read only from now on */
    int trouble;          /* its code until it was told */
    struct err err;
};

static int open_segment(const struct unit_cache *c, uint32_t number, const char *what, int flags)
{
    char name[UNIT_ROWS_NAME_MAX];
    int fd = openat(c->dir_fd, unit_rows_name(number, what, name),
                    flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

    return fd < 0 ? -errno : fd;
}

static uint64_t remove_segment(struct unit_cache *c, uint32_t number)
{
    static const char *const parts[] = {"index", "units"};
    char name[UNIT_ROWS_NAME_MAX];
    uint64_t bytes = 0;
    struct stat st;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        unit_rows_name(number, parts[i], name);
        if (fstatat(c->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            bytes += (uint64_t)st.st_size;
        unlinkat(c->dir_fd, name, 0);
    }
    return bytes;
}

/* Until there is room for `more` bytes; the newest always stays. */
static void make_room(struct unit_cache *c, uint64_t more)
{
    while (c->oldest < c->newest && c->bytes + more > c->max_bytes) {
        c->bytes -= num_min(remove_segment(c, c->oldest), c->bytes);
        unit_rows_forget(&c->rows, c->oldest++);
    }
}

static int load_segment(void *arg, uint32_t number, uint64_t bytes, struct err *err)
{
    struct unit_cache *c = arg;
    auto_close int fd = open_segment(c, number, "index", O_RDONLY);
    struct stat st = {0};

    c->oldest = (uint32_t)num_min(c->oldest, number);
    c->newest = (uint32_t)num_max(c->newest, number);
    c->bytes += bytes;
    if (fd < 0 || fstat(fd, &st) < 0)
        return 0; /* it goes when its turn comes */
    c->bytes += (uint64_t)st.st_size;
    return unit_rows_load(&c->rows, number, fd, bytes, err);
}

static void begin_segment(struct unit_cache *c)
{
    c->newest++;
    c->newest_bytes = 0;
    c->index_bytes = 0;
    remove_segment(c, c->newest);
}

static int load(struct unit_cache *c, struct err *err)
{
    int rc;

    c->oldest = UINT32_MAX;
    rc = unit_rows_list(c->dir_fd, load_segment, c, err);
    if (rc < 0)
        return rc;
    begin_segment(c); /* what a kill tore is never appended to */
    c->oldest = (uint32_t)num_min(c->oldest, c->newest);
    make_room(c, 0);
    return 0;
}

static int open_dir(struct unit_cache *c, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    int rc = fd_mkdirs(dir, 0700, err);

    if (rc == 0 && text_print(path, sizeof(path), "%s/lock", dir) < 0)
        rc = err_set(err, -ENAMETOOLONG, "'%s': %m", dir);
    if (rc == 0)
        rc = fd_lock(path, &c->lock_fd, err);
    if (rc == -EWOULDBLOCK)
        return err_set_gw(err, GW_IN_USE, rc, "'%s' is used by another process", dir);
    if (rc < 0)
        return rc;
    c->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return c->dir_fd < 0 ? err_set(err, -errno, "open '%s': %m", dir) : 0;
}

int unit_cache_open(const char *dir, uint64_t max_bytes, struct unit_cache **ret, struct err *err)
{
    struct unit_cache *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return err_set(err, -ENOMEM, "open a cache: %m");
    c->dir_fd = c->lock_fd = -1;
    c->max_bytes = num_max(max_bytes, UNIT_CACHE_BYTES_MIN);
    c->segment_max = num_min(c->max_bytes / SEGMENTS, SEGMENT_MAX);
    pthread_mutex_init(&c->lock, NULL);
    rc = open_dir(c, dir, err);
    if (rc == 0)
        rc = load(c, err);
    if (rc < 0) {
        unit_cache_close(c);
        return err_add(err, rc, "the cache");
    }
    *ret = c;
    return 0;
}

void unit_cache_close(struct unit_cache *c)
{
    if (!c)
        return;
    unit_rows_done(&c->rows);
    pthread_mutex_destroy(&c->lock);
    if (c->dir_fd >= 0)
        close(c->dir_fd);
    if (c->lock_fd >= 0)
        close(c->lock_fd);
    free(c);
}

static bool look_up(struct unit_cache *c, const struct unit *u, struct unit_row *ret, bool *ret_old)
{
    const struct unit_row *row;

    pthread_mutex_lock(&c->lock);
    row = unit_rows_find(&c->rows, u);
    if (row && row->len == u->stored_len)
        *ret = *row;
    else
        row = NULL;
    *ret_old = row && c->bytes > c->max_bytes / 2 &&
               row->number - c->oldest < (c->newest - c->oldest) / OLD_SHARE;
    pthread_mutex_unlock(&c->lock);
    return row != NULL;
}

bool unit_cache_get(struct unit_cache *c, const struct unit *u, struct buf *out, bool *ret_old)
{
    struct unit_row row = {0};
    auto_close int fd = -1;
    uint8_t *at = NULL;

    if (!look_up(c, u, &row, ret_old))
        return false;
    /* Opened by name each time: a segment that goes meanwhile stays readable. */
    fd = open_segment(c, row.number, "units", O_RDONLY);
    if (fd < 0 || buf_reserve(out, row.len, &at) < 0 || failpoint("unit_cache_read") < 0)
        return false;
    if (fd_pread_full(fd, at, row.len, row.offset, NULL) < 0)
        return false;
    buf_grow(out, row.len);
    return true;
}

bool unit_cache_has(struct unit_cache *c, const struct unit *u)
{
    struct unit_row row;
    bool old;

    return look_up(c, u, &row, &old);
}

/* A place for the unit; -ENODATA when writing has ended. */
static int reserve(struct unit_cache *c, const struct unit *u, struct unit_row *ret)
{
    int rc = 0;

    pthread_mutex_lock(&c->lock);
    if (c->broken)
        rc = -ENODATA;
    if (rc == 0 && c->newest_bytes > 0 && c->newest_bytes + u->stored_len > c->segment_max)
        begin_segment(c);
    if (rc == 0) {
        make_room(c, u->stored_len + UNIT_ROWS_RECORD_LEN);
        *ret = unit_rows_row(u, c->newest, c->newest_bytes);
        c->newest_bytes += u->stored_len;
        c->bytes += u->stored_len + UNIT_ROWS_RECORD_LEN;
    }
    pthread_mutex_unlock(&c->lock);
    return rc;
}

static int write_at(const struct unit_cache *c, uint32_t number, const char *what,
                    struct slice data, uint64_t offset)
{
    auto_close int fd = open_segment(c, number, what, O_WRONLY | O_CREAT);
    int rc = fd < 0 ? fd : failpoint("unit_cache_write");

    return rc < 0 ? rc : fd_pwrite_full(fd, data.data, data.len, offset, NULL);
}

/* The unit is written: let it be found, now and after a restart. */
static int enter(struct unit_cache *c, const struct unit_row *row)
{
    uint8_t record[UNIT_ROWS_RECORD_LEN];
    uint64_t at = 0;
    int rc = 0;

    unit_rows_record(row, record);
    pthread_mutex_lock(&c->lock);
    if (row->number == c->newest) {
        at = c->index_bytes;
        c->index_bytes += sizeof(record);
        rc = write_at(c, row->number, "index", slice_of(record, sizeof(record)), at);
    }
    if (rc == 0 && row->number >= c->oldest)
        rc = unit_rows_add(&c->rows, row, NULL);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

static void give_up(struct unit_cache *c, int rc)
{
    pthread_mutex_lock(&c->lock);
    if (!c->broken) {
        errno = -rc;
        c->trouble =
            err_set(&c->err, rc, "write to the cache: %m; nothing is added to it any more");
    }
    c->broken = true;
    pthread_mutex_unlock(&c->lock);
}

void unit_cache_put(struct unit_cache *c, const struct unit *u, struct slice sealed)
{
    struct unit_row row = {0};
    int rc = reserve(c, u, &row);

    if (rc < 0)
        return;
    rc = write_at(c, row.number, "units", sealed, row.offset);
    if (rc == 0)
        rc = enter(c, &row);
    if (rc < 0)
        give_up(c, rc);
}

bool unit_cache_trouble(struct unit_cache *c, struct err *ret)
{
    bool trouble;

    pthread_mutex_lock(&c->lock);
    trouble = c->trouble < 0;
    if (trouble)
        *ret = c->err;
    c->trouble = 0;
    pthread_mutex_unlock(&c->lock);
    return trouble;
}

void unit_cache_drop(struct unit_cache *c, const struct unit *u)
{
    pthread_mutex_lock(&c->lock);
    unit_rows_drop(&c->rows, u);
    pthread_mutex_unlock(&c->lock);
}

uint64_t unit_cache_bytes(struct unit_cache *c)
{
    uint64_t bytes;

    pthread_mutex_lock(&c->lock);
    bytes = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}

bool unit_cache_is_full(struct unit_cache *c)
{
    bool full;

    pthread_mutex_lock(&c->lock);
    full = c->broken || c->bytes + c->segment_max > c->max_bytes;
    pthread_mutex_unlock(&c->lock);
    return full;
}
