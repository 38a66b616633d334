/* SPDX-License-Identifier: Apache-2.0 */
/* The order of freezing and thawing. What is between the two allocates nothing and makes no text.
 */
#include "transport/freeze_impl.h"

#include "base/err.h"
#include "base/gw.h"
#include "transport/volume.h"
#include "transport/volume_claims.h"

#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/banned.h"

enum { WATCH_FACTOR = 2 };

static uint64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int freeze_new(const char *const *volumes, size_t n, struct freeze **ret, struct err *err)
{
    auto_freeze struct freeze *f = NULL;
    int rc;

    if (geteuid() != 0)
        return err_set_gw(err, GW_DENIED, -EPERM, "only root can freeze file systems");
    f = calloc(1, sizeof(*f));
    if (!f)
        return err_set(err, -ENOMEM, "freeze: %m");
    f->old_policy = -1;
    f->volumes = volumes;
    f->volumes_n = n;
    rc = freeze_find(f, err);
    if (rc < 0)
        return rc;
    *ret = TAKE(f);
    return 0;
}

static void close_all(struct freeze *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->fs[i].fd >= 0)
            close(f->fs[i].fd);
    f->failed = NULL;
    f->n = 0;
}

int freeze_look(struct freeze *f, struct err *err)
{
    close_all(f);
    return freeze_find(f, err);
}

static void thaw_all(struct freeze *f)
{
    for (size_t i = 0; i < f->n; i++) {
        if (f->fs[i].frozen && ioctl(f->fs[i].fd, FITHAW, 0) < 0)
            f->failed = &f->fs[i];
        f->fs[i].frozen = false;
    }
    f->pause_us = now_us() - f->begun_us;
}

void freeze_free(struct freeze *f)
{
    if (!f)
        return;
    thaw_all(f);
    freeze_watch_end(&f->watch);
    close_all(f);
    free(f);
}

/* Nothing is mounted from a volume that is gone. */
static int undo(const char *const *volume, struct err *err)
{
    auto_freeze struct freeze *f = NULL;
    int rc = freeze_new(volume, 1, &f, err);

    if (rc == -ENOENT) {
        err_clear(err);
        return 0;
    }
    for (size_t i = 0; rc == 0 && i < f->n; i++)
        while (f->fs[i].fd >= 0 && ioctl(f->fs[i].fd, FITHAW, 0) == 0)
            ;
    return rc;
}

int freeze_undo(const char *const *volumes, size_t n, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        struct err why = {0};
        int mine = undo(&volumes[i], &why);

        if (mine < 0 && rc == 0 && err)
            *err = why;
        rc = rc < 0 ? rc : mine;
    }
    return rc;
}

size_t freeze_count(const struct freeze *f)
{
    return f->n;
}

static int check_raw(const char *volume, struct err *err)
{
    char name[FREEZE_NAME_MAX] = "";
    unsigned n = 0;
    int rc = volume_raw_writers(volume, name, sizeof(name), &n, err);

    if (rc == 0 && n > 0)
        return err_set_gw(err, GW_NOT_CONSISTENT, -EBUSY,
                          "%s has '%s' open for writing, which no freeze of a file system stops",
                          name, volume);
    return rc;
}

/* By what is mounted no more, or never was: freezing what is mounted does not stop it. */
static int check_claims(const char *volume, struct err *err)
{
    char name[FREEZE_NAME_MAX] = "";
    int rc = volume_claims_unknown(volume, name, sizeof(name), err);

    if (rc > 0)
        return err_set_gw(err, GW_NOT_CONSISTENT, -EBUSY,
                          "'%s' is in use, and not by a mounted file system that could be frozen",
                          name);
    return rc;
}

static int check_new(struct freeze *f, struct err *err)
{
    auto_freeze struct freeze *now = NULL;
    int rc = freeze_new(f->volumes, f->volumes_n, &now, err);

    for (size_t i = 0; rc == 0 && i < now->n; i++)
        if (!freeze_known(f, now->fs[i].super))
            return err_set_gw(err, GW_NOT_CONSISTENT, -EAGAIN,
                              "the %s at '%s' was mounted meanwhile", now->fs[i].type,
                              now->fs[i].at);
    return rc;
}

