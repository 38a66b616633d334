/* SPDX-License-Identifier: Apache-2.0 */
/* One region at a time: page, units, leaves, and what a volume holds instead. */
#include "transport/verify.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/holes.h"
#include "transport/pack.h"
#include "transport/vault_impl.h"

#include <assert.h>
#include <time.h>

#include "base/banned.h"

enum {
    BLOCK_SECTORS = VOLUME_BLOCK / VOLUME_SECTOR,
    LEAVES_BYTES = DIGEST_REGION_LEAVES * DIGEST_LEN,
    BITS_WORDS = DIGEST_REGION_LEAVES / 64,
    SHARED_MAX = 32, /* blocks put together at one time: 2 MiB a thread */
    WAIT_MS = 100
};

struct piece {
    uint32_t first;
    uint32_t count;
    uint32_t unit_first;
};

struct self {
    struct verify *v;
    struct vault *vault;
    struct fetch *fetch;
    uint8_t *local;  /* UNIT_DATA_MAX, of the volume held against */
    uint8_t *zeroes; /* UNIT_DATA_MAX */
    uint8_t *shared; /* SHARED_MAX blocks that several units share; made when first needed */
    uint8_t *leaves;
    struct fetch_item *items;
    struct piece *pieces; /* of item i: pieces[cookie] */
    size_t n;
    size_t cap;
    /* the region */
    uint32_t index;
    uint32_t sectors;
    uint64_t offset;
    uint64_t bytes;
    bool whole;         /* no fault so far */
    struct holes holes; /* of the volume held against */
    struct page *page;
    uint64_t noted[BITS_WORDS];
    /* the span of it */
    uint32_t from;
    uint32_t to;
    size_t shared_n;
    uint32_t shared_blocks[SHARED_MAX]; /* ascending */
};

int verify_open(void *arg, struct vault *v, void **ret_self, struct err *err)
{
    struct self *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return err_set(err, -ENOMEM, "verify: %m");
    *ret_self = s;
    s->v = arg;
    s->vault = v;
    s->holes = (struct holes){.volume = s->v->against};
    rc = fetch_new(v, s->v->run->progress, &s->fetch, err);
    if (rc < 0)
        return rc;
    if (s->v->held)
        fetch_use_packs(s->fetch, &s->v->take);
    s->zeroes = calloc(1, UNIT_DATA_MAX);
    s->leaves = malloc(LEAVES_BYTES);
    if (!s->zeroes || !s->leaves ||
        posix_memalign((void **)&s->local, VOLUME_SECTOR, UNIT_DATA_MAX) != 0)
        return err_set(err, -ENOMEM, "verify: %m");
    return 0;
}

void verify_close(void *self)
{
    struct self *s = self;

    page_free(s->page);
    fetch_free(s->fetch);
    free(s->local);
    free(s->zeroes);
    free(s->shared);
    free(s->leaves);
    free(s->items);
    free(s->pieces);
    free(s);
}

void verify_tell(struct verify *v, const struct replica_fault *f)
{
    pthread_mutex_lock(&v->lock);
    if (f->object)
        v->damaged++;
    else if (text_equal(f->what, "unreadable"))
        v->unread++;
    else
        v->differs++;
    if (v->run->fault)
        v->run->fault(v->run->arg, f);
    pthread_cond_broadcast(&v->moved); /* no digest is waited for any more */
    pthread_mutex_unlock(&v->lock);
}

static void mark_bad(struct verify *v, const struct unit *u)
{
    struct verify_row *row;

    pthread_mutex_lock(&v->lock);
    row = v->packs ? verify_row(v, u->pack) : NULL;
    if (row)
        row->state = PACKSET_BAD;
    pthread_mutex_unlock(&v->lock);
}

