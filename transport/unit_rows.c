/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in an array, an open-addressed index over them, and their records on disk. */
#include "transport/unit_rows.h"

#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { SLOTS_MIN = 256, CHECK_LEN = 4, CHECKED_LEN = UNIT_ROWS_RECORD_LEN - CHECK_LEN };
enum { INDEX_BYTES_MAX = 64 << 20 };

void unit_rows_done(struct unit_rows *r)
{
    free(r->rows);
    free(r->slots);
    *r = (struct unit_rows){0};
}

struct unit_row unit_rows_row(const struct unit *u, uint32_t number, uint64_t offset)
{
    struct unit_row row = {
        .segment = u->segment, .number = number, .offset = (uint32_t)offset, .len = u->stored_len};

    memcpy(row.pack, u->pack, sizeof(row.pack));
    return row;
}

static bool same(const struct unit_row *a, const struct unit_row *b)
{
    return a->segment == b->segment && memcmp(a->pack, b->pack, sizeof(a->pack)) == 0;
}

/* Names are hashes already. Behind all the rows that collide: the free slot. */
static size_t slot_of(const struct unit_rows *r, const struct unit_row *row)
{
    size_t mask = r->slots_n - 1;
    uint32_t at;

    memcpy(&at, row->pack, sizeof(at));
    at += row->segment * 2654435761u;
    for (at &= (uint32_t)mask; r->slots[at]; at = (at + 1) & (uint32_t)mask)
        if (same(&r->rows[r->slots[at] - 1], row))
            break;
    return at;
}

static void index_rows(struct unit_rows *r)
{
    memset(r->slots, 0, r->slots_n * sizeof(*r->slots));
    for (size_t i = 0; i < r->n; i++)
        r->slots[slot_of(r, &r->rows[i])] = (uint32_t)i + 1;
}

static int grow(struct unit_rows *r, struct err *err)
{
    size_t n = r->slots_n ? r->slots_n * 2 : SLOTS_MIN;
    struct unit_row *rows = reallocarray(r->rows, n / 2, sizeof(*rows));
    uint32_t *slots;

    if (!rows)
        return err_set(err, -ENOMEM, "list what is cached: %m");
    r->rows = rows;
    r->cap = n / 2;
    slots = calloc(n, sizeof(*slots));
    if (!slots)
        return err_set(err, -ENOMEM, "list what is cached: %m");
    free(r->slots);
    r->slots = slots;
    r->slots_n = n;
    index_rows(r);
    return 0;
}

int unit_rows_add(struct unit_rows *r, const struct unit_row *row, struct err *err)
{
    size_t at;
    int rc = r->n >= r->slots_n / 2 ? grow(r, err) : 0;

    if (rc < 0)
        return rc;
    at = slot_of(r, row);
    if (!r->slots[at])
        r->slots[at] = (uint32_t)++r->n;
    r->rows[r->slots[at] - 1] = *row;
    return 0;
}

const struct unit_row *unit_rows_find(const struct unit_rows *r, const struct unit *u)
{
    struct unit_row key = unit_rows_row(u, 0, 0);
    size_t at;

    if (r->n == 0)
        return NULL;
    at = slot_of(r, &key);
    return r->slots[at] ? &r->rows[r->slots[at] - 1] : NULL;
}

void unit_rows_drop(struct unit_rows *r, const struct unit *u)
{
    const struct unit_row *row = unit_rows_find(r, u);

    if (!row)
        return;
    r->rows[row - r->rows] = r->rows[--r->n];
    index_rows(r);
}

void unit_rows_forget(struct unit_rows *r, uint32_t number)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->n; i++)
        if (r->rows[i].number != number)
            r->rows[kept++] = r->rows[i];
    r->n = kept;
    if (r->slots_n > 0)
        index_rows(r);
}

static void put_u32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

void unit_rows_record(const struct unit_row *row, uint8_t *out)
{
    uint8_t sum[CRYPTO_SHA256_LEN];

    memcpy(out, row->pack, sizeof(row->pack));
    put_u32(out + 16, row->segment);
    put_u32(out + 20, row->offset);
    put_u32(out + 24, row->len);
    crypto_sha256(slice_of(out, CHECKED_LEN), sum);
    memcpy(out + CHECKED_LEN, sum, CHECK_LEN);
}

static bool parse(struct slice record, uint64_t units_bytes, struct unit_row *ret)
{
    struct buf_reader r = buf_reader(record);
    uint8_t sum[CRYPTO_SHA256_LEN];

    crypto_sha256(slice_of(record.data, CHECKED_LEN), sum);
    if (memcmp(record.data + CHECKED_LEN, sum, CHECK_LEN) != 0)
        return false;
    memcpy(ret->pack, buf_get(&r, UNIT_ROWS_PACK_LEN).data, UNIT_ROWS_PACK_LEN);
    ret->segment = buf_get_u32le(&r);
    ret->offset = buf_get_u32le(&r);
    ret->len = buf_get_u32le(&r);
    return ret->len > 0 && (uint64_t)ret->offset + ret->len <= units_bytes;
}

int unit_rows_load(struct unit_rows *r, uint32_t number, int index_fd, uint64_t units_bytes,
                   struct err *err)
{
    struct unit_row row = {.number = number};
    uint8_t *records;
    size_t len;
    struct stat st;
    int rc = 0;

    if (fstat(index_fd, &st) < 0 || st.st_size > INDEX_BYTES_MAX)
        return 0;
    len = (size_t)st.st_size / UNIT_ROWS_RECORD_LEN * UNIT_ROWS_RECORD_LEN;
    records = malloc(len + 1);
    if (!records)
        return err_set(err, -ENOMEM, "read an index: %m");
    if (fd_pread_full(index_fd, records, len, 0, NULL) < 0)
        len = 0; /* an index that cannot be read is an empty one */
    for (size_t at = 0; rc == 0 && at < len; at += UNIT_ROWS_RECORD_LEN)
        if (parse(slice_of(records + at, UNIT_ROWS_RECORD_LEN), units_bytes, &row))
            rc = unit_rows_add(r, &row, err);
    free(records);
    return rc;
}

char *unit_rows_name(uint32_t number, const char *what, char *out)
{
    snprintf(out, UNIT_ROWS_NAME_MAX, "%08x.%.5s", number, what);
    return out;
}

/* "0000001f.units" and nothing else. */
static bool is_units(const char *name, uint32_t *ret)
{
    char again[UNIT_ROWS_NAME_MAX];
    uint32_t number = 0;

    for (size_t i = 0; i < 8; i++) {
        const char *digit = name[i] ? strchr("0123456789abcdef", name[i]) : NULL;

        if (!digit)
            return false;
        number = number << 4 | (uint32_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
    }
    *ret = number;
    return text_equal(unit_rows_name(number, "units", again), name);
}

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

int unit_rows_list(int dir_fd, unit_rows_fn fn, void *arg, struct err *err)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d AUTO(close_dir) = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    uint32_t number;
    struct stat st;
    int rc = 0;

    if (!d) {
        rc = err_set(err, -errno, "read the directory of a cache: %m");
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while (rc == 0 && (e = readdir(d)))
        if (is_units(e->d_name, &number) &&
            fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            rc = fn(arg, number, (uint64_t)st.st_size, err);
    return rc;
}
