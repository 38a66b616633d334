/* SPDX-License-Identifier: Apache-2.0 */
/* The positional digest table: one file of roots and leaves, changed only by a sealed pass. */
#include "transport/table.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/table_next.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/banned.h"

/* Header: magic 8, size 8, status 4, key of the tags 32, digest 32, SHA-256 of those 32. Then
 * roots, leaves and tags, each from a page on; tags in the host's order. */
enum { HEADER_LEN = 8 + 8 + 4 + 32 + 32 + 32, TAGS_BYTES = TAGS_A_BLOCK * sizeof(uint64_t) };
enum status {
    EMPTY = 0,
    WHOLE = 1,
    APPLYING = 2 /* some of a sealed pass is in it: only going on makes it a table again */
};
enum { COPY_BYTES = 64 * 1024 };

static const char magic[] = "gwtable1";

struct table {
    int fd;
    char *dir;
    uint64_t size_bytes;
    uint64_t held_bytes; /* of the volume that the file describes */
    enum status status;
    uint8_t key[TAGS_KEY_LEN];
    uint8_t digest[DIGEST_LEN];
    bool made; /* the header was there */
    bool known;
    pthread_mutex_t lock; /* of next and covered */
    struct table_next *next;
    uint64_t covered; /* regions updated in this pass */
};

static uint64_t pages(uint64_t bytes)
{
    return num_div_up(bytes, TABLE_PAGE) * TABLE_PAGE;
}

static uint64_t leaves_at(const struct table *t, uint64_t region)
{
    return TABLE_PAGE + table_roots_bytes(t->size_bytes) +
           region * DIGEST_REGION_LEAVES * DIGEST_LEN;
}

static uint64_t tags_at(const struct table *t, uint64_t region)
{
    return leaves_at(t, 0) + pages(digest_leaves(t->size_bytes) * DIGEST_LEN) +
           region * DIGEST_REGION_LEAVES * TAGS_BYTES;
}

static int header_save(struct table *t, struct err *err)
{
    auto_buf struct buf b = {0};
    uint8_t check[32];
    int rc;

    buf_append(&b, magic, 8);
    buf_u64le(&b, t->held_bytes);
    buf_u32le(&b, t->status);
    buf_append(&b, t->key, sizeof(t->key));
    buf_append(&b, t->digest, DIGEST_LEN);
    if (!b.failed)
        crypto_sha256(buf_slice(&b), check);
    buf_append(&b, check, sizeof(check));
    rc = buf_failed(&b, err);
    if (rc == 0)
        rc = fd_pwrite_full(t->fd, b.data, b.len, 0, err);
    if (rc == 0 && fsync(t->fd) < 0)
        rc = fd_failed(t->fd, -errno, "fsync", err);
    return rc;
}

/* A header that cannot be read leaves the table EMPTY. */
static int header_load(struct table *t, struct err *err)
{
    uint8_t bytes[HEADER_LEN];
    uint8_t check[32];
    struct buf_reader r = buf_reader(slice_of(bytes, sizeof(bytes)));
    int rc = fd_pread_full(t->fd, bytes, sizeof(bytes), 0, err);

    if (rc == -ENODATA) {
        err_clear(err);
        return 0;
    }
    if (rc < 0)
        return rc;
    crypto_sha256(slice_of(bytes, HEADER_LEN - 32), check);
    if (memcmp(bytes, magic, 8) != 0 || memcmp(bytes + HEADER_LEN - 32, check, 32) != 0)
        return 0;
    t->made = true;
    buf_get(&r, 8);
    t->held_bytes = buf_get_u64le(&r);
    t->status = (enum status)buf_get_u32le(&r);
    memcpy(t->key, buf_get(&r, sizeof(t->key)).data, sizeof(t->key));
    memcpy(t->digest, buf_get(&r, DIGEST_LEN).data, DIGEST_LEN);
    return 0;
}

