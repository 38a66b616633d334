/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of ports, and what is alike. */
#include "planner/engine/role.h"

#include "base/auto.h"
#include "base/err.h"
#include "planner/engine/graph.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

/* likeness is symmetric: of the pairs below n * n, both halves are kept up. */
struct work {
    size_t hosts;
    double *like, *norm;
    uint32_t *size, *best; /* of a root: hosts, and who is most like it */
    bool *gone;
};

static int by_port(const void *a, const void *b)
{
    const struct role_port *x = a, *y = b;

    if (x->asked != y->asked)
        return x->asked ? 1 : -1;
    if (x->port != y->port)
        return x->port < y->port ? -1 : 1;
    return x->host < y->host ? -1 : x->host > y->host;
}

static void work_done(struct work *w)
{
    free(w->like);
    free(w->norm);
    free(w->size);
    free(w->best);
    free(w->gone);
}

static int work_init(struct work *w, struct err *err)
{
    w->like = calloc(w->hosts * w->hosts + 1, sizeof(*w->like));
    w->norm = calloc(w->hosts + 1, sizeof(*w->norm));
    w->size = calloc(w->hosts + 1, sizeof(*w->size));
    w->best = calloc(w->hosts + 1, sizeof(*w->best));
    w->gone = calloc(w->hosts + 1, sizeof(*w->gone));
    if (!w->like || !w->norm || !w->size || !w->best || !w->gone)
        return err_set(err, -ENOMEM, "roles of %zu hosts: %m", w->hosts);
    return 0;
}

/* One port of n hosts: every pair of them is alike by the square of its rarity. */
static void add_port(struct work *w, const struct role_port *ports, size_t n)
{
    double idf = (double)(graph_log2(w->hosts + n) - graph_log2(n));

    for (size_t i = 0; i < n; i++) {
        w->norm[ports[i].host] += idf * idf;
        for (size_t k = 0; k < n; k++)
            w->like[ports[i].host * w->hosts + ports[k].host] += idf * idf;
    }
}

/* ports are in order. */
static void compare(struct work *w, const struct role_port *ports, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t from = i++;

        while (i < n && ports[i].port == ports[from].port && ports[i].asked == ports[from].asked)
            i++;
        if (i - from > 1)
            add_port(w, ports + from, i - from);
    }
    for (size_t a = 0; a < w->hosts; a++) {
        for (size_t b = 0; b < w->hosts; b++) {
            double norm = sqrt(w->norm[a] * w->norm[b]);

            w->like[a * w->hosts + b] = norm > 0 ? w->like[a * w->hosts + b] / norm : 0;
        }
    }
}

static void find_best(struct work *w, uint32_t a)
{
    double best = -1;

    w->best[a] = a;
    for (uint32_t b = 0; b < w->hosts; b++) {
        if (b == a || w->gone[b] || w->like[a * w->hosts + b] <= best)
            continue;
        best = w->like[a * w->hosts + b];
        w->best[a] = b;
    }
}

/* b becomes part of a: the likeness to others is the mean over all pairs. */
static void join(struct work *w, uint32_t a, uint32_t b)
{
    double of_a = w->size[a], of_b = w->size[b];

    w->gone[b] = true;
    w->size[a] += w->size[b];
    for (uint32_t c = 0; c < w->hosts; c++) {
        double *to_a = &w->like[a * w->hosts + c];

        if (c == a || w->gone[c])
            continue;
        *to_a = (*to_a * of_a + w->like[b * w->hosts + c] * of_b) / (of_a + of_b);
        w->like[c * w->hosts + a] = *to_a;
    }
    for (uint32_t c = 0; c < w->hosts; c++) {
        if (!w->gone[c] && (c == a || w->best[c] == a || w->best[c] == b))
            find_best(w, c);
    }
}

/* The most alike of all first; of equals the lowest. */
static void link_all(struct work *w, double alike, uint32_t *role)
{
    for (uint32_t h = 0; h < w->hosts; h++) {
        w->size[h] = 1;
        role[h] = h;
        find_best(w, h);
    }
    for (;;) {
        double best = alike;
        uint32_t a = UINT32_MAX, b;

        for (uint32_t h = 0; h < w->hosts; h++) {
            double here = w->like[h * w->hosts + w->best[h]];

            if (w->gone[h] || w->best[h] == h || here < best || (a != UINT32_MAX && here == best))
                continue;
            best = here;
            a = h;
        }
        if (a == UINT32_MAX)
            return;
        b = w->best[a];
        join(w, a < b ? a : b, a < b ? b : a);
        for (uint32_t h = 0; h < w->hosts; h++) {
            if (role[h] == (a < b ? b : a))
                role[h] = a < b ? a : b;
        }
    }
}

/* Roots are their own first hosts. */
static size_t number(uint32_t *role, size_t hosts, uint32_t *map)
{
    size_t n = 0;

    for (size_t h = 0; h < hosts; h++) {
        if (role[h] == h)
            map[h] = (uint32_t)n++;
        role[h] = map[role[h]];
    }
    return n;
}

int role_find(size_t hosts, struct role_port *ports, size_t n, unsigned alike_percent,
              uint32_t *ret_role, size_t *ret_n, struct err *err)
{
    AUTO(work_done) struct work w = {.hosts = hosts};
    double alike = (double)(alike_percent ? alike_percent : ROLE_ALIKE_PERCENT) / 100;
    size_t unique = 0;
    int r;

    if (hosts > ROLE_HOSTS_MAX)
        return err_set(err, -EFBIG, "roles of %zu hosts", hosts);
    for (size_t i = 0; i < n; i++) {
        if (ports[i].host >= hosts)
            return err_set(err, -EINVAL, "a port of host %u, which is not there", ports[i].host);
    }
    r = work_init(&w, err);
    if (r < 0)
        return r;
    if (n > 0)
        qsort(ports, n, sizeof(*ports), by_port);
    for (size_t i = 0; i < n; i++) {
        if (unique == 0 || by_port(&ports[unique - 1], &ports[i]) != 0)
            ports[unique++] = ports[i];
    }
    compare(&w, ports, unique);
    link_all(&w, alike, ret_role);
    *ret_n = number(ret_role, hosts, w.best);
    return 0;
}
