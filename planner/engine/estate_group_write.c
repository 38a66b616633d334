/* SPDX-License-Identifier: Apache-2.0 */
/* Groups as a document: who is in which, how far to believe it, and what goes between them. */
#include "planner/engine/estate_group.h"

#include "base/err.h"
#include "base/jsw.h"
#include "base/num.h"
#include "planner/engine/estate.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define GROUPS_SCHEMA "godwit.groups/1"

/* Below this, a look by the owner is asked for. */
enum { UNSURE = 600, LINKS_MAX = 10000 };

struct link {
    uint32_t from, to;
    uint64_t bytes, talks;
};

/* -- traffic between groups ---------------------------------------------------------------------
 */

static int by_ends(const void *a, const void *b)
{
    const struct link *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to < y->to ? -1 : x->to > y->to;
}

static int by_bytes(const void *a, const void *b)
{
    const struct link *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return by_ends(a, b);
}

/* From one group to another, summed; ret has room for every talk. */
static size_t sum_links(const struct estate *e, const struct groups *g, struct link *ret)
{
    size_t n = 0, out = 0;

    for (size_t i = 0; i < estate_talks(e); i++) {
        const struct estate_talk *t = estate_talk(e, i);
        uint32_t from = t->from.host ? g->of[t->from.host->index] : GROUP_HUB;
        uint32_t to = t->to.host ? g->of[t->to.host->index] : GROUP_HUB;

        if (from != to && from != GROUP_HUB && to != GROUP_HUB)
            ret[n++] = (struct link){from, to, t->bytes, num_max(t->count, 1)};
    }
    if (n > 1)
        qsort(ret, n, sizeof(*ret), by_ends);
    for (size_t i = 0; i < n; i++) {
        if (out > 0 && by_ends(&ret[out - 1], &ret[i]) == 0) {
            ret[out - 1].bytes = num_min(ret[out - 1].bytes + ret[i].bytes, INT64_MAX);
            ret[out - 1].talks = num_min(ret[out - 1].talks + ret[i].talks, INT64_MAX);
        } else {
            ret[out++] = ret[i];
        }
    }
    if (out > 1)
        qsort(ret, out, sizeof(*ret), by_bytes);
    return out;
}

static int write_links(struct jsw *w, const struct estate *e, const struct estate_groups *g,
                       struct err *err)
{
    auto_free struct link *links = calloc(estate_talks(e) + 1, sizeof(*links));
    size_t n;

    if (!links)
        return err_set(err, -ENOMEM, "traffic between groups: %m");
    n = sum_links(e, &g->found, links);
    jsw_arr(w, "links");
    for (size_t i = 0; i < n && i < LINKS_MAX; i++) {
        jsw_obj(w, NULL);
        jsw_str(w, "from", g->names[links[i].from]);
        jsw_str(w, "to", g->names[links[i].to]);
        jsw_u64(w, "bytes", links[i].bytes);
        jsw_u64(w, "connections", links[i].talks);
        jsw_end(w);
    }
    jsw_end(w);
    jsw_u64(w, "links_left_out", n > LINKS_MAX ? n - LINKS_MAX : 0);
    return 0;
}

/* -- groups -------------------------------------------------------------------------------------
 */

static const char *reason(const struct group_view *v)
{
    if (v->tagged == v->hosts)
        return "their owners say so";
    if (v->hosts == 1)
        return v->coverage ? "it talks to nobody more than to others" : "nothing was seen of it";
    return v->tagged ? "owners say so of some, the rest talks to them" : "they talk to each other";
}

static void write_group(struct jsw *w, const struct estate *e, const struct estate_groups *g,
                        uint32_t k)
{
    const struct group_view *v = &g->found.views[k];
    bool sure = v->confidence >= UNSURE || v->tagged == v->hosts;

    jsw_obj(w, NULL);
    jsw_str(w, "group", g->names[k]);
    jsw_u64(w, "size", v->hosts);
    jsw_u64(w, "tagged", v->tagged);
    jsw_f64(w, "coverage", (double)v->coverage / GROUP_PERMILLE);
    jsw_f64(w, "cohesion", (double)v->cohesion / GROUP_PERMILLE);
    jsw_f64(w, "confidence", (double)v->confidence / GROUP_PERMILLE);
    jsw_str(w, "why", reason(v));
    jsw_str(w, "ask", sure ? NULL : "tag its hosts with their application, or watch them longer");
    jsw_arr(w, "hosts");
    for (size_t i = g->first[k]; i < g->first[k + 1]; i++)
        jsw_str(w, NULL, estate_host(e, g->members[i])->name);
    jsw_end(w);
    jsw_end(w);
}

/* Each partner once: seen [hosts] holds the last hub that a host was counted for. */
static size_t partners(const struct estate *e, const struct estate_host *hub, uint32_t *seen)
{
    size_t n = 0;

    for (size_t i = 0; i < estate_talks(e); i++) {
        const struct estate_talk *t = estate_talk(e, i);
        const struct estate_host *other = t->to.host == hub     ? t->from.host
                                          : t->from.host == hub ? t->to.host
                                                                : NULL;

        if (!other || other == hub || seen[other->index] == hub->index + 1)
            continue;
        seen[other->index] = (uint32_t)hub->index + 1;
        n++;
    }
    return n;
}

static int write_hubs(struct jsw *w, const struct estate *e, const struct estate_groups *g,
                      struct err *err)
{
    auto_free uint32_t *seen = calloc(estate_hosts(e) + 1, sizeof(*seen));

    if (!seen)
        return err_set(err, -ENOMEM, "partners of hubs: %m");
    jsw_arr(w, "hubs");
    for (size_t h = 0; h < estate_hosts(e); h++) {
        if (g->found.of[h] != GROUP_HUB)
            continue;
        jsw_obj(w, NULL);
        jsw_str(w, "host", estate_host(e, h)->name);
        jsw_u64(w, "partners", partners(e, estate_host(e, h), seen));
        jsw_end(w);
    }
    jsw_end(w);
    return 0;
}

int estate_group_write(const struct estate *e, const struct estate_groups *g, struct js **ret,
                       struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", GROUPS_SCHEMA);
    jsw_u64(w, "hosts", estate_hosts(e));
    jsw_arr(w, "groups");
    for (uint32_t k = 0; k < g->found.n; k++) {
        if (*g->names[k])
            write_group(w, e, g, k);
    }
    jsw_end(w);
    r = write_hubs(w, e, g, err);
    if (r == 0)
        r = write_links(w, e, g, err);
    jsw_end(w);
    return r < 0 ? r : jsw_take(w, ret, err);
}