/* The digest over the roots that lie in fd. */
static int roots_digest(int fd, uint64_t size_bytes, uint8_t *out, struct err *err)
{
    auto_free uint8_t *piece = malloc(COPY_BYTES);
    uint64_t left = digest_regions(size_bytes) * sizeof(struct table_root);
    uint64_t at = TABLE_PAGE;
    struct digest d = {0};
    uint8_t root[DIGEST_LEN];
    int rc;

    if (!piece)
        return err_set(err, -ENOMEM, "digest table: %m");
    while (left > 0) {
        size_t len = (size_t)num_min(left, COPY_BYTES);

        rc = fd_pread_full(fd, piece, len, at, err);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < len; i += sizeof(struct table_root))
            digest_add(&d, piece + i);
        at += len;
        left -= len;
    }
    digest_root(&d, root);
    digest_volume(size_bytes, root, out);
    return 0;
}

static int roots_copy(int from, int to, uint64_t size_bytes, struct err *err)
{
    auto_free uint8_t *piece = malloc(COPY_BYTES);
    uint64_t left = table_roots_bytes(size_bytes);
    uint64_t at = TABLE_PAGE;
    int rc = 0;

    if (!piece)
        return err_set(err, -ENOMEM, "digest table: %m");
    while (rc == 0 && left > 0) {
        size_t len = (size_t)num_min(left, COPY_BYTES);

        rc = fd_pread_full(from, piece, len, at, err);
        if (rc == 0)
            rc = fd_pwrite_full(to, piece, len, at, err);
        at += len;
        left -= len;
    }
    return rc;
}

/* data NULL: zeroes, as a hole where that is possible. */
static int put(const struct table *t, const void *data, size_t len, uint64_t at, struct err *err)
{
    auto_free uint8_t *zeroes = NULL;

    if (data)
        return fd_pwrite_full(t->fd, data, len, at, err);
    if (fallocate(t->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len) == 0)
        return 0;
    zeroes = calloc(1, len);
    if (!zeroes)
        return err_set(err, -ENOMEM, "digest table: %m");
    return fd_pwrite_full(t->fd, zeroes, len, at, err);
}

static int apply_run(void *arg, const struct table_run *run, struct err *err)
{
    const struct table *t = arg;
    int rc = failpoint("table_apply");

    if (rc < 0)
        return err_set(err, rc, "apply: %m");
    rc = put(t, run->zero ? NULL : run->leaves, (size_t)run->count * DIGEST_LEN,
             leaves_at(t, run->region) + (uint64_t)run->first * DIGEST_LEN, err);
    if (rc < 0 || !run->tagged)
        return rc;
    return put(t, run->zero ? NULL : run->tags, (size_t)run->count * TAGS_BYTES,
               tags_at(t, run->region) + (uint64_t)run->first * TAGS_BYTES, err);
}

/* Bring the file to the length of a table of this size; other sizes share no positions. */
static int shape(struct table *t, struct err *err)
{
    uint64_t end = tags_at(t, 0) + digest_leaves(t->size_bytes) * TAGS_BYTES;

    if (t->held_bytes != t->size_bytes && ftruncate(t->fd, TABLE_PAGE) < 0)
        return fd_failed(t->fd, -errno, "ftruncate", err);
    if (ftruncate(t->fd, (off_t)end) < 0)
        return fd_failed(t->fd, -errno, "ftruncate", err);
    return 0;
}

/* Doing it again after a crash half-way gives the same table. */
static int apply(struct table *t, struct table_next *n, const uint8_t *digest, struct err *err)
{
    int rc = shape(t, err);

    if (rc < 0)
        return rc;
    t->status = APPLYING;
    t->held_bytes = t->size_bytes;
    memcpy(t->digest, digest, DIGEST_LEN);
    rc = header_save(t, err);
    if (rc == 0)
        rc = table_next_each(n, apply_run, t, err);
    if (rc == 0)
        rc = roots_copy(table_next_fd(n), t->fd, t->size_bytes, err);
    if (rc == 0 && fdatasync(t->fd) < 0)
        rc = fd_failed(t->fd, -errno, "fdatasync", err);
    if (rc == 0)
        rc = failpoint("table_whole");
    if (rc < 0)
        return rc;
    t->status = WHOLE;
    rc = header_save(t, err);
    return rc < 0 ? rc : table_next_remove(t->dir, err);
}

