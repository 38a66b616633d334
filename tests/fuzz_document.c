/* SPDX-License-Identifier: Apache-2.0 */
/* The documents that agents send: inventories, utilisation, and histograms from the database. */
#include "tests/fuzz.h"

#include "inventory/inventory.h"
#include "inventory/rollup.h"
#include "inventory/utilisation.h"

#include "base/js.h"
#include "base/text.h"

#include "base/banned.h"

/* What was taken must be safe to show. */
static void check_text(const char *text)
{
    auto_free char *copy = strdup(text);

    if (!copy)
        abort();
    text_sanitize(copy);
    if (!text_equal(copy, text))
        abort();
}

static void try_inventory(const struct js *doc)
{
    auto_inventory struct inventory *inv = NULL;

    if (inventory_read(doc, &inv, NULL) != 0)
        return;
    check_text(inv->host_name);
    check_text(inv->os_name);
    for (size_t i = 0; i < inv->n_volumes; i++) {
        check_text(inv->volumes[i].path);
        check_text(inv->volumes[i].mount);
    }
    for (size_t i = 0; i < inv->n_addresses; i++)
        check_text(inv->addresses[i].address);
    for (size_t i = 0; i < inv->n_peers; i++)
        check_text(inv->peers[i].peer);
}

static void try_utilisation(const struct js *doc)
{
    auto_utilisation struct utilisation *u = NULL;
    struct rollup_done done;

    if (utilisation_read(doc, &u, NULL) != 0)
        return;
    for (size_t i = 0; i < u->n_series; i++) {
        struct rollup r = {0};

        for (size_t k = 0; k < u->n_times; k++) {
            int rc = rollup_feed(&r, u->times_ms[k], u->series[i].values[k], &done);

            /* Only what the agent did not know is no value. */
            if (rc != 0 && u->series[i].values[k] == u->series[i].values[k])
                abort();
        }
    }
}

static void try_histogram(const struct js *doc)
{
    struct rollup_hist h;
    struct rollup_hist sum = {0};

    if (rollup_hist_read(doc, &h, NULL) != 0)
        return;
    if (rollup_hist_merge(&sum, &h) != 0 || sum.n != h.n)
        abort();
    if (h.n > 0 && !(rollup_hist_quantile(&h, 0.5) >= h.min))
        abort();
}

static void fuzz_run(struct slice input)
{
    auto_js struct js *doc = NULL;

    if (js_parse(input, INVENTORY_MAX_BYTES, &doc, NULL) != 0)
        return;
    try_inventory(doc);
    try_utilisation(doc);
    try_histogram(doc);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_document", argc, argv);
}
#endif
