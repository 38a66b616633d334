/* SPDX-License-Identifier: Apache-2.0 */
/* What a price list says, once it is read. */
#include "planner/engine/catalogue.h"

#include "base/num.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

const char *const catalogue_term_names[CATALOGUE_TERMS] = {
    [CATALOGUE_ON_DEMAND] = "on_demand",
    [CATALOGUE_RESERVED_1Y] = "reserved_1y",
    [CATALOGUE_RESERVED_3Y] = "reserved_3y",
    [CATALOGUE_ELASTIC] = "elastic",
};

const char *const catalogue_item_names[CATALOGUE_ITEMS] = {
    [CATALOGUE_BLOCK] = "block",
    [CATALOGUE_OBJECT] = "object",
    [CATALOGUE_EGRESS] = "egress",
};

void catalogue_done(struct catalogue *c)
{
    free(c->shapes);
    free(c->rates);
    *c = (struct catalogue){0};
}

const char *catalogue_date(const struct catalogue *c)
{
    const char *date = "";

    for (size_t i = 0; i < c->n; i++)
        date = strcmp(c->shapes[i].date, date) > 0 ? c->shapes[i].date : date;
    for (size_t i = 0; i < c->rates_n; i++)
        date = strcmp(c->rates[i].date, date) > 0 ? c->rates[i].date : date;
    return date;
}

/* The first tier may begin above 0: what is below it is free of charge. */
static bool is_first(const struct catalogue *c, size_t i)
{
    return i == 0 || c->rates[i - 1].item != c->rates[i].item ||
           !text_equal(c->rates[i - 1].name, c->rates[i].name);
}

const struct catalogue_rate *catalogue_rate_of(const struct catalogue *c, enum catalogue_item item)
{
    const struct catalogue_rate *best = NULL;

    for (size_t i = 0; i < c->rates_n; i++) {
        const struct catalogue_rate *r = &c->rates[i];

        if (r->item == item && is_first(c, i) && (!best || r->price_micros < best->price_micros))
            best = r;
    }
    return best;
}

static uint64_t sum_or_most(uint64_t sum, uint64_t price, uint64_t gib)
{
    uint64_t part;

    return num_mul(price, gib, &part) && num_add(sum, part, &sum) ? sum : UINT64_MAX;
}

uint64_t catalogue_rate_cost(const struct catalogue *c, const struct catalogue_rate *rate,
                             uint64_t gib)
{
    uint64_t sum = 0;

    for (size_t i = (size_t)(rate - c->rates); i < c->rates_n; i++) {
        const struct catalogue_rate *r = &c->rates[i];
        bool last = i + 1 == c->rates_n || is_first(c, i + 1);
        uint64_t until = last ? gib : num_min(gib, r[1].from_gib);

        if (until > r->from_gib)
            sum = sum_or_most(sum, r->price_micros, until - r->from_gib);
        if (last)
            break;
    }
    return sum;
}
