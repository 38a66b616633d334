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

struct verify_row *verify_row(struct verify *v, const uint8_t *name)
{
    void *row = NULL;

    return packrows_get(v->packs, name, &row, NULL) < 0 ? NULL : row;
}

int verify_note_pack(struct verify *v, const struct unit *u, uint64_t offset, uint64_t len,
                     struct err *err)
{
    struct verify_row *row;
    void *value = NULL;
    int rc;

    if (v->sampled)
        return 0;
    pthread_mutex_lock(&v->lock);
    rc = packrows_get(v->packs, u->pack, &value, err);
    row = value;
    if (rc == 0 && row->len == 0) {
        row->offset = offset;
        row->len = len;
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

static enum packset_state state_of(struct verify *v, const uint8_t *name)
{
    enum packset_state state = PACKSET_BAD; /* no memory to list it: not whole */
    const struct verify_row *row;

    pthread_mutex_lock(&v->lock);
    row = verify_row(v, name);
    if (row)
        state = (enum packset_state)row->state;
    pthread_mutex_unlock(&v->lock);
    return state;
}

/* What was found of a pack; a unit that was told of says more. */
static void set_state(struct verify *v, const uint8_t *name, enum packset_state state)
{
    struct verify_row *row;

    pthread_mutex_lock(&v->lock);
    row = verify_row(v, name);
    if (row && row->state != PACKSET_BAD)
        row->state = state;
    pthread_mutex_unlock(&v->lock);
}

/* The whole pack, and whether it is what its name says. */
static int load(struct verify *v, struct vault *vault, const uint8_t *name, struct buf *body,
                struct err *err)
{
    int rc;

    buf_clear(body);
    rc = pack_load(vault, name, body, err);
    if (v->run->progress)
        v->run->progress->received_bytes += body->len;
    if (rc == 0)
        set_state(v, name, PACKSET_WHOLE);
    if (rc == -EBADMSG || rc == -ENOENT)
        set_state(v, name, rc == -ENOENT ? PACKSET_MISSING : PACKSET_DOUBTFUL);
    return rc;
}

static int load_held(void *arg, struct vault *vault, const uint8_t *name, struct buf *body)
{
    return load(arg, vault, name, body, NULL);
}

static bool take(void *arg, struct vault *vault, const struct unit *u, struct slice *ret,
                 size_t *ret_slot)
{
    struct verify *v = arg;
    struct packs *held = u->kind == UNIT_MAP ? v->maps : v->held;
    enum packset_state state = state_of(v, u->pack);
    bool got = false;

    if (state == PACKSET_UNSEEN)
        got = packs_get(held, vault, u->pack, ret, ret_slot);
    else if (state == PACKSET_WHOLE) /* if it went again: a part of it is less than all of it */
        got = packs_find(held, u->pack, ret, ret_slot);
    if (got)
        *ret_slot = *ret_slot * 2 + (u->kind == UNIT_MAP);
    return got;
}

static void give(void *arg, size_t slot)
{
    struct verify *v = arg;

    packs_put(slot % 2 == 1 ? v->maps : v->held, slot / 2);
}

int verify_packs_open(struct verify *v, struct err *err)
{
    int rc;

    if (v->sampled)
        return 0;
    v->take = (struct fetch_packs){.arg = v, .take = take, .give = give};
    rc = packrows_new(sizeof(struct verify_row), &v->packs, err);
    if (rc == 0)
        rc = packs_new(VERIFY_DATA_BYTES, load_held, v, &v->held, err);
    return rc < 0 ? rc : packs_new(VERIFY_MAPS_BYTES, load_held, v, &v->maps, err);
}

void verify_packs_close(struct verify *v)
{
    packs_free(v->held);
    packs_free(v->maps);
    packrows_free(v->packs);
}

static int next_row(struct verify *v, uint8_t *name, struct verify_row *ret, struct err *err)
{
    int rc;

    pthread_mutex_lock(&v->lock);
    rc = packrows_next(v->packs, &v->next, name, ret, err);
    pthread_mutex_unlock(&v->lock);
    return rc;
}

static int check(struct verify *v, struct vault *vault, const uint8_t *name,
                 const struct verify_row *row, struct buf *body, struct err *err)
{
    enum packset_state state = (enum packset_state)row->state;
    char key[PACK_KEY_MAX];
    int rc = 0;

    if (state == PACKSET_UNSEEN) {
        rc = load(v, vault, name, body, err);
        state = state_of(v, name);
    }
    if (rc < 0 && rc != -EBADMSG && rc != -ENOENT)
        return rc;
    err_clear(err);
    if (state == PACKSET_DOUBTFUL || state == PACKSET_MISSING)
        verify_tell(
            v, &(struct replica_fault){.object = pack_key(name, key),
                                       .offset = row->offset,
                                       .len = row->len,
                                       .what = state == PACKSET_MISSING ? "missing" : "altered"});
    return 0;
}

static int work(void *arg, size_t index, struct err *err)
{
    struct verify *v = arg;
    auto_vault struct vault *vault = NULL;
    auto_buf struct buf body = {0};
    uint8_t name[PACK_NAME_LEN];
    struct verify_row row;
    int rc = vault_dup(v->run->vault, &vault, err);

    (void)index;
    while (rc == 0 && (rc = next_row(v, name, &row, err)) == 1) {
        if (v->run->stop && atomic_load(v->run->stop))
            return err_set(err, -ECANCELED, "stopped");
        rc = check(v, vault, name, &row, &body, err);
    }
    return rc;
}

int verify_packs(struct verify *v, size_t threads, struct err *err)
{
    struct workers *group = NULL;
    int rc;

    if (!v->packs || packrows_count(v->packs) == 0)
        return 0;
    threads = num_min(num_min(threads, THREADS_MAX), packrows_count(v->packs));
    rc = workers_start(threads, "packs", work, v, &group, err);
    return rc < 0 ? rc : workers_join(group, err);
}
