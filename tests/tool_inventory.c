/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the inventory of this machine, or of the tree named: for tests that look from outside. */
#include "inventory/inventory.h"
#include "inventory/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdio.h>

#include "base/banned.h"

int main(int argc, char **argv)
{
    auto_probe struct probe *p = NULL;
    auto_buf struct buf out = {0};
    struct err err = {0};
    int rc = argc > 1 ? probe_fixture_new(argv[1], &p, &err) : probe_local_new(&p, &err);

    if (rc == 0)
        rc = inventory_collect(p, &clock_system, &out, &err);
    if (rc < 0) {
        fprintf(stderr, "tool_inventory: %s\n", err.text);
        return 1;
    }
    printf("%s\n", buf_cstr(&out));
    return 0;
}
