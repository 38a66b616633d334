/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the inventory of this machine, or of the directory or .tree file named. */
#include "tests/unit.h"

#include "tests/fixture.h"

#include "inventory/inventory.h"
#include "inventory/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include "base/banned.h"

static int print_inventory(struct probe *p, struct err *err)
{
    auto_buf struct buf out = {0};
    int rc = inventory_collect(p, &clock_system, &out, err);

    if (rc == 0)
        printf("%s\n", buf_cstr(&out));
    return rc;
}

static int print_tree(const char *path, struct err *err)
{
    auto_probe struct probe *p = NULL;
    char *dir = unit_mkdir();
    int rc = fixture_unpack_into(path, dir);

    if (rc < 0)
        err_set(err, rc, "unpack '%s': %m", path);
    else
        rc = probe_fixture_new(dir, &p, err);
    if (rc == 0)
        rc = print_inventory(p, err);
    unit_rmdir(dir);
    return rc;
}

static int run(int argc, char **argv, struct err *err)
{
    auto_probe struct probe *p = NULL;
    int rc;

    if (argc > 1 && text_ends(argv[1], ".tree"))
        return print_tree(argv[1], err);
    rc = argc > 1 ? probe_fixture_new(argv[1], &p, err) : probe_local_new(&p, err);
    return rc < 0 ? rc : print_inventory(p, err);
}

int main(int argc, char **argv)
{
    struct err err = {0};

    if (run(argc, argv, &err) == 0)
        return 0;
    fprintf(stderr, "tool_inventory: %s\n", err.text);
    return 1;
}
