/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data for benchmarks, the same bytes for the same seed on every machine.
 *
 *   bench_data make database|noise FILE SIZE SEED
 *   bench_data change rows|noise FILE clustered|scattered SEED
 *
 * "database": pages of 8 KiB as a relational database writes them: header, item pointers, a gap,
 * rows of text and numbers from the end; a fifth of the pages is empty, the others are half full.
 * "change" rewrites one percent of the 4 KiB sectors, in runs of 1 MiB or one by one, and prints
 * how many bytes that are: "rows" puts one row of 200 bytes in each sector, "noise" all of it anew.
 */
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

enum {
    PAGE = 8192,
    PAGE_HEADER = 24,
    ITEM = 4,
    ROW = 200,
    ROWS_A_PAGE = 20,
    EMPTY_PAGES = 5, /* one of so many */
    SECTOR = 4096,
    CLUSTER_SECTORS = 256,
    CHUNK = 1 << 20
};

struct dice {
    uint64_t state;
};

/* splitmix64 (public domain, Vigna): fast, and good enough to be incompressible. */
static uint64_t dice_u64(struct dice *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15U;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static uint64_t dice_below(struct dice *d, uint64_t n)
{
    return dice_u64(d) % n;
}

static void dice_fill(struct dice *d, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
        uint64_t v = dice_u64(d);

        memcpy(out + i, &v, len - i < sizeof(v) ? len - i : sizeof(v));
    }
}

/* A row of an orders table: keys and times that grow, names that repeat, digits that do not. */
static void make_row(struct dice *d, uint64_t serial, uint8_t *out)
{
    static const char *const words[] = {"Anna",   "Berlin",   "cancelled", "delivery", "Elena",
                                        "France", "Granada",  "invoice",   "Jakub",    "Karlsruhe",
                                        "Lisbon", "Mercedes", "net 30",    "open",     "paid",
                                        "return", "shipped",  "Toledo",    "Ulm",      "Zaragoza"};
    char text[ROW + 1];
    uint64_t v = dice_u64(d);

    (void)text_print(text, sizeof(text),
                     "%012llu|2026-11-%02llu "
                     "%02llu:%02llu|%s|%s|%s|%s|%llu.%02llu|%016llx%016llx%016llx%016llx|",
                     (unsigned long long)serial, (unsigned long long)(serial / 9973 % 30 + 1),
                     (unsigned long long)(serial / 601 % 24),
                     (unsigned long long)(serial / 11 % 60), words[v % 20], words[v / 20 % 20],
                     words[v / 400 % 20], words[v / 8000 % 20], (unsigned long long)(v >> 40),
                     (unsigned long long)(v % 100), (unsigned long long)dice_u64(d),
                     (unsigned long long)dice_u64(d), (unsigned long long)dice_u64(d),
                     (unsigned long long)dice_u64(d));
    memset(out, ' ', ROW);
    memcpy(out, text, strlen(text));
}

static void make_page(struct dice *d, uint64_t number, uint8_t *out)
{
    memset(out, 0, PAGE);
    if (dice_below(d, EMPTY_PAGES) == 0)
        return;
    dice_fill(d, out, sizeof(uint64_t)); /* log position and checksum */
    memcpy(out + sizeof(number), &number, sizeof(number));
    for (uint32_t i = 0; i < ROWS_A_PAGE; i++) {
        uint32_t at = PAGE - (i + 1) * ROW;
        uint32_t item = at << 15 | ROW;

        memcpy(out + PAGE_HEADER + (size_t)i * ITEM, &item, sizeof(item));
        make_row(d, number * ROWS_A_PAGE + i, out + at);
    }
}

static void make_chunk(struct dice *d, bool database, uint64_t at, uint8_t *out)
{
    if (!database) {
        dice_fill(d, out, CHUNK);
        return;
    }
    for (size_t i = 0; i < CHUNK; i += PAGE)
        make_page(d, (at + i) / PAGE, out + i);
}

static int make(const char *kind, const char *path, uint64_t size, struct dice *d)
{
    auto_free uint8_t *chunk = malloc(CHUNK);
    auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct err err = {0};
    int r = fd < 0 || !chunk ? err_set(&err, -errno, "%s: %m", path) : 0;

    for (uint64_t at = 0; r == 0 && at < size; at += CHUNK) {
        make_chunk(d, text_equal(kind, "database"), at, chunk);
        r = fd_pwrite_full(fd, chunk, num_min(CHUNK, size - at), at, &err);
    }
    if (r < 0)
        fprintf(stderr, "%s\n", err.text);
    return r;
}

static int change_sector(int fd, bool rows, uint64_t number, struct dice *d, struct err *err)
{
    uint8_t sector[SECTOR];

    if (rows) {
        make_row(d, dice_u64(d) % 1000000000, sector);
        return fd_pwrite_full(fd, sector, ROW, number * SECTOR + dice_below(d, SECTOR - ROW), err);
    }
    dice_fill(d, sector, sizeof(sector));
    return fd_pwrite_full(fd, sector, sizeof(sector), number * SECTOR, err);
}

static int change(const char *kind, const char *path, const char *how, struct dice *d)
{
    auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
    const bool rows = text_equal(kind, "rows");
    const uint64_t run = text_equal(how, "clustered") ? CLUSTER_SECTORS : 1;
    struct err err = {0};
    uint64_t sectors, left, changed;
    off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END); /* of a device, too */
    int r = end < 0 ? err_set(&err, -errno, "%s: %m", path) : 0;

    sectors = (uint64_t)end / SECTOR;
    left = num_max(sectors / 100, run);
    changed = num_div_up(left, run) * run * SECTOR;
    for (uint64_t first = 0; r == 0 && left > 0; left -= num_min(left, run)) {
        first = dice_below(d, sectors / run) * run;
        for (uint64_t i = 0; r == 0 && i < run; i++)
            r = change_sector(fd, rows, first + i, d, &err);
    }
    if (r < 0)
        fprintf(stderr, "%s\n", err.text);
    else
        printf("%llu\n", (unsigned long long)changed);
    return r;
}

int main(int argc, char **argv)
{
    struct dice d = {0};
    uint64_t size;

    if (argc == 6 && num_parse_u64(argv[5], 0, UINT64_MAX, &d.state, NULL) == 0) {
        if (text_equal(argv[1], "make") && num_parse_bytes(argv[4], &size, NULL) == 0)
            return make(argv[2], argv[3], size, &d) < 0;
        if (text_equal(argv[1], "change"))
            return change(argv[2], argv[3], argv[4], &d) < 0;
    }
    fprintf(stderr, "usage: bench_data make database|noise FILE SIZE SEED\n"
                    "       bench_data change rows|noise FILE clustered|scattered SEED\n");
    return 2;
}
