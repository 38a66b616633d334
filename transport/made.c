/* SPDX-License-Identifier: Apache-2.0 */
/* A slot for each region in one sparse file, names of packs one behind the other in another. */
#include "transport/made.h"

#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/packset.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/banned.h"

/* region 4, sectors 4, pack 32, salt 32, id 24, offset, stored, raw, segment 4 each, codec, kind,
 * check 8 */
enum { FIELDS_LEN = 8 + 32 + 32 + UNIT_ID_LEN + 4 * 4 + 2, CHECK_LEN = 8, SLOT_LEN = 128 };
enum {
    BATCH = 1024,
    LOST_MAX = 64 * 1024 /* then no page is believed any more: sending again is what is left */
};

struct made {
    int pages_fd;
    int packs_fd;
    pthread_mutex_t lock; /* of all below */
    uint64_t packs_n;
    bool has_pages;
    bool distrusted;
    struct packset lost;
};

static int open_file(const char *dir, const char *name, int *ret, struct err *err)
{
    char path[PATH_MAX];

    if (text_print(path, sizeof(path), "%s/%s", dir, name) < 0)
        return err_set(err, -ENAMETOOLONG, "state directory '%s': %m", dir);
    *ret = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *ret < 0 ? err_set(err, -errno, "open '%s': %m", path) : 0;
}

static int size_of(int fd, uint64_t *ret, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_set(err, -errno, "pages of a pass: fstat: %m");
    *ret = (uint64_t)st.st_size;
    return 0;
}

static int open_all(struct made *m, const char *dir, struct err *err)
{
    uint64_t bytes = 0;
    int rc = open_file(dir, "pages", &m->pages_fd, err);

    if (rc == 0)
        rc = open_file(dir, "packs", &m->packs_fd, err);
    if (rc == 0)
        rc = fd_sync_dir(dir, err);
    if (rc == 0)
        rc = size_of(m->pages_fd, &bytes, err);
    m->has_pages = bytes > 0;
    if (rc == 0)
        rc = size_of(m->packs_fd, &bytes, err);
    m->packs_n = bytes / PACK_NAME_LEN; /* a torn one is overwritten */
    return rc;
}

int made_open(const char *dir, struct made **ret, struct err *err)
{
    struct made *m = calloc(1, sizeof(*m));
    int rc;

    if (!m)
        return err_set(err, -ENOMEM, "pages of a pass: %m");
    m->pages_fd = m->packs_fd = -1;
    pthread_mutex_init(&m->lock, NULL);
    rc = open_all(m, dir, err);
    if (rc < 0)
        made_close(m);
    else
        *ret = m;
    return rc;
}

void made_close(struct made *m)
{
    if (!m)
        return;
    if (m->pages_fd >= 0)
        close(m->pages_fd);
    if (m->packs_fd >= 0)
        close(m->packs_fd);
    packset_done(&m->lost);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* ---- packs -------------------------------------------------------------------------- */

static int add_packs(struct made *m, uint8_t (*packs)[PACK_NAME_LEN], size_t n, struct err *err)
{
    int rc = fd_pwrite_full(m->packs_fd, packs, n * PACK_NAME_LEN, m->packs_n * PACK_NAME_LEN, err);

    if (rc == 0 && fdatasync(m->packs_fd) < 0)
        rc = fd_failed(m->packs_fd, -errno, "fdatasync", err);
    if (rc == 0)
        m->packs_n += n;
    return rc;
}

int made_add_packs(struct made *m, uint8_t (*packs)[PACK_NAME_LEN], size_t n, struct err *err)
{
    int rc;

    pthread_mutex_lock(&m->lock);
    rc = add_packs(m, packs, n, err);
    pthread_mutex_unlock(&m->lock);
    return rc;
}

static int lose(struct made *m, const uint8_t *pack, struct err *err)
{
    struct packset_row *row = NULL;

    if (m->lost.n < LOST_MAX)
        return packset_row(&m->lost, pack, &row, err);
    m->distrusted = true;
    return 0;
}

static int tell_packs(struct made *m, uint8_t (*packs)[PACK_NAME_LEN], size_t n, made_pack_fn fn,
                      void *arg, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n && !m->distrusted; i++) {
        if (packset_has(&m->lost, packs[i]))
            continue;
        rc = fn(arg, packs[i], true);
        if (rc > 0)
            rc = lose(m, packs[i], err);
    }
    return rc;
}

int made_packs(struct made *m, made_pack_fn fn, void *arg, struct err *err)
{
    auto_free uint8_t(*packs)[PACK_NAME_LEN] = calloc(BATCH, sizeof(*packs));
    int rc = packs ? 0 : err_set(err, -ENOMEM, "packs of a pass: %m");

    pthread_mutex_lock(&m->lock);
    for (uint64_t at = 0; rc == 0 && at < m->packs_n; at += BATCH) {
        size_t n = (size_t)num_min(BATCH, m->packs_n - at);

        rc = fd_pread_full(m->packs_fd, packs, n * PACK_NAME_LEN, at * PACK_NAME_LEN, err);
        if (rc == 0)
            rc = tell_packs(m, packs, n, fn, arg, err);
    }
    pthread_mutex_unlock(&m->lock);
    return rc;
}

int made_lose(struct made *m, const uint8_t *pack, struct err *err)
{
    int rc;

    pthread_mutex_lock(&m->lock);
    rc = lose(m, pack, err);
    pthread_mutex_unlock(&m->lock);
    return rc;
}

