/* SPDX-License-Identifier: Apache-2.0 */
/* Records: "GWLEDGER", number, side, filler that differs in each, and the SHA-256 of all before it.
 */
#include "cli/demo_ledger.h"

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
    LEDGER_BODY = DEMO_LEDGER_RECORD - CRYPTO_SHA256_LEN,
    LEDGER_ACKS_MAX = 256 << 20
};

static const char magic[8] = {'G', 'W', 'L', 'E', 'D', 'G', 'E', 'R'};

/* -- blocks ------------------------------------------------------------------ */

static int parse_map(const char *path, struct demo_ledger_file *f, struct err *err)
{
    auto_buf struct buf text = {0};
    auto_vec char **words = NULL;
    int r = fd_load(path, 8 << 20, &text, err);

    if (r == 0)
        r = text_split(buf_cstr(&text), " \t\r\n", &words, err);
    if (r < 0)
        return r;
    f->blocks_n = text_vec_len(words);
    if (f->blocks_n == 0 || f->blocks_n > DEMO_LEDGER_BLOCKS_MAX)
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
    f->records = f->blocks_n * (DEMO_LEDGER_BLOCK / DEMO_LEDGER_RECORD);
    return 0;
}

int demo_ledger_open(const char *volume, const char *map, struct demo_ledger_file *ret,
                     struct err *err)
{
    struct demo_ledger_file f = {.fd = -1};
    int r = parse_map(map, &f, err);

    if (r == 0) {
        f.fd = open(volume, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (f.fd < 0)
            r = err_set(err, -errno, "open '%s': %m", volume);
    }
    if (r < 0) {
        demo_ledger_close(&f);
        return r;
    }
    *ret = f;
    return 0;
}

void demo_ledger_close(struct demo_ledger_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->blocks);
    *f = (struct demo_ledger_file){.fd = -1};
}

