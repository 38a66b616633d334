/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pass that believes nothing of the vault: what the head keeps in a pack that is missing or
 * damaged counts as not stored, so that it is read from the volume and sent again.
 */
#include "transport/push.h"

#include "transport/vault_impl.h"

#include "base/banned.h"

static bool is_damage(int rc)
{
    return rc == -EBADMSG || rc == -ENOENT;
}

static int look(struct push *p, struct vault *v, const uint8_t *name, bool *ret_whole,
                struct err *err)
{
    auto_buf struct buf body = {0};
    int rc = pack_load(v, name, &body, err);

    if (p->run->progress)
        p->run->progress->received_bytes += body.len;
    if (rc < 0 && !is_damage(rc))
        return rc;
    err_clear(err);
    *ret_whole = rc == 0;
    return 0;
}

static int remember(struct push *p, const uint8_t *name, bool whole, struct err *err)
{
    struct packset_row *row = NULL;
    int rc;

    pthread_mutex_lock(&p->packs_lock);
    rc = packset_row(&p->packs, name, &row, err);
    if (rc == 0)
        row->state = whole ? PACKSET_WHOLE : PACKSET_BAD;
    pthread_mutex_unlock(&p->packs_lock);
    return rc;
}

/* Two threads may look at one pack at the same time: rare, and they see the same. */
int push_repair_pack(struct push *p, struct vault *v, const uint8_t *name, bool *ret_whole,
                     struct err *err)
{
    enum packset_state state = PACKSET_UNSEEN;
    struct packset_row *row = NULL;
    bool whole = false;
    int rc;

    pthread_mutex_lock(&p->packs_lock);
    rc = packset_row(&p->packs, name, &row, err);
    if (rc == 0)
        state = row->state;
    pthread_mutex_unlock(&p->packs_lock);
    if (rc == 0 && state == PACKSET_UNSEEN) {
        rc = look(p, v, name, &whole, err);
        if (rc == 0)
            rc = remember(p, name, whole, err);
        state = whole ? PACKSET_WHOLE : PACKSET_BAD;
    }
    if (rc == 0)
        *ret_whole = state == PACKSET_WHOLE;
    return rc;
}

int push_repair_check(void *arg, const uint8_t *pack, bool *ret_there, struct err *err)
{
    auto_buf struct buf body = {0};
    int rc = pack_load(arg, pack, &body, err);

    if (rc < 0 && !is_damage(rc))
        return rc;
    err_clear(err);
    *ret_there = rc == 0;
    return 0;
}

int push_repair_dir(struct push *p, uint32_t dir, uint32_t regions, struct pagedir **ret,
                    struct err *err)
{
    const struct unit *u = &p->head.dirs[dir].unit;
    bool whole = false;
    int rc = push_repair_pack(p, p->run->vault, u->pack, &whole, err);

    if (rc == 0 && whole)
        rc = pagedir_fetch(p->run->vault, u, dir, regions, ret, err);
    if (rc == 0 && whole)
        return 1;
    if (rc < 0 && !is_damage(rc))
        return rc;
    err_clear(err);
    return pagedir_new(dir, regions, ret, err);
}

/* A page that was written as a difference is whole only with all that it rests on. */
static int check_rests(struct push *p, const struct page *page, bool *whole, struct err *err)
{
    const struct unit *u;
    int rc = 0;

    for (size_t i = 0; rc == 0 && *whole && (u = page_rests_on(page, i)); i++)
        rc = push_repair_pack(p, p->run->vault, u->pack, whole, err);
    return rc;
}

int push_repair_region(struct push *p, struct push_region *r, struct err *err)
{
    bool whole = false;
    int rc;

    if (!r->has_page) { /* zero, or its directory was lost: either way it is held against zeroes */
        r->known = false;
        return 0;
    }
    rc = push_repair_pack(p, p->run->vault, r->page_unit.pack, &whole, err);
    if (rc == 0 && whole)
        rc = page_fetch(p->run->vault, &r->page_unit, r->index, r->head_sectors, &r->page, err);
    if (rc == 0 && whole)
        rc = check_rests(p, r->page, &whole, err);
    if (rc == 0 && whole)
        return page_resize(r->page, r->sectors, err);
    if (rc < 0 && !is_damage(rc))
        return rc;
    err_clear(err);
    page_free(TAKE(r->page));
    push_map_forget(p, r->index);
    r->has_page = false;
    r->known = false; /* the leaves speak of a head that had the page */
    return 0;
}