bool made_is_lost(struct made *m, const uint8_t *pack)
{
    bool lost;

    pthread_mutex_lock(&m->lock);
    lost = m->distrusted || packset_has(&m->lost, pack);
    pthread_mutex_unlock(&m->lock);
    return lost;
}

/* ---- pages -------------------------------------------------------------------------- */

static int page_format(const struct made_page *p, uint8_t *out, struct err *err)
{
    auto_buf struct buf b = {0};
    uint8_t check[32];

    buf_u32le(&b, p->region);
    buf_u32le(&b, p->sectors);
    buf_append(&b, p->unit.pack, sizeof(p->unit.pack));
    buf_append(&b, p->unit.salt, sizeof(p->unit.salt));
    buf_append(&b, p->unit.id, sizeof(p->unit.id));
    buf_u32le(&b, p->unit.offset);
    buf_u32le(&b, p->unit.stored_len);
    buf_u32le(&b, p->unit.raw_len);
    buf_u32le(&b, p->unit.segment);
    buf_u8(&b, p->unit.codec);
    buf_u8(&b, p->unit.kind);
    if (b.failed)
        return buf_failed(&b, err);
    memset(out, 0, SLOT_LEN);
    memcpy(out, b.data, FIELDS_LEN);
    crypto_sha256(slice_of(out, FIELDS_LEN), check);
    memcpy(out + FIELDS_LEN, check, CHECK_LEN);
    return 0;
}

static bool page_parse(const uint8_t *slot, uint32_t region, struct made_page *ret)
{
    struct buf_reader r = buf_reader(slice_of(slot, FIELDS_LEN));
    struct unit *u = &ret->unit;
    uint8_t check[32];

    crypto_sha256(slice_of(slot, FIELDS_LEN), check);
    if (memcmp(check, slot + FIELDS_LEN, CHECK_LEN) != 0)
        return false;
    *ret = (struct made_page){.region = buf_get_u32le(&r)};
    ret->sectors = buf_get_u32le(&r);
    memcpy(u->pack, buf_get(&r, sizeof(u->pack)).data, sizeof(u->pack));
    memcpy(u->salt, buf_get(&r, sizeof(u->salt)).data, sizeof(u->salt));
    memcpy(u->id, buf_get(&r, sizeof(u->id)).data, sizeof(u->id));
    u->offset = buf_get_u32le(&r);
    u->stored_len = buf_get_u32le(&r);
    u->raw_len = buf_get_u32le(&r);
    u->segment = buf_get_u32le(&r);
    u->codec = buf_get_u8(&r);
    u->kind = buf_get_u8(&r);
    return ret->region == region && u->kind == UNIT_MAP && unit_check(u, NULL) == 0;
}

/* Their packs first: a page that is noted is never without. */
static int note(struct made *m, const struct made_page *pages, size_t n, struct err *err)
{
    uint8_t slot[SLOT_LEN];
    uint8_t name[1][PACK_NAME_LEN];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (i > 0 && memcmp(name[0], pages[i].unit.pack, PACK_NAME_LEN) == 0)
            continue;
        memcpy(name[0], pages[i].unit.pack, PACK_NAME_LEN);
        rc = add_packs(m, name, 1, err);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = page_format(&pages[i], slot, err);
        if (rc == 0)
            rc = fd_pwrite_full(m->pages_fd, slot, sizeof(slot),
                                (uint64_t)pages[i].region * SLOT_LEN, err);
    }
    if (rc == 0 && fdatasync(m->pages_fd) < 0)
        rc = fd_failed(m->pages_fd, -errno, "fdatasync", err);
    m->has_pages = m->has_pages || rc == 0;
    return rc;
}

int made_note(struct made *m, const struct made_page *pages, size_t n, struct err *err)
{
    int rc;

    if (n == 0)
        return 0;
    pthread_mutex_lock(&m->lock);
    rc = note(m, pages, n, err);
    pthread_mutex_unlock(&m->lock);
    return rc;
}

int made_page(struct made *m, uint32_t region, struct made_page *ret, struct err *err)
{
    struct made_page page;
    uint8_t slot[SLOT_LEN];
    bool found;
    int rc = fd_pread_full(m->pages_fd, slot, sizeof(slot), (uint64_t)region * SLOT_LEN, err);

    if (rc == -ENODATA) { /* past the end */
        err_clear(err);
        return 0;
    }
    found = rc == 0 && page_parse(slot, region, &page) && !made_is_lost(m, page.unit.pack);
    if (found)
        *ret = page;
    return rc < 0 ? rc : found;
}

bool made_any(struct made *m)
{
    bool any;

    pthread_mutex_lock(&m->lock);
    any = m->has_pages || m->packs_n > 0;
    pthread_mutex_unlock(&m->lock);
    return any;
}

/* Pages first: what they name stays listed until they are forgotten. */
int made_clear(struct made *m, struct err *err)
{
    int rc = 0;

    pthread_mutex_lock(&m->lock);
    if (ftruncate(m->pages_fd, 0) < 0 || ftruncate(m->packs_fd, 0) < 0)
        rc = fd_failed(m->pages_fd, -errno, "ftruncate", err);
    m->has_pages = false;
    m->packs_n = 0;
    m->distrusted = false;
    packset_done(&m->lost);
    pthread_mutex_unlock(&m->lock);
    return rc;
}
