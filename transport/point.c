/* SPDX-License-Identifier: Apache-2.0 */
/* Restore points as bytes: cutting a volume into directories, encoding, sealing and the inverse. */
#include "transport/point.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/codec.h"
#include "transport/page.h"
#include "transport/pagedir.h"
#include "transport/unittab.h"
#include "transport/vault_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

/* A point with gaps has a format of its own, so that who does not know of them leaves it alone. */
enum { HEADER_LEN = 48, FLAG_ENCRYPTED = 1, FORMAT_GAPS = 2 };
static const char magic[8] = {'G', 'O', 'D', 'W', 'I', 'T', 'P', 'T'};

/* ---- geometry ------------------------------------------------------------ */

#define REGION_BYTES ((uint64_t)PAGE_SECTORS_MAX * PAGE_SECTOR)
#define DIR_BYTES (PAGEDIR_REGIONS_MAX * REGION_BYTES)

/* Parts of part_bytes in [from, size), at most max. */
static uint32_t parts_of(uint64_t size, uint64_t from, uint64_t part_bytes, uint32_t max)
{
    if (from >= size)
        return 0;
    return (uint32_t)num_min(num_div_up(size - from, part_bytes), max);
}

uint32_t point_dirs_of(uint64_t size_bytes)
{
    return parts_of(size_bytes, 0, DIR_BYTES, UINT32_MAX);
}

uint32_t point_regions_of(uint64_t size_bytes, uint32_t dir)
{
    if (dir >= UINT64_MAX / DIR_BYTES)
        return 0;
    return parts_of(size_bytes, dir * DIR_BYTES, REGION_BYTES, PAGEDIR_REGIONS_MAX);
}

uint32_t point_sectors_of(uint64_t size_bytes, uint32_t region)
{
    return parts_of(size_bytes, region * REGION_BYTES, PAGE_SECTOR, PAGE_SECTORS_MAX);
}

int point_set_size(struct point *p, uint64_t size_bytes, struct err *err)
{
    size_t n = point_dirs_of(size_bytes);
    struct point_dir *dirs;

    if (n > POINT_DIRS_MAX)
        return err_set(err, -EFBIG, "a volume of %llu bytes is above 1 PiB",
                       (unsigned long long)size_bytes);
    dirs = calloc(n + 1, sizeof(*dirs));
    if (!dirs)
        return err_set(err, -ENOMEM, "list directory pages: %m");
    for (size_t i = 0; i < n; i++)
        dirs[i].zero = true;
    free(p->dirs);
    p->dirs = dirs;
    p->dirs_n = n;
    p->info.size_bytes = size_bytes;
    return 0;
}

void point_done(struct point *p)
{
    free(p->dirs);
    gaps_done(&p->gaps);
    *p = (struct point){0};
}

char *point_key(const char *name, uint64_t seq, char *out)
{
    int rc =
        text_print(out, POINT_KEY_MAX, "replicas/%s/points/%016llx", name, (unsigned long long)seq);

    assert(rc == 0);
    (void)rc;
    return out;
}

/* ---- encoding ------------------------------------------------------------ */

static int dirs_encode(const struct point *p, struct buf *out, struct err *err)
{
    auto_free struct unit *units = calloc(p->dirs_n + 1, sizeof(*units));
    size_t n = 0;

    if (!units)
        return err_set(err, -ENOMEM, "write a restore point: %m");
    for (size_t i = 0; i < p->dirs_n; i++)
        if (!p->dirs[i].zero)
            units[n++] = p->dirs[i].unit;
    buf_u32le(out, (uint32_t)p->dirs_n);
    buf_u32le(out, (uint32_t)n);
    for (size_t i = 0; i < p->dirs_n; i++)
        buf_u8(out, !p->dirs[i].zero);
    return unittab_encode(units, n, out, err);
}

static uint8_t format_of(const struct point *p)
{
    return p->gaps.n > 0 ? FORMAT_GAPS : VAULT_FORMAT;
}

/*
 * Who wrote it, and what told it what had changed: one text, which whoever knows the first alone
 * shows as it is.
 */
#define TRACKER_WORD "; tracker "
#define ALL_READ_WORD ", all read"

