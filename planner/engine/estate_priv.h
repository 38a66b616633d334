/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an estate, for estate*.c alone. */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_PRIV_H
#define GODWIT_PLANNER_ENGINE_ESTATE_PRIV_H

#include "planner/engine/estate.h"
#include "planner/engine/estate_index.h"

struct estate {
    int failed; /* the first failure, or 0 */
    const char *why;
    const char *clipped;
    struct estate_texts texts;
    struct estate_index by_name, by_id, by_label, by_address, namesakes, workload_by_name,
        file_by_name;
    struct estate_host **hosts;
    struct estate_workload **workloads;
    struct estate_talk *talks;
    const char **files;
    size_t hosts_n, workloads_n, talks_n, files_n;
};

/* Keep the first failure; what is a literal. */
void estate_fail(struct estate *e, int code, const char *what);

/*
 * Room for one more of size bytes in *items, which holds n of at most max. Lists without a cap of
 * their own grow at powers of two. false (and the estate has failed) above max, or without memory;
 * above ESTATE_LIST_MAX, which is of one host, what is too much is clipped.
 */
struct estate_list {
    void **items;
    size_t n, size, max;
    const char *what;
};
bool estate_room(struct estate *e, const struct estate_list *list);

#define ESTATE_ROOM_OF(e, items_, size_, n_, max_, what_)                                          \
    estate_room((e), &(struct estate_list){.items = (void **)&(items_),                            \
                                           .n = (n_),                                              \
                                           .size = (size_),                                        \
                                           .max = (max_),                                          \
                                           .what = (what_)})
#define ESTATE_ROOM(e, items_, n_, max_, what_)                                                    \
    ESTATE_ROOM_OF(e, items_, sizeof(*(items_)), n_, max_, what_)
/* The same for lists of pointers. */
#define ESTATE_ROOM_P(e, items_, n_, max_, what_)                                                  \
    ESTATE_ROOM_OF(e, items_, sizeof(void *), n_, max_, what_)

/* enum estate_level by its name in documents; a device has none. */
const char *estate_level_key(unsigned level);
bool estate_level_find(const char *key, unsigned *ret);

/* Lower case, and up to the first dot when label: what names of hosts are compared by. */
enum { ESTATE_KEY_MAX = ESTATE_TEXT_MAX };
void estate_key(const char *name, bool label, char out[static ESTATE_KEY_MAX]);

#endif
