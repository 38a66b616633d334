/* SPDX-License-Identifier: Apache-2.0 */
/* Texts, each kept once, and what they lead to: the names, ids and addresses of an estate. */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_INDEX_H
#define GODWIT_PLANNER_ENGINE_ESTATE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* {0} is empty. */
struct estate_index {
    struct estate_entry {
        const char *key; /* lent; NULL: free */
        void *value;
        uint32_t number; /* the user's own */
    } * entries;
    size_t n, cap;
};

/* NULL: no such key. */
struct estate_entry *estate_index_find(const struct estate_index *x, const char *key);
/* The entry of key, made with value NULL; key must outlive it. NULL without memory. */
struct estate_entry *estate_index_put(struct estate_index *x, const char *key);
void estate_index_clear(struct estate_index *x);
void estate_index_done(struct estate_index *x);

/* Memory for texts, in large pieces. {0} is empty. */
struct estate_texts {
    struct estate_piece *last;
    struct estate_index index;
};

/* The one copy of text; NULL without memory. */
const char *estate_texts_keep(struct estate_texts *t, const char *text);
void estate_texts_done(struct estate_texts *t);

#endif