/* Decide what a pass that was sealed before a crash has become. */
static int settle(struct table *t, const uint8_t *expect, struct err *err)
{
    struct table_next *n = NULL;
    uint8_t digest[DIGEST_LEN];
    int rc = table_next_open(t->dir, &n, digest, err);

    if (rc < 0)
        return rc;
    if (n && expect && memcmp(digest, expect, DIGEST_LEN) == 0 &&
        table_next_size(n) == t->size_bytes)
        rc = apply(t, n, digest, err);
    table_next_close(n);
    if (rc == -EBADMSG) { /* then no digest will match, which is said below */
        err_clear(err);
        rc = 0;
    }
    return rc;
}

static int prove(struct table *t, const uint8_t *expect, struct err *err)
{
    uint8_t digest[DIGEST_LEN];
    int rc;

    if (!expect || t->status != WHOLE || t->held_bytes != t->size_bytes ||
        memcmp(t->digest, expect, 32) != 0)
        return 0;
    rc = roots_digest(t->fd, t->size_bytes, digest, err);
    if (rc == -ENODATA) {
        err_clear(err);
        return 0;
    }
    if (rc == 0)
        t->known = memcmp(digest, expect, DIGEST_LEN) == 0;
    return rc;
}

static int table_make(const char *dir, uint64_t size_bytes, struct table **ret, struct err *err)
{
    struct table *t = calloc(1, sizeof(*t));
    char path[PATH_MAX];

    if (!t)
        return err_set(err, -ENOMEM, "digest table: %m");
    *ret = t;
    t->fd = -1;
    t->size_bytes = size_bytes;
    pthread_mutex_init(&t->lock, NULL);
    t->dir = strdup(dir);
    if (!t->dir)
        return err_set(err, -ENOMEM, "digest table: %m");
    if (text_print(path, sizeof(path), "%s/table", dir) < 0)
        return err_set(err, -ENAMETOOLONG, "state directory '%s': %m", dir);
    t->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (t->fd < 0)
        return err_set(err, -errno, "open '%s': %m", path);
    return 0;
}

/* The key stands before the first tag is made: whoever applies a pass later must have the same. */
static int make_key(struct table *t, const struct rng *rng, struct err *err)
{
    if (t->made)
        return 0;
    rng_fill(rng, t->key, sizeof(t->key));
    return header_save(t, err);
}

int table_open(const char *dir, uint64_t size_bytes, const uint8_t *expect, const struct rng *rng,
               struct table **ret, struct err *err)
{
    auto_table struct table *t = NULL;
    int rc = table_make(dir, size_bytes, &t, err);

    if (rc == 0)
        rc = header_load(t, err);
    if (rc == 0)
        rc = make_key(t, rng, err);
    if (rc == 0)
        rc = settle(t, expect, err);
    if (rc == 0)
        rc = prove(t, expect, err);
    if (rc < 0)
        return err_add(err, rc, "digest table in '%s'", dir);
    *ret = TAKE(t);
    return 0;
}

void table_close(struct table *t)
{
    if (!t)
        return;
    table_next_close(t->next);
    if (t->fd >= 0)
        close(t->fd);
    pthread_mutex_destroy(&t->lock);
    free(t->dir);
    free(t);
}

bool table_known(const struct table *t)
{
    return t->known;
}

/* In the files a leaf of zeroes is 0, so that the table of a sparse volume is sparse. Its own
 * inverse. */
static void mask(uint8_t *leaves, size_t n)
{
    const uint8_t *zero = digest_zero_leaf();

    for (size_t i = 0; i < n * DIGEST_LEN; i++)
        leaves[i] ^= zero[i % DIGEST_LEN];
}

