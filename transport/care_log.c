/* SPDX-License-Identifier: Apache-2.0 */
/* The records of the care log: read, applied, added. */
#include "transport/care_log.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/record.h"
#include "transport/vault_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    KEY_MAX = 32,
    OBJECT_MAX = 4 << 20,
    CONDEMN_MS = 5 * 60 * 1000, /* a record's time may be that much older than the record */
};

static const char schema[] = "godwit.care/1";

static char *key_of(uint64_t number, char *out)
{
    int rc = text_print(out, KEY_MAX, "care/%016llx", (unsigned long long)number);

    assert(rc == 0);
    return out;
}

int care_log_open(struct vault *v, uint64_t position, struct care_log **ret, struct err *err)
{
    struct care_log *l = calloc(1, sizeof(*l));

    if (!l)
        return err_set(err, -ENOMEM, "care log: %m");
    l->vault = v;
    l->position = position;
    *ret = l;
    return 0;
}

static void list_done(struct care_list *list)
{
    free(list->packs);
    free(list->kept);
}

void care_log_close(struct care_log *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->lists_n; i++)
        list_done(&l->lists[i]);
    free(l->lists);
    free(l->replicas);
    free(l->spans);
    free(l);
}

bool care_log_has_replica(const struct care_log *l, const char *name)
{
    for (size_t i = 0; i < l->replicas_n; i++)
        if (text_equal(l->replicas[i], name))
            return true;
    return false;
}

const struct care_span *care_log_span(const struct care_log *l, const char *name, uint64_t seq)
{
    for (size_t i = 0; i < l->spans_n; i++)
        if (seq >= l->spans[i].from && seq <= l->spans[i].to &&
            text_equal(l->spans[i].replica, name))
            return &l->spans[i];
    return NULL;
}

bool care_log_gave_up(const struct care_log *l, const char *name, uint64_t seq)
{
    return care_log_span(l, name, seq) != NULL;
}

static int pack_compare(const void *a, const void *b)
{
    return memcmp(a, b, PACK_NAME_LEN);
}

ptrdiff_t care_log_find(const struct care_list *list, const uint8_t *pack)
{
    const uint8_t *at =
        list->n ? bsearch(pack, list->packs, list->n, PACK_NAME_LEN, pack_compare) : NULL;

    return at ? (at - list->packs[0]) / PACK_NAME_LEN : -1;
}

/* ---- reading ----------------------------------------------------------------- */

/* *items, of n elements of len bytes, gets room for one more. */
static int grow(void *items, size_t n, size_t len, struct err *err)
{
    void **at = items;
    void *more;

    if (n & (n - 1)) /* room is a power of two */
        return 0;
    more = reallocarray(*at, n ? 2 * n : 1, len);
    if (!more)
        return err_set(err, -ENOMEM, "care log: %m");
    *at = more;
    return 0;
}

static int take_replica(struct care_log *l, const struct js *doc, struct err *err)
{
    const char *name = js_str(doc, "replica", "");
    int rc;

    if (!vault_is_replica_name(name))
        return -EBADMSG;
    if (care_log_has_replica(l, name))
        return 0;
    rc = grow(&l->replicas, l->replicas_n, sizeof(*l->replicas), err);
    return rc < 0 ? rc : text_copy(l->replicas[l->replicas_n++], VAULT_REPLICA_NAME_MAX + 1, name);
}

static int take_policy(struct care_log *l, const struct js *doc, struct err *err)
{
    (void)err;
    l->policy = (struct care_policy){.last = js_u64(doc, "last", 0),
                                     .hourly = js_u64(doc, "hourly", 0),
                                     .daily = js_u64(doc, "daily", 0),
                                     .weekly = js_u64(doc, "weekly", 0),
                                     .within_ms = js_u64(doc, "within_ms", 0)};
    l->has_policy = true;
    return 0;
}

int care_log_suppose(struct care_log *l, const struct care_span *span, struct err *err)
{
    int rc = grow(&l->spans, l->spans_n, sizeof(*l->spans), err);

    if (rc == 0)
        l->spans[l->spans_n++] = *span;
    return rc;
}

