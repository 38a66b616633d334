/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inventory and utilisation with every allocation failing in turn: nothing leaks, and a document
 * that comes out all the same is a whole one.
 */
#include "tests/alloc.h"

#include "tests/fixture.h"

#include "inventory/inventory.h"
#include "inventory/probe.h"
#include "inventory/utilisation.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/js.h"

#include "base/banned.h"

struct host {
    char *dir;
    struct js *doc;
    struct fixture_time time;
    struct clock clock;
};

/*
 * From here on nothing fails any more: jansson's reader drops bytes in silence when it has no
 * memory (2.14, lex_save), so what it says then proves nothing about us.
 */
static bool disarm(void)
{
    atomic_store(&alloc_until_fail, 0);
    return atomic_load(&alloc_did_fail);
}

/* A collector that had no memory may be a problem of the document instead of a failure. */
static int collect(void *arg)
{
    const struct host *h = arg;
    auto_probe struct probe *p = NULL;
    auto_buf struct buf text = {0};
    auto_js struct js *doc = NULL;
    bool failed = false;
    int rc = probe_fixture_new(h->dir, &p, NULL);

    if (rc == 0)
        rc = inventory_collect(p, &h->clock, &text, NULL);
    if (rc < 0)
        return rc;
    failed = disarm();
    assert_ok(js_parse(buf_slice(&text), INVENTORY_MAX_BYTES, &doc, NULL));
    assert_ok(js_check_schema(doc, INVENTORY_SCHEMA, NULL));
    return failed ? -ENOMEM : 0;
}

static int read_document(void *arg)
{
    const struct host *h = arg;
    auto_inventory struct inventory *inv = NULL;

    return inventory_read(h->doc, &inv, NULL);
}

/* Two looks, and the report of them. */
static int report(void *arg)
{
    struct host *h = arg;
    auto_free struct sample *s = calloc(2, sizeof(*s));
    auto_probe struct probe *p = NULL;
    auto_sample struct sample_set *set = NULL;
    auto_buf struct buf text = {0};
    auto_utilisation struct utilisation *u = NULL;
    int rc = s ? probe_fixture_new(h->dir, &p, NULL) : -ENOMEM;

    if (rc == 0)
        rc = sample_new(&set, NULL);
    for (int i = 0; rc == 0 && i < 2; i++) {
        clock_sleep_ms(&h->clock, 10000);
        rc = sample_take(set, p, &h->clock, &s[i], NULL);
    }
    if (rc == 0)
        rc = utilisation_write(s, 2, 1, &text, NULL);
    /* A file that could not be read for want of memory leaves its numbers out. */
    if (rc == 0 && disarm()) {
        assert_ok(utilisation_parse(buf_slice(&text), &u, NULL));
        rc = -ENOMEM;
    }
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    struct host h = {.time = {.wall_ms = 1763800000000, .mono_ms = 1}};
    auto_probe struct probe *p = NULL;

    (void)state;
    h.dir = fixture_unpack("el6-legacy");
    /* Hashing aborts without memory, by contract (base/crypto.h): a host with nothing to hash. */
    fixture_remove(h.dir, "var/lib/dbus/machine-id");
    h.clock = fixture_clock(&h.time);
    assert_ok(probe_fixture_new(h.dir, &p, NULL));
    assert_ok(inventory_collect_js(p, &h.clock, &h.doc, NULL));
    alloc_fail_each("inventory_read", read_document, &h);
    alloc_fail_each("sample and report", report, &h);
    alloc_fail_each("inventory_collect", collect, &h);
    js_free(h.doc);
    unit_rmdir(h.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };

    if (!ALLOC_WORKS) {
        puts("skipped: a sanitizer owns malloc");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
