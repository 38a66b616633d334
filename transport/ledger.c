/* SPDX-License-Identifier: Apache-2.0 */
/* Durable units of a pass under way: records in a file, an open-addressed index over them. */
#include "transport/ledger.h"

#include "transport/made.h"

#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

/* pack 32, salt 32, id 24, offset 4, stored 4, raw 4, segment 4, codec 1, kind 1, check 8 */
enum { FIELDS_LEN = 32 + 32 + UNIT_ID_LEN + 4 * 4 + 2, CHECK_LEN = 8 };
enum { RECORD_LEN = FIELDS_LEN + CHECK_LEN, BATCH = 512, SLOTS_MIN = 4096 };

enum standing { UNSEEN, THERE, GONE };

struct earlier {
    uint8_t pack[32];
    enum standing standing;
};

struct slot {
    uint64_t tag;    /* start of the id: it is a keyed hash already */
    uint32_t record; /* number + 1; 0 = free */
    uint32_t pack;   /* number in earlier + 1; 0 = of this run */
};

struct ledger {
    char *dir;
    pthread_mutex_t lock; /* of everything below */
    int fd;
    uint64_t forgotten; /* records that were before the first of the file */
    uint32_t records;
    uint32_t loaded; /* of these, from earlier runs */
    uint32_t indexed;
    uint32_t slots_n; /* a power of two */
    struct slot *slots;
    struct earlier *earlier;
    uint32_t earlier_n;
};

static void record_format(const struct unit *u, uint8_t *out)
{
    auto_buf struct buf b = {0};
    uint8_t check[32];

    buf_append(&b, u->pack, sizeof(u->pack));
    buf_append(&b, u->salt, sizeof(u->salt));
    buf_append(&b, u->id, sizeof(u->id));
    buf_u32le(&b, u->offset);
    buf_u32le(&b, u->stored_len);
    buf_u32le(&b, u->raw_len);
    buf_u32le(&b, u->segment);
    buf_u8(&b, u->codec);
    buf_u8(&b, u->kind);
    memset(out, 0, RECORD_LEN);
    if (b.failed) /* a record of zeroes has a wrong check: the unit is not known again */
        return;
    memcpy(out, b.data, FIELDS_LEN);
    crypto_sha256(slice_of(out, FIELDS_LEN), check);
    memcpy(out + FIELDS_LEN, check, CHECK_LEN);
}

static bool record_parse(const uint8_t *record, struct unit *ret)
{
    struct buf_reader r = buf_reader(slice_of(record, FIELDS_LEN));
    uint8_t check[32];

    crypto_sha256(slice_of(record, FIELDS_LEN), check);
    if (memcmp(check, record + FIELDS_LEN, CHECK_LEN) != 0)
        return false;
    memcpy(ret->pack, buf_get(&r, sizeof(ret->pack)).data, sizeof(ret->pack));
    memcpy(ret->salt, buf_get(&r, sizeof(ret->salt)).data, sizeof(ret->salt));
    memcpy(ret->id, buf_get(&r, sizeof(ret->id)).data, sizeof(ret->id));
    ret->offset = buf_get_u32le(&r);
    ret->stored_len = buf_get_u32le(&r);
    ret->raw_len = buf_get_u32le(&r);
    ret->segment = buf_get_u32le(&r);
    ret->codec = buf_get_u8(&r);
    ret->kind = buf_get_u8(&r);
    return unit_check(ret, NULL) == 0;
}

static uint64_t tag_of(const uint8_t *id)
{
    uint64_t tag;

    memcpy(&tag, id, sizeof(tag));
    return tag;
}

static void slot_put(struct slot *slots, uint32_t n, struct slot s)
{
    uint32_t at = (uint32_t)s.tag & (n - 1);

    while (slots[at].record)
        at = (at + 1) & (n - 1);
    slots[at] = s;
}

