/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a pass under way has come: the map pages that it has made durable, by region, so that a
 * pass that goes on after a kill or a boot takes a region over with one look, and needs the ledger
 * only for what came after. Two files of the state directory, read where needed: memory does not
 * grow with the volume.
 *
 * A page is only noted when all that it names is durable. Beside the pages lie the names of packs
 * that the pass counts on and the ledger has forgotten: whoever looks for what a collector of
 * garbage took goes through these, too. Thread-safe.
 */
#ifndef GODWIT_TRANSPORT_MADE_H
#define GODWIT_TRANSPORT_MADE_H

#include "transport/pack.h"
#include "transport/unit.h"

struct err;
struct made;

/* The directory is locked by the caller. */
int made_open(const char *dir, struct made **ret, struct err *err);
void made_close(struct made *m);

struct made_page {
    uint32_t region;
    uint32_t sectors;
    struct unit unit;
};
/* Of one map pack or of several, which are durable; they are noted on return. */
int made_note(struct made *m, const struct made_page *pages, size_t n, struct err *err);
/* 1 and the page that was noted for a region; 0: none, or its pack is lost. */
int made_page(struct made *m, uint32_t region, struct made_page *ret, struct err *err);

/* Packs of data that noted pages name, or will. They are kept on return. */
int made_add_packs(struct made *m, uint8_t (*packs)[PACK_NAME_LEN], size_t n, struct err *err);
/* Every pack that is not lost, some of them twice. When fn returns true (> 0) it is lost from now
 * on. counted_on is true: who noted a page was told that its packs are there. */
typedef int (*made_pack_fn)(void *arg, const uint8_t *pack, bool counted_on);
int made_packs(struct made *m, made_pack_fn fn, void *arg, struct err *err);
int made_lose(struct made *m, const uint8_t *pack, struct err *err); /* found elsewhere */
bool made_is_lost(struct made *m, const uint8_t *pack);

bool made_any(struct made *m); /* is anything noted? */
/* The pass ended in a point. */
int made_clear(struct made *m, struct err *err);

#endif
