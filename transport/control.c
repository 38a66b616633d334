/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs and decisions: two kinds of create-only records. A register that two could win is none, so
 * there is no fallback for stores without create-only. */
#include "transport/control.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/record.h"
#include "transport/vault_impl.h"

#include <assert.h>

#include "base/banned.h"

enum { KEY_MAX = 128, OBJECT_MAX = 64 << 10 };

/* Where an object is, and what was read from there. */
struct record {
    char key[KEY_MAX];
    const char *workload; /* lent */
    uint64_t epoch;
};

static int record_init(struct record *r, const char *kind, const char *workload, uint64_t epoch,
                       struct err *err)
{
    if (!text_is_name(workload))
        return err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%.64s' is not a workload's name", workload);
    r->workload = workload;
    r->epoch = epoch;
    return text_print(r->key, sizeof(r->key), "%s/%s/%016llx", kind, workload,
                      (unsigned long long)epoch);
}

static int damaged(const struct record *r, const char *what, struct err *err)
{
    return record_damaged(r->key, what, err);
}

/* The authenticated record, parsed. -ENOENT without a word in err's catalogue: to most callers it
 * is an answer. */
static int load(struct vault *v, const struct record *r, struct js **ret, struct err *err)
{
    auto_js struct js *doc = NULL;
    uint64_t epoch;
    int rc = record_load(v, r->key, OBJECT_MAX, &doc, err);

    if (rc)
        return rc;
    if (!text_equal(js_str(doc, "workload", NULL), r->workload) ||
        js_get_u64(doc, "epoch", &epoch, NULL) != 0 || epoch != r->epoch)
        return damaged(r, "speaks of something else", err);
    *ret = TAKE(doc);
    return 0;
}

/* ---- epochs -------------------------------------------------------------- */

static int claim_write(struct vault *v, const struct record *r, const char *holder, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = failpoint("control_claim");

    if (rc)
        return err_set(err, rc, "claim %s: %m", r->key);
    rc = jsw_new(&w, err);
    if (rc)
        return rc;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.epoch/1");
    jsw_str(w, "workload", r->workload);
    jsw_u64(w, "epoch", r->epoch);
    jsw_str(w, "holder", holder);
    jsw_u64(w, "claimed_ms", clock_wall_ms(vault_clock(v)));
    jsw_end(w);
    rc = record_create(v, r->key, w, OBJECT_MAX, NULL, err);
    return rc ? rc : failpoint("control_claim_done");
}

/* Somebody claimed it: us, in an attempt whose end we did not see, or another? */
static int claim_judge(struct vault *v, const struct record *r, const char *holder, struct err *err)
{
    auto_js struct js *doc = NULL;
    const char *theirs;
    int rc = load(v, r, &doc, err);

    if (rc)
        return rc == -ENOENT ? damaged(r, "vanished", err) : rc;
    if (!text_equal(js_str(doc, "schema", NULL), "godwit.epoch/1") ||
        js_get_str(doc, "holder", &theirs, NULL) != 0)
        return damaged(r, "is no epoch", err);
    if (text_equal(theirs, holder))
        return 0;
    return err_set_gw(err, GW_SWITCH_OPEN, -EEXIST, "epoch %llu of %s is held by %s",
                      (unsigned long long)r->epoch, r->workload, theirs);
}

int control_claim(struct vault *v, const char *workload, uint64_t epoch, const char *holder,
                  struct err *err)
{
    struct record r;
    int rc = record_init(&r, "epochs", workload, epoch, err);

    if (!rc && (holder[0] == '\0' || strnlen(holder, CONTROL_TEXT_MAX) == CONTROL_TEXT_MAX))
        rc = err_set_gw(err, GW_BAD_NAME, -EINVAL, "the holder's name is empty or too long");
    if (!rc)
        rc = claim_write(v, &r, holder, err);
    if (rc == -EEXIST) {
        err_clear(err);
        rc = claim_judge(v, &r, holder, err);
    }
    return rc ? err_add(err, rc, "claim an epoch") : 0;
}

/* ---- decisions ----------------------------------------------------------- */

static const char *decision_name(enum control_decision d)
{
    return d == CONTROL_PROMOTE ? "promote" : "abort";
}

static void verdict_format(const struct record *r, const struct control_verdict *d, struct jsw *w)
{
    jsw_obj(w, NULL);
    jsw_str(w, "schema", "godwit.decision/1");
    jsw_str(w, "workload", r->workload);
    jsw_u64(w, "epoch", r->epoch);
    jsw_str(w, "decision", decision_name(d->decision));
    jsw_u64(w, "decided_ms", d->decided_ms);
    jsw_str(w, "by", d->by);
    jsw_str(w, "reason", d->reason);
    jsw_arr(w, "volumes");
    for (size_t i = 0; i < d->volumes_n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "replica", d->volumes[i].replica);
        jsw_u64(w, "seq", d->volumes[i].seq);
        jsw_hex(w, "digest", d->volumes[i].digest, REPLICA_DIGEST_LEN);
        jsw_end(w);
    }
    jsw_end(w);
    jsw_end(w);
}