static int grow(struct ledger *l)
{
    uint32_t n = l->slots_n ? l->slots_n * 2 : SLOTS_MIN;
    struct slot *slots = calloc(n, sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    for (uint32_t i = 0; i < l->slots_n; i++)
        if (l->slots[i].record)
            slot_put(slots, n, l->slots[i]);
    free(l->slots);
    l->slots = slots;
    l->slots_n = n;
    return 0;
}

/* Best effort by contract: a unit that is not in the index is only not known again. */
static void index_add(struct ledger *l, const uint8_t *id, uint32_t record, uint32_t pack)
{
    struct slot s = {.tag = tag_of(id), .record = record + 1, .pack = pack};

    if (l->indexed >= LEDGER_INDEX_MAX)
        return;
    if (l->indexed + 1 > l->slots_n / 4 * 3 && grow(l) < 0)
        return;
    slot_put(l->slots, l->slots_n, s);
    l->indexed++;
}

/* The number + 1 of pack among the earlier ones; its records lie together. */
static uint32_t earlier_add(struct ledger *l, const uint8_t *pack)
{
    struct earlier *more;

    if (l->earlier_n > 0 && memcmp(l->earlier[l->earlier_n - 1].pack, pack, 32) == 0)
        return l->earlier_n;
    more = reallocarray(l->earlier, l->earlier_n + 1, sizeof(*more));
    if (!more)
        return 0;
    l->earlier = more;
    more[l->earlier_n].standing = UNSEEN;
    memcpy(more[l->earlier_n].pack, pack, 32);
    return ++l->earlier_n;
}

/* Index what is whole; what follows the first record that is not was torn by a crash. */
static int load(struct ledger *l, struct err *err)
{
    uint8_t record[RECORD_LEN];
    struct unit u = {0};
    uint32_t pack;
    int rc;

    for (;; l->records++) {
        rc = fd_pread_full(l->fd, record, sizeof(record), (uint64_t)l->records * RECORD_LEN, err);
        if (rc < 0 && rc != -ENODATA)
            return rc;
        if (rc < 0 || l->records == UINT32_MAX - 1 || !record_parse(record, &u))
            break;
        pack = earlier_add(l, u.pack);
        if (!pack)
            return err_set(err, -ENOMEM, "ledger: %m");
        index_add(l, u.id, l->records, pack);
    }
    err_clear(err);
    l->loaded = l->records;
    if (ftruncate(l->fd, (off_t)l->records * RECORD_LEN) < 0)
        return fd_failed(l->fd, -errno, "ftruncate", err);
    return 0;
}

int ledger_open(const char *dir, struct ledger **ret, struct err *err)
{
    auto_ledger struct ledger *l = calloc(1, sizeof(*l));
    char path[PATH_MAX];
    int rc;

    if (!l)
        return err_set(err, -ENOMEM, "ledger: %m");
    pthread_mutex_init(&l->lock, NULL);
    l->fd = -1;
    l->dir = strdup(dir);
    if (!l->dir)
        return err_set(err, -ENOMEM, "ledger: %m");
    if (text_print(path, sizeof(path), "%s/ledger", dir) < 0)
        return err_set(err, -ENAMETOOLONG, "state directory '%s': %m", dir);
    l->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (l->fd < 0)
        return err_set(err, -errno, "open '%s': %m", path);
    rc = fd_sync_dir(dir, err); /* or a power cut takes a new file with all its records */
    if (rc == 0)
        rc = grow(l) < 0 ? err_set(err, -ENOMEM, "ledger: %m") : load(l, err);
    if (rc < 0)
        return rc;
    *ret = TAKE(l);
    return 0;
}

void ledger_close(struct ledger *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    pthread_mutex_destroy(&l->lock);
    free(l->slots);
    free(l->earlier);
    free(l->dir);
    free(l);
}

/* Asked with the lock held: that keeps each pack to one question, and only resumed runs ask. */
static int believe(struct ledger *l, uint32_t pack, ledger_check_fn check, void *arg,
                   struct err *err)
{
    struct earlier *e;
    bool there = false;
    int rc;

    if (pack == 0)
        return 1;
    e = &l->earlier[pack - 1];
    if (e->standing == UNSEEN) {
        rc = check(arg, e->pack, &there, err);
        if (rc < 0)
            return rc;
        e->standing = there ? THERE : GONE;
    }
    return e->standing == THERE;
}

static int find(struct ledger *l, const uint8_t *id, uint32_t raw_len, struct unit *ret,
                uint32_t *ret_pack, struct err *err)
{
    uint32_t at = (uint32_t)tag_of(id) & (l->slots_n - 1);
    uint8_t record[RECORD_LEN];
    struct unit u = {0};
    int rc;

    for (; l->slots[at].record; at = (at + 1) & (l->slots_n - 1)) {
        if (l->slots[at].tag != tag_of(id))
            continue;
        rc = fd_pread_full(l->fd, record, sizeof(record),
                           (uint64_t)(l->slots[at].record - 1) * RECORD_LEN, err);
        if (rc < 0)
            return err_add(err, rc, "ledger");
        if (!record_parse(record, &u) || memcmp(u.id, id, UNIT_ID_LEN) != 0 || u.raw_len != raw_len)
            continue;
        *ret = u;
        *ret_pack = l->slots[at].pack;
        return 1;
    }
    return 0;
}

int ledger_find(struct ledger *l, const uint8_t *id, uint32_t raw_len, ledger_check_fn check,
                void *arg, struct unit *ret, struct err *err)
{
    struct unit u;
    uint32_t pack = 0;
    int rc;

    pthread_mutex_lock(&l->lock);
    rc = find(l, id, raw_len, &u, &pack, err);
    if (rc == 1)
        rc = believe(l, pack, check, arg, err);
    pthread_mutex_unlock(&l->lock);
    if (rc == 1)
        *ret = u;
    return rc;
}

int ledger_add(struct ledger *l, const struct unit *units, size_t n, struct err *err)
{
    auto_free uint8_t *bytes = malloc(n * RECORD_LEN + 1);
    int rc = 0;

    if (!bytes)
        return err_set(err, -ENOMEM, "ledger: %m");
    for (size_t i = 0; i < n; i++)
        record_format(&units[i], bytes + i * RECORD_LEN);
    pthread_mutex_lock(&l->lock);
    if (n > UINT32_MAX - 1 - l->records)
        rc = err_set(err, -EFBIG, "%m");
    if (rc == 0)
        rc = fd_pwrite_full(l->fd, bytes, n * RECORD_LEN, (uint64_t)l->records * RECORD_LEN, err);
    if (rc == 0 && fdatasync(l->fd) < 0)
        rc = fd_failed(l->fd, -errno, "fdatasync", err);
    if (rc < 0)
        (void)err_add(err, rc, "ledger in '%s'", l->dir);
    for (size_t i = 0; rc == 0 && i < n; i++)
        index_add(l, units[i].id, l->records++, 0);
    pthread_mutex_unlock(&l->lock);
    return rc;
}

uint64_t ledger_mark(struct ledger *l)
{
    uint64_t mark;

    pthread_mutex_lock(&l->lock);
    mark = l->forgotten + l->records;
    pthread_mutex_unlock(&l->lock);
    return mark;
}

/* Packs of the first n records go to m, a batch of records at a time. */
static int hand_packs_on(const struct ledger *l, uint32_t n, uint8_t *batch, struct made *m,
                         struct err *err)
{
    uint8_t names[BATCH][32];
    int rc = 0;

    for (uint32_t at = 0; rc == 0 && at < n; at += BATCH) {
        size_t some = num_min(BATCH, n - at);
        size_t names_n = 0;

        rc = fd_pread_full(l->fd, batch, some * RECORD_LEN, (uint64_t)at * RECORD_LEN, err);
        for (size_t i = 0; rc == 0 && i < some; i++) {
            const uint8_t *pack = batch + i * RECORD_LEN;

            if (names_n == 0 || memcmp(names[names_n - 1], pack, 32) != 0)
                memcpy(names[names_n++], pack, 32);
        }
        if (rc == 0)
            rc = made_add_packs(m, names, names_n, err);
    }
    return rc;
}

static int copy_rest(const struct ledger *l, uint32_t from, int to, uint8_t *batch, struct err *err)
{
    int rc = 0;

    for (uint32_t at = from; rc == 0 && at < l->records; at += BATCH) {
        size_t len = num_min(BATCH, l->records - at) * RECORD_LEN;

        rc = fd_pread_full(l->fd, batch, len, (uint64_t)at * RECORD_LEN, err);
        if (rc == 0)
            rc = fd_pwrite_full(to, batch, len, (uint64_t)(at - from) * RECORD_LEN, err);
    }
    if (rc == 0 && fdatasync(to) < 0)
        rc = fd_failed(to, -errno, "fdatasync", err);
    return rc;
}

/* A new file of the records from n on in place of the old one: either is right after a crash. */
static int rewrite(struct ledger *l, uint32_t n, uint8_t *batch, struct err *err)
{
    auto_close int fd = -1;
    char path[PATH_MAX];
    char fresh[PATH_MAX];
    int rc;

    if (text_print(path, sizeof(path), "%s/ledger", l->dir) < 0 ||
        text_print(fresh, sizeof(fresh), "%s/ledger.next", l->dir) < 0)
        return err_set(err, -ENAMETOOLONG, "state directory '%s': %m", l->dir);
    fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(err, -errno, "open '%s': %m", fresh);
    rc = copy_rest(l, n, fd, batch, err);
    if (rc == 0 && rename(fresh, path) < 0)
        rc = err_set(err, -errno, "rename '%s': %m", fresh);
    if (rc == 0)
        rc = fd_sync_dir(l->dir, err);
    if (rc < 0)
        return rc;
    close(l->fd);
    l->fd = fd;
    fd = -1;
    return 0;
}

/* The index over what is left of the file; what was found of packs of earlier runs stays known. */
static int reindex(struct ledger *l, uint32_t n, struct err *err)
{
    auto_free struct earlier *old = TAKE(l->earlier);
    uint32_t old_n = l->earlier_n;
    uint32_t records = l->records - n;
    uint32_t loaded = l->loaded - (uint32_t)num_min(l->loaded, n);
    uint32_t k = 0;

    memset(l->slots, 0, l->slots_n * sizeof(*l->slots));
    l->forgotten += n;
    l->indexed = l->earlier_n = l->records = 0;
    l->loaded = loaded;
    for (; l->records < records; l->records++) {
        uint8_t record[RECORD_LEN];
        struct unit u = {0};
        uint32_t pack = 0;
        int rc =
            fd_pread_full(l->fd, record, sizeof(record), (uint64_t)l->records * RECORD_LEN, err);

        if (rc < 0)
            return rc;
        if (!record_parse(record, &u))
            continue;
        if (l->records < loaded) {
            while (k + 1 < old_n && memcmp(old[k].pack, u.pack, 32) != 0)
                k++;
            pack = earlier_add(l, u.pack);
            if (!pack)
                return err_set(err, -ENOMEM, "ledger: %m");
            l->earlier[pack - 1].standing = old[k].standing;
        }
        index_add(l, u.id, l->records, pack);
    }
    return 0;
}

static int forget(struct ledger *l, uint32_t n, struct made *m, struct err *err)
{
    auto_free uint8_t *batch = malloc((size_t)BATCH * RECORD_LEN);
    int rc = batch ? 0 : err_set(err, -ENOMEM, "%m");

    if (rc == 0)
        rc = hand_packs_on(l, n, batch, m, err);
    if (rc == 0)
        rc = rewrite(l, n, batch, err);
    return rc < 0 ? rc : reindex(l, n, err);
}

int ledger_release(struct ledger *l, uint64_t mark, size_t much, struct made *m, struct err *err)
{
    uint32_t n = 0;
    int rc = 0;

    pthread_mutex_lock(&l->lock);
    if (l->records >= much && mark > l->forgotten)
        n = (uint32_t)num_min(mark - l->forgotten, l->records / 2);
    if (n > 0 && n >= much / 4) /* less is not worth writing the others anew */
        rc = forget(l, n, m, err);
    pthread_mutex_unlock(&l->lock);
    return rc < 0 ? err_add(err, rc, "ledger") : 0;
}

int ledger_clear(struct ledger *l, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&l->lock);
    memset(l->slots, 0, l->slots_n * sizeof(*l->slots));
    l->indexed = 0;
    l->forgotten += l->records;
    l->records = 0;
    l->loaded = 0;
    l->earlier_n = 0;
    if (ftruncate(l->fd, 0) < 0)
        rc = fd_failed(l->fd, -errno, "ftruncate", err);
    pthread_mutex_unlock(&l->lock);
    return rc;
}