static uint64_t offset_of(const struct demo_ledger_file *f, uint64_t at)
{
    uint64_t per_block = DEMO_LEDGER_BLOCK / DEMO_LEDGER_RECORD;

    return f->blocks[at / per_block] * DEMO_LEDGER_BLOCK + at % per_block * DEMO_LEDGER_RECORD;
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

/* A whole record with its number; those of a place that was never written do not parse. */
static bool parse_record(const uint8_t *record, uint64_t *ret_n)
{
    uint8_t sum[CRYPTO_SHA256_LEN];
    uint64_t number = 0;

    if (memcmp(record, magic, sizeof(magic)) != 0)
        return false;
    for (int i = 0; i < 8; i++)
        number |= (uint64_t)record[8 + i] << (8 * i);
    crypto_sha256(slice_of(record, LEDGER_BODY), sum);
    if (memcmp(sum, record + LEDGER_BODY, sizeof(sum)) != 0)
        return false;
    *ret_n = number;
    return true;
}

int demo_ledger_next(struct demo_ledger_file *f, uint64_t *ret_n, struct err *err)
{
    uint8_t record[DEMO_LEDGER_RECORD];
    uint64_t next = 0;

    for (uint64_t at = 0; at < f->records; at++) {
        uint64_t n;
        int r = fd_pread_full(f->fd, record, sizeof(record), offset_of(f, at), err);

        if (r < 0)
            return r;
        if (parse_record(record, &n) && n % f->records == at)
            next = num_max(next, n + 1);
    }
    *ret_n = next;
    return 0;
}

int demo_ledger_append(struct demo_ledger_file *f, uint64_t n, const char *side, uint8_t *ret_sum,
                       struct err *err)
{
    uint8_t record[DEMO_LEDGER_RECORD];
    int r;

    make_record(n, side, record);
    r = fd_pwrite_full(f->fd, record, sizeof(record), offset_of(f, n % f->records), err);
    if (r < 0)
        return r;
    if (fdatasync(f->fd) < 0)
        return err_set(err, -errno, "record %llu: %m", (unsigned long long)n);
    memcpy(ret_sum, record + LEDGER_BODY, CRYPTO_SHA256_LEN);
    return 0;
}

/* -- the proof ---------------------------------------------------------------- */

/* A copy of the ledger's file. */
struct book {
    struct slice data;
    uint64_t records; /* places */
    uint64_t newest;  /* the highest number there or acknowledged */
};

struct line {
    uint64_t n;
    uint8_t sum[CRYPTO_SHA256_LEN];
    bool violation, source, target;
};

/* "NUMBER SHA256 SIDE". */
static int parse_line(const char *text, struct line *ret, struct err *err)
{
    auto_vec char **words = NULL;
    struct line line = {0};
    int r = text_split(text, " ", &words, err);

    if (r < 0)
        return r;
    line.violation = text_equal(words[0], "VIOLATION");
    if (!line.violation &&
        (text_vec_len(words) != 3 || num_parse_u64(words[0], 0, UINT32_MAX, &line.n, NULL) < 0 ||
         strlen(words[1]) != 2 * sizeof(line.sum) ||
         text_unhex(words[1], line.sum, sizeof(line.sum)) < 0))
        return err_set(err, -EINVAL, "a line of the acknowledgements does not parse");
    line.source = !line.violation && text_equal(words[2], "source");
    line.target = !line.violation && text_equal(words[2], "target");
    *ret = line;
    return 0;
}

static void judge_line(const struct book *book, const struct line *line,
                       struct demo_ledger_verdict *v)
{
    const uint8_t *record = book->data.data + line->n % book->records * DEMO_LEDGER_RECORD;
    uint64_t number;

    v->violations += line->violation;
    if (line->violation)
        return;
    v->acknowledged++;
    v->by_source += line->source;
    v->by_target += line->target;
    if (line->n + book->records <= book->newest) {
        v->overwritten++;
        return;
    }
    if (parse_record(record, &number) && number == line->n &&
        memcmp(record + LEDGER_BODY, line->sum, sizeof(line->sum)) == 0)
        return;
    if (v->lost++ == 0)
        v->first_lost = line->n;
}

static void count_records(struct book *book, struct demo_ledger_verdict *v)
{
    for (uint64_t at = 0; at < book->records; at++) {
        uint64_t n;

        if (!parse_record(book->data.data + at * DEMO_LEDGER_RECORD, &n) || n % book->records != at)
            continue;
        v->found++;
        book->newest = num_max(book->newest, n);
    }
}

typedef void (*line_fn)(void *arg, const struct line *line);

/* A last line without its newline was never acknowledged. */
static int each_line(struct buf *text, line_fn fn, void *arg, struct err *err)
{
    const char *line = buf_cstr(text), *end;

    if (!line)
        return buf_failed(text, err);
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        auto_free char *copy = strndup(line, (size_t)(end - line));
        struct line parsed;
        int r = copy ? parse_line(copy, &parsed, err) : err_set(err, -ENOMEM, "a line: %m");

        if (r < 0)
            return r;
        fn(arg, &parsed);
    }
    return 0;
}

struct judging {
    struct book book;
    struct demo_ledger_verdict verdict;
};

static void take_newest(void *arg, const struct line *line)
{
    struct judging *j = arg;

    j->book.newest = num_max(j->book.newest, line->n);
}

static void take_line(void *arg, const struct line *line)
{
    struct judging *j = arg;

    judge_line(&j->book, line, &j->verdict);
}

int demo_ledger_check(const char *copy, const char *acks, struct demo_ledger_verdict *ret,
                      struct err *err)
{
    auto_buf struct buf data = {.max = LEDGER_ACKS_MAX}, text = {.max = LEDGER_ACKS_MAX};
    struct judging j = {0};
    int r = fd_load(copy, LEDGER_ACKS_MAX, &data, err);

    if (r == 0)
        r = fd_load(acks, LEDGER_ACKS_MAX - 1, &text, err);
    if (r < 0)
        return r;
    j.book = (struct book){.data = buf_slice(&data), .records = data.len / DEMO_LEDGER_RECORD};
    if (j.book.records == 0)
        return err_set(err, -EINVAL, "'%s' holds no ledger", copy);
    count_records(&j.book, &j.verdict);
    r = each_line(&text, take_newest, &j, err);
    if (r == 0)
        r = each_line(&text, take_line, &j, err);
    if (r == 0)
        *ret = j.verdict;
    return r;
}
