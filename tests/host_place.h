/* SPDX-License-Identifier: Apache-2.0 */
/* A whole host of tests/data/inventory as the state of a test: its tree and its document. */
#ifndef GODWIT_TESTS_HOST_PLACE_H
#define GODWIT_TESTS_HOST_PLACE_H

#include "tests/fixture.h"
#include "tests/unit.h"

#include "base/js.h"

struct host {
    char *dir;
    struct js *doc;
};

/* Look at the tree as it is now. */
static inline void host_look(struct host *h)
{
    js_free(h->doc);
    h->doc = fixture_inventory(h->dir);
}

/* name: of a tree, or NULL for an empty one. */
static inline int host_setup(void **state, const char *name)
{
    struct host *h = calloc(1, sizeof(*h));

    h->dir = name ? fixture_unpack(name) : unit_mkdir_memory();
    host_look(h);
    *state = h;
    return 0;
}

static inline int setup_rhel(void **state)
{
    return host_setup(state, "rhel79-db");
}

static inline int setup_deb(void **state)
{
    return host_setup(state, "deb12-web");
}

static inline int setup_el6(void **state)
{
    return host_setup(state, "el6-legacy");
}

static inline int teardown(void **state)
{
    struct host *h = *state;

    js_free(h->doc);
    unit_rmdir(h->dir);
    free(h);
    return 0;
}

#endif