static int read_root(const struct table *t, uint64_t region, struct table_root *ret,
                     struct err *err)
{
    return fd_pread_full(t->fd, ret, sizeof(*ret), TABLE_PAGE + region * sizeof(*ret), err);
}

/* A table that ends too early is damaged, not in error. */
static int not_known(int rc, struct err *err)
{
    if (rc != -ENODATA)
        return rc;
    err_clear(err);
    return 0;
}

int table_read(struct table *t, uint64_t region, uint8_t *leaves, bool *ret_known, struct err *err)
{
    size_t n = digest_region_leaves(t->size_bytes, region);
    struct table_root stored;
    uint8_t root[DIGEST_LEN];
    int rc;

    *ret_known = false;
    if (!t->known)
        return 0;
    rc = read_root(t, region, &stored, err);
    if (rc == 0)
        rc = fd_pread_full(t->fd, leaves, n * DIGEST_LEN, leaves_at(t, region), err);
    if (rc < 0)
        return not_known(rc, err);
    mask(leaves, n);
    digest_tree(leaves, n, root);
    *ret_known = memcmp(root, stored.root, DIGEST_LEN) == 0;
    return 0;
}

const uint8_t *table_tag_key(const struct table *t)
{
    return t->key;
}

/* Binds the tags to their key and to the leaves they were written with. */
static int tags_check(const struct table *t, uint64_t region, const uint8_t *root,
                      const uint64_t *tags, uint8_t *out, struct err *err)
{
    struct crypto_hash *h = NULL;
    int rc = crypto_hash_new(&h, err);

    if (rc < 0)
        return rc;
    crypto_hash_add(h, slice_of(t->key, sizeof(t->key)));
    crypto_hash_add(h, slice_of(root, DIGEST_LEN));
    crypto_hash_add(h, slice_of(tags, digest_region_leaves(t->size_bytes, region) * TAGS_BYTES));
    crypto_hash_get(h, out);
    crypto_hash_free(h);
    return 0;
}

int table_read_tags(struct table *t, uint64_t region, uint64_t *tags, bool *ret_known,
                    struct err *err)
{
    size_t n = digest_region_leaves(t->size_bytes, region);
    uint8_t check[DIGEST_LEN];
    struct table_root stored;
    int rc;

    *ret_known = false;
    if (!t->known)
        return 0;
    rc = read_root(t, region, &stored, err);
    if (rc == 0)
        rc = fd_pread_full(t->fd, tags, n * TAGS_BYTES, tags_at(t, region), err);
    if (rc == 0)
        rc = tags_check(t, region, stored.root, tags, check, err);
    if (rc < 0)
        return not_known(rc, err);
    *ret_known = memcmp(check, stored.check, sizeof(check)) == 0;
    return 0;
}

int table_begin(struct table *t, struct err *err)
{
    int rc;

    assert(!t->next);
    rc = table_next_new(t->dir, t->size_bytes, &t->next, err);
    if (rc == 0 && t->known)
        rc = roots_copy(t->fd, table_next_fd(t->next), t->size_bytes, err);
    t->covered = 0;
    return rc;
}

int table_begin_again(struct table *t, const uint8_t *digest, uint64_t **ret_done, struct err *err)
{
    uint64_t regions = digest_regions(t->size_bytes);
    auto_free uint64_t *done = calloc((size_t)num_div_up(regions, 64), sizeof(*done));
    int rc;

    assert(!t->next && !t->known);
    if (!done)
        return err_set(err, -ENOMEM, "digest table: %m");
    rc = table_next_resume(t->dir, t->size_bytes, digest, &t->next, done, err);
    if (rc < 0)
        return rc;
    if (!t->next)
        return table_begin(t, err);
    t->covered = 0;
    for (uint64_t i = 0; i < regions; i++)
        t->covered += done[i / 64] >> i % 64 & 1;
    *ret_done = TAKE(done);
    return 0;
}

uint64_t table_mark(struct table *t)
{
    uint64_t mark;

    pthread_mutex_lock(&t->lock);
    assert(t->next && !t->known);
    mark = table_next_runs_bytes(t->next);
    pthread_mutex_unlock(&t->lock);
    return mark;
}