int freeze_check(struct freeze *f, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < f->n; i++)
        if (f->fs[i].fd < 0)
            return err_set_gw(err, GW_NOT_CONSISTENT, -EBUSY,
                              "the %s at '%s' cannot be reached to be frozen", f->fs[i].type,
                              f->fs[i].at);
    for (size_t i = 0; rc == 0 && i < f->volumes_n; i++)
        rc = check_raw(f->volumes[i], err);
    for (size_t i = 0; rc == 0 && i < f->volumes_n; i++)
        rc = check_claims(f->volumes[i], err);
    return rc < 0 ? rc : check_new(f, err);
}

int freeze_flush(struct freeze *f, struct err *err)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->fs[i].fd >= 0 && syncfs(f->fs[i].fd) < 0)
            return err_set_gw(err, GW_IO, -errno, "write out '%s': %m", f->fs[i].at);
    return 0;
}

/* Everybody waits for this thread from now on: it waits for nobody else's turn. Without the right
 * to do so it takes a little longer. */
static void raise_priority(struct freeze *f)
{
    struct sched_param first = {.sched_priority = 1};

    f->old_policy = sched_getscheduler(0);
    if (f->old_policy < 0 || sched_getparam(0, &f->old_param) < 0 ||
        sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) < 0)
        f->old_policy = -1;
}

static void lower_priority(struct freeze *f)
{
    if (f->old_policy >= 0)
        (void)sched_setscheduler(0, f->old_policy, &f->old_param);
    f->old_policy = -1;
}

int freeze_arm(struct freeze *f, uint64_t budget_ms, struct err *err)
{
    int fds[FREEZE_WATCH_MAX];

    f->failed = NULL;
    f->pause_us = 0;
    f->budget_us = budget_ms * 1000;
    f->begun_us = now_us();
    if (f->n == 0)
        return 0;
    for (size_t i = 0; i < f->n; i++)
        fds[i] = f->fs[i].fd;
    return freeze_watch_start(fds, f->n, budget_ms * WATCH_FACTOR, &f->watch, err);
}

int freeze_begin(struct freeze *f)
{
    raise_priority(f);
    f->begun_us = now_us();
    /* The newest mount first: it may lie in an image on one that is older. */
    for (size_t i = f->n; i-- > 0;) {
        if (ioctl(f->fs[i].fd, FIFREEZE, 0) < 0) {
            int rc = -errno;

            thaw_all(f);
            lower_priority(f);
            f->failed = &f->fs[i];
            freeze_watch_end(&f->watch);
            return rc;
        }
        f->fs[i].frozen = true;
    }
    return 0;
}

bool freeze_over(const struct freeze *f)
{
    return now_us() - f->begun_us >= f->budget_us;
}

int freeze_end(struct freeze *f)
{
    thaw_all(f);
    lower_priority(f);
    freeze_watch_end(&f->watch);
    return f->failed ? -ETIME : 0;
}

int freeze_why(const struct freeze *f, int rc, struct err *err)
{
    const char *at = f->failed ? f->failed->at : "";

    if (rc == -ETIME)
        return err_set_gw(err, GW_NOT_CONSISTENT, rc, "'%s' was thawed after %" PRIu64 " ms", at,
                          f->budget_us * WATCH_FACTOR / 1000);
    if (rc == -EBUSY)
        return err_set_gw(err, GW_NOT_CONSISTENT, rc, "'%s' is frozen by somebody else", at);
    if (rc == -EOPNOTSUPP)
        return err_set_gw(err, GW_NOT_CONSISTENT, rc, "the %s at '%s' cannot be frozen",
                          f->failed ? f->failed->type : "file system", at);
    return err_set(err, rc, "freeze '%s': %m", at);
}

uint64_t freeze_pause_us(const struct freeze *f)
{
    return f->pause_us;
}
