/* SPDX-License-Identifier: Apache-2.0 */
/* All workloads of this host: found in STATE at the start, added as assignments and orders name
 * them. */
#include "agent/workload.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/log.h"
#include "base/text.h"

#include <dirent.h>

#include "base/banned.h"

enum { FLEET_MAX = 256 };

struct fleet {
    struct agent *agent;
    pthread_mutex_t lock;
    struct workload *first; /* guarded by lock; only ever grows */
    size_t n;               /* guarded by lock */
    bool started;           /* guarded by lock */
};

/* The lock is held, or there is one thread yet. */
static int fleet_add(struct fleet *f, const char *name, struct workload **ret, struct err *err)
{
    struct workload *w = NULL;
    int r;

    if (!text_is_name(name))
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "not a workload's name");
    if (f->n >= FLEET_MAX)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "more than %d workloads", FLEET_MAX);
    r = workload_new(f->agent, name, &w, err);
    if (r < 0)
        return r;
    if (f->started)
        r = workload_start(w, err);
    if (r < 0) {
        workload_free(w);
        return r;
    }
    w->next = f->first;
    f->first = w;
    f->n++;
    *ret = w;
    return 0;
}

static int load_all(struct fleet *f, const char *dir, struct err *err)
{
    DIR *d = opendir(dir);
    struct workload *w;
    int r = 0;

    if (!d)
        return err_set(err, -errno, "read '%s': %m", dir);
    for (struct dirent *e = readdir(d); e && r == 0; e = readdir(d)) {
        if (text_is_name(e->d_name))
            r = fleet_add(f, e->d_name, &w, err);
    }
    closedir(d);
    return r;
}

int fleet_new(struct agent *agent, struct fleet **ret, struct err *err)
{
    struct fleet *f = calloc(1, sizeof(*f));
    char dir[PATH_MAX];
    int r;

    if (!f)
        return err_set(err, -ENOMEM, "workloads: %m");
    f->agent = agent;
    pthread_mutex_init(&f->lock, NULL);
    r = text_print(dir, sizeof(dir), "%s/workloads", agent->state_dir);
    if (r == 0)
        r = fd_mkdirs(dir, 0700, err);
    if (r == 0)
        r = load_all(f, dir, err);
    if (r < 0) {
        fleet_free(f);
        return r;
    }
    *ret = f;
    return 0;
}

static struct workload *first_of(struct fleet *f)
{
    struct workload *w;

    pthread_mutex_lock(&f->lock);
    w = f->first;
    pthread_mutex_unlock(&f->lock);
    return w;
}

void fleet_each(struct fleet *f, fleet_fn fn, void *arg)
{
    /* New ones are put in front, and none ever leaves: next needs no lock. */
    for (struct workload *w = first_of(f); w; w = w->next)
        fn(arg, w);
}

static void stop_one(void *arg, struct workload *w)
{
    (void)arg;
    workload_stop(w);
}

void fleet_stop(struct fleet *f)
{
    fleet_each(f, stop_one, NULL);
}

void fleet_free(struct fleet *f)
{
    if (!f)
        return;
    fleet_stop(f);
    /* All have ended before the first is gone: they look at each other's claims. */
    for (struct workload *w = f->first; w; w = w->next)
        workload_join(w);
    while (f->first) {
        struct workload *w = f->first;

        f->first = w->next;
        workload_free(w);
    }
    pthread_mutex_destroy(&f->lock);
    free(f);
}

int fleet_start(struct fleet *f, struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&f->lock);
    f->started = true;
    for (struct workload *w = f->first; w && r == 0; w = w->next)
        r = workload_start(w, err);
    pthread_mutex_unlock(&f->lock);
    return r;
}

int fleet_get(struct fleet *f, const char *name, struct workload **ret, struct err *err)
{
    int r = 0;

    pthread_mutex_lock(&f->lock);
    for (struct workload *w = f->first; w; w = w->next) {
        if (!text_equal(w->name, name))
            continue;
        *ret = w;
        goto out;
    }
    r = fleet_add(f, name, ret, err);
out:
    pthread_mutex_unlock(&f->lock);
    return r;
}

/* -- claims ---------------------------------------------------------------- */

/* How many claims of w count. */
static size_t claims_of(struct workload *w)
{
    size_t n;

    pthread_mutex_lock(&w->lock);
    n = w->unassigned ? 0 : w->status_n;
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* The lock is held. */
static int compare_claims(struct workload *other, const struct workload *w, size_t i,
                          const struct claim *c, struct err *err)
{
    const size_t n = claims_of(other);

    for (size_t k = 0; k < n; k++)
        if ((other != w || k != i) && claim_same(&other->claims[k], c))
            return err_set_gw(err, GW_VOLUME_SHARED, -EEXIST,
                              "'%s' is the same file or device as volume '%s' of workload '%s'",
                              w->assignment->volumes[i].device, other->status[k].volume,
                              other->name);
    return 0;
}

int fleet_claim(struct fleet *f, struct workload *w, size_t i, struct err *err)
{
    struct claim c;
    int r = 0;

    claim_look(w->assignment->volumes[i].device, &c);
    pthread_mutex_lock(&f->lock);
    w->claims[i] = (struct claim){0};
    for (struct workload *other = f->first; r == 0 && other; other = other->next)
        r = compare_claims(other, w, i, &c, err);
    if (r == 0)
        w->claims[i] = c;
    pthread_mutex_unlock(&f->lock);
    return r;
}

void fleet_claim_all(struct fleet *f, struct workload *w)
{
    const struct assignment *a = w->assignment;

    for (size_t i = 0; a->role != OWNERSHIP_IDLE && i < a->volumes_n; i++)
        (void)fleet_claim(f, w, i, NULL);
}
