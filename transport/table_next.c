/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of one pass to a digest table, sealed as a whole or worthless. */
#include "transport/table_next.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>

#include "base/banned.h"

/*
 * Header: magic 8 (sealed, or kept), size 8, runs_bytes 8, digest 32, SHA-256 of those 32.
 * Run: region 8, first 4, count 4, flags 1, SHA-256 of these and the rest cut to 16, then, unless
 * all is zero, leaves and, when tagged, tags in the host's order.
 */
enum { HEADER_LEN = 8 + 8 + 8 + 32 + 32, RUN_LEN = 8 + 4 + 4 + 1, CHECK_LEN = 16 };
enum { FLAG_TAGGED = 1, FLAG_ZERO = 2 };
enum { TAGS_BYTES = TAGS_A_BLOCK * sizeof(uint64_t), BLOCK_BYTES = DIGEST_LEN + TAGS_BYTES };

static const char magic_sealed[] = "gwtnext1";
static const char magic_kept[] = "gwtkept1";

struct table_next {
    int fd;
    uint64_t size_bytes;
    uint64_t runs_bytes;
};

uint64_t table_roots_bytes(uint64_t size_bytes)
{
    return num_div_up(digest_regions(size_bytes) * sizeof(struct table_root), TABLE_PAGE) *
           TABLE_PAGE;
}

static uint64_t runs_at(const struct table_next *n)
{
    return TABLE_PAGE + table_roots_bytes(n->size_bytes);
}

static int path_in(const char *dir, char *out, struct err *err)
{
    if (text_print(out, PATH_MAX, "%s/table.next", dir) < 0)
        return err_set(err, -ENAMETOOLONG, "state directory '%s': %m", dir);
    return 0;
}

static int open_file(const char *dir, int flags, struct table_next **ret, struct err *err)
{
    struct table_next *n = NULL;
    char path[PATH_MAX];
    int rc = path_in(dir, path, err);

    if (rc < 0)
        return rc;
    n = calloc(1, sizeof(*n));
    if (!n)
        return err_set(err, -ENOMEM, "digest table: %m");
    n->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
    if (n->fd < 0) {
        rc = err_set(err, -errno, "open '%s': %m", path);
        free(n);
        return rc;
    }
    *ret = n;
    return 0;
}

int table_next_new(const char *dir, uint64_t size_bytes, struct table_next **ret, struct err *err)
{
    int rc = open_file(dir, O_CREAT | O_TRUNC, ret, err);

    if (rc == 0)
        (*ret)->size_bytes = size_bytes;
    return rc;
}

static bool header_parse(struct slice bytes, const char *magic, struct table_next *n,
                         uint8_t *ret_digest)
{
    struct buf_reader r = buf_reader(bytes);
    struct slice start = buf_get(&r, 8);
    uint8_t check[32];

    n->size_bytes = buf_get_u64le(&r);
    n->runs_bytes = buf_get_u64le(&r);
    memcpy(ret_digest, buf_get(&r, 32).data, 32);
    crypto_sha256(slice_of(bytes.data, HEADER_LEN - 32), check);
    return memcmp(start.data, magic, 8) == 0 && memcmp(buf_get(&r, 32).data, check, 32) == 0;
}

/* The file of dir when its header begins with magic; else *ret is NULL: torn or of another sort is
 * the same as none. */
static int open_as(const char *dir, const char *magic, struct table_next **ret, uint8_t *ret_digest,
                   struct err *err)
{
    struct table_next *n = NULL;
    uint8_t header[HEADER_LEN];
    int rc = open_file(dir, 0, &n, err);

    *ret = NULL;
    if (rc == -ENOENT) {
        err_clear(err);
        return 0;
    }
    if (rc < 0)
        return rc;
    rc = fd_pread_full(n->fd, header, sizeof(header), 0, err);
    if (rc == 0 && header_parse(slice_of(header, sizeof(header)), magic, n, ret_digest)) {
        *ret = n;
        return 0;
    }
    table_next_close(n);
    if (rc < 0 && rc != -ENODATA)
        return rc;
    err_clear(err);
    return 0;
}

int table_next_open(const char *dir, struct table_next **ret, uint8_t *ret_digest, struct err *err)
{
    return open_as(dir, magic_sealed, ret, ret_digest, err);
}

