/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which sectors of the newest point lie scattered over so many packs that they should be sent
 * again, together.
 *
 * The measure is what a restore asks for: the GETs of fetch.h over the units of one region. A group
 * is the sectors that one small GET brings. All of this is a hint: what it names in vain is sent in
 * vain, and what it lacks stays where it is.
 */
#ifndef GODWIT_TRANSPORT_GATHER_H
#define GODWIT_TRANSPORT_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct page;

enum {
    GATHER_SMALL = 512 * 1024, /* useful bytes of a GET below which it is worth saving */
    GATHER_GROUPS_MAX = 64 * 1024,
    GATHER_RUNS_MAX = 256 * 1024
};

/* Sectors of a region that lie side by side. */
struct gather_run {
    uint32_t region;
    uint16_t first;
    uint16_t count; /* at least 1 */
};

struct gather_group {
    uint32_t region;
    uint32_t bytes; /* stored, roughly: what sending them again costs */
    uint32_t run;   /* the first of runs_n in a row */
    uint32_t runs_n;
};

/* {0} is empty. */
struct gather {
    size_t groups_n, groups_cap;
    struct gather_group *groups;
    size_t runs_n, runs_cap;
    struct gather_run *runs;
};
void gather_done(struct gather *g);

/* What a restore of a page's sectors costs. */
struct gather_cost {
    uint32_t requests;
    uint32_t least;  /* requests, were all of it in a row */
    uint64_t bytes;  /* fetched */
    uint64_t useful; /* of these */
};

/* Does it take more than slack requests more than it could? */
bool gather_is_scattered(const struct gather_cost *c, uint32_t slack);

/* Measure a page, and when it is scattered add its small groups to g (NULL: only measure). What
 * passes the limits is left out. */
int gather_page(struct gather *g, const struct page *page, uint32_t region, uint32_t slack,
                struct gather_cost *ret, struct err *err);

/* Append a group of from (its sectors with it) to g; false when there is no room left for it. */
int gather_add(struct gather *g, const struct gather *from, const struct gather_group *group,
               bool *ret_added, struct err *err);

/* Groups by what they cost, the cheapest first; then by region. */
void gather_by_cost(struct gather *g);

/* The runs of the cheapest groups that together cost at most budget bytes, by place. *ret is the
 * caller's to free. Reorders groups. */
int gather_choose(struct gather *g, uint64_t budget, struct gather_run **ret, size_t *ret_n,
                  struct err *err);
/* The first of n runs, which lie by place, that ends behind sector of region. */
size_t gather_find(const struct gather_run *runs, size_t n, uint32_t region, uint32_t sector);

/* The plan of a state directory, for a volume of so many bytes. A file that is not there, or is
 * damaged, or was made for another size, is an empty one without credit. Less than nothing: more
 * was spent than there was. */
int gather_load(const char *dir, uint64_t size_bytes, struct gather *ret, int64_t *ret_credit,
                struct err *err);
int gather_save(const char *dir, uint64_t size_bytes, const struct gather *g, int64_t credit,
                struct err *err);

#endif
