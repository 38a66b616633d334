/* SPDX-License-Identifier: Apache-2.0 */
/* Price lists: what is taken can be written, and reads back as the same. */
#include "tests/fuzz.h"

#include "base/js.h"
#include "planner/engine/catalogue_read.h"

#include "base/banned.h"

static void fuzz_run(struct slice input)
{
    static const struct catalogue_spec spec = {.refused = NULL};
    auto_catalogue struct catalogue c = {0};
    auto_catalogue struct catalogue again = {0};
    auto_js struct js *doc = NULL;
    auto_buf struct buf text = {0};

    if (catalogue_read_all(input, &spec, &c, NULL) < 0)
        return;
    for (size_t i = 0; i < c.n; i++) {
        if (c.shapes[i].price_micros == 0 || !c.shapes[i].date[0] || !c.shapes[i].name[0])
            abort();
    }
    for (size_t i = 0; i < CATALOGUE_ITEMS; i++) {
        const struct catalogue_rate *r = catalogue_rate_of(&c, (enum catalogue_item)i);

        if (r && catalogue_rate_cost(&c, r, 1000) > catalogue_rate_cost(&c, r, 2000))
            abort();
    }
    if (catalogue_write(&c, &doc, NULL) < 0) /* a number that JSON cannot say */
        return;
    if (js_print(doc, false, false, &text, NULL) < 0 ||
        catalogue_read_all(buf_slice(&text), &spec, &again, NULL) < 0 || again.n != c.n ||
        again.rates_n != c.rates_n)
        abort();
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_catalogue", argc, argv);
}
#endif
