/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sides, one register an epoch, orders that arrive at any time, again and again or never: every
 * state that the real ownership_next can reach, searched breadth first.
 *
 * The counterpart in C of tests/model/cutover.pml. In each state at most one side is writable, who
 * writes holds every acknowledged write, and from each state one can still get to where exactly one
 * side writes.
 */
#include "tests/unit.h"

#include "agent/ownership.h"

#include "base/banned.h"

enum {
    EPOCHS = 3,
    WRITES = 3,
    TORN = 99,
    SLOTS = 1 << 22,
    STATES_MAX = 1 << 20,
    EDGES_MAX = 1 << 23,
};

struct side {
    uint8_t known, owns, max, fenced; /* the record */
    uint8_t applied;                  /* applied.json: its epoch, 0 = none */
    uint8_t pulling;                  /* an apply under way; a crash forgets it */
    uint8_t data;                     /* version on the volume, or TORN */
};

struct world {
    struct side side[2];
    uint8_t epoch;             /* the last one opened */
    uint8_t from[EPOCHS + 1];  /* who held when it opened */
    uint8_t dec[EPOCHS + 1];   /* the registers */
    uint8_t final[EPOCHS + 1]; /* version of the final point, TORN = none yet */
    uint8_t there[EPOCHS + 1]; /* version that the other side read back, TORN = not yet */
    uint8_t head;              /* newest version in the vault */
    uint8_t acked;
};

struct search {
    struct world *state;
    uint32_t *slot;
    uint32_t n;
    uint32_t *edge_from, *edge_to;
    uint32_t edges;
    uint32_t now; /* being expanded */
};

/* -- the search ------------------------------------------------------------------ */

static uint32_t hash_of(const struct world *w)
{
    const uint8_t *p = (const uint8_t *)w;
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < sizeof(*w); i++)
        h = (h ^ p[i]) * 16777619U;
    return h;
}

static void reach(struct search *s, const struct world *w)
{
    uint32_t i = hash_of(w) % SLOTS;

    while (s->slot[i] != 0 && memcmp(&s->state[s->slot[i] - 1], w, sizeof(*w)) != 0)
        i = (i + 1) % SLOTS;
    if (s->slot[i] == 0) {
        if (s->n == STATES_MAX)
            fail_msg("more than %d states", STATES_MAX);
        s->state[s->n++] = *w;
        s->slot[i] = s->n;
    }
    if (s->edges == EDGES_MAX)
        fail_msg("more than %d moves", EDGES_MAX);
    s->edge_from[s->edges] = s->now;
    s->edge_to[s->edges++] = s->slot[i] - 1;
}

/* -- the sides, through the real rules ----------------------------------------------- */

static struct ownership record_of(const struct side *n)
{
    return (struct ownership){.known = n->known,
                              .owns = n->owns,
                              .max_epoch = n->max,
                              .fenced_epoch = n->fenced,
                              .role = n->owns ? OWNERSHIP_PUSH : OWNERSHIP_FOLLOW};
}

static bool is_writable(const struct side *n)
{
    struct ownership o = record_of(n);

    return ownership_writable(&o);
}

/* As agent/decision.c finds it. */
static enum control_decision past_of(const struct world *w, const struct side *n)
{
    struct ownership o = record_of(n);
    uint64_t epoch = ownership_waits_on(&o, n->applied);

    return epoch ? (enum control_decision)w->dec[epoch] : CONTROL_NONE;
}

static bool moves(const struct world *w, struct side *n, struct ownership_event ev)
{
    struct ownership o = record_of(n);

    ev.past = past_of(w, n);
    if (n->pulling || ownership_next(&o, &ev, &o, NULL) < 0)
        return false;
    n->known = o.known;
    n->owns = o.owns;
    n->max = (uint8_t)o.max_epoch;
    n->fenced = (uint8_t)o.fenced_epoch;
    return true;
}

