/* SPDX-License-Identifier: Apache-2.0 */
/* Records: "GWLEDGER", number, side, filler that differs in each, and the SHA-256 of all before it.
 */
#include "cli/ledger.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/banned.h"

enum {
    LEDGER_SIDE_MAX = 8,
    LEDGER_BODY = LEDGER_RECORD - CRYPTO_SHA256_LEN,
    LEDGER_ACKS_MAX = 256 << 20
};

static const char magic[8] = {'G', 'W', 'L', 'E', 'D', 'G', 'E', 'R'};

/* -- blocks ------------------------------------------------------------------ */

static int parse_map(const char *path, struct ledger_file *f, struct err *err)
{
    auto_buf struct buf text = {0};
    auto_vec char **words = NULL;
    int r = fd_load(path, 8 << 20, &text, err);

    if (r == 0)
        r = text_split(buf_cstr(&text), " \t\r\n", &words, err);
    if (r < 0)
        return r;
    f->blocks_n = text_vec_len(words);
    if (f->blocks_n == 0 || f->blocks_n > LEDGER_BLOCKS_MAX)
        return err_set(err, -EINVAL, "'%s' names %zu blocks", path, f->blocks_n);
    f->blocks = calloc(f->blocks_n, sizeof(*f->blocks));
    if (!f->blocks)
        return err_set(err, -ENOMEM, "'%s': %m", path);
    for (size_t i = 0; i < f->blocks_n; i++) {
        /* Block 0 is a hole or the superblock's: nothing of ours lies there. */
        r = num_parse_u64(words[i], 1, UINT32_MAX, &f->blocks[i], err);
        if (r < 0)
            return err_add(err, r, "'%s'", path);
    }
    f->records = f->blocks_n * (LEDGER_BLOCK / LEDGER_RECORD);
    return 0;
}

int ledger_open(const char *volume, const char *map, struct ledger_file *ret, struct err *err)
{
    struct ledger_file f = {.fd = -1};
    int r = parse_map(map, &f, err);

    if (r == 0) {
        f.fd = open(volume, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (f.fd < 0)
            r = err_set(err, -errno, "open '%s': %m", volume);
    }
    if (r < 0) {
        ledger_close(&f);
        return r;
    }
    *ret = f;
    return 0;
}

void ledger_close(struct ledger_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->blocks);
    *f = (struct ledger_file){.fd = -1};
}

static uint64_t offset_of(const struct ledger_file *f, uint64_t n)
{
    uint64_t per_block = LEDGER_BLOCK / LEDGER_RECORD;

    return f->blocks[n / per_block] * LEDGER_BLOCK + n % per_block * LEDGER_RECORD;
}

/* -- records ----------------------------------------------------------------- */

static void make_record(uint64_t n, const char *side, uint8_t *out)
{
    memcpy(out, magic, sizeof(magic));
    memset(out + 8, 0, LEDGER_BODY - 8);
    for (int i = 0; i < 8; i++)
        out[8 + i] = (uint8_t)(n >> (8 * i));
    (void)text_copy((char *)out + 16, LEDGER_SIDE_MAX, side);
    rng_fill(&rng_system, out + 24, LEDGER_BODY - 24);
    crypto_sha256(slice_of(out, LEDGER_BODY), out + LEDGER_BODY);
}

static bool is_record(const uint8_t *record, uint64_t n)
{
    uint8_t sum[CRYPTO_SHA256_LEN];
    uint64_t number = 0;

    if (memcmp(record, magic, sizeof(magic)) != 0)
        return false;
    for (int i = 0; i < 8; i++)
        number |= (uint64_t)record[8 + i] << (8 * i);
    crypto_sha256(slice_of(record, LEDGER_BODY), sum);
    return number == n && memcmp(sum, record + LEDGER_BODY, sizeof(sum)) == 0;
}

int ledger_count(struct ledger_file *f, uint64_t *ret_n, struct err *err)
{
    uint8_t record[LEDGER_RECORD];
    uint64_t n;

    for (n = 0; n < f->records; n++) {
        int r = fd_pread_full(f->fd, record, sizeof(record), offset_of(f, n), err);

        if (r < 0)
            return r;
        if (!is_record(record, n))
            break;
    }
    *ret_n = n;
    return 0;
}

int ledger_append(struct ledger_file *f, uint64_t n, const char *side, uint8_t *ret_sum,
                  struct err *err)
{
    uint8_t record[LEDGER_RECORD];
    int r;

    if (n >= f->records)
        return err_set(err, -ENOSPC, "the ledger holds %llu records and is full",
                       (unsigned long long)f->records);
    make_record(n, side, record);
    r = fd_pwrite_full(f->fd, record, sizeof(record), offset_of(f, n), err);
    if (r < 0)
        return r;
    if (fdatasync(f->fd) < 0)
        return err_set(err, -errno, "record %llu: %m", (unsigned long long)n);
    memcpy(ret_sum, record + LEDGER_BODY, CRYPTO_SHA256_LEN);
    return 0;
}

/* -- the proof ---------------------------------------------------------------- */

/* One line of the list: "NUMBER SHA256 SIDE". A last line without its newline was never
 * acknowledged. */
static int check_line(char *line, struct slice copy, struct ledger_verdict *v, struct err *err)
{
    auto_vec char **words = NULL;
    const uint8_t *record;
    uint8_t sum[CRYPTO_SHA256_LEN];
    uint64_t n = 0;
    int r = text_split(line, " ", &words, err);

    if (r < 0)
        return r;
    if (text_equal(words[0], "VIOLATION")) {
        v->violations++;
        return 0;
    }
    if (text_vec_len(words) != 3 || num_parse_u64(words[0], 0, UINT32_MAX, &n, NULL) < 0 ||
        strlen(words[1]) != 2 * sizeof(sum) || text_unhex(words[1], sum, sizeof(sum)) < 0)
        return err_set(err, -EINVAL, "a line of the acknowledgements does not parse");
    v->acknowledged++;
    v->by_source += text_equal(words[2], "source");
    v->by_target += text_equal(words[2], "target");
    record = copy.data + n * LEDGER_RECORD;
    if ((n + 1) * LEDGER_RECORD <= copy.len && is_record(record, n) &&
        memcmp(record + LEDGER_BODY, sum, sizeof(sum)) == 0)
        return 0;
    if (v->lost++ == 0)
        v->first_lost = n;
    return 0;
}

int ledger_check(const char *copy, const char *acks, struct ledger_verdict *ret, struct err *err)
{
    auto_buf struct buf data = {.max = LEDGER_ACKS_MAX}, text = {.max = LEDGER_ACKS_MAX};
    struct ledger_verdict v = {0};
    char *line, *end;
    int r = fd_load(copy, LEDGER_ACKS_MAX, &data, err);

    if (r == 0)
        r = fd_load(acks, LEDGER_ACKS_MAX, &text, err);
    if (r < 0)
        return r;
    while ((v.found + 1) * LEDGER_RECORD <= data.len &&
           is_record(data.data + v.found * LEDGER_RECORD, v.found))
        v.found++;
    if (!buf_cstr(&text))
        return err_set(err, -ENOMEM, "'%s': %m", acks);
    for (line = (char *)text.data; line && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        r = check_line(line, buf_slice(&data), &v, err);
        if (r < 0)
            return r;
    }
    *ret = v;
    return 0;
}
