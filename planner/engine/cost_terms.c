/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each machine is bought: on demand by the hours that it is needed, reserved for one year or
 * three, or from what the provider has to spare. What is reserved keeps its price for its term
 * while others fall; the choice looks three years ahead.
 */
#include "planner/engine/cost_model.h"

#include "base/auto.h"

#include "base/banned.h"

static const uint64_t ppm = 1000000;

static void fall(struct cost_model *m)
{
    uint64_t now = ppm;

    for (size_t month = 0; month < ARRAY_LEN(m->index); month++) {
        if (month > 0 && month % 12 == 0)
            now =
                (uint64_t)((__int128)now * (100 * (__int128)ppm - m->fall) / (100 * (__int128)ppm));
        m->index[month] = now;
    }
}

/* The price that counts in a month: that of when the term began. */
static int64_t month_by(const struct cost_model *m, const struct cost_host *h,
                        enum catalogue_term term, size_t from, size_t age)
{
    static const unsigned lasts[CATALOGUE_TERMS] = {
        [CATALOGUE_ON_DEMAND] = 1,
        [CATALOGUE_RESERVED_1Y] = 12,
        [CATALOGUE_RESERVED_3Y] = 36,
        [CATALOGUE_ELASTIC] = 1,
    };
    bool by_hour = lasts[term] == 1;
    __int128 month =
        (__int128)h->hour[term] * COST_HOURS * (by_hour ? h->week_hours : COST_WEEK) / COST_WEEK;

    return money_of(month * (__int128)m->index[from + age - age % lasts[term]] / (__int128)ppm);
}

int64_t cost_compute_month(const struct cost_model *m, const struct cost_host *h, size_t from,
                           size_t age)
{
    return h->shape ? month_by(m, h, h->term, from, age) : 0;
}

static int64_t three_years(const struct cost_model *m, const struct cost_host *h,
                           enum catalogue_term term, size_t from)
{
    int64_t sum = 0;

    for (size_t age = 0; age < COST_TERM_MONTHS; age++)
        sum = money_add(sum, month_by(m, h, term, from, age));
    return sum;
}

static bool may(const struct cost_model *m, const struct cost_host *h, enum catalogue_term term)
{
    uint64_t commit = cost_rate_count(m->rates, RATE_COMMIT_YEARS);

    if (h->hour[term] == 0)
        return false;
    switch (term) {
    case CATALOGUE_RESERVED_1Y:
        return commit >= 1;
    case CATALOGUE_RESERVED_3Y:
        return commit >= 3;
    case CATALOGUE_ELASTIC: /* only what may be taken away: never the base */
        return m->rates->value[RATE_ELASTIC].micros > 0 && h->week_hours < COST_WEEK;
    case CATALOGUE_ON_DEMAND:
    case CATALOGUE_TERMS:
        break;
    }
    return true;
}

static void choose(const struct cost_model *m, struct cost_host *h)
{
    size_t from = h->moves < m->months ? h->moves : 0;
    int64_t best = three_years(m, h, CATALOGUE_ON_DEMAND, from);

    h->term = CATALOGUE_ON_DEMAND;
    for (size_t t = CATALOGUE_ON_DEMAND + 1; t < CATALOGUE_TERMS; t++) {
        enum catalogue_term term = (enum catalogue_term)t;
        int64_t cost = may(m, h, term) ? three_years(m, h, term, from) : best;

        if (cost < best) {
            best = cost;
            h->term = term;
        }
    }
}

/* What a set costs in its first month, at all hours and by its load. */
static void choose_set(struct cost_model *m, struct cost_set *s)
{
    s->full_month = s->shaped_month = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct cost_host *h = &m->hosts[m->by_set[s->first + i]];

        h->week_hours = h->need_hours;
        choose(m, h);
        s->shaped_month = money_add(s->shaped_month, cost_compute_month(m, h, 0, 0));
        h->week_hours = COST_WEEK;
        choose(m, h);
        s->full_month = money_add(s->full_month, cost_compute_month(m, h, 0, 0));
        if (!s->scales)
            continue;
        h->week_hours = h->need_hours;
        choose(m, h);
    }
}

void cost_terms(struct cost_model *m)
{
    fall(m);
    for (size_t i = 0; i < m->sets_n; i++)
        choose_set(m, &m->sets[i]);
}
