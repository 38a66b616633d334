/* SPDX-License-Identifier: Apache-2.0 */
/* The sample volume: a real file system with real files, made without root and without mounting. */
#include "cli/demo.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/tree.h"

#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { FILE_MAX = 2 << 20, FILES_MAX = 3000, FILES_A_DIR = 200, FILL = 0xa5 };

/* What every machine has, each with the share of the volume that it may fill. */
static const struct {
    const char *path;
    uint64_t until_bytes;
} sources[] = {
    {"/usr/bin", DEMO_FILES_BYTES / 2},
    {"/usr/share/doc", DEMO_FILES_BYTES / 2 + DEMO_FILES_BYTES / 8},
    {"/usr/share", DEMO_FILES_BYTES},
};

struct staging {
    char dir[PATH_MAX];
    uint64_t bytes;
    unsigned files;
};

/* -- real files ----------------------------------------------------------------- */

static int write_file(const char *path, struct slice body, struct err *err)
{
    auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_set(err, -errno, "create '%s': %m", path);
    return fd_write_full(fd, body.data, body.len, err);
}

static int copy_file(struct staging *s, const FTSENT *e, struct err *err)
{
    auto_buf struct buf body = {.max = FILE_MAX + 1};
    char path[PATH_MAX];
    int r;

    /* One that cannot be read, or grew, is simply not among them. */
    if (fd_load(e->fts_accpath, FILE_MAX, &body, NULL) < 0)
        return 0;
    r = text_print(path, sizeof(path), "%s/%02u", s->dir, s->files / FILES_A_DIR);
    if (r == 0 && s->files % FILES_A_DIR == 0)
        r = fd_mkdirs(path, 0700, err);
    if (r == 0)
        r = text_print(path, sizeof(path), "%s/%02u/%04u-%s", s->dir, s->files / FILES_A_DIR,
                       s->files, e->fts_name);
    if (r == 0)
        r = write_file(path, buf_slice(&body), err);
    if (r < 0)
        return r;
    s->files++;
    s->bytes += body.len;
    return 0;
}

static int copy_from(struct staging *s, const char *dir, uint64_t until_bytes, struct err *err)
{
    auto_free char *own = strdup(dir); /* fts wants it writable */
    char *dirs[] = {own, NULL};
    FTS *walk = own ? fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    FTSENT *e;
    int r = 0;

    if (!walk)
        return err_set(err, -errno, "read '%s': %m", dir);
    while (r == 0 && s->bytes < until_bytes && s->files < FILES_MAX && (e = fts_read(walk))) {
        if (e->fts_info == FTS_F && e->fts_statp->st_size > 0 && e->fts_statp->st_size <= FILE_MAX)
            r = copy_file(s, e, err);
    }
    fts_close(walk);
    return r;
}

/* -- the ledger's file ------------------------------------------------------------- */

/* Bytes that are not zero, so that every block is a block of the file system's. */
static int write_ledger(const struct staging *s, struct err *err)
{
    auto_buf struct buf body = {.max = DEMO_LEDGER_BYTES};
    char path[PATH_MAX];
    uint8_t *at;
    int r = buf_reserve(&body, DEMO_LEDGER_BYTES, &at);

    if (r < 0)
        return buf_failed(&body, err);
    memset(at, FILL, DEMO_LEDGER_BYTES);
    buf_grow(&body, DEMO_LEDGER_BYTES);
    r = text_print(path, sizeof(path), "%s/ledger.dat", s->dir);
    return r < 0 ? r : write_file(path, buf_slice(&body), err);
}

/* Where its blocks lie in the image. */
static int write_map(struct demo *d, const char *image, struct err *err)
{
    const char *argv[] = {d->debugfs, "-R", "blocks /ledger.dat", image, NULL};
    auto_buf struct buf out = {.max = 1 << 20};
    auto_vec char **words = NULL;
    const char *text;
    char path[PATH_MAX];
    int r = demo_proc_tool(argv, NULL, &out, err);

    if (r < 0)
        return r;
    /* Its first line is the version. */
    text = buf_cstr(&out);
    text = text && text_starts(text, "debugfs ") ? strchrnul(text, '\n') : text;
    r = text_split(text ? text : "", " \n", &words, err);
    if (r == 0 && text_vec_len(words) != DEMO_LEDGER_BYTES / DEMO_LEDGER_BLOCK)
        r = err_set(err, -EIO, "debugfs names %zu blocks of the ledger instead of %d",
                    text_vec_len(words), DEMO_LEDGER_BYTES / DEMO_LEDGER_BLOCK);
    if (r == 0)
        r = demo_place_data(d, "ledger.map", path, err);
    return r < 0 ? r : fd_save(path, slice_str(text), 0600, err);
}

/* -- images ------------------------------------------------------------------------ */

static int make_image(const char *path, struct err *err)
{
    auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0 || ftruncate(fd, DEMO_VOLUME_BYTES) < 0)
        return err_set(err, -errno, "create '%s': %m", path);
    return 0;
}

static int fill_staging(struct demo *d, struct staging *s, struct err *err)
{
    int r = demo_place_data(d, "staging", s->dir, err);

    if (r == 0)
        r = fd_mkdirs(s->dir, 0700, err);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(sources); i++)
        r = copy_from(s, sources[i].path, sources[i].until_bytes, err);
    if (r == 0)
        r = write_ledger(s, err);
    d->files = s->files;
    return r;
}

int demo_volume_make(struct demo *d, struct err *err)
{
    struct staging s = {0};
    char source[PATH_MAX], target[PATH_MAX];
    const char *argv[] = {d->mke2fs, "-q", "-F",  "-b",   "4096", "-t",
                          "ext4",    "-d", s.dir, source, NULL};
    int r = demo_place_data(d, "source.img", source, err);

    if (r == 0)
        r = demo_place_data(d, "target.img", target, err);
    if (r == 0)
        r = fill_staging(d, &s, err);
    if (r == 0)
        r = make_image(source, err);
    if (r == 0)
        r = make_image(target, err);
    if (r == 0)
        r = demo_proc_tool(argv, NULL, NULL, err);
    if (r == 0)
        r = write_map(d, source, err);
    if (r == 0)
        r = tree_remove(s.dir, err);
    return r < 0 ? err_add(err, r, "the sample volume") : 0;
}