static void holder_orders(struct search *s, const struct world *w, int who, uint8_t e)
{
    struct world x = *w;

    if (moves(&x, &x.side[who], (struct ownership_event){.kind = OWNERSHIP_FENCE, .epoch = e}))
        reach(s, &x);
    x = *w;
    if (moves(&x, &x.side[who], (struct ownership_event){.kind = OWNERSHIP_FINAL, .epoch = e})) {
        assert_int_not_equal(TORN, x.side[who].data);
        x.final[e] = x.head = x.side[who].data;
        reach(s, &x);
    }
    x = *w;
    if (x.dec[e] == CONTROL_NONE && x.side[who].fenced == e)
        x.dec[e] = CONTROL_ABORT; /* self-abort: the register first */
    if (x.dec[e] == CONTROL_ABORT &&
        moves(&x, &x.side[who],
              (struct ownership_event){
                  .kind = OWNERSHIP_ABORT, .epoch = e, .decision = CONTROL_ABORT}))
        reach(s, &x);
}

static void begin_pull(struct world *x, int who, uint8_t e)
{
    x->side[who].applied = 0;
    x->side[who].data = TORN;
    x->side[who].pulling = e;
}

/* Promote, or first the points again when they are torn: ensure_applied of order_switch.c. */
static void promote(struct search *s, const struct world *w, int who, uint8_t e)
{
    struct world x = *w;
    struct side *n = &x.side[who];
    bool applied = n->applied == e;

    if (w->dec[e] != CONTROL_PROMOTE || n->pulling)
        return;
    if (!applied && !n->owns && n->max == e && n->fenced == 0) {
        begin_pull(&x, who, e);
        reach(s, &x);
        return;
    }
    if (moves(&x, n,
              (struct ownership_event){.kind = OWNERSHIP_PROMOTE,
                                       .epoch = e,
                                       .decision = CONTROL_PROMOTE,
                                       .applied = applied}))
        reach(s, &x);
}

static void other_orders(struct search *s, const struct world *w, int who, uint8_t e)
{
    struct world x = *w;

    if (w->final[e] != TORN &&
        moves(&x, &x.side[who], (struct ownership_event){.kind = OWNERSHIP_APPLY, .epoch = e})) {
        begin_pull(&x, who, e);
        reach(s, &x);
    }
    promote(s, w, who, e);
    x = *w;
    if (w->dec[e] == CONTROL_ABORT &&
        moves(&x, &x.side[who],
              (struct ownership_event){.kind = OWNERSHIP_STAND_DOWN, .epoch = e})) {
        x.side[who].applied = 0;
        reach(s, &x);
    }
}

static void pull(struct search *s, const struct world *w, int who)
{
    struct world x = *w;
    uint8_t e = w->side[who].pulling;

    if (e == 0)
        return;
    x.side[who].pulling = 0; /* cut */
    reach(s, &x);
    x.side[who].data = x.there[e] = w->final[e];
    x.side[who].applied = e;
    reach(s, &x);
}

static void follow(struct search *s, const struct world *w, int who)
{
    struct world x = *w;
    struct side *n = &x.side[who];

    if (n->fenced != 0 &&
        moves(&x, n, (struct ownership_event){.kind = OWNERSHIP_CEDE, .epoch = w->epoch}))
        reach(s, &x);
    x = *w;
    if (n->owns || n->pulling || !n->known)
        return;
    if (n->applied != 0 && n->applied == n->max && w->dec[n->max] != CONTROL_ABORT)
        return;
    n->applied = 0;
    n->data = x.head;
    reach(s, &x);
}

static void write_and_push(struct search *s, const struct world *w, int who)
{
    struct world x = *w;

    if (!is_writable(&w->side[who]))
        return;
    assert_false(is_writable(&w->side[1 - who]));
    assert_int_equal(w->acked, w->side[who].data);
    if (w->acked < WRITES) {
        x.side[who].data++;
        x.acked++;
        reach(s, &x);
    }
    x = *w;
    x.head = x.side[who].data;
    reach(s, &x);
}

/* -- the planner, and planners that woke up late ----------------------------------------- */