static int take_spans(struct care_log *l, const struct js *doc, struct err *err)
{
    const struct js *items = js_member(doc, "spans");
    int rc = js_len(items) > CARE_SPANS_MAX ? -EBADMSG : 0;

    for (size_t i = 0; rc == 0 && i < js_len(items); i++) {
        const struct js *item = js_at(items, i);
        struct care_span s = {.from = js_u64(item, "from", 0),
                              .to = js_u64(item, "to", 0),
                              .at_ms = js_u64(doc, "at_ms", 0)};
        const char *name = js_str(item, "replica", "");

        if (!vault_is_replica_name(name) || s.from == 0 || s.to < s.from ||
            text_copy(s.replica, sizeof(s.replica), name) < 0)
            return -EBADMSG;
        rc = care_log_suppose(l, &s, err);
    }
    return rc;
}

/* The packs of a record, which must ascend. */
static int packs_of(const struct js *doc, uint8_t (**ret)[PACK_NAME_LEN], size_t *ret_n,
                    struct err *err)
{
    const struct js *items = js_member(doc, "packs");
    size_t n = js_len(items);
    uint8_t(*packs)[PACK_NAME_LEN];
    int rc = 0;

    if (n > CARE_LIST_MAX)
        return -EBADMSG;
    packs = calloc(n + 1, sizeof(*packs));
    if (!packs)
        return err_set(err, -ENOMEM, "care log: %m");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *hex = js_as_str(js_at(items, i), "");

        if (strlen(hex) != 2 * (size_t)PACK_NAME_LEN ||
            text_unhex(hex, packs[i], PACK_NAME_LEN) != 0 ||
            (i > 0 && pack_compare(packs[i - 1], packs[i]) >= 0))
            rc = -EBADMSG;
    }
    if (rc < 0) {
        free(packs);
        return rc;
    }
    *ret = packs;
    *ret_n = n;
    return 0;
}

static int take_condemn(struct care_log *l, const struct js *doc, struct err *err)
{
    struct care_list list = {.number = l->position + 1, .at_ms = js_u64(doc, "at_ms", 0)};
    int rc = packs_of(doc, &list.packs, &list.n, err);

    if (rc < 0)
        return rc;
    list.kept = calloc(list.n + 1, sizeof(bool));
    rc = list.kept ? grow(&l->lists, l->lists_n, sizeof(*l->lists), err) : -ENOMEM;
    if (rc < 0) {
        list_done(&list);
        return err_set(err, rc, "care log: %m");
    }
    l->lists[l->lists_n++] = list;
    return 0;
}

/* NULL: before the position that was begun at, or never. */
static struct care_list *list_of(struct care_log *l, const struct js *doc)
{
    uint64_t number = js_u64(doc, "of", 0);

    for (size_t i = 0; i < l->lists_n; i++)
        if (l->lists[i].number == number)
            return &l->lists[i];
    return NULL;
}

static int take_keep(struct care_log *l, const struct js *doc, struct err *err)
{
    struct care_list *list = list_of(l, doc);
    auto_free uint8_t(*packs)[PACK_NAME_LEN] = NULL;
    size_t n = 0;
    int rc = packs_of(doc, &packs, &n, err);

    if (rc < 0 || !list || list->swept)
        return rc;
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t at = care_log_find(list, packs[i]);

        if (at >= 0)
            list->kept[at] = true;
    }
    return 0;
}

/* Of a list that was condemned before the position begun at, what is gone counts as well. */
static int take_sweep(struct care_log *l, const struct js *doc, struct err *err)
{
    struct care_list *list = list_of(l, doc);
    uint8_t(*packs)[PACK_NAME_LEN] = NULL;
    size_t n = 0;
    int rc = list ? 0 : take_condemn(l, doc, err);

    if (rc < 0)
        return rc;
    if (!list)
        list = &l->lists[l->lists_n - 1];
    rc = packs_of(doc, &packs, &n, err);
    if (rc == 0 && n > list->n) { /* more than were condemned */
        free(packs);
        rc = -EBADMSG;
    }
    if (rc < 0)
        return rc;
    free(list->packs);
    list->packs = packs;
    list->n = n;
    memset(list->kept, 0, n * sizeof(bool));
    list->swept = true;
    return 0;
}

