/* SPDX-License-Identifier: Apache-2.0 */
/* The third stage, several streams: make packs durable, note their units in the ledger, and tell
 * the regions that waited for them. */
#include "transport/push.h"

#include "base/err.h"
#include "base/fail.h"

#include "base/banned.h"

static void account(struct push *p, const struct push_parcel *parcel)
{
    struct replica_progress *progress = p->run->progress;

    pthread_mutex_lock(&p->lock);
    p->stored_bytes += parcel->body.len;
    pthread_mutex_unlock(&p->lock);
    if (!progress)
        return;
    progress->sent_bytes += parcel->body.len;
    progress->packs++;
}

static int put(struct push *p, struct vault *v, struct push_parcel *parcel, struct err *err)
{
    int rc = pack_put(vault_store(v), UNIT_DATA, parcel->name, parcel->body, err);

    if (rc < 0)
        return rc;
    account(p, parcel);
    rc = failpoint("push_pack_durable");
    if (rc < 0)
        return err_set(err, rc, "after a pack: %m");
    rc = ledger_add(p->ledger, parcel->units, parcel->n, err);
    for (size_t i = 0; rc == 0 && i < parcel->n; i++)
        rc = push_region_durable(p, parcel->refs[i].region, parcel->refs[i].index,
                                 &parcel->units[i], err);
    if (rc == 0 && queue_push(p->idle_parcels, parcel) < 0)
        rc = err_set(err, -ECANCELED, "stopped");
    return rc < 0 ? rc : push_care_poll(p, err);
}

static int put_all(struct push *p, struct err *err)
{
    auto_vault struct vault *v = NULL;
    struct store_spent seen = {0};
    void *item = NULL;
    int rc = vault_dup(p->run->vault, &v, err);

    while (rc == 0) {
        rc = queue_pop(p->full_parcels, 0, &item);
        if (rc == 0)
            rc = put(p, v, item, err);
        else if (rc == -ENODATA)
            return 0;
        if (v)
            spent_note(&p->spent->put, vault_store(v), &seen);
    }
    return rc;
}

int push_put(void *arg, size_t index, struct err *err)
{
    int rc = put_all(arg, err);

    (void)index;
    return rc < 0 ? push_fail(arg, rc, err) : 0;
}