static void planner(struct search *s, const struct world *w)
{
    struct world x = *w;
    uint8_t e = w->epoch;

    if (e < EPOCHS && (e == 0 || w->dec[e] != CONTROL_NONE)) {
        x.epoch = (uint8_t)(e + 1);
        x.from[e + 1] = w->dec[e] == CONTROL_PROMOTE ? !w->from[e] : w->from[e];
        reach(s, &x);
    }
    for (e = 1; e <= w->epoch; e++) {
        if (w->dec[e] != CONTROL_NONE)
            continue;
        x = *w;
        x.dec[e] = CONTROL_ABORT;
        reach(s, &x);
        if (w->there[e] == TORN || w->there[e] != w->final[e])
            continue;
        x.dec[e] = CONTROL_PROMOTE;
        reach(s, &x);
    }
}

static void expand(struct search *s, const struct world *w)
{
    planner(s, w);
    for (int who = 0; who < 2; who++) {
        write_and_push(s, w, who);
        follow(s, w, who);
        pull(s, w, who);
        for (uint8_t e = 1; e <= w->epoch; e++) {
            if (w->from[e] == who)
                holder_orders(s, w, who, e);
            else
                other_orders(s, w, who, e);
        }
    }
}

static struct world first_world(void)
{
    struct world w;

    memset(&w, 0, sizeof(w));
    w.side[0].known = w.side[0].owns = 1;
    w.side[1].known = 1;
    memset(w.final, TORN, sizeof(w.final));
    memset(w.there, TORN, sizeof(w.there));
    return w;
}

static void search_all(struct search *s)
{
    struct world w = first_world();

    s->state = calloc(STATES_MAX, sizeof(*s->state));
    s->slot = calloc(SLOTS, sizeof(*s->slot));
    s->edge_from = calloc(EDGES_MAX, sizeof(*s->edge_from));
    s->edge_to = calloc(EDGES_MAX, sizeof(*s->edge_to));
    assert_true(s->state && s->slot && s->edge_from && s->edge_to);
    reach(s, &w);
    for (s->now = 0; s->now < s->n; s->now++) {
        w = s->state[s->now];
        assert_false(is_writable(&w.side[0]) && is_writable(&w.side[1]));
        expand(s, &w);
    }
}

static void search_free(struct search *s)
{
    free(s->state);
    free(s->slot);
    free(s->edge_from);
    free(s->edge_to);
}

/* Backwards from the states where one side writes, until nothing is added. */
static uint32_t count_stuck(const struct search *s)
{
    uint8_t *good = calloc(s->n, 1);
    uint32_t stuck = 0;
    bool more = true;

    assert_non_null(good);
    for (uint32_t i = 0; i < s->n; i++)
        good[i] = is_writable(&s->state[i].side[0]) || is_writable(&s->state[i].side[1]);
    while (more) {
        more = false;
        for (uint32_t i = s->edges; i-- > 0;) {
            if (!good[s->edge_to[i]] || good[s->edge_from[i]])
                continue;
            good[s->edge_from[i]] = 1;
            more = true;
        }
    }
    for (uint32_t i = 0; i < s->n; i++)
        stuck += !good[i];
    free(good);
    return stuck;
}

static void no_order_of_events_breaks_a_switch_or_leaves_it_stuck(void **state)
{
    struct search s = {0};
    bool promoted_twice = false;

    (void)state;
    search_all(&s);
    for (uint32_t i = 0; i < s.n; i++)
        promoted_twice =
            promoted_twice ||
            (s.state[i].dec[1] == CONTROL_PROMOTE && s.state[i].dec[2] == CONTROL_PROMOTE &&
             is_writable(&s.state[i].side[0]) && s.state[i].acked == WRITES);
    assert_true(promoted_twice); /* there and back again is among what was searched */
    assert_int_equal(0, count_stuck(&s));
    print_message("%u states, %u moves\n", s.n, s.edges);
    search_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_order_of_events_breaks_a_switch_or_leaves_it_stuck),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
