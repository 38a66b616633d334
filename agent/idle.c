/* SPDX-License-Identifier: Apache-2.0 */
/* Stamps of volumes from stat(2) and /sys/dev/block. */
#include "agent/idle.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

enum { STAT_MAX = 4096, FIELD_WRITTEN = 6, FIELD_DISCARDED = 13 };

static void stamp_image(const struct stat *st, char out[static IDLE_STAMP_MAX])
{
    /* Change time, not modification time: nobody can set it back. */
    text_print(out, IDLE_STAMP_MAX, "image %" PRIu64 " %" PRIu64 " %" PRIi64 " %" PRIi64 ".%09ld",
               (uint64_t)st->st_dev, (uint64_t)st->st_ino, (int64_t)st->st_size,
               (int64_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static int load(const struct stat *st, const char *file, struct buf *out)
{
    char path[PATH_MAX];

    text_print(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(st->st_rdev),
               minor(st->st_rdev), file);
    return fd_load_proc(path, STAT_MAX, out, NULL);
}

/* Which medium, and where: the counters below stay as they are when a device is resized, loses what
 * is behind it, or gets something else. Disks have no start, partitions their disk's diskseq. */
static int load_place(const struct stat *st, struct buf *out)
{
    static const char *const files[] = {"size", "start", "diskseq", "../diskseq"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (load(st, files[i], out) < 0)
            buf_str(out, "-\n");
    return buf_failed(out, NULL);
}

/* Some devices (LVM, md: bios without requests, in older kernels) count a write when it begins:
 * until it ends nobody knows what a pass has read. Looked at after the counts, not before. */
static int load_counts(const struct stat *st, struct buf *out)
{
    int rc = load(st, "stat", out);

    if (rc == 0 && load(st, "inflight", out) < 0)
        buf_str(out, "- -\n");
    return rc < 0 ? rc : buf_failed(out, NULL);
}

static void stamp_device(const struct stat *st, char out[static IDLE_STAMP_MAX])
{
    auto_buf struct buf text = {0};
    auto_vec char **fields = NULL;
    enum { PLACE = 4, WRITTEN = PLACE + FIELD_WRITTEN, DISCARDED = PLACE + FIELD_DISCARDED };
    enum { UNDER_WAY = 2 /* reads, writes */ };
    size_t n;

    if (load_place(st, &text) < 0 || load_counts(st, &text) < 0 ||
        text_split(buf_cstr(&text), " \n", &fields, NULL) < 0 ||
        text_vec_len(fields) <= WRITTEN + UNDER_WAY)
        return;
    n = text_vec_len(fields);
    text_print(out, IDLE_STAMP_MAX, "device %u:%u %.20s %.20s %.20s %.20s %.20s %.20s %.20s",
               major(st->st_rdev), minor(st->st_rdev), fields[0], fields[1], fields[2], fields[3],
               fields[WRITTEN], n - UNDER_WAY > DISCARDED ? fields[DISCARDED] : "-", fields[n - 1]);
}

void idle_stamp(const char *path, char out[static IDLE_STAMP_MAX])
{
    struct stat st;

    out[0] = '\0';
    if (stat(path, &st) < 0)
        return;
    if (S_ISREG(st.st_mode))
        stamp_image(&st, out);
    else if (S_ISBLK(st.st_mode))
        stamp_device(&st, out);
}

void idle_begin(struct idle *i, const char *path, uint64_t mono_ms)
{
    idle_stamp(path, i->stamp);
    i->pass_mono_ms = mono_ms;
}

void idle_forget(struct idle *i)
{
    *i = (struct idle){0};
}

bool idle_is_quiet(const struct idle *i, const char *path, uint64_t mono_ms)
{
    char now[IDLE_STAMP_MAX];

    if (i->pass_mono_ms == 0 || mono_ms - i->pass_mono_ms > IDLE_TRUST_MS)
        return false;
    idle_stamp(path, now);
    return now[0] != '\0' && text_equal(now, i->stamp);
}
