/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a vault by the inner functions alone, and images of what its points hold:
 * tool_vault VAULT_DIR KEY_FILE|- IMAGE_1 IMAGE_2. For tests/flow_formats.sh.
 *
 * The volume has noise, text, zeroes, one unit used twice, a region of zeroes only, and a last
 * sector that is not whole; point 2 changes a few sectors of it and leaves most pages alone, and
 * says that two ranges could not be read.
 */
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/control.h"
#include "transport/digest.h"
#include "transport/page.h"
#include "transport/pagedir.h"
#include "transport/point.h"
#include "transport/vault_impl.h"

#include "tests/vault_fixture.h"

#include <fcntl.h>

#include "base/banned.h"

#define REGION_BYTES ((uint64_t)PAGE_SECTORS_MAX * PAGE_SECTOR)

enum { REGIONS = 4, RUN_SECTORS = 64 };
static const uint64_t volume_bytes = 3 * REGION_BYTES + 100 * PAGE_SECTOR + 1234;

struct work {
    struct vault *v;
    uint8_t *image; /* of the volume, whole sectors */
    struct page *pages[REGIONS];
    struct pagedir *dir;
    struct replica_point last;
};

static void die(const char *what, const struct err *err)
{
    fprintf(stderr, "tool_vault: %s: %s\n", what, err->text);
    exit(1);
}

#define MUST(call)                                                                                 \
    do {                                                                                           \
        struct err err = {0};                                                                      \
        if ((call) != 0)                                                                           \
            die(#call, &err);                                                                      \
    } while (0)

/* Sectors [first, first + count) of region as one unit, from the image. */
static void put_run(struct work *w, uint32_t region, uint32_t first, uint32_t count, struct unit *u)
{
    struct slice raw = slice_of(w->image + region * REGION_BYTES + (uint64_t)first * PAGE_SECTOR,
                                (size_t)count * PAGE_SECTOR);

    fixture_pack(w->v, UNIT_DATA, &raw, 1, u);
    MUST(page_set_unit(w->pages[region], first, count, u, 0, &err));
}

static uint8_t *sector(struct work *w, uint32_t region, uint32_t s)
{
    return w->image + region * REGION_BYTES + (uint64_t)s * PAGE_SECTOR;
}

static void first_state(struct work *w)
{
    struct unit u;

    fixture_noise(1, sector(w, 0, 10), RUN_SECTORS * PAGE_SECTOR);
    put_run(w, 0, 10, RUN_SECTORS, &u);
    for (uint32_t s = 1000; s < 1040; s += 2) { /* enough that a difference pays */
        fixture_noise(s, sector(w, 0, s), PAGE_SECTOR);
        put_run(w, 0, s, 1, &u);
    }
    fixture_prose(2, sector(w, 0, 200), RUN_SECTORS * PAGE_SECTOR);
    put_run(w, 0, 200, RUN_SECTORS, &u);
    memcpy(sector(w, 2, 7), sector(w, 0, 203), 5 * PAGE_SECTOR); /* part of an equal unit */
    MUST(page_set_unit(w->pages[2], 7, 5, &u, 3, &err));
    fixture_noise(4, sector(w, 3, 100), 1234); /* the volume's end; the rest is zeroes */
    fixture_prose(3, sector(w, 3, 90), 10 * PAGE_SECTOR);
    put_run(w, 3, 90, 11, &u);
}

static void second_state(struct work *w)
{
    struct unit u = *pagedir_get(w->dir, 0);

    /* Fetched, so that it is written as a difference. */
    page_free(TAKE(w->pages[0]));
    MUST(page_fetch(w->v, &u, 0, PAGE_SECTORS_MAX, &w->pages[0], &err));
    fixture_noise(5, sector(w, 0, 12), PAGE_SECTOR); /* inside the first run */
    put_run(w, 0, 12, 1, &u);
    memset(sector(w, 0, 210), 0, 3 * PAGE_SECTOR);
    page_set_zero(w->pages[0], 210, 3);
}

static struct unit put_map(struct work *w, struct buf *raw)
{
    struct slice s = buf_slice(raw);
    struct unit u;

    fixture_pack(w->v, UNIT_MAP, &s, 1, &u);
    return u;
}

static void put_pages(struct work *w, uint32_t regions)
{
    for (uint32_t r = 0; r < regions; r++) {
        auto_buf struct buf raw = {0};
        struct unit u;

        if (page_is_zero(w->pages[r]))
            continue;
        MUST(page_encode(w->pages[r], &raw, &err));
        u = put_map(w, &raw);
        pagedir_set(w->dir, r, &u);
    }
}

static void digest_image(const struct work *w, uint8_t *out)
{
    struct digest d = {0};
    uint8_t leaf[DIGEST_LEN];

    for (uint64_t at = 0; at < volume_bytes; at += VOLUME_BLOCK) {
        digest_leaf(slice_of(w->image + at, num_min(VOLUME_BLOCK, volume_bytes - at)), leaf);
        digest_add(&d, leaf);
    }
    digest_root(&d, leaf);
    digest_volume(volume_bytes, leaf, out);
}

static void put_point(struct work *w)
{
    auto_point struct point p = {0};
    auto_buf struct buf raw = {0};

    MUST(pagedir_encode(w->dir, &raw, &err));
    MUST(point_set_size(&p, volume_bytes, &err));
    p.dirs[0] = (struct point_dir){.unit = put_map(w, &raw)};
    p.info.seq = w->last.seq + 1;
    p.info.taken_ms = 1700000000000 + p.info.seq;
    p.info.kind = REPLICA_CRASH;
    if (p.info.seq == 2) {
        p.info.kind = REPLICA_FUZZY;
        MUST(gaps_add(&p.gaps, 8192, 512, &err));
        MUST(gaps_add(&p.gaps, volume_bytes - 1234, 1234, &err));
    }
    memcpy(p.info.parent, w->last.hash, sizeof(p.info.parent));
    digest_image(w, p.info.digest);
    MUST(text_copy(p.writer, sizeof(p.writer), "tool_vault"));
    MUST(point_commit(w->v, "web-01/root", &p, NULL, &err));
    w->last = p.info;
}

static void save_image(const struct work *w, const char *path)
{
    auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || ftruncate(fd, (off_t)volume_bytes) != 0) {
        perror(path);
        exit(1);
    }
    for (uint64_t at = 0; at < volume_bytes; at += VOLUME_BLOCK) {
        struct slice block = slice_of(w->image + at, num_min(VOLUME_BLOCK, volume_bytes - at));

        if (!digest_is_zero(block))
            MUST(fd_pwrite_full(fd, block.data, block.len, at, &err));
    }
}