static const struct {
    const char *what;
    int (*take)(struct care_log *l, const struct js *doc, struct err *err);
} kinds[] = {
    {"replica", take_replica}, {"policy", take_policy}, {"thin", take_spans},
    {"condemn", take_condemn}, {"keep", take_keep},     {"sweep", take_sweep},
};

/* -ENOENT: there is no next record. */
static int read_next(struct care_log *l, struct err *err)
{
    auto_js struct js *doc = NULL;
    char key[KEY_MAX];
    int rc = record_load(l->vault, key_of(l->position + 1, key), OBJECT_MAX, &doc, err);

    if (rc < 0)
        return rc;
    rc = -EBADMSG;
    if (text_equal(js_str(doc, "schema", NULL), schema) &&
        js_u64(doc, "number", 0) == l->position + 1)
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            if (text_equal(js_str(doc, "what", NULL), kinds[i].what))
                rc = kinds[i].take(l, doc, err);
    if (rc == -EBADMSG)
        return record_damaged(key, "is no record of care", err);
    if (rc < 0)
        return rc;
    l->newest_ms = num_max(l->newest_ms, js_u64(doc, "at_ms", 0));
    l->position++;
    return 0;
}

int care_log_read(struct care_log *l, struct err *err)
{
    int rc;

    do
        rc = read_next(l, err);
    while (rc == 0);
    if (rc != -ENOENT)
        return err_add(err, rc, "read the care log");
    err_clear(err);
    return 0;
}

/* ---- adding ------------------------------------------------------------------ */

static int begin(const struct care_log *l, const char *what, struct jsw **ret, struct err *err)
{
    int rc = jsw_new(ret, err);

    if (rc < 0)
        return rc;
    jsw_obj(*ret, NULL);
    jsw_str(*ret, "schema", schema);
    jsw_u64(*ret, "number", l->position + 1);
    jsw_str(*ret, "what", what);
    jsw_u64(*ret, "at_ms", clock_wall_ms(vault_clock(l->vault)));
    return 0;
}

static int fail_here(const char *name, struct err *err)
{
    int rc = failpoint(name);

    return rc < 0 ? err_set(err, rc, "%s: %m", name) : 0;
}

static int add(struct care_log *l, struct jsw *w, struct err *err)
{
    char key[KEY_MAX];
    bool weak = false;
    int rc = fail_here("care_log_add", err);

    jsw_end(w);
    if (rc == 0)
        rc = record_create(l->vault, key_of(l->position + 1, key), w, OBJECT_MAX, &weak, err);
    l->weak = l->weak || weak;
    if (rc == 0)
        rc = fail_here("care_log_add_done", err);
    if (rc == -EEXIST) {
        err_clear(err);
        rc = care_log_read(l, err);
        return rc < 0 ? rc : err_set(err, -EAGAIN, "%s was written by another first", key);
    }
    return rc < 0 ? err_add(err, rc, "add to the care log") : care_log_read(l, err);
}

int care_log_add_replica(struct care_log *l, const char *name, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = begin(l, "replica", &w, err);

    if (rc < 0)
        return rc;
    jsw_str(w, "replica", name);
    return add(l, w, err);
}

int care_log_add_policy(struct care_log *l, const struct care_policy *p, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = begin(l, "policy", &w, err);

    if (rc < 0)
        return rc;
    jsw_u64(w, "last", p->last);
    jsw_u64(w, "hourly", p->hourly);
    jsw_u64(w, "daily", p->daily);
    jsw_u64(w, "weekly", p->weekly);
    jsw_u64(w, "within_ms", p->within_ms);
    return add(l, w, err);
}

