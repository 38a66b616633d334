/* SPDX-License-Identifier: Apache-2.0 */
/* Restore points in the store: commit, load, and finding the head by probing. */
#include "base/crypto.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/point.h"
#include "transport/vault_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum { OBJECT_MAX = 4 << 20, SEQ_DIGITS = 16 };

static int name_check(const char *name, struct err *err)
{
    if (vault_is_replica_name(name))
        return 0;
    return err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%.64s' is not a replica's name", name);
}

int point_taken(struct vault *v, const char *name, uint64_t seq, struct err *err)
{
    auto_point struct point theirs = {0};
    char taken[TEXT_TIME_MAX];

    if (point_load(v, name, seq, &theirs, NULL) < 0)
        return err_set_gw(err, GW_REPLICA_LOCKED, -EEXIST,
                          "restore point %llu of %s was committed by another writer",
                          (unsigned long long)seq, name);
    text_sanitize(theirs.writer);
    return err_set_gw(
        err, GW_REPLICA_LOCKED, -EEXIST,
        "restore point %llu of %s was committed by another writer: %s, at work since %s",
        (unsigned long long)seq, name, theirs.writer, text_time(theirs.info.taken_ms, taken));
}

int point_commit(struct vault *v, const char *name, struct point *p, bool *ret_weak,
                 struct err *err)
{
    auto_buf struct buf object = {0};
    char key[POINT_KEY_MAX];
    bool weak = false;
    int rc = name_check(name, err);

    assert(p->info.seq > 0 && p->dirs_n == point_dirs_of(p->info.size_bytes));
    if (!rc)
        rc = point_encode(v, name, p, &object, err);
    if (rc)
        return rc;
    rc = failpoint("point_put");
    if (rc)
        return err_set(err, rc, "commit a restore point: %m");
    rc = vault_create(v, point_key(name, p->info.seq, key), buf_slice(&object), &weak, err);
    if (rc == -EEXIST)
        return point_taken(v, name, p->info.seq, err);
    if (rc)
        return err_add(err, rc, "commit a restore point");
    rc = failpoint("point_put_done");
    if (rc)
        return err_set(err, rc, "after a restore point was committed: %m");
    if (ret_weak)
        *ret_weak = weak;
    return 0;
}

/* The sealed object of a point, in the handle's body; lent until the next call. */
static int get_object(struct vault *v, const char *name, uint64_t seq, struct slice *ret,
                      struct err *err)
{
    struct store_range range = {.max_bytes = OBJECT_MAX};
    struct buf *object = vault_body(v);
    char key[POINT_KEY_MAX];
    int rc = name_check(name, err);

    if (rc)
        return rc;
    buf_clear(object);
    rc = vault_get(v, point_key(name, seq, key), range, object, err);
    if (rc == -ENOENT)
        return err_set_gw(err, GW_REPLICA_NOT_FOUND, -ENOENT, "%s has no restore point %llu", name,
                          (unsigned long long)seq);
    if (rc)
        return err_add(err, rc, "%s", key);
    *ret = buf_slice(object);
    return 0;
}

static int load_once(struct vault *v, const char *name, uint64_t seq, struct point *ret,
                     struct err *err)
{
    struct slice object;
    char key[POINT_KEY_MAX];
    int rc = get_object(v, name, seq, &object, err);

    if (rc)
        return rc;
    rc = point_decode(v, name, seq, object, ret, err);
    return rc < 0 ? err_add(err, rc, "restore point %llu, object %s", (unsigned long long)seq,
                            point_key(name, seq, key))
                  : 0;
}

int point_load(struct vault *v, const char *name, uint64_t seq, struct point *ret, struct err *err)
{
    int rc = load_once(v, name, seq, ret, err);

    if (rc != -EBADMSG && rc != -EPROTO)
        return rc;
    err_clear(err); /* it may have been altered on its way */
    return load_once(v, name, seq, ret, err);
}

int point_bytes_hash(struct vault *v, const char *name, uint64_t seq, uint8_t *ret_hash,
                     struct err *err)
{
    struct slice object;
    int rc = get_object(v, name, seq, &object, err);

    if (rc)
        return rc;
    crypto_sha256(object, ret_hash);
    return 0;
}

