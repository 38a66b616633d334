/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges that are no whole blocks, for volumes that only move such: through a buffer, and where a
 * part of a block is written, by reading and changing the whole. */
#include "transport/volume_impl.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/num.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { BOUNCE_BYTES = 256 * 1024 };

_Static_assert((int)BOUNCE_BYTES >= (int)VOLUME_BOUNCE_GRAIN_MAX, "a block fits");

/* Whole blocks around the beginning of [offset, offset + len), within the volume and the buffer. A
 * volume may end before its last block does. */
struct window {
    uint64_t start;
    size_t len;
    size_t skip; /* from start to offset */
    size_t take; /* bytes of the caller's in it */
};

static struct window window_at(const struct volume *v, uint64_t grain, uint64_t offset, size_t len)
{
    struct window w = {.start = offset - offset % grain};
    uint64_t end = num_min(offset + len, w.start + BOUNCE_BYTES);

    w.len = (size_t)(num_min(num_div_up(end, grain) * grain, v->size_bytes) - w.start);
    w.skip = (size_t)(offset - w.start);
    w.take = (size_t)(end - offset);
    return w;
}

static int make_buffer(const struct volume *v, uint8_t **ret, struct err *err)
{
    *ret = aligned_alloc(VOLUME_SECTOR, BOUNCE_BYTES);
    return *ret ? 0 : err_set(err, -ENOMEM, "volume '%s': %m", v->path);
}

int volume_bounce_read(struct volume *v, const struct volume_bounce *b, uint64_t offset, void *data,
                       size_t len, struct err *err)
{
    auto_free uint8_t *buffer = NULL;
    uint8_t *out = data;
    int rc = make_buffer(v, &buffer, err);

    while (rc == 0 && len > 0) {
        struct window w = window_at(v, b->grain, offset, len);

        rc = b->read(v, w.start, buffer, w.len, err);
        if (rc < 0)
            return rc;
        memcpy(out, buffer + w.skip, w.take);
        out += w.take;
        offset += w.take;
        len -= w.take;
    }
    return rc;
}

/* The lock keeps two writers of one block apart; whole blocks need none. */
static int write_window(struct volume *v, const struct volume_bounce *b, const struct window *w,
                        uint8_t *buffer, const uint8_t *data, struct err *err)
{
    bool partial = w->skip > 0 || w->take < w->len;
    int rc = 0;

    if (partial) {
        pthread_mutex_lock(&v->partial_lock);
        rc = b->read(v, w->start, buffer, w->len, err);
    }
    if (rc == 0) {
        memcpy(buffer + w->skip, data, w->take);
        rc = b->write(v, w->start, buffer, w->len, err);
    }
    if (partial)
        pthread_mutex_unlock(&v->partial_lock);
    return rc;
}

int volume_bounce_write(struct volume *v, const struct volume_bounce *b, uint64_t offset,
                        const void *data, size_t len, struct err *err)
{
    auto_free uint8_t *buffer = NULL;
    const uint8_t *in = data;
    int rc = make_buffer(v, &buffer, err);

    while (rc == 0 && len > 0) {
        struct window w = window_at(v, b->grain, offset, len);

        rc = write_window(v, b, &w, buffer, in, err);
        in += w.take;
        offset += w.take;
        len -= w.take;
    }
    return rc;
}