/* Runs of a region lie side by side, for it is updated once. */
struct counting {
    uint64_t size_bytes;
    uint64_t *done;
    uint64_t region;
    uint64_t leaves; /* of it, so far */
};

static int count_run(void *arg, const struct table_run *run, struct err *err)
{
    struct counting *c = arg;

    (void)err;
    if (run->region != c->region || c->leaves != run->first)
        c->leaves = 0;
    c->region = run->region;
    c->leaves += run->first == c->leaves ? run->count : 0;
    if (c->leaves == digest_region_leaves(c->size_bytes, run->region))
        c->done[run->region / 64] |= UINT64_C(1) << run->region % 64;
    return 0;
}

int table_next_resume(const char *dir, uint64_t size_bytes, const uint8_t *digest,
                      struct table_next **ret, uint64_t *ret_done, struct err *err)
{
    struct counting c = {.size_bytes = size_bytes, .done = ret_done, .region = UINT64_MAX};
    struct table_next *n = NULL;
    uint8_t towards[DIGEST_LEN];
    int rc = open_as(dir, magic_kept, &n, towards, err);

    if (rc == 0 && n && n->size_bytes == size_bytes && memcmp(towards, digest, DIGEST_LEN) == 0) {
        rc = table_next_each(n, count_run, &c, err);
        if (rc == 0) {
            *ret = n;
            return 0;
        }
    }
    table_next_close(n);
    if (rc == -EBADMSG) {
        err_clear(err);
        rc = 0;
    }
    *ret = NULL;
    return rc;
}

void table_next_close(struct table_next *n)
{
    if (!n)
        return;
    close(n->fd);
    free(n);
}

int table_next_remove(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    int rc = path_in(dir, path, err);

    return rc < 0 ? rc : fd_unlink(path, err);
}

uint64_t table_next_size(const struct table_next *n)
{
    return n->size_bytes;
}

int table_next_fd(const struct table_next *n)
{
    return n->fd;
}

static void run_check(struct slice head, struct slice rest, uint8_t *out)
{
    uint8_t both[RUN_LEN + 32];
    uint8_t full[32];

    memcpy(both, head.data, RUN_LEN);
    crypto_sha256(rest, both + RUN_LEN);
    crypto_sha256(slice_of(both, sizeof(both)), full);
    memcpy(out, full, CHECK_LEN);
}

int table_next_append(struct table_next *n, const struct table_run *run, struct err *err)
{
    auto_buf struct buf record = {0};
    int rc;

    assert(run->count > 0 && run->first + run->count <= DIGEST_REGION_LEAVES);
    buf_u64le(&record, run->region);
    buf_u32le(&record, run->first);
    buf_u32le(&record, run->count);
    buf_u8(&record, (uint8_t)((run->tagged ? FLAG_TAGGED : 0) | (run->zero ? FLAG_ZERO : 0)));
    buf_append(&record, (uint8_t[CHECK_LEN]){0}, CHECK_LEN);
    if (!run->zero)
        buf_append(&record, run->leaves, (size_t)run->count * DIGEST_LEN);
    if (!run->zero && run->tagged)
        buf_append(&record, run->tags, (size_t)run->count * TAGS_BYTES);
    rc = buf_failed(&record, err);
    if (rc < 0)
        return rc;
    run_check(buf_slice(&record),
              slice_of(record.data + RUN_LEN + CHECK_LEN, record.len - RUN_LEN - CHECK_LEN),
              record.data + RUN_LEN);
    rc = fd_pwrite_full(n->fd, record.data, record.len, runs_at(n) + n->runs_bytes, err);
    if (rc < 0)
        return err_add(err, rc, "digest table");
    n->runs_bytes += record.len;
    return 0;
}

int table_next_set_root(struct table_next *n, uint64_t region, const struct table_root *root,
                        struct err *err)
{
    int rc = fd_pwrite_full(n->fd, root, sizeof(*root), TABLE_PAGE + region * sizeof(*root), err);

    return rc < 0 ? err_add(err, rc, "digest table") : 0;
}