static bool volume_parse(const struct js *v, struct control_volume *ret)
{
    const char *digest;
    const char *replica;

    return js_get_str(v, "replica", &replica, NULL) == 0 && vault_is_replica_name(replica) &&
           text_copy(ret->replica, sizeof(ret->replica), replica) == 0 &&
           js_get_u64(v, "seq", &ret->seq, NULL) == 0 && ret->seq > 0 &&
           js_get_str(v, "digest", &digest, NULL) == 0 &&
           strlen(digest) == 2 * (size_t)REPLICA_DIGEST_LEN &&
           text_unhex(digest, ret->digest, REPLICA_DIGEST_LEN) == 0;
}

static bool decision_parse(const char *text, enum control_decision *ret)
{
    if (text_equal(text, decision_name(CONTROL_PROMOTE)))
        *ret = CONTROL_PROMOTE;
    else if (text_equal(text, decision_name(CONTROL_ABORT)))
        *ret = CONTROL_ABORT;
    else
        return false;
    return true;
}

static bool verdict_parse(const struct js *doc, struct control_verdict *ret)
{
    const struct js *volumes;
    const char *by;
    const char *reason;

    if (!text_equal(js_str(doc, "schema", NULL), "godwit.decision/1") ||
        !decision_parse(js_str(doc, "decision", NULL), &ret->decision) ||
        js_get_u64(doc, "epoch", &ret->epoch, NULL) != 0 ||
        js_get_u64(doc, "decided_ms", &ret->decided_ms, NULL) != 0 ||
        js_get_str(doc, "by", &by, NULL) != 0 || js_get_str(doc, "reason", &reason, NULL) != 0 ||
        text_copy(ret->by, sizeof(ret->by), by) != 0 ||
        text_copy(ret->reason, sizeof(ret->reason), reason) != 0 ||
        js_get_arr(doc, "volumes", &volumes, NULL) != 0 || js_len(volumes) > CONTROL_VOLUMES_MAX)
        return false;
    for (size_t i = 0; i < js_len(volumes); i++)
        if (!volume_parse(js_at(volumes, i), &ret->volumes[i]))
            return false;
    ret->volumes_n = js_len(volumes);
    return true;
}

static int verdict_load(struct vault *v, const struct record *r, struct control_verdict *ret,
                        struct err *err)
{
    auto_js struct js *doc = NULL;
    struct control_verdict d = {0};
    int rc = load(v, r, &doc, err);

    if (rc)
        return rc;
    if (!verdict_parse(doc, &d))
        return damaged(r, "is no decision", err);
    *ret = d;
    return 0;
}

static int verdict_check(const struct control_verdict *d, struct err *err)
{
    bool named = d->volumes_n > 0 && d->volumes_n <= CONTROL_VOLUMES_MAX;

    if (d->decision != CONTROL_PROMOTE && d->decision != CONTROL_ABORT)
        return err_set(err, -EINVAL, "a verdict must promote or abort");
    if (d->decision == CONTROL_PROMOTE ? !named : d->volumes_n > CONTROL_VOLUMES_MAX)
        return err_set(err, -EINVAL, "a promotion names 1 to %d volumes", CONTROL_VOLUMES_MAX);
    for (size_t i = 0; i < d->volumes_n; i++)
        if (!vault_is_replica_name(d->volumes[i].replica) || d->volumes[i].seq == 0)
            return err_set(err, -EINVAL, "volume %zu of the verdict names no restore point", i);
    return 0;
}

static int verdict_write(struct vault *v, const struct record *r, const struct control_verdict *d,
                         struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = failpoint("control_decide");

    if (rc)
        return err_set(err, rc, "decide %s: %m", r->key);
    rc = jsw_new(&w, err);
    if (rc)
        return rc;
    verdict_format(r, d, w);
    rc = record_create(v, r->key, w, OBJECT_MAX, NULL, err);
    return rc ? rc : failpoint("control_decide_done");
}

int control_decide(struct vault *v, const char *workload, const struct control_verdict *verdict,
                   struct control_verdict *ret_standing, struct err *err)
{
    struct record r;
    int rc = record_init(&r, "decisions", workload, verdict->epoch, err);

    if (!rc)
        rc = verdict_check(verdict, err);
    if (!rc)
        rc = verdict_write(v, &r, verdict, err);
    if (rc == -EEXIST)
        err_clear(err);
    if (!rc || rc == -EEXIST) {
        /* Read back even what we wrote: what stands is what counts, and nothing else. */
        rc = verdict_load(v, &r, ret_standing, err);
        if (rc == -ENOENT)
            rc = damaged(&r, "vanished", err);
    }
    return rc ? err_add(err, rc, "decide an epoch") : 0;
}

int control_read(struct vault *v, const char *workload, uint64_t epoch, struct control_verdict *ret,
                 struct err *err)
{
    struct record r;
    int rc = record_init(&r, "decisions", workload, epoch, err);

    if (!rc)
        rc = verdict_load(v, &r, ret, err);
    if (rc == -ENOENT) {
        err_clear(err);
        *ret = (struct control_verdict){.epoch = epoch};
        return 0;
    }
    return rc ? err_add(err, rc, "read a decision") : 0;
}
