/* SPDX-License-Identifier: Apache-2.0 */
/* Whole packs, each once: what no unit covers (headers, indexes, bytes too many) is read, too. */
#include "transport/verify.h"

#include "base/err.h"
#include "base/num.h"
#include "base/worker.h"

#include <stdatomic.h>

#include "base/banned.h"

/* A pack is up to 16 MiB, and twice that while it comes. */
enum { THREADS_MAX = 2 };

struct checking {
    struct verify *v;
    atomic_size_t next;
};

int verify_note_pack(struct verify *v, const struct unit *u, uint64_t offset, uint64_t len,
                     struct err *err)
{
    struct packset_row *row = NULL;
    int rc;

    if (v->sampled)
        return 0;
    pthread_mutex_lock(&v->lock);
    rc = packset_row(&v->packs, u->pack, &row, err);
    if (rc == 0 && row->len == 0) {
        row->offset = offset;
        row->len = len;
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

/* A unit of it was told already, which says more. Nobody adds packs any more: no lock. */
static int check(struct verify *v, struct vault *vault, const struct packset_row *row,
                 struct buf *body, struct err *err)
{
    char key[PACK_KEY_MAX];
    int rc;

    if (row->state == PACKSET_BAD)
        return 0;
    buf_clear(body);
    rc = pack_load(vault, row->name, body, err);
    if (v->run->progress)
        v->run->progress->received_bytes += body->len;
    if (rc != -EBADMSG && rc != -ENOENT)
        return rc;
    err_clear(err);
    verify_tell(v, &(struct replica_fault){.object = pack_key(row->name, key),
                                           .offset = row->offset,
                                           .len = row->len,
                                           .what = rc == -ENOENT ? "missing" : "altered"});
    return 0;
}

static int work(void *arg, size_t index, struct err *err)
{
    struct checking *c = arg;
    auto_vault struct vault *vault = NULL;
    auto_buf struct buf body = {0};
    size_t i;
    int rc = vault_dup(c->v->run->vault, &vault, err);

    (void)index;
    while (rc == 0 && (i = atomic_fetch_add(&c->next, 1)) < c->v->packs.n) {
        if (c->v->run->stop && atomic_load(c->v->run->stop))
            return err_set(err, -ECANCELED, "stopped");
        rc = check(c->v, vault, &c->v->packs.rows[i], &body, err);
    }
    return rc;
}

int verify_packs(struct verify *v, size_t threads, struct err *err)
{
    struct checking c = {.v = v};
    struct workers *group = NULL;
    int rc;

    if (v->packs.n == 0)
        return 0;
    threads = num_min(num_min(threads, THREADS_MAX), v->packs.n);
    rc = workers_start(threads, "packs", work, &c, &group, err);
    return rc < 0 ? rc : workers_join(group, err);
}
