/* SPDX-License-Identifier: Apache-2.0 */
/* Which file systems lie on volumes, and by which descriptor they can be frozen. */
#include "transport/freeze_impl.h"

#include "base/err.h"
#include "base/text.h"
#include "transport/volume_above.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"

struct search {
    struct freeze *f;
    struct volume_above above;
};

struct freeze_fs *freeze_known(struct freeze *f, dev_t super)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->fs[i].super == super)
            return &f->fs[i];
    return NULL;
}

static int add(struct freeze *f, const struct volume_mount *m, struct freeze_fs **ret,
               struct err *err)
{
    struct freeze_fs *fs = &f->fs[f->n];

    if (f->n == ARRAY_LEN(f->fs))
        return err_set(err, -E2BIG, "more than %zu file systems to freeze", f->n);
    *fs = (struct freeze_fs){.super = m->super, .fd = -1};
    text_print(fs->at, sizeof(fs->at), "%.*s", FREEZE_NAME_MAX - 1, m->at);
    text_print(fs->type, sizeof(fs->type), "%.*s", FREEZE_NAME_MAX - 1, m->type);
    f->n++;
    *ret = fs;
    return 0;
}

/* -1: its name leads elsewhere, because something else is mounted over it. */
static int open_mount(const struct volume_mount *m)
{
    char path[PATH_MAX];
    auto_close int fd = -1;
    struct statx st;
    int mine;

    if (text_print(path, sizeof(path), "%s/root%s", m->proc, m->at) < 0)
        return -1;
    mine = fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
        return -1;
    if ((st.stx_mask & STATX_MNT_ID) && st.stx_mnt_id != m->id)
        return -1;
    fd = -1;
    return mine;
}

/* A file system may be mounted at many places: one that can be opened is enough. */
static int look_at_mount(void *arg, const struct volume_mount *m, struct err *err)
{
    struct search *s = arg;
    struct freeze_fs *fs = freeze_known(s->f, m->super);
    int rc = volume_above_holds(&s->above, m, err);

    if (rc <= 0)
        return rc;
    rc = fs ? 0 : add(s->f, m, &fs, err);
    if (rc == 0 && fs->fd < 0)
        fs->fd = open_mount(m);
    return rc;
}

int freeze_find(struct freeze *f, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < f->volumes_n; i++) {
        struct search s = {.f = f};

        rc = volume_above_find(f->volumes[i], &s.above, err);
        if (rc == 0)
            rc = volume_above_all_mounts(look_at_mount, &s, err);
        volume_above_done(&s.above);
    }
    return rc;
}