static void put_control(struct work *w)
{
    struct control_verdict d = {
        .decision = CONTROL_PROMOTE, .epoch = 4, .decided_ms = 1700000000000, .volumes_n = 1};
    struct control_verdict standing;

    MUST(text_copy(d.by, sizeof(d.by), "planner \"é\""));
    MUST(text_copy(d.volumes[0].replica, sizeof(d.volumes[0].replica), "web-01/root"));
    d.volumes[0].seq = w->last.seq;
    memcpy(d.volumes[0].digest, w->last.digest, REPLICA_DIGEST_LEN);
    MUST(control_claim(w->v, "shop", 4, "op-17", &err));
    MUST(control_decide(w->v, "shop", &d, &standing, &err));
}

static void work_init(struct work *w, const char *dir, const char *key_path)
{
    char url[PATH_MAX + 16];
    uint8_t key[32];
    bool encrypted = strcmp(key_path, "-") != 0;

    snprintf(url, sizeof(url), "file://%s", dir);
    if (encrypted)
        MUST(vault_key_create(key_path, &rng_system, key, &err));
    w->v = fixture_vault(url, encrypted ? key : NULL);
    w->image = calloc(REGIONS, REGION_BYTES);
    MUST(pagedir_new(0, point_regions_of(volume_bytes, 0), &w->dir, &err));
    for (uint32_t r = 0; r < REGIONS; r++)
        MUST(page_new(r, point_sectors_of(volume_bytes, r), &w->pages[r], &err));
}

static void work_done(struct work *w)
{
    for (uint32_t r = 0; r < REGIONS; r++)
        page_free(w->pages[r]);
    pagedir_free(w->dir);
    vault_close(w->v);
    free(w->image);
}

int main(int argc, char **argv)
{
    struct work w = {0};

    if (argc != 5) {
        fputs("usage: tool_vault VAULT_DIR KEY_FILE|- IMAGE_1 IMAGE_2\n", stderr);
        return 2;
    }
    work_init(&w, argv[1], argv[2]);
    first_state(&w);
    put_pages(&w, REGIONS);
    put_point(&w);
    save_image(&w, argv[3]);
    second_state(&w);
    put_pages(&w, 1);
    put_point(&w);
    save_image(&w, argv[4]);
    put_control(&w);
    work_done(&w);
    return 0;
}
