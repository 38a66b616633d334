/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What owners call by two names is two things, however much goes between them: communities with
 * several tags are parted, and who has none goes with whom it talks to most.
 */
#include "planner/engine/group_part.h"

#include "base/auto.h"
#include "base/err.h"
#include "planner/engine/graph.h"
#include "planner/engine/group.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* How far a word travels from host to host. */
enum { ROUNDS = 8 };

struct place {
    uint32_t of, tag, host;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->of != y->of)
        return x->of < y->of ? -1 : 1;
    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    return x->host < y->host ? -1 : x->host > y->host;
}

/* Mark communities with two tags; first[of] is the first that was met. */
static size_t find_mixed(const struct group_input *in, const uint32_t *of, uint32_t *first,
                         bool *mixed)
{
    size_t n = 0;

    for (size_t h = 0; h < in->hosts; h++) {
        if (in->tag[h] == 0)
            continue;
        if (first[of[h]] == 0)
            first[of[h]] = in->tag[h];
        else if (first[of[h]] != in->tag[h] && !mixed[of[h]])
            n += mixed[of[h]] = true;
    }
    return n;
}

/* The tag of the neighbour within the community that h shares most with; 0: none has one. */
static uint32_t strongest(const struct graph *g, const uint32_t *of, const uint32_t *tag, size_t h)
{
    int64_t best = -1;
    uint32_t found = 0;

    for (size_t i = g->first[h]; i < g->first[h + 1]; i++) {
        uint32_t other = g->other[i];

        if (of[other] == of[h] && tag[other] && g->weight[i] > best) {
            best = g->weight[i];
            found = tag[other];
        }
    }
    return found;
}

static void spread(const struct graph *g, const uint32_t *of, const bool *mixed, uint32_t *tag,
                   uint32_t *next)
{
    bool changed = true;

    for (int round = 0; changed && round < ROUNDS; round++) {
        changed = false;
        memcpy(next, tag, g->nodes * sizeof(*next));
        for (size_t h = 0; h < g->nodes; h++) {
            if (tag[h] == 0 && mixed[of[h]])
                next[h] = strongest(g, of, tag, h);
            changed |= next[h] != tag[h];
        }
        memcpy(tag, next, g->nodes * sizeof(*tag));
    }
}

/* A label for each pair of community and tag: its first host. */
static int relabel(size_t hosts, const bool *mixed, const uint32_t *tag, uint32_t *of,
                   struct err *err)
{
    auto_free struct place *places = calloc(hosts + 1, sizeof(*places));
    uint32_t label = 0;

    if (!places)
        return err_set(err, -ENOMEM, "parts of %zu hosts: %m", hosts);
    for (uint32_t h = 0; h < hosts; h++)
        places[h] = (struct place){of[h], mixed[of[h]] ? tag[h] : 0, h};
    qsort(places, hosts, sizeof(*places), by_place);
    for (size_t i = 0; i < hosts; i++) {
        if (i == 0 || places[i].of != places[i - 1].of || places[i].tag != places[i - 1].tag)
            label = places[i].host;
        of[places[i].host] = label;
    }
    return 0;
}

int group_part(const struct graph *g, const struct group_input *in, uint32_t *of, struct err *err)
{
    auto_free uint32_t *tag = calloc(in->hosts + 1, sizeof(*tag));
    auto_free uint32_t *room = calloc(in->hosts + 1, sizeof(*room));
    auto_free bool *mixed = calloc(in->hosts + 1, sizeof(*mixed));

    if (!tag || !room || !mixed)
        return err_set(err, -ENOMEM, "parts of %zu hosts: %m", in->hosts);
    if (!in->tag || in->hosts == 0 || find_mixed(in, of, room, mixed) == 0)
        return 0;
    memcpy(tag, in->tag, in->hosts * sizeof(*tag));
    spread(g, of, mixed, tag, room);
    return relabel(in->hosts, mixed, tag, of, err);
}