int care_log_add_spans(struct care_log *l, const struct care_span *spans, size_t n, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = begin(l, "thin", &w, err);

    assert(n <= CARE_SPANS_MAX);
    if (rc < 0)
        return rc;
    jsw_arr(w, "spans");
    for (size_t i = 0; i < n; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "replica", spans[i].replica);
        jsw_u64(w, "from", spans[i].from);
        jsw_u64(w, "to", spans[i].to);
        jsw_end(w);
    }
    jsw_end(w);
    return add(l, w, err);
}

/* of 0: the record is a list itself. */
static int add_packs(struct care_log *l, const char *what, uint64_t of,
                     uint8_t (*packs)[PACK_NAME_LEN], size_t n, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = begin(l, what, &w, err);

    assert(n <= CARE_LIST_MAX);
    if (rc < 0)
        return rc;
    if (of)
        jsw_u64(w, "of", of);
    jsw_arr(w, "packs");
    for (size_t i = 0; i < n; i++)
        jsw_hex(w, NULL, packs[i], PACK_NAME_LEN);
    jsw_end(w);
    return add(l, w, err);
}

static bool is_swept(const struct care_log *l, uint64_t number)
{
    for (size_t i = 0; i < l->lists_n; i++)
        if (l->lists[i].number == number)
            return l->lists[i].swept;
    return true;
}

/* The grace counts from the time in the record, and nobody could see it before it stood: what took
 * long (a store that did not answer, a machine that slept) is asked for again, as a pusher would.
 */
int care_log_condemn(struct care_log *l, uint8_t (*packs)[PACK_NAME_LEN], size_t n, struct err *err)
{
    const struct clock *clock = vault_clock(l->vault);
    const uint64_t list = l->position + 1;
    const uint64_t wall_ms = clock_wall_ms(clock), mono_ms = clock_mono_ms(clock);
    int rc = add_packs(l, "condemn", 0, packs, n, err);

    if (rc < 0 || (clock_wall_ms(clock) <= wall_ms + CONDEMN_MS &&
                   clock_mono_ms(clock) <= mono_ms + CONDEMN_MS))
        return rc;
    do {
        err_clear(err);
        rc = is_swept(l, list) ? 0 : care_log_keep(l, list, packs, n, err);
    } while (rc == -EAGAIN);
    return rc;
}

int care_log_keep(struct care_log *l, uint64_t list, uint8_t (*packs)[PACK_NAME_LEN], size_t n,
                  struct err *err)
{
    return add_packs(l, "keep", list, packs, n, err);
}

int care_log_sweep(struct care_log *l, uint64_t list, uint8_t (*packs)[PACK_NAME_LEN], size_t n,
                   struct err *err)
{
    return add_packs(l, "sweep", list, packs, n, err);
}

int care_log_probe(struct care_log *l, struct err *err)
{
    struct store_range range = {.max_bytes = OBJECT_MAX};
    struct store *s = vault_store(l->vault);
    auto_buf struct buf body = {0};
    char key[KEY_MAX];
    int rc = store_get(s, key_of(1, key), range, &body, err);

    /* Its own bytes: a store that replaces what it should not does no harm with them. */
    if (rc == 0)
        rc = store_put(s, key, buf_slice(&body), NULL, STORE_PUT_CREATE_ONLY, err);
    l->weak = l->weak || rc == 0 || rc == -EOPNOTSUPP;
    if (rc != 0 && rc != -EOPNOTSUPP && rc != -EEXIST)
        return err_add(err, rc, "try the care log");
    err_clear(err);
    return 0;
}

int care_log_register(struct care_log *l, const char *name, struct err *err)
{
    int rc = care_log_read(l, err);

    while (rc == 0 && !care_log_has_replica(l, name)) {
        rc = care_log_add_replica(l, name, err);
        if (rc == -EAGAIN) {
            err_clear(err);
            rc = 0;
        }
    }
    return rc < 0 ? err_add(err, rc, "register replica '%s'", name) : 0;
}
