/* SPDX-License-Identifier: Apache-2.0 */
/* A planner's database, empty, in a directory that goes away, as the state of a test. */
#ifndef GODWIT_TESTS_DB_PLACE_H
#define GODWIT_TESTS_DB_PLACE_H

#include "base/clock.h"
#include "planner/service/schema.h"
#include "planner/service/service.h"
#include "tests/unit.h"

struct home {
    struct service svc;
    char *dir;
};

static inline int setup(void **state)
{
    struct home *h = calloc(1, sizeof(*h));
    char path[PATH_MAX];

    h->dir = unit_mkdir();
    h->svc = (struct service){.clock = &clock_system, .rng = &rng_system};
    assert_ok(db_open(unit_path(h->dir, "godwitd.db", path), schema_steps, schema_steps_n,
                      &h->svc.db, NULL));
    *state = h;
    return 0;
}

static inline int teardown(void **state)
{
    struct home *h = *state;

    db_close(h->svc.db);
    unit_rmdir(h->dir);
    free(h);
    return 0;
}

#endif