int table_keep(struct table *t, uint64_t mark, const uint8_t *digest, struct err *err)
{
    int rc = table_next_keep(t->next, mark, digest, err);

    return rc < 0 ? err_add(err, rc, "digest table in '%s'", t->dir) : 0;
}

static bool has_bit(const uint64_t *changed, size_t i)
{
    return !changed || (changed[i / 64] >> i % 64 & 1);
}

static bool block_is_zero(const uint8_t *masked, const uint64_t *tags, size_t i)
{
    return digest_is_zero(slice_of(masked + i * DIGEST_LEN, DIGEST_LEN)) &&
           (!tags || digest_is_zero(slice_of(tags + i * TAGS_A_BLOCK, TAGS_BYTES)));
}

static int append_runs(struct table *t, uint64_t region, const uint8_t *masked,
                       const struct table_region *now, struct err *err)
{
    const uint64_t *changed = t->known ? now->changed : NULL;
    size_t n = digest_region_leaves(t->size_bytes, region);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n;) {
        struct table_run run = {.region = region, .first = (uint32_t)i, .tagged = now->tags};

        run.zero = block_is_zero(masked, now->tags, i);
        while (i < n && has_bit(changed, i) && block_is_zero(masked, now->tags, i) == run.zero)
            i++;
        run.count = (uint32_t)i - run.first;
        run.leaves = masked + (size_t)run.first * DIGEST_LEN;
        run.tags = now->tags ? now->tags + (size_t)run.first * TAGS_A_BLOCK : NULL;
        if (run.count > 0)
            rc = table_next_append(t->next, &run, err);
        else
            i++;
    }
    return rc;
}

int table_update(struct table *t, uint64_t region, const struct table_region *now, struct err *err)
{
    size_t n = digest_region_leaves(t->size_bytes, region);
    auto_free uint8_t *masked = malloc(n * DIGEST_LEN);
    struct table_root root = {0};
    int rc = 0;

    if (!masked)
        return err_set(err, -ENOMEM, "digest table: %m");
    memcpy(masked, now->leaves, n * DIGEST_LEN);
    mask(masked, n);
    digest_tree(now->leaves, n, root.root);
    if (now->tags)
        rc = tags_check(t, region, root.root, now->tags, root.check, err);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&t->lock);
    assert(t->next);
    t->covered++;
    rc = append_runs(t, region, masked, now, err);
    if (rc == 0)
        rc = table_next_set_root(t->next, region, &root, err);
    pthread_mutex_unlock(&t->lock);
    return rc;
}

bool table_touched(struct table *t)
{
    bool touched;

    pthread_mutex_lock(&t->lock);
    touched = t->covered > 0;
    pthread_mutex_unlock(&t->lock);
    return touched;
}

int table_digest(struct table *t, uint8_t *out, struct err *err)
{
    assert(t->next && (t->known || t->covered == digest_regions(t->size_bytes)));
    return roots_digest(table_next_fd(t->next), t->size_bytes, out, err);
}

int table_seal(struct table *t, const uint8_t *digest, struct err *err)
{
    int rc = table_next_seal(t->next, digest, err);

    return rc < 0 ? rc : fd_sync_dir(t->dir, err);
}

int table_commit(struct table *t, struct err *err)
{
    struct table_next *n = NULL;
    uint8_t digest[DIGEST_LEN];
    int rc;

    table_next_close(TAKE(t->next));
    rc = table_next_open(t->dir, &n, digest, err);
    if (rc < 0)
        return rc;
    if (!n)
        return err_set(err, -ESTALE, "digest table in '%s': the sealed changes are gone", t->dir);
    rc = apply(t, n, digest, err);
    table_next_close(n);
    t->known = rc == 0;
    return rc < 0 ? err_add(err, rc, "digest table in '%s'", t->dir) : 0;
}

void table_abort(struct table *t)
{
    table_next_close(TAKE(t->next));
    table_next_remove(t->dir, NULL);
}