static void tell_unit(struct verify *v, const struct unit *u, uint64_t offset, uint64_t len, int rc)
{
    char key[PACK_KEY_MAX];

    mark_bad(v, u);
    verify_tell(v, &(struct replica_fault){.object = pack_key(u->pack, key),
                                           .offset = offset,
                                           .len = len,
                                           .what = rc == -ENOENT ? "missing" : "altered"});
}

int verify_bad_dir(void *arg, uint32_t dir, const struct unit *u, int rc, struct err *err)
{
    struct verify *v = arg;
    uint64_t reach = (uint64_t)VOLUME_REGION * 1024;
    uint64_t offset = dir * reach;

    if (rc != -EBADMSG && rc != -ENOENT)
        return rc;
    err_clear(err);
    tell_unit(v, u, offset, num_min(reach, v->size_bytes - offset), rc);
    return 0;
}

/* Bytes of the volume that sectors [first, first + count) of the region stand for. */
static uint64_t bytes_of(const struct self *s, uint32_t first, uint32_t count)
{
    return num_min((uint64_t)count * VOLUME_SECTOR, s->bytes - (uint64_t)first * VOLUME_SECTOR);
}

/* data is what the vault holds for these at most UNIT_DATA_MAX bytes. A volume that ends too early
 * was told as a whole before. */
static int hold_against(struct self *s, uint32_t first, uint32_t count, const uint8_t *data,
                        struct err *err)
{
    uint64_t at = s->offset + (uint64_t)first * VOLUME_SECTOR;
    uint64_t len = bytes_of(s, first, count);
    uint64_t size;

    if (!s->v->against)
        return 0;
    size = volume_size(s->v->against);
    if (at >= size)
        return 0;
    return verify_against(s->v, at, slice_of(data, (size_t)num_min(len, size - at)), s->local, err);
}

/* Blocks [from, to), whose data (NULL: zeroes) lies in a row. */
static void note_leaves(const struct self *s, uint32_t from, uint32_t to, const uint8_t *data)
{
    uint8_t *leaf = s->leaves + (size_t)from * DIGEST_LEN;

    if (data) {
        digest_row(
            slice_of(data, (size_t)bytes_of(s, from * BLOCK_SECTORS, (to - from) * BLOCK_SECTORS)),
            leaf);
        return;
    }
    for (uint32_t b = from; b < to; b++, leaf += DIGEST_LEN) {
        size_t len = (size_t)bytes_of(s, b * BLOCK_SECTORS, BLOCK_SECTORS);

        if (len == VOLUME_BLOCK)
            memcpy(leaf, digest_zero_leaf(), DIGEST_LEN);
        else
            digest_leaf(slice_of(s->zeroes, len), leaf);
    }
}

/* These sectors are data (NULL: zeroes): note the leaves of the blocks wholly inside. */
static void note(struct self *s, uint32_t first, uint32_t count, const uint8_t *data)
{
    uint32_t end = first + count;
    uint32_t from = (uint32_t)num_div_up(first, BLOCK_SECTORS);
    uint32_t to =
        end == s->sectors ? (uint32_t)num_div_up(end, BLOCK_SECTORS) : end / BLOCK_SECTORS;

    if (from >= to)
        return;
    if (data)
        data += (size_t)(from * BLOCK_SECTORS - first) * VOLUME_SECTOR;
    note_leaves(s, from, to, data);
    for (uint32_t b = from; b < to; b++)
        s->noted[b / 64] |= UINT64_C(1) << b % 64;
}

static int add_piece(struct self *s, const struct page_extent *x, uint32_t count, struct err *err)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 256;
        struct piece *pieces = reallocarray(s->pieces, cap, sizeof(*pieces));
        struct fetch_item *items;

        if (!pieces)
            return err_set(err, -ENOMEM, "verify: %m");
        s->pieces = pieces;
        items = reallocarray(s->items, cap, sizeof(*items));
        if (!items)
            return err_set(err, -ENOMEM, "verify: %m");
        s->items = items;
        s->cap = cap;
    }
    s->pieces[s->n] =
        (struct piece){.first = x->first, .count = count, .unit_first = x->unit_first};
    s->items[s->n] = (struct fetch_item){.unit = x->unit, .cookie = s->n};
    s->n++;
    return 0;
}