/* Those of this run, read back in batches: a seed has too many to keep in memory. Records of one
 * pack lie together; fn may be told of one twice. */
static int own_packs(struct ledger *l, ledger_pack_fn fn, void *arg, struct err *err)
{
    auto_free uint8_t *batch = malloc((size_t)BATCH * RECORD_LEN);
    uint8_t last[32] = {0};
    int rc = batch ? 0 : err_set(err, -ENOMEM, "ledger: %m");

    for (uint32_t at = l->loaded; rc == 0 && at < l->records; at += BATCH) {
        size_t n = num_min(BATCH, l->records - at);

        rc = fd_pread_full(l->fd, batch, n * RECORD_LEN, (uint64_t)at * RECORD_LEN, err);
        for (size_t i = 0; rc == 0 && i < n; i++) {
            const uint8_t *pack = batch + i * RECORD_LEN;

            if (memcmp(last, pack, sizeof(last)) == 0)
                continue;
            memcpy(last, pack, sizeof(last));
            rc = fn(arg, pack, true);
            rc = rc < 0 ? rc : 0;
        }
    }
    return rc;
}

int ledger_packs(struct ledger *l, ledger_pack_fn fn, void *arg, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&l->lock);
    for (uint32_t i = 0; rc == 0 && i < l->earlier_n; i++) {
        struct earlier *e = &l->earlier[i];

        rc = e->standing == GONE ? 0 : fn(arg, e->pack, e->standing == THERE);
        if (rc > 0)
            e->standing = GONE;
        rc = rc < 0 ? rc : 0;
    }
    if (rc == 0)
        rc = own_packs(l, fn, arg, err);
    pthread_mutex_unlock(&l->lock);
    return rc;
}

size_t ledger_count(struct ledger *l)
{
    size_t n;

    pthread_mutex_lock(&l->lock);
    n = l->indexed;
    pthread_mutex_unlock(&l->lock);
    return n;
}