static void writer_join(const struct point *p, char out[static POINT_WRITER_MAX])
{
    if (p->info.tracker[0] &&
        text_print(out, POINT_WRITER_MAX, "%s" TRACKER_WORD "%s%s", p->writer, p->info.tracker,
                   p->info.all_read ? ALL_READ_WORD : "") == 0)
        return;
    (void)text_print(out, POINT_WRITER_MAX, "%.*s", POINT_WRITER_MAX - 1, p->writer);
}

static void writer_split(struct point *p)
{
    char *word = NULL;
    const char *tracker;
    size_t len;

    for (char *at = p->writer; (at = strstr(at, TRACKER_WORD)); at++)
        word = at;
    if (!word)
        return;
    tracker = word + strlen(TRACKER_WORD);
    len = strspn(tracker, "abcdefghijklmnopqrstuvwxyz");
    if (len == 0 || len >= sizeof(p->info.tracker) ||
        (tracker[len] && !text_equal(tracker + len, ALL_READ_WORD)))
        return;
    p->info.all_read = tracker[len] != '\0';
    memcpy(p->info.tracker, tracker, len);
    *word = '\0';
}

static int body_encode(const struct point *p, struct buf *out, struct err *err)
{
    char writer[POINT_WRITER_MAX];
    size_t writer_len;
    int rc;

    writer_join(p, writer);
    writer_len = strlen(writer);
    buf_u64le(out, p->info.seq);
    buf_u64le(out, p->info.epoch);
    buf_u64le(out, p->info.taken_ms);
    buf_u64le(out, p->info.size_bytes);
    buf_u64le(out, p->info.changed_bytes);
    buf_u64le(out, p->info.stored_bytes);
    buf_append(out, p->info.parent, sizeof(p->info.parent));
    buf_append(out, p->info.digest, sizeof(p->info.digest));
    buf_u8(out, (uint8_t)p->info.kind);
    buf_u8(out, (uint8_t)writer_len);
    buf_append(out, writer, writer_len);
    rc = dirs_encode(p, out, err);
    return rc == 0 && p->gaps.n > 0 ? gaps_encode(&p->gaps, out, err) : rc;
}

static void header_encode(const struct vault *v, uint8_t format, const uint8_t *salt,
                          size_t raw_len, struct buf *out)
{
    buf_append(out, magic, sizeof(magic));
    buf_u16le(out, format);
    buf_u8(out, vault_encrypted(v) ? FLAG_ENCRYPTED : 0);
    buf_u8(out, 0);
    buf_u32le(out, (uint32_t)raw_len);
    buf_append(out, salt, SEAL_SALT_LEN);
}

int point_encode(struct vault *v, const char *name, struct point *p, struct buf *out,
                 struct err *err)
{
    auto_buf struct buf body = {0};
    uint8_t salt[SEAL_SALT_LEN];
    char key[POINT_KEY_MAX];
    struct seal_segment seg = {.last = true, .codec = CODEC_RAW, .format = format_of(p)};
    size_t from = out->len;
    uint8_t *at;
    int rc = body_encode(p, &body, err);

    if (rc)
        return rc;
    seg.raw_len = (uint32_t)body.len;
    seg.context = slice_str(point_key(name, p->info.seq, key));
    rng_fill(vault_rng(v), salt, sizeof(salt));
    header_encode(v, seg.format, salt, body.len, out);
    if (buf_reserve(out, body.len + SEAL_TAG_LEN, &at) != 0)
        return buf_failed(out, err);
    rc = seal_rekey(vault_seal(v), SEAL_POINT, salt, err);
    if (!rc)
        rc = seal_shut(vault_seal(v), &seg, buf_slice(&body), at, err);
    if (rc)
        return rc;
    buf_grow(out, body.len + SEAL_TAG_LEN);
    crypto_sha256(slice_of(out->data + from, out->len - from), p->info.hash);
    return 0;
}

/* ---- decoding ------------------------------------------------------------ */

static int damaged(const char *what, struct err *err)
{
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG, "a restore point: %s", what);
}

