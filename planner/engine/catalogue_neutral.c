/* SPDX-License-Identifier: Apache-2.0 */
/* Every size of every family, cheapest first as all catalogues are. */
#include "planner/engine/catalogue_neutral.h"

#include "base/err.h"
#include "base/text.h"
#include "planner/engine/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { VCPU_MICROS = 36000, GIB_MICROS = 3300, GPU_MICROS = 1000000, SHAPES = 128 };

static void add(struct catalogue *c, unsigned vcpus, unsigned gib, unsigned gpus, bool arm)
{
    struct catalogue_shape *s = &c->shapes[c->n++];
    uint64_t price = (uint64_t)vcpus * VCPU_MICROS + (uint64_t)gib * GIB_MICROS;

    *s = (struct catalogue_shape){
        .vcpus = vcpus, .memory_bytes = (uint64_t)gib << 30, .gpus = gpus, .arm = arm};
    s->price_micros = (arm ? price * 4 / 5 : price) + (uint64_t)gpus * GPU_MICROS;
    s->term_micros[CATALOGUE_ON_DEMAND] = s->price_micros;
    if (gpus)
        (void)text_print(s->name, sizeof(s->name), "%ux%ug+%ugpu", vcpus, gib, gpus);
    else
        (void)text_print(s->name, sizeof(s->name), "%ux%ug%s", vcpus, gib, arm ? "-arm" : "");
}

static int by_price(const void *a, const void *b)
{
    const struct catalogue_shape *x = a, *y = b;

    if (x->price_micros != y->price_micros)
        return x->price_micros < y->price_micros ? -1 : 1;
    return strcmp(x->name, y->name);
}

int catalogue_neutral(struct catalogue *ret, struct err *err)
{
    static const unsigned vcpus[] = {1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128};
    static const unsigned gib_per_vcpu[] = {2, 4, 8, 16};
    auto_catalogue struct catalogue c = {.cap = SHAPES};

    c.shapes = calloc(c.cap, sizeof(*c.shapes));
    if (!c.shapes)
        return err_set(err, -ENOMEM, "shapes of no provider: %m");
    (void)text_copy(c.provider, sizeof(c.provider), "neutral");
    for (size_t v = 0; v < sizeof(vcpus) / sizeof(vcpus[0]); v++) {
        for (size_t g = 0; g < sizeof(gib_per_vcpu) / sizeof(gib_per_vcpu[0]); g++) {
            add(&c, vcpus[v], vcpus[v] * gib_per_vcpu[g], 0, false);
            add(&c, vcpus[v], vcpus[v] * gib_per_vcpu[g], 0, true);
        }
    }
    for (unsigned gpus = 1; gpus <= 8; gpus *= 2) {
        add(&c, 8 * gpus, 64 * gpus, gpus, false);
        add(&c, 16 * gpus, 128 * gpus, gpus, false);
    }
    qsort(c.shapes, c.n, sizeof(*c.shapes), by_price);
    *ret = c;
    c = (struct catalogue){0};
    return 0;
}