/* ---- the head ------------------------------------------------------------ */

static int exists(struct vault *v, const char *name, uint64_t seq, bool *ret, struct err *err)
{
    char key[POINT_KEY_MAX];
    uint64_t bytes;
    int rc = store_head(vault_store(v), point_key(name, seq, key), &bytes, err);

    if (rc && rc != -ENOENT)
        return err_add(err, rc, "look for the head of %s", name);
    if (rc)
        err_clear(err);
    *ret = rc == 0;
    return 0;
}

struct hint {
    size_t prefix_len;
    uint64_t seq;
};

static int hint_take(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    struct hint *h = arg;
    uint8_t bytes[SEQ_DIGITS / 2];
    uint64_t seq = 0;

    (void)size_bytes;
    (void)mtime_ms;
    if (strlen(key) != h->prefix_len + SEQ_DIGITS ||
        text_unhex(key + h->prefix_len, bytes, sizeof(bytes)) != 0)
        return 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        seq = seq << 8 | bytes[i];
    h->seq = num_max(h->seq, seq);
    return 0;
}

/* What a listing believes the head to be, 0 when it does not say. It may be refused, late or wrong:
 * whatever it says is probed, and what it does not say as well. */
static uint64_t hint_of(struct vault *v, const char *name, uint64_t known_seq)
{
    char prefix[POINT_KEY_MAX];
    char after[POINT_KEY_MAX];
    struct hint h = {0};

    point_key(name, known_seq, after);
    memcpy(prefix, after, sizeof(prefix));
    h.prefix_len = strlen(after) - SEQ_DIGITS;
    prefix[h.prefix_len] = '\0';
    if (store_list(vault_store(v), prefix, after, hint_take, &h, NULL) != 0)
        return 0;
    return h.seq;
}

/* Points are never deleted singly, so those that exist are 1..head. Given that lo exists (or is 0),
 * gallop up to one that does not, then close in. */
static int gallop(struct vault *v, const char *name, uint64_t lo, uint64_t *ret, struct err *err)
{
    uint64_t step = 1;
    uint64_t hi;
    bool there = true;
    int rc;

    for (hi = lo + 1; hi < UINT64_MAX / 4; hi = lo + step) {
        rc = exists(v, name, hi, &there, err);
        if (rc)
            return rc;
        if (!there)
            break;
        lo = hi;
        step *= 2;
    }
    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;

        rc = exists(v, name, mid, &there, err);
        if (rc)
            return rc;
        if (there)
            lo = mid;
        else
            hi = mid;
    }
    *ret = lo;
    return 0;
}

/* A number that exists and the head is not far above, or 0. */
static int start_of(struct vault *v, const char *name, uint64_t known_seq, uint64_t *ret,
                    struct err *err)
{
    uint64_t hint = known_seq ? 0 : hint_of(v, name, 0);
    bool there = false;
    int rc = 0;

    if (known_seq) {
        rc = exists(v, name, known_seq, &there, err);
        if (!rc && !there)
            rc = err_set_gw(err, GW_VAULT_OLDER_HEAD, -ESTALE,
                            "%s has no restore point %llu, which was seen before", name,
                            (unsigned long long)known_seq);
        *ret = known_seq;
        return rc;
    }
    if (hint && hint < UINT64_MAX / 4)
        rc = exists(v, name, hint, &there, err);
    *ret = there ? hint : 0;
    return rc;
}

int point_head_number(struct vault *v, const char *name, uint64_t known_seq, uint64_t *ret,
                      struct err *err)
{
    uint64_t start = 0;
    int rc = name_check(name, err);

    if (!rc)
        rc = start_of(v, name, known_seq, &start, err);
    return rc ? rc : gallop(v, name, start, ret, err);
}

int point_head(struct vault *v, const char *name, uint64_t known_seq, struct point *ret,
               struct err *err)
{
    uint64_t head = 0;
    int rc = point_head_number(v, name, known_seq, &head, err);

    if (rc)
        return rc;
    if (head == 0)
        return err_set_gw(err, GW_REPLICA_NOT_FOUND, -ENOENT, "there is no replica %s", name);
    return point_load(v, name, head, ret, err);
}
