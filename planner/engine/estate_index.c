/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear steps, at most half full; nothing is ever taken out. */
#include "planner/engine/estate_index.h"

#include "base/auto.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { INDEX_MIN = 64, PIECE_BYTES = 1 << 16 };

struct estate_piece {
    struct estate_piece *before;
    size_t used, size;
    char bytes[];
};

/* FNV-1a, its high bits mixed into the low ones that choose the place. */
static size_t hash(const char *key)
{
    uint64_t h = 14695981039346656037u;

    for (; *key; key++)
        h = (h ^ (uint8_t)*key) * 1099511628211u;
    return (size_t)(h ^ (h >> 29));
}

static struct estate_entry *place_of(const struct estate_index *x, const char *key)
{
    size_t at = hash(key) & (x->cap - 1);

    while (x->entries[at].key && strcmp(x->entries[at].key, key) != 0)
        at = (at + 1) & (x->cap - 1);
    return &x->entries[at];
}

struct estate_entry *estate_index_find(const struct estate_index *x, const char *key)
{
    struct estate_entry *entry = x->cap ? place_of(x, key) : NULL;

    return entry && entry->key ? entry : NULL;
}

static bool grow(struct estate_index *x)
{
    struct estate_index larger = {.cap = x->cap ? x->cap * 2 : INDEX_MIN, .n = x->n};

    larger.entries = calloc(larger.cap, sizeof(*larger.entries));
    if (!larger.entries)
        return false;
    for (size_t i = 0; i < x->cap; i++) {
        if (x->entries[i].key)
            *place_of(&larger, x->entries[i].key) = x->entries[i];
    }
    free(x->entries);
    *x = larger;
    return true;
}

struct estate_entry *estate_index_put(struct estate_index *x, const char *key)
{
    struct estate_entry *entry = estate_index_find(x, key);

    if (entry)
        return entry;
    if (x->n >= x->cap / 2 && !grow(x))
        return NULL;
    entry = place_of(x, key);
    *entry = (struct estate_entry){.key = key};
    x->n++;
    return entry;
}

void estate_index_clear(struct estate_index *x)
{
    if (x->cap)
        memset(x->entries, 0, x->cap * sizeof(*x->entries));
    x->n = 0;
}

void estate_index_done(struct estate_index *x)
{
    free(x->entries);
    *x = (struct estate_index){0};
}

static char *room(struct estate_texts *t, size_t len)
{
    struct estate_piece *piece = t->last;
    char *at;

    if (!piece || piece->size - piece->used < len) {
        size_t size = len > PIECE_BYTES ? len : PIECE_BYTES;

        piece = malloc(sizeof(*piece) + size);
        if (!piece)
            return NULL;
        *piece = (struct estate_piece){.before = t->last, .size = size};
        t->last = piece;
    }
    at = piece->bytes + piece->used;
    piece->used += len;
    return at;
}

const char *estate_texts_keep(struct estate_texts *t, const char *text)
{
    const struct estate_entry *known = estate_index_find(&t->index, text);
    size_t len = strlen(text) + 1;
    char *copy;

    if (known)
        return known->key;
    copy = room(t, len);
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    return estate_index_put(&t->index, copy) ? copy : NULL;
}

void estate_texts_done(struct estate_texts *t)
{
    while (t->last) {
        struct estate_piece *piece = t->last;

        t->last = piece->before;
        free(piece);
    }
    estate_index_done(&t->index);
}
