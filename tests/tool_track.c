/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass of a change tracker against the truth: copies what it tells from a device into an image,
 * which is a replica, and commits. With "equal" the device must not be written meanwhile, and the
 * image must then be equal to it, byte by byte.
 *   tool_track KIND DEVICE STATE_DIR IMAGE copy|equal|die|take
 *   tool_track sweep        as an agent does when it starts
 * Prints: why everything was read (or -), bytes that were told. die: ends between take and commit.
 * take: likewise, before anything is copied.
 */
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/snapshot.h"
#include "transport/track.h"
#include "transport/volume.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

enum { PIECE = 1 << 20, FAILED = 1, USAGE = 2, NOT_HERE = 77 };

struct copy {
    struct volume *volume;
    int image;
    uint8_t *data;
    uint8_t *other;
    uint64_t told;
};

static int copy_range(struct copy *c, struct track_range r, struct err *err)
{
    uint64_t end = r.offset + r.len;
    int rc = 0;

    for (uint64_t at = r.offset; rc == 0 && at < end; at += PIECE) {
        size_t len = (size_t)num_min(PIECE, end - at);

        rc = volume_read(c->volume, at, c->data, len, err);
        if (rc == 0)
            rc = fd_pwrite_full(c->image, c->data, len, at, err);
    }
    c->told += r.len;
    return rc;
}

static int copy_all(struct copy *c, struct track *t, struct err *err)
{
    struct track_range r;
    int rc;

    while ((rc = track_next(t, &r, err)) == 1) {
        rc = copy_range(c, r, err);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* It differs: did the tracker see why, after this pass had committed? Then somebody wrote while
 * nobody should; else a change was missed. */
static int accuse(struct copy *c, struct track *t, uint64_t at, struct err *err)
{
    struct track_range r;
    int rc = track_freeze(t, err);

    if (rc < 0)
        return rc;
    while ((rc = track_next(t, &r, err)) == 1)
        if (at >= r.offset && at < r.offset + r.len)
            return err_set(err, -EBUSY, "written during the comparison: a change at %" PRIu64, at);
    if (rc == 0)
        rc = volume_read(c->volume, at, c->data, 512, err);
    if (rc == 0)
        rc = fd_pread_full(c->image, c->other, 512, at, err);
    if (rc < 0)
        return rc;
    return err_set(err, -EBADMSG, "MISSED: a change at %" PRIu64 "; read once more, it is %s", at,
                   memcmp(c->data, c->other, 512) == 0 ? "not there" : "still there");
}

/* What differs, and did not have to, was missed. */
static int compare(struct copy *c, struct track *t, struct err *err)
{
    uint64_t size = volume_size(c->volume);
    int rc = 0;

    for (uint64_t at = 0; rc == 0 && at < size; at += PIECE) {
        size_t len = (size_t)num_min(PIECE, size - at);

        rc = volume_read(c->volume, at, c->data, len, err);
        if (rc == 0)
            rc = fd_pread_full(c->image, c->other, len, at, err);
        for (size_t i = 0; rc == 0 && i < len; i += 512)
            if (memcmp(c->data + i, c->other + i, num_min(512, len - i)) != 0)
                return accuse(c, t, at + i, err);
    }
    return rc;
}

static int pass(char **argv, struct copy *c, struct err *err)
{
    auto_track struct track *t = NULL;
    int rc = track_open(argv[1], c->volume, argv[3], &t, err);

    if (rc == 0)
        rc = track_freeze(t, err);
    if (rc == 0 && text_equal(argv[5], "take"))
        _exit(0);
    if (rc == 0)
        rc = copy_all(c, t, err);
    if (rc == 0 && text_equal(argv[5], "die"))
        _exit(0);
    if (rc < 0)
        return rc;
    printf("%" PRIu64 " %s\n", c->told, track_rescan(t)[0] ? track_rescan(t) : "-");
    rc = track_commit(t, err);
    return rc == 0 && text_equal(argv[5], "equal") ? compare(c, t, err) : rc;
}

int main(int argc, char **argv)
{
    auto_volume struct volume *v = NULL;
    auto_close int image = -1;
    auto_free uint8_t *data = aligned_alloc(VOLUME_SECTOR, 2UL * PIECE);
    struct err err = {0};
    struct copy c;
    int rc;

    if (argc == 2 && text_equal(argv[1], "sweep")) {
        track_sweep();
        snapshot_sweep();
        return 0;
    }
    if (argc != 6 || !data)
        return USAGE;
    image = open(argv[4], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    rc = volume_open(argv[2], VOLUME_READ, &v, &err);
    if (rc == 0 && (image < 0 || ftruncate(image, (off_t)volume_size(v)) < 0))
        rc = err_set(&err, -errno, "open '%s': %m", argv[4]);
    c = (struct copy){.volume = v, .image = image, .data = data, .other = data + PIECE};
    if (rc == 0)
        rc = pass(argv, &c, &err);
    if (rc == 0)
        return 0;
    fprintf(stderr, "tool_track: %s\n", err.text);
    return rc == -EOPNOTSUPP ? NOT_HERE : FAILED;
}
