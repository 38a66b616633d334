/* SPDX-License-Identifier: Apache-2.0 */
/* Is a restore point whole, and is a volume equal to it? Every fault is told before the verdict. */
#include "base/gw.h"
#include "base/num.h"
#include "base/worker.h"
#include "transport/given_up.h"
#include "transport/pagedir.h"
#include "transport/verify.h"

#include <inttypes.h>

#include "base/banned.h"

enum { THREADS_MIN = 4, THREADS_MAX = 8 };

static int load(const struct replica_verify_run *run, struct point *ret, struct err *err)
{
    int rc;

    if (run->seq == 0)
        rc = point_head(run->vault, run->name, 0, ret, err);
    else
        rc = point_load(run->vault, run->name, run->seq, ret, err);
    return rc;
}

static int open_against(struct verify *v, struct err *err)
{
    int rc;

    if (!v->run->against)
        return 0;
    rc = volume_open(v->run->against, VOLUME_READ, &v->against, err);
    return rc < 0 ? rc : volume_drop_cache(v->against, err);
}

/* A smaller volume was compared as far as it goes. */
static void tell_tail(struct verify *v)
{
    uint64_t size = v->against ? volume_size(v->against) : v->size_bytes;

    if (size < v->size_bytes)
        verify_tell(v, &(struct replica_fault){
                           .offset = size, .len = v->size_bytes - size, .what = "missing"});
}

static size_t threads_of(const struct verify *v)
{
    size_t cores = v->run->workers ? v->run->workers : workers_cores();

    return num_min(num_max(cores, THREADS_MIN), THREADS_MAX);
}

static int note_dirs(struct verify *v, const struct point *p, struct err *err)
{
    const uint64_t reach = (uint64_t)VOLUME_REGION * PAGEDIR_REGIONS_MAX;
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < p->dirs_n; i++)
        if (!p->dirs[i].zero)
            rc = verify_note_pack(v, &p->dirs[i].unit, i * reach,
                                  num_min(reach, v->size_bytes - i * reach), err);
    return rc;
}

static int walk(struct verify *v, const struct point *p, struct err *err)
{
    struct walk w = {.vault = v->run->vault,
                     .point = p,
                     .batch = 1,
                     .threads = threads_of(v),
                     .stop = v->run->stop,
                     .arg = v,
                     .open = verify_open,
                     .batch_fn = verify_batch,
                     .close = verify_close,
                     .bad_dir = verify_bad_dir};

    if (v->run->progress)
        v->run->progress->total_bytes = v->size_bytes;
    return walk_run(&w, err);
}

static void check_digest(struct verify *v, const struct point *p)
{
    char key[POINT_KEY_MAX];
    uint8_t digest[DIGEST_LEN];

    if (v->sampled || v->damaged > 0)
        return;
    digest_root(&v->digest, digest);
    digest_volume(v->size_bytes, digest, digest);
    if (memcmp(digest, p->info.digest, sizeof(digest)) != 0)
        verify_tell(v, &(struct replica_fault){.object = point_key(v->run->name, p->info.seq, key),
                                               .len = v->size_bytes,
                                               .what = "altered"});
}

static int verdict(const struct verify *v, const struct point *p, struct err *err)
{
    int rc = 0;

    if (v->damaged > 0)
        rc = given_up_say(v->run->vault, v->run->name, p->info.seq,
                          "and what it needs is gone or going", err);
    if (rc < 0)
        return rc;
    if (v->damaged > 0)
        return err_set_gw(
            err, GW_VAULT_DAMAGED, -EBADMSG,
            "point %" PRIu64 " of '%s': %" PRIu64 " %s missing or altered in the vault",
            p->info.seq, v->run->name, v->damaged, v->damaged == 1 ? "place is" : "places are");
    if (v->differs > 0)
        return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG,
                          "'%s' differs from point %" PRIu64 " of '%s' in %" PRIu64 " place%s",
                          v->run->against, p->info.seq, v->run->name, v->differs,
                          v->differs == 1 ? "" : "s");
    if (v->unread > 0)
        return err_set_gw(err, GW_PARTLY_UNREADABLE, -EIO,
                          "'%s' cannot be read at %" PRIu64 " place%s; elsewhere it is as point "
                          "%" PRIu64 " of '%s' has it",
                          v->run->against, v->unread, v->unread == 1 ? "" : "s", p->info.seq,
                          v->run->name);
    return 0;
}

static int verify(struct verify *v, struct point *p, struct err *err)
{
    int rc = load(v->run, p, err);

    if (rc < 0)
        return rc;
    v->size_bytes = p->info.size_bytes;
    v->sampled = v->run->sample > 0 && v->run->sample < 1;
    rc = verify_packs_open(v, err);
    if (rc == 0)
        rc = open_against(v, err);
    if (rc == 0)
        rc = walk(v, p, err);
    if (rc == 0)
        rc = note_dirs(v, p, err);
    if (rc < 0)
        return rc;
    tell_tail(v);
    check_digest(v, p);
    rc = verify_packs(v, threads_of(v), err);
    return rc < 0 ? rc : verdict(v, p, err);
}

int replica_verify(const struct replica_verify_run *run, struct replica_point *ret, struct err *err)
{
    struct verify v = {.run = run};
    auto_point struct point p = {0};
    int rc;

    if (!vault_is_replica_name(run->name))
        return err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%s' is no name of a replica", run->name);
    pthread_mutex_init(&v.lock, NULL);
    pthread_cond_init(&v.moved, NULL);
    rc = verify(&v, &p, err);
    volume_close(v.against);
    verify_packs_close(&v);
    pthread_cond_destroy(&v.moved);
    pthread_mutex_destroy(&v.lock);
    if (p.info.seq > 0)
        *ret = p.info; /* also when it failed: whoever reports wants to name it */
    return rc;
}
