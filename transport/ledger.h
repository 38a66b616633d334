/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The units that a pass under way has made durable: an append-only file in the state directory, so
 * that a killed pass does not send them again, and the index by which equal units are stored once.
 *
 * Units of an earlier run are believed only after their pack was seen in the store. File and index
 * are bounded: what lies in regions whose pages were noted (made.h) is forgotten when there is much
 * of it, and past LEDGER_INDEX_MAX units, further ones are merely not known again.
 */
#ifndef GODWIT_TRANSPORT_LEDGER_H
#define GODWIT_TRANSPORT_LEDGER_H

#include "transport/unit.h"

struct ledger;
struct made;

enum {
    LEDGER_INDEX_MAX = 512 * 1024,
    LEDGER_MUCH = 3 * (LEDGER_INDEX_MAX / 4) /* records from which on some are forgotten */
};

/* Read what an earlier run left; a torn end is cut off. The directory is locked by the caller. */
int ledger_open(const char *dir, struct ledger **ret, struct err *err);
void ledger_close(struct ledger *l);
static inline void ledger_closep(struct ledger **l)
{
    ledger_close(*l);
}
#define auto_ledger AUTO(ledger_closep)

/* Is this pack in the store? 0 and *ret_there, or an error. */
typedef int (*ledger_check_fn)(void *arg, const uint8_t *pack, bool *ret_there, struct err *err);

/* 1 and the unit, 0 not known. check is asked once for each pack of an earlier run. Any thread. */
int ledger_find(struct ledger *l, const uint8_t *id, uint32_t raw_len, ledger_check_fn check,
                void *arg, struct unit *ret, struct err *err);
/* n units of one pack that is durable; they are too, on return. Any thread. */
int ledger_add(struct ledger *l, const struct unit *units, size_t n, struct err *err);
/* How many records were ever added: a point in time. */
uint64_t ledger_mark(struct ledger *l);
/* What was added before mark lies in regions whose pages are noted in m: half of what there is may
 * be forgotten once there is much (records; LEDGER_MUCH but for tests). m keeps its packs. Any
 * thread. */
int ledger_release(struct ledger *l, uint64_t mark, size_t much, struct made *m, struct err *err);
/* The pass ended in a point. */
int ledger_clear(struct ledger *l, struct err *err);
/* Every pack that has records. counted_on: of this run, or seen in the store. When fn returns true
 * (> 0) its units are not known any more. */
typedef int (*ledger_pack_fn)(void *arg, const uint8_t *pack, bool counted_on);
int ledger_packs(struct ledger *l, ledger_pack_fn fn, void *arg, struct err *err);
size_t ledger_count(struct ledger *l); /* units known */

#endif