static int header_save(const struct table_next *n, const char *magic, uint64_t runs_bytes,
                       const uint8_t *digest, struct err *err)
{
    auto_buf struct buf header = {0};
    uint8_t check[32];
    int rc;

    buf_append(&header, magic, 8);
    buf_u64le(&header, n->size_bytes);
    buf_u64le(&header, runs_bytes);
    buf_append(&header, digest, DIGEST_LEN);
    if (!header.failed)
        crypto_sha256(buf_slice(&header), check);
    buf_append(&header, check, sizeof(check));
    rc = buf_failed(&header, err);
    if (rc == 0)
        rc = fd_pwrite_full(n->fd, header.data, header.len, 0, err);
    if (rc == 0 && fsync(n->fd) < 0)
        rc = fd_failed(n->fd, -errno, "fsync", err);
    return rc;
}

int table_next_seal(struct table_next *n, const uint8_t *digest, struct err *err)
{
    int rc;

    if (fdatasync(n->fd) < 0)
        return fd_failed(n->fd, -errno, "fdatasync", err);
    rc = failpoint("table_seal");
    if (rc < 0)
        return err_set(err, rc, "digest table: seal: %m");
    return header_save(n, magic_sealed, n->runs_bytes, digest, err);
}

uint64_t table_next_runs_bytes(const struct table_next *n)
{
    return n->runs_bytes;
}

int table_next_keep(struct table_next *n, uint64_t runs_bytes, const uint8_t *digest,
                    struct err *err)
{
    if (fdatasync(n->fd) < 0)
        return fd_failed(n->fd, -errno, "fdatasync", err);
    return header_save(n, magic_kept, runs_bytes, digest, err);
}

struct reading {
    struct table_next *n;
    uint64_t at;
    uint64_t end;
    uint8_t *rest; /* leaves and tags of one run */
};

static int read_head(struct reading *r, struct slice head, struct table_run *ret, struct err *err)
{
    struct buf_reader fields = buf_reader(head);
    uint8_t flags;

    ret->region = buf_get_u64le(&fields);
    ret->first = buf_get_u32le(&fields);
    ret->count = buf_get_u32le(&fields);
    flags = buf_get_u8(&fields);
    ret->tagged = flags & FLAG_TAGGED;
    ret->zero = flags & FLAG_ZERO;
    if (ret->region >= digest_regions(r->n->size_bytes) || ret->count == 0 ||
        ret->first >= DIGEST_REGION_LEAVES || ret->count > DIGEST_REGION_LEAVES - ret->first)
        return err_set(err, -EBADMSG, "digest table: a run is out of range");
    return 0;
}

static int read_run(struct reading *r, struct table_run *ret, struct err *err)
{
    uint8_t head[RUN_LEN + CHECK_LEN];
    uint8_t check[CHECK_LEN];
    size_t leaves;
    size_t len;
    int rc = fd_pread_full(r->n->fd, head, sizeof(head), r->at, err);

    if (rc == 0)
        rc = read_head(r, slice_of(head, sizeof(head)), ret, err);
    if (rc < 0)
        return rc;
    leaves = (size_t)ret->count * DIGEST_LEN;
    len = leaves + (ret->tagged ? (size_t)ret->count * TAGS_BYTES : 0);
    len = ret->zero ? 0 : len;
    rc = fd_pread_full(r->n->fd, r->rest, len, r->at + sizeof(head), err);
    if (rc < 0)
        return rc;
    run_check(slice_of(head, RUN_LEN), slice_of(r->rest, len), check);
    if (memcmp(check, head + RUN_LEN, CHECK_LEN) != 0)
        return err_set(err, -EBADMSG, "digest table: a run is damaged");
    ret->leaves = r->rest;
    ret->tags = (const void *)(r->rest + leaves); /* aligned: leaves are multiples of 32 */
    r->at += sizeof(head) + len;
    return 0;
}

int table_next_each(struct table_next *n, table_run_fn fn, void *arg, struct err *err)
{
    auto_free uint8_t *rest = malloc((size_t)DIGEST_REGION_LEAVES * BLOCK_BYTES);
    struct reading r = {.n = n, .at = runs_at(n), .rest = rest};
    struct table_run run;
    int rc = 0;

    if (!rest)
        return err_set(err, -ENOMEM, "digest table: %m");
    r.end = r.at + n->runs_bytes;
    while (rc == 0 && r.at < r.end) {
        rc = read_run(&r, &run, err);
        if (rc == -ENODATA)
            rc = err_set(err, -EBADMSG, "digest table: cut short");
        if (rc == 0)
            rc = fn(arg, &run, err);
    }
    return rc;
}