struct header {
    uint16_t format; /* any from ours on */
    uint32_t raw_len;
    uint8_t salt[SEAL_SALT_LEN];
};

/* The format is set also when what follows it cannot be ours. */
static int header_decode(const struct vault *v, struct slice object, struct header *ret,
                         struct err *err)
{
    struct buf_reader r = buf_reader(object);
    struct slice head = buf_get(&r, sizeof(magic));
    uint16_t format = buf_get_u16le(&r);
    uint8_t flags = buf_get_u8(&r);
    uint8_t zero = buf_get_u8(&r);
    uint32_t raw_len = buf_get_u32le(&r);
    struct slice salt = buf_get(&r, SEAL_SALT_LEN);

    if (r.short_ || memcmp(head.data, magic, sizeof(magic)) != 0)
        return damaged("no header", err);
    ret->format = format;
    if (format < VAULT_FORMAT || zero != 0 || flags != (vault_encrypted(v) ? FLAG_ENCRYPTED : 0) ||
        r.left != (uint64_t)raw_len + SEAL_TAG_LEN)
        return damaged("header and length do not agree", err);
    memcpy(ret->salt, salt.data, SEAL_SALT_LEN);
    ret->raw_len = raw_len;
    return 0;
}

static int numbers_decode(struct buf_reader *r, struct point *p, struct err *err)
{
    struct slice parent;
    struct slice digest;
    struct slice writer;
    uint8_t kind;

    p->info.seq = buf_get_u64le(r);
    p->info.epoch = buf_get_u64le(r);
    p->info.taken_ms = buf_get_u64le(r);
    p->info.size_bytes = buf_get_u64le(r);
    p->info.changed_bytes = buf_get_u64le(r);
    p->info.stored_bytes = buf_get_u64le(r);
    parent = buf_get(r, sizeof(p->info.parent));
    digest = buf_get(r, sizeof(p->info.digest));
    kind = buf_get_u8(r);
    writer = buf_get(r, buf_get_u8(r));
    if (r->short_ || kind > REPLICA_FINAL || writer.len >= POINT_WRITER_MAX ||
        memchr(writer.data, '\0', writer.len))
        return damaged("fields out of bounds", err);
    memcpy(p->info.parent, parent.data, sizeof(p->info.parent));
    memcpy(p->info.digest, digest.data, sizeof(p->info.digest));
    memcpy(p->writer, writer.data, writer.len);
    p->info.kind = (enum replica_kind)kind;
    writer_split(p);
    return 0;
}

static int dirs_decode(struct buf_reader *r, struct point *p, struct err *err)
{
    uint32_t dirs_n = buf_get_u32le(r);
    uint32_t units_n = buf_get_u32le(r);
    struct slice present = buf_get(r, dirs_n);
    auto_free struct unit *units = NULL;
    size_t met = 0;
    int rc;

    if (r->short_ || dirs_n > POINT_DIRS_MAX || dirs_n != point_dirs_of(p->info.size_bytes) ||
        units_n > dirs_n)
        return damaged("directories and size do not agree", err);
    units = calloc((size_t)units_n + 1, sizeof(*units));
    if (!units)
        return err_set(err, -ENOMEM, "read a restore point: %m");
    rc = unittab_decode(r, units_n, UNIT_MAP, units, err);
    if (!rc)
        rc = point_set_size(p, p->info.size_bytes, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < dirs_n; i++) {
        if (present.data[i] > 1 || (present.data[i] && met == units_n))
            return damaged("directories and units do not agree", err);
        p->dirs[i].zero = !present.data[i];
        if (present.data[i])
            p->dirs[i].unit = units[met++];
    }
    return met == units_n ? 0 : damaged("of the wrong length", err);
}

static int gaps_of_body(struct buf_reader *r, struct point *p, struct err *err)
{
    int rc = gaps_decode(r, p->info.size_bytes, &p->gaps, err);

    if (rc == -EBADMSG || (rc == 0 && p->gaps.n == 0))
        return damaged("what could not be read is out of bounds", err);
    p->info.unreadable_bytes = gaps_bytes(&p->gaps);
    p->info.unreadable_n = p->gaps.n;
    return rc;
}

