/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The care log: what collectors of garbage and pushers agree on, one record after the other.
 *
 * Records are numbered 1, 2, 3, … without gaps and created once, so that whoever adds one has seen
 * all before it: there is one order, on any store that can create-only, and no listing is relied
 * on. docs/vault-care.md has the rules and why they suffice. A log belongs to one thread.
 */
#ifndef GODWIT_TRANSPORT_CARE_LOG_H
#define GODWIT_TRANSPORT_CARE_LOG_H

#include "transport/pack.h"
#include "transport/vault.h"

struct err;

enum { CARE_LIST_MAX = 32768, CARE_SPANS_MAX = 4096, CARE_WRITER_MAX = 128 };

/* Which points retention keeps; all 0: every point. */
struct care_policy {
    uint64_t last, hourly, daily, weekly;
    uint64_t within_ms;
};

/* Points of a replica that retention gave up: from..to, both included. */
struct care_span {
    char replica[VAULT_REPLICA_NAME_MAX + 1];
    uint64_t from;
    uint64_t to;
    uint64_t at_ms; /* when; read only */
};

/* Packs that nothing needed when it was written. */
struct care_list {
    uint64_t number; /* of its record */
    uint64_t at_ms;
    size_t n;
    uint8_t (*packs)[PACK_NAME_LEN]; /* ascending; once swept: only those that are gone */
    bool *kept;                      /* a pusher needs it after all */
    bool swept;
};

struct care_log {
    struct vault *vault;
    uint64_t position;  /* records up to it were read or skipped */
    uint64_t newest_ms; /* time of the youngest that was read */
    size_t replicas_n;
    char (*replicas)[VAULT_REPLICA_NAME_MAX + 1];
    size_t spans_n;
    struct care_span *spans;
    size_t lists_n;
    struct care_list *lists;
    bool has_policy;
    struct care_policy policy;
    bool weak; /* the store cannot create-only: what was added may have been lost to another */
};

/* Nothing is read yet; records up to position never are. v is lent. */
int care_log_open(struct vault *v, uint64_t position, struct care_log **ret, struct err *err);
void care_log_close(struct care_log *l);
static inline void care_log_closep(struct care_log **l)
{
    care_log_close(*l);
}
#define auto_care_log AUTO(care_log_closep)

/* Every record up to the end. -EBADMSG (GW_VAULT_DAMAGED). */
int care_log_read(struct care_log *l, struct err *err);

bool care_log_has_replica(const struct care_log *l, const char *name);
bool care_log_gave_up(const struct care_log *l, const char *name, uint64_t seq);
/* The span that gave the point up, or NULL. */
const struct care_span *care_log_span(const struct care_log *l, const char *name, uint64_t seq);
/* As if a record of the span stood, for what is decided next: nothing is written. */
int care_log_suppose(struct care_log *l, const struct care_span *span, struct err *err);
/* The place of a pack in a list, or -1. */
ptrdiff_t care_log_find(const struct care_list *list, const uint8_t *pack);

/*
 * Add one record and take its effect into *l. -EAGAIN: somebody else wrote first; that was read
 * now, and what the caller wanted has to be decided anew. Failpoints: care_log_add,
 * care_log_add_done.
 */
int care_log_add_replica(struct care_log *l, const char *name, struct err *err);
int care_log_add_policy(struct care_log *l, const struct care_policy *p, struct err *err);
int care_log_add_spans(struct care_log *l, const struct care_span *spans, size_t n,
                       struct err *err); /* at most CARE_SPANS_MAX */
/* At most CARE_LIST_MAX packs each, ascending. A condemnation that took minutes to stand is taken
 * back at once by a keep of all of it: the grace begins when it was made, not when it could be
 * seen.
 */
int care_log_condemn(struct care_log *l, uint8_t (*packs)[PACK_NAME_LEN], size_t n,
                     struct err *err);
int care_log_keep(struct care_log *l, uint64_t list, uint8_t (*packs)[PACK_NAME_LEN], size_t n,
                  struct err *err);
int care_log_sweep(struct care_log *l, uint64_t list, uint8_t (*packs)[PACK_NAME_LEN], size_t n,
                   struct err *err);

/* Can the store create-only? Found out by asking for the first record, which stands, once more:
 * nothing is written, and l->weak says so from now on. There must be a record. */
int care_log_probe(struct care_log *l, struct err *err);

/* Writers of a replica: make sure that the log names it, so that no collector overlooks it. */
int care_log_register(struct care_log *l, const char *name, struct err *err);

#endif
