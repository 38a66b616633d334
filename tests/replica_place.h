/* SPDX-License-Identifier: Apache-2.0 */
/* A vault, images and state directories in one private directory, for the tests of replicas. */
#ifndef GODWIT_TESTS_REPLICA_PLACE_H
#define GODWIT_TESTS_REPLICA_PLACE_H

#include "tests/unit.h"

#include "base/text.h"
#include "transport/replica.h"
#include "transport/volume.h"

#include <fcntl.h>

static const uint8_t place_key[32] = {0x67, 0x6f, 0x64, 0x77, 0x69, 0x74};

struct place {
    char *dir;
    char url[PATH_MAX];
    struct vault *vault;
};

static inline int place_open_vault(struct place *p, struct err *err)
{
    struct vault_conf conf = {.store = {.url = p->url}, .key = place_key, .create = true};

    return vault_open(&conf, &p->vault, err);
}

/* First in main: kills do not need a medium, and syncing one hundreds of times takes minutes. */
static inline void place_prefer_memory(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
}

/* url NULL: files under dir/vault. */
static inline void place_init(struct place *p, const char *url)
{
    struct err err = {0};
    char path[PATH_MAX];

    *p = (struct place){.dir = unit_mkdir()};
    if (mkdir(unit_path(p->dir, "vault", path), 0700) < 0)
        fail_msg("mkdir %s", path);
    if (text_print(p->url, sizeof(p->url), "%s%s", url ? url : "file://", url ? "" : path) < 0)
        fail_msg("url too long");
    if (place_open_vault(p, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void place_done(struct place *p)
{
    vault_close(p->vault);
    unit_rmdir(p->dir);
}

/* A small generator of its own, so that a failing seed can be run again. */
static inline uint64_t place_rand(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline void place_fill(uint64_t *seed, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t x = place_rand(seed);

        memcpy(out + i, &x, len - i < 8 ? len - i : 8);
    }
}

static inline int place_open_image(const struct place *p, const char *name)
{
    char path[PATH_MAX];
    int fd = open(unit_path(p->dir, name, path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        fail_msg("open %s", path);
    return fd;
}

static inline void place_resize(const struct place *p, const char *name, uint64_t size)
{
    auto_close int fd = place_open_image(p, name);

    assert_int_equal(ftruncate(fd, (off_t)size), 0);
}

static inline void place_write(const struct place *p, const char *name, uint64_t at,
                               const void *data, size_t len)
{
    auto_close int fd = place_open_image(p, name);

    assert_int_equal(pwrite(fd, data, len, (off_t)at), (ssize_t)len);
}

static inline void place_random(const struct place *p, const char *name, uint64_t at, size_t len,
                                uint64_t seed)
{
    auto_free uint8_t *data = malloc(len + 1);

    assert_non_null(data);
    place_fill(&seed, data, len);
    place_write(p, name, at, data, len);
}

static inline uint64_t place_size(const struct place *p, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    assert_int_equal(stat(unit_path(p->dir, name, path), &st), 0);
    return (uint64_t)st.st_size;
}

static inline bool place_is_hole(int fd, uint64_t at, size_t len)
{
    off_t data = lseek(fd, (off_t)at, SEEK_DATA);

    return data < 0 ? errno == ENXIO : (uint64_t)data >= at + len;
}

/* The first size bytes of two images or devices are equal. Holes are not read: most of an image is
 * one. */
static inline bool place_same(const struct place *p, const char *a, const char *b, uint64_t size)
{
    enum { PIECE = 1 << 20 };
    auto_free uint8_t *x = malloc(PIECE);
    auto_free uint8_t *y = malloc(PIECE);
    auto_close int fa = place_open_image(p, a);
    auto_close int fb = place_open_image(p, b);

    if (lseek(fa, 0, SEEK_END) < (off_t)size || lseek(fb, 0, SEEK_END) < (off_t)size)
        return false;
    for (uint64_t at = 0; at < size; at += PIECE) {
        size_t len = size - at < PIECE ? size - at : PIECE;

        if (place_is_hole(fa, at, len) && place_is_hole(fb, at, len))
            continue;
        if (pread(fa, x, len, (off_t)at) != (ssize_t)len ||
            pread(fb, y, len, (off_t)at) != (ssize_t)len || memcmp(x, y, len) != 0)
            return false;
    }
    return true;
}

struct place_run {
    const char *image;
    const char *state; /* name of the state directory */
    uint64_t epoch;
    uint64_t seq;
    enum replica_kind kind;
    bool repair;
    bool may_shrink;
    bool take_over;
    bool untouched;
    bool allow_incomplete;
    int compact;
    uint32_t pack_bytes;
    unsigned workers;
    const atomic_bool *stop;
    struct replica_progress progress;
    struct replica_point point;
    struct err err;
};

static inline int place_do(const struct place *p, struct place_run *r,
                           int (*fn)(const struct replica_run *, struct replica_point *,
                                     struct err *))
{
    char image[PATH_MAX];
    char state[PATH_MAX];
    struct replica_run run = {.vault = p->vault,
                              .name = "shop/db",
                              .volume_path = unit_path(p->dir, r->image, image),
                              .state_dir = unit_path(p->dir, r->state, state),
                              .progress = &r->progress,
                              .workers = r->workers ? r->workers : 2,
                              .epoch = r->epoch,
                              .kind = r->kind,
                              .repair = r->repair,
                              .may_shrink = r->may_shrink,
                              .take_over = r->take_over,
                              .untouched = r->untouched,
                              .allow_incomplete = r->allow_incomplete,
                              .compact = r->compact,
                              .pack_bytes = r->pack_bytes,
                              .seq = r->seq,
                              .stop = r->stop};

    r->progress.done_bytes = r->progress.changed_bytes = r->progress.sent_bytes = 0;
    r->progress.received_bytes = r->progress.total_bytes = r->progress.packs = 0;
    r->progress.compacted_bytes = 0;
    r->err = (struct err){0};
    return fn(&run, &r->point, &r->err);
}

static inline int place_push(const struct place *p, struct place_run *r)
{
    return place_do(p, r, replica_push);
}

static inline int place_pull(const struct place *p, struct place_run *r)
{
    return place_do(p, r, replica_pull);
}

/* In a process of its own, which is to be killed: opens what was made at dir. Its exit code. */
static inline int place_push_alone(const char *dir, struct place_run *r)
{
    struct place p = {.dir = strdup(dir)};
    int rc = text_print(p.url, sizeof(p.url), "file://%s/vault", dir);

    if (rc == 0)
        rc = place_open_vault(&p, NULL);
    if (rc == 0)
        rc = place_push(&p, r);
    vault_close(p.vault);
    free(p.dir);
    return rc < 0 ? 1 : 0;
}

#define place_ok(call, run)                                                                        \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            fail_msg("%s: %s", #call, (run)->err.text);                                            \
    } while (0)

static inline void place_digest(const struct place *p, const char *image, uint64_t size,
                                uint8_t *out)
{
    char path[PATH_MAX];
    struct replica_digest_run run = {
        .volume_path = unit_path(p->dir, image, path), .size_bytes = size, .workers = 2};

    assert_ok(replica_digest(&run, out, NULL));
}

static inline int place_verify(const struct place *p, const char *against, replica_fault_fn fn,
                               void *arg, struct err *err)
{
    char path[PATH_MAX];
    struct replica_point point;
    struct replica_verify_run run = {.vault = p->vault,
                                     .name = "shop/db",
                                     .sample = 1,
                                     .against = against ? unit_path(p->dir, against, path) : NULL,
                                     .fault = fn,
                                     .arg = arg,
                                     .workers = 2};

    return replica_verify(&run, &point, err);
}

#endif