static int body_decode(struct slice body, uint8_t format, uint64_t seq, struct point *p,
                       struct err *err)
{
    static const uint8_t none[32];
    struct buf_reader r = buf_reader(body);
    int rc = numbers_decode(&r, p, err);

    if (rc)
        return rc;
    if (p->info.seq != seq)
        return damaged("of another number", err);
    if ((seq == 1) != (memcmp(p->info.parent, none, sizeof(none)) == 0))
        return damaged("its parent cannot be", err);
    rc = dirs_decode(&r, p, err);
    if (rc == 0 && format == FORMAT_GAPS)
        rc = gaps_of_body(&r, p, err);
    return rc == 0 && r.left > 0 ? damaged("of the wrong length", err) : rc;
}

/* What follows the header, as in one of our formats. */
static int sealed_decode(struct vault *v, const char *key, uint64_t seq, const struct header *h,
                         struct slice sealed, struct point *p, struct err *err)
{
    const struct seal_segment seg = {.last = true,
                                     .codec = CODEC_RAW,
                                     .raw_len = h->raw_len,
                                     .context = slice_str(key),
                                     .format = (uint8_t)h->format};
    uint8_t *body;
    int rc = vault_scratch(v, (size_t)h->raw_len + SEAL_TAG_LEN, &body, err);

    if (!rc)
        rc = seal_rekey(vault_seal(v), SEAL_POINT, h->salt, err);
    if (!rc)
        rc = seal_open(vault_seal(v), &seg, sealed, body, err);
    return rc ? rc : body_decode(slice_of(body, h->raw_len), seg.format, seq, p, err);
}

static int newer(unsigned format, struct err *err)
{
    err_clear(err);
    return err_set_gw(err, GW_VAULT_NEWER, -EPROTO, "a restore point of format %u, or damaged",
                      format);
}

/* A number that is too great, in front of what opens as one of ours, was altered: the seal covers
 * it. */
static int judge_format(struct vault *v, const char *key, uint64_t seq, const struct header *h,
                        struct slice sealed, struct err *err)
{
    for (unsigned format = VAULT_FORMAT; format <= FORMAT_GAPS; format++) {
        auto_point struct point p = {0};
        struct header ours = *h;
        int rc;

        ours.format = (uint16_t)format;
        err_clear(err);
        rc = sealed_decode(v, key, seq, &ours, sealed, &p, err);
        if (rc == 0)
            return damaged("its format number is altered", err);
        if (rc != -EBADMSG)
            return rc;
    }
    return newer(h->format, err);
}

static int object_decode(struct vault *v, const char *key, uint64_t seq, struct slice object,
                         struct point *p, struct err *err)
{
    struct header h = {0};
    struct slice sealed;
    int rc = header_decode(v, object, &h, err);

    if (rc < 0)
        return h.format > FORMAT_GAPS ? newer(h.format, err) : rc;
    sealed = slice_of(object.data + HEADER_LEN, object.len - HEADER_LEN);
    if (h.format > FORMAT_GAPS)
        return judge_format(v, key, seq, &h, sealed, err);
    return sealed_decode(v, key, seq, &h, sealed, p, err);
}

int point_decode(struct vault *v, const char *name, uint64_t seq, struct slice object,
                 struct point *ret, struct err *err)
{
    auto_point struct point p = {0};
    char key[POINT_KEY_MAX];
    int rc = object_decode(v, point_key(name, seq, key), seq, object, &p, err);

    if (rc)
        return err_add(err, rc, "%s", key);
    crypto_sha256(object, p.info.hash);
    *ret = p;
    p.dirs = NULL;
    p.gaps = (struct gaps){0};
    return 0;
}

int point_check_chain(const struct replica_point *parent, const struct replica_point *child,
                      struct err *err)
{
    if (child->seq == parent->seq + 1 && memcmp(child->parent, parent->hash, 32) == 0 &&
        child->epoch >= parent->epoch)
        return 0;
    return err_set_gw(err, GW_VAULT_DAMAGED, -EBADMSG,
                      "restore point %llu is not the successor of %llu",
                      (unsigned long long)child->seq, (unsigned long long)parent->seq);
}