/* A share of 2^32; the same for all pieces of a call, drawn anew for each. */
static bool drawn(const struct self *s)
{
    const uint64_t scale = UINT64_C(1) << 32;

    return !s->v->sampled ||
           (double)rng_below(vault_rng(s->vault), scale) < s->v->run->sample * (double)scale;
}

/* How many of these sectors lie in a hole of the volume held against. */
static int hole_at(struct self *s, uint32_t first, uint32_t count, uint32_t *ret, struct err *err)
{
    uint64_t at = s->offset + (uint64_t)first * VOLUME_SECTOR;
    uint64_t len = 0;
    bool hole = false;
    int rc = 0;

    if (at < volume_size(s->v->against))
        rc = holes_at(&s->holes, at, &len, &hole, err);
    if (rc == 0)
        *ret = hole ? (uint32_t)num_min(len / VOLUME_SECTOR, count) : 0;
    return rc;
}

static int zero_run(struct self *s, uint32_t first, uint32_t count, struct err *err)
{
    uint32_t end = first + count;
    uint32_t some = 0;
    int rc = 0;

    note(s, first, count, NULL);
    for (uint32_t at = first; s->v->against && at < end; at += some) {
        rc = hole_at(s, at, end - at, &some, err);
        if (rc < 0)
            return rc;
        if (some > 0)
            continue;
        some = (uint32_t)num_min(UNIT_SECTORS_MAX - at % UNIT_SECTORS_MAX, end - at);
        rc = drawn(s) ? hold_against(s, at, some, s->zeroes, err) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Every run of the span: zeroes are looked at here, units are listed to be fetched. */
static int list_pieces(struct self *s, struct err *err)
{
    struct page_extent x;
    int rc = 0;

    s->n = 0;
    if (!s->page)
        return zero_run(s, s->from, s->to - s->from, err);
    for (uint32_t at = s->from; rc == 0 && at < s->to && page_extent(s->page, at, &x);
         at += x.count) {
        x.count = (uint32_t)num_min(x.count, s->to - at);
        if (x.zero)
            rc = zero_run(s, x.first, x.count, err);
        else if (drawn(s))
            rc = add_piece(s, &x, x.count, err);
    }
    return rc;
}

static uint8_t *shared_block(const struct self *s, uint32_t block)
{
    for (size_t i = 0; i < s->shared_n; i++)
        if (s->shared_blocks[i] == block)
            return s->shared + i * VOLUME_BLOCK;
    return NULL;
}

/* The parts of these sectors that lie in shared blocks, at most two: the first and the last. */
static void keep_shared(const struct self *s, uint32_t first, uint32_t count, const uint8_t *data)
{
    uint32_t end = first + count;
    uint32_t next;

    for (uint32_t at = first; s->shared_n > 0 && at < end; at = next) {
        uint8_t *block = shared_block(s, at / BLOCK_SECTORS);

        next = (uint32_t)num_min((at / BLOCK_SECTORS + 1) * BLOCK_SECTORS, end);
        if (block)
            memcpy(block + (size_t)(at % BLOCK_SECTORS) * VOLUME_SECTOR,
                   data + (size_t)(at - first) * VOLUME_SECTOR,
                   (size_t)(next - at) * VOLUME_SECTOR);
    }
}

/* Does a unit that serves this piece have the id that it should? Its leaves, noted before, are the
 * pieces of the id where it lies on borders of blocks as a whole. */
static bool is_named(const struct self *s, const struct piece *p, const struct unit *u,
                     struct slice raw)
{
    bool whole = p->unit_first == 0 && u->raw_len == p->count * VOLUME_SECTOR;
    uint64_t end = ((uint64_t)p->first + p->count) * VOLUME_SECTOR;
    uint8_t id[UNIT_ID_LEN];

    if (whole && p->first % BLOCK_SECTORS == 0 && p->count % BLOCK_SECTORS == 0 && end <= s->bytes)
        unit_id(s->vault, u->raw_len, s->leaves + (size_t)(p->first / BLOCK_SECTORS) * DIGEST_LEN,
                id);
    else
        unit_id_of(s->vault, raw, id);
    return memcmp(id, u->id, UNIT_ID_LEN) == 0;
}

static int check_unit(void *arg, const struct fetch_item *item, struct slice raw, int rc,
                      struct err *err)
{
    struct self *s = arg;
    const struct piece *p = &s->pieces[item->cookie];
    size_t from = (size_t)p->unit_first * VOLUME_SECTOR;

    err_clear(err);
    if (verify_note_pack(s->v, &item->unit, s->offset + (uint64_t)p->first * VOLUME_SECTOR,
                         bytes_of(s, p->first, p->count), err) < 0)
        return -ENOMEM;
    if (rc == 0 && (raw.len < from || raw.len - from < (size_t)p->count * VOLUME_SECTOR))
        rc = -EBADMSG;
    if (rc == 0) {
        note(s, p->first, p->count, raw.data + from);
        keep_shared(s, p->first, p->count, raw.data + from);
        rc = is_named(s, p, &item->unit, raw) ? 0 : -EBADMSG;
    }
    if (rc < 0) {
        s->whole = false;
        tell_unit(s->v, &item->unit, s->offset + (uint64_t)p->first * VOLUME_SECTOR,
                  bytes_of(s, p->first, p->count), rc);
        return 0;
    }
    return hold_against(s, p->first, p->count, raw.data + from, err);
}

/* Pages that it was written over as a difference are part of it. */
static int note_page(struct self *s, const struct unit *own, struct err *err)
{
    const struct unit *u;
    int rc = verify_note_pack(s->v, own, s->offset, s->bytes, err);

    for (size_t i = 0; rc == 0 && s->page && (u = page_rests_on(s->page, i)); i++)
        rc = verify_note_pack(s->v, u, s->offset, s->bytes, err);
    return rc;
}

static int check_page(void *arg, const struct fetch_item *item, struct slice raw, int rc,
                      struct err *err)
{
    struct self *s = arg;
    struct unit blame = item->unit;

    if (rc == 0)
        rc = page_open(s->vault, raw, s->index, s->sectors, &s->page, &blame, err);
    if (rc == 0)
        rc = note_page(s, &item->unit, err);
    if (rc < 0 && rc != -EBADMSG && rc != -ENOENT)
        return rc; /* of a store that does not answer; no word on what it holds */
    err_clear(err);
    if (rc < 0) {
        s->whole = false;
        tell_unit(s->v, &blame, s->offset, s->bytes, rc);
    }
    return 0;
}

/* Is the block made of more than one run, so that no piece alone gives its leaf? */
static bool is_shared(const struct self *s, uint32_t block)
{
    uint32_t first = block * BLOCK_SECTORS;
    struct page_extent x;

    return page_extent(s->page, first, &x) &&
           x.first + x.count < num_min(first + BLOCK_SECTORS, s->sectors);
}

/* From s->to on as far as there is memory for what is shared, in steps that no unit reaches over:
 * so each unit is fetched for one span. */
static int next_span(struct self *s, struct err *err)
{
    const uint32_t step = UNIT_SECTORS_MAX / BLOCK_SECTORS;
    uint32_t block = s->to / BLOCK_SECTORS;
    uint32_t blocks = (uint32_t)num_div_up(s->sectors, BLOCK_SECTORS);

    s->from = s->to;
    s->shared_n = 0;
    for (; s->page && !s->v->sampled && block < blocks && s->shared_n + step <= SHARED_MAX;
         block += step)
        for (uint32_t b = block; b < num_min(block + step, blocks); b++)
            if (is_shared(s, b))
                s->shared_blocks[s->shared_n++] = b;
    if (!s->page || s->v->sampled)
        block = blocks;
    s->to = (uint32_t)num_min(block * BLOCK_SECTORS, s->sectors);
    if (s->shared_n > 0 && !s->shared)
        s->shared = malloc((size_t)SHARED_MAX * VOLUME_BLOCK);
    if (s->shared_n > 0 && !s->shared)
        return err_set(err, -ENOMEM, "verify: %m");
    if (s->shared_n > 0)
        memset(s->shared, 0, s->shared_n * VOLUME_BLOCK);
    return 0;
}

static int check_span(struct self *s, struct err *err)
{
    int rc = next_span(s, err);

    if (rc == 0)
        rc = list_pieces(s, err);
    if (rc == 0)
        rc = fetch_units(s->fetch, s->items, s->n, check_unit, s, err);
    for (size_t i = 0; rc == 0 && s->whole && i < s->shared_n; i++) {
        uint32_t first = s->shared_blocks[i] * BLOCK_SECTORS;

        note(s, first, (uint32_t)num_min(BLOCK_SECTORS, s->sectors - first),
             s->shared + i * VOLUME_BLOCK);
    }
    return rc;
}

static bool wait_turn(struct self *s)
{
    struct verify *v = s->v;
    struct timespec until;

    while (!v->failed && v->damaged == 0 && v->digest.n != s->index) {
        if (v->run->stop && atomic_load(v->run->stop))
            return false;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WAIT_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&v->moved, &v->lock, &until);
    }
    return !v->failed && v->damaged == 0;
}

/* Every leaf is known: of blocks that lie in one run, and of those that were put together. */
static void add_to_digest(struct self *s)
{
    uint32_t blocks = (uint32_t)num_div_up(s->sectors, BLOCK_SECTORS);
    uint8_t root[DIGEST_LEN];

    for (uint32_t b = 0; b < blocks; b++)
        assert(s->noted[b / 64] >> b % 64 & 1);
    digest_tree(s->leaves, blocks, root);
    pthread_mutex_lock(&s->v->lock);
    if (wait_turn(s))
        digest_add(&s->v->digest, root);
    pthread_cond_broadcast(&s->v->moved);
    pthread_mutex_unlock(&s->v->lock);
}

static void begin(struct self *s, const struct walk_region *r)
{
    s->index = r->region;
    s->sectors = point_sectors_of(s->v->size_bytes, r->region);
    s->offset = (uint64_t)r->region * VOLUME_REGION;
    s->bytes = num_min(VOLUME_REGION, s->v->size_bytes - s->offset);
    s->whole = true;
    s->to = 0;
    page_free(TAKE(s->page));
    memset(s->noted, 0, sizeof(s->noted));
}

static int region(struct self *s, const struct walk_region *r, struct err *err)
{
    struct fetch_item page = {.unit = r->page.unit};
    int rc = 0;

    begin(s, r);
    if (r->page.some)
        rc = fetch_units(s->fetch, &page, 1, check_page, s, err);
    if (rc < 0 || !s->whole)
        return rc;
    while (rc == 0 && s->to < s->sectors)
        rc = check_span(s, err);
    if (rc == 0 && s->whole && !s->v->sampled)
        add_to_digest(s);
    if (rc == 0 && s->v->run->progress)
        s->v->run->progress->done_bytes += s->bytes;
    return rc;
}

int verify_batch(void *self, const struct walk_batch *b, struct err *err)
{
    struct self *s = self;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < b->n; i++)
        rc = region(s, &b->regions[i], err);
    if (rc == 0)
        return 0;
    pthread_mutex_lock(&s->v->lock);
    s->v->failed = true;
    pthread_cond_broadcast(&s->v->moved);
    pthread_mutex_unlock(&s->v->lock);
    return rc;
}
