/* SPDX-License-Identifier: Apache-2.0 */
/* Workloads on a circle, in the order of names; a chord for those that talk, as wide as they do. */
#include "planner/engine/report.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/html.h"

#include <stdlib.h>

#include "base/banned.h"

enum { SIZE = 640, RADIUS = 180, LABEL = 20, EDGES_SHOWN = 120 };

struct edge {
    size_t a, b; /* workloads, a before b */
    uint64_t bytes;
    bool depends;
};

struct map {
    const struct estate *e;
    struct edge *edges;
    size_t n;
    size_t place[REPORT_NODES_MAX]; /* workloads that are shown, by name */
    size_t nodes;
};

/* -- edges ------------------------------------------------------------------------------------ */

static int by_ends(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;

    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

static int by_bytes(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;

    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return by_ends(a, b);
}

static size_t index_of(const struct map *m, const char *workload)
{
    const struct estate_workload *w = *workload ? estate_workload_find(m->e, workload) : NULL;

    return w ? w->index : SIZE_MAX;
}

static void add(struct map *m, const char *from, const char *to, uint64_t bytes, bool depends)
{
    size_t a = index_of(m, from), b = index_of(m, to);

    if (a == SIZE_MAX || b == SIZE_MAX || a == b)
        return;
    m->edges[m->n++] = (struct edge){a < b ? a : b, a < b ? b : a, bytes, depends};
}

static void join(struct map *m)
{
    size_t n = 0;

    if (m->n > 1)
        qsort(m->edges, m->n, sizeof(*m->edges), by_ends);
    for (size_t i = 0; i < m->n; i++) {
        struct edge *last = n > 0 ? &m->edges[n - 1] : NULL;

        if (!last || by_ends(last, &m->edges[i]) != 0) {
            m->edges[n++] = m->edges[i];
            continue;
        }
        if (!num_add(last->bytes, m->edges[i].bytes, &last->bytes))
            last->bytes = UINT64_MAX;
        last->depends |= m->edges[i].depends;
    }
    m->n = n;
    if (n > 1)
        qsort(m->edges, n, sizeof(*m->edges), by_bytes);
}

static int collect(struct map *m, struct err *err)
{
    size_t room = estate_talks(m->e) + 1;

    for (size_t i = 0; i < estate_workloads(m->e); i++)
        room += estate_workload(m->e, i)->depends_n;
    m->edges = calloc(room, sizeof(*m->edges));
    if (!m->edges)
        return err_set(err, -ENOMEM, "a map of %zu talks: %m", room);
    for (size_t i = 0; i < estate_talks(m->e); i++) {
        const struct estate_talk *t = estate_talk(m->e, i);

        if (t->from.host && t->to.host)
            add(m, t->from.host->workload, t->to.host->workload, t->bytes, false);
    }
    for (size_t i = 0; i < estate_workloads(m->e); i++) {
        const struct estate_workload *w = estate_workload(m->e, i);

        for (size_t k = 0; k < w->depends_n; k++)
            add(m, w->name, w->depends[k].on, 0, true);
    }
    join(m);
    return 0;
}

/* -- places -------------------------------------------------------------------------------------
 */

static size_t place_of(const struct map *m, size_t workload)
{
    for (size_t i = 0; i < m->nodes; i++) {
        if (m->place[i] == workload)
            return i;
    }
    return SIZE_MAX;
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return x < y ? -1 : x > y;
}

static void choose(struct map *m)
{
    for (size_t i = 0; i < m->n; i++) {
        size_t ends[] = {m->edges[i].a, m->edges[i].b};

        for (size_t k = 0; k < 2; k++) {
            if (m->nodes < REPORT_NODES_MAX && place_of(m, ends[k]) == SIZE_MAX)
                m->place[m->nodes++] = ends[k];
        }
    }
    if (m->nodes > 1)
        qsort(m->place, m->nodes, sizeof(*m->place), by_number);
}

/* The circle in 72 steps of five degrees, in thousandths: no libm, the same everywhere. */
enum { STEPS = 72, STEP_DEGREES = 5 };

static size_t step_of(const struct map *m, size_t i)
{
    return i * STEPS / m->nodes % STEPS;
}

static void spot(const struct map *m, size_t i, int radius, int *ret_x, int *ret_y)
{
    static const int sine[19] = {0,   87,  174, 259, 342, 423, 500, 574, 643, 707,
                                 766, 819, 866, 906, 940, 966, 985, 996, 1000};
    size_t step = step_of(m, i), quarter = step / 18, rest = step % 18;
    int s = quarter % 2 ? sine[18 - rest] : sine[rest];
    int c = quarter % 2 ? sine[rest] : sine[18 - rest];

    s = quarter >= 2 ? -s : s;
    c = quarter == 1 || quarter == 2 ? -c : c;
    *ret_x = SIZE / 2 + c * radius / 1000;
    *ret_y = SIZE / 2 + s * radius / 1000;
}

/* 1 for a kilobyte, one more for each factor of 32. */
static unsigned width_of(uint64_t bytes)
{
    unsigned width = 1;

    for (; bytes > 1024 * 32 && width < 7; bytes /= 32)
        width++;
    return width;
}

/* -- drawing -------------------------------------------------------------------------------------
 */

static void chords(const struct map *m, struct buf *b)
{
    size_t shown = 0;

    for (size_t i = 0; i < m->n && shown < EDGES_SHOWN; i++) {
        const struct edge *e = &m->edges[i];
        size_t from = place_of(m, e->a), to = place_of(m, e->b);
        int x1, y1, x2, y2;

        if (from == SIZE_MAX || to == SIZE_MAX)
            continue;
        spot(m, from, RADIUS, &x1, &y1);
        spot(m, to, RADIUS, &x2, &y2);
        buf_printf(b, "<path class=\"edge%s\" stroke-width=%u d=\"M%d %dQ%d %d %d %d\"><title>",
                   e->depends ? " dep" : "", width_of(e->bytes), x1, y1, SIZE / 2, SIZE / 2, x2,
                   y2);
        html_text(b, estate_workload(m->e, e->a)->name);
        buf_str(b, " – ");
        html_text(b, estate_workload(m->e, e->b)->name);
        buf_str(b, "</title></path>\n");
        shown++;
    }
}

static void nodes(const struct map *m, struct buf *b)
{
    for (size_t i = 0; i < m->nodes; i++) {
        int x, y, tx, ty, turn = (int)step_of(m, i) * STEP_DEGREES;
        bool left = turn > 90 && turn < 270;

        spot(m, i, RADIUS, &x, &y);
        spot(m, i, RADIUS + 10, &tx, &ty);
        /* Outwards, like spokes, so that none lies upon another; on the left not upside down. */
        buf_printf(b,
                   "<circle class=node cx=%d cy=%d r=4 /><text class=%s x=%d y=%d dy=\".35em\" "
                   "transform=\"rotate(%d %d %d)\">",
                   x, y, left ? "y" : "k", tx, ty, left ? turn - 180 : turn, tx, ty);
        html_middle(b, estate_workload(m->e, m->place[i])->name, LABEL);
        buf_str(b, "</text>\n");
    }
}

static void table(const struct map *m, struct buf *b)
{
    buf_str(b, "<details><summary>The strongest ties as a table</summary><table><caption>Workloads "
               "that talk, or depend on each other</caption><thead><tr><th scope=col>Workload</th>"
               "<th scope=col>Workload</th><th scope=col class=n>Traffic seen</th><th "
               "scope=col>Depends</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < m->n && i < EDGES_SHOWN; i++) {
        buf_str(b, "<tr><td>");
        html_text(b, estate_workload(m->e, m->edges[i].a)->name);
        buf_str(b, "</td><td>");
        html_text(b, estate_workload(m->e, m->edges[i].b)->name);
        buf_str(b, "</td><td class=n>");
        html_bytes(b, m->edges[i].bytes);
        buf_printf(b, "</td><td>%s</td></tr>\n", m->edges[i].depends ? "yes" : "no");
    }
    buf_str(b, "</tbody></table></details>\n");
}

int report_map(const struct report_spec *spec, struct buf *b, struct err *err)
{
    struct map m = {.e = spec->estate};
    int r = collect(&m, err);

    if (r < 0)
        return r;
    choose(&m);
    if (m.nodes < 2) {
        buf_str(b, "<p>Nobody saw workloads talk to each other, and none is said to depend on "
                   "another.</p>\n");
    } else {
        buf_printf(
            b,
            "<figure><svg class=map viewBox=\"0 0 %d %d\" role=img aria-labelledby=\"map-t "
            "map-d\"><title id=map-t>Which workloads talk to which</title><desc id=map-d>%zu "
            "of %zu workloads on a circle, lines between those that talk. The table below "
            "has them.</desc>\n",
            SIZE, SIZE, m.nodes, estate_workloads(m.e));
        chords(&m, b);
        nodes(&m, b);
        buf_printf(
            b,
            "</svg><figcaption>The %zu workloads (of %zu) with the strongest ties; dashed: one "
            "depends on the other</figcaption></figure>\n",
            m.nodes, estate_workloads(m.e));
        table(&m, b);
    }
    free(m.edges);
    return 0;
}
