/* SPDX-License-Identifier: Apache-2.0 */
/* Directories and programs of the demonstration. */
#include "cli/demo.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/tree.h"
#include "cli/program.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

static int find_dir(const char *which, char *out, struct err *err)
{
    char base[DEMO_DIR_MAX];
    int r = fd_xdg(which, base, sizeof(base), err);

    if (r < 0)
        return err_set_gw(err, GW_BAD_CONFIG, r, "there is no place for the demo: set HOME");
    /* Hooks and tools run elsewhere: a relative place would be another there. */
    if (base[0] != '/')
        return err_set_gw(err, GW_BAD_CONFIG, -EINVAL, "'%s' is not an absolute path", base);
    r = text_print(out, DEMO_DIR_MAX, "%s/demo", base);
    return r < 0 ? err_set_gw(err, GW_BAD_CONFIG, r, "'%s': %m", base) : 0;
}

int demo_place_find(struct demo *d, struct err *err)
{
    int r = find_dir("data", d->data, err);

    return r < 0 ? r : find_dir("state", d->state, err);
}

static int join(const char *dir, const char *name, char out[static PATH_MAX], struct err *err)
{
    int r = text_print(out, PATH_MAX, "%s/%s", dir, name);

    return r < 0 ? err_set(err, r, "'%s/%s': %m", dir, name) : 0;
}

int demo_place_data(const struct demo *d, const char *name, char out[static PATH_MAX],
                    struct err *err)
{
    return join(d->data, name, out, err);
}

int demo_place_state(const struct demo *d, const char *name, char out[static PATH_MAX],
                     struct err *err)
{
    return join(d->state, name, out, err);
}

/* -- programs ---------------------------------------------------------------- */

int demo_place_programs(struct demo *d, struct err *err)
{
    int r = program_find("godwitd", GODWIT_SBINDIR, d->godwitd, err);

    if (r == 0)
        r = program_find("godwit-agent", GODWIT_SBINDIR, d->agent, err);
    if (r == 0)
        r = program_find("godwit-demo-ledger", GODWIT_PKGLIBEXECDIR, d->ledger, err);
    if (r == 0)
        r = program_find_tool("mke2fs", "the demo", "e2fsprogs", d->mke2fs, err);
    if (r == 0)
        r = program_find_tool("debugfs", "the demo", "e2fsprogs", d->debugfs, err);
    if (r == 0)
        r = program_find_tool("e2fsck", "the demo", "e2fsprogs", d->e2fsck, err);
    return r;
}

/* -- directories --------------------------------------------------------------- */

int demo_place_make(struct demo *d, struct err *err)
{
    static const char *const dirs[] = {"log", "pid", "proof"};
    char path[PATH_MAX];
    int r = fd_mkdirs(d->data, 0700, err);

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++) {
        r = demo_place_state(d, dirs[i], path, err);
        if (r == 0)
            r = fd_mkdirs(path, 0700, err);
    }
    if (r == 0)
        r = demo_place_state(d, "lock", path, err);
    if (r == 0 && d->lock < 0)
        r = fd_lock(path, &d->lock, err);
    if (r == -EWOULDBLOCK)
        return err_set_gw(err, GW_IN_USE, r, "another godwit demo is at work in %s", d->state);
    return r;
}

bool demo_place_exists(const struct demo *d)
{
    return access(d->state, F_OK) == 0 || access(d->data, F_OK) == 0;
}

bool demo_place_is_ready(const struct demo *d)
{
    char path[PATH_MAX];

    return demo_place_state(d, "ready", path, NULL) == 0 && access(path, F_OK) == 0;
}

/* "godwit" above ours goes too when nothing else is in it. */
static void remove_parent(const char *dir)
{
    char parent[DEMO_DIR_MAX];
    char *slash;

    if (text_copy(parent, sizeof(parent), dir) < 0)
        return;
    slash = strrchr(parent, '/');
    if (slash) {
        *slash = '\0';
        (void)rmdir(parent);
    }
}

int demo_place_clear(struct demo *d, struct err *err)
{
    DIR *dir = opendir(d->state);
    const struct dirent *entry;
    char path[PATH_MAX];
    int r = tree_remove(d->data, err);

    while (r == 0 && dir && (entry = readdir(dir))) {
        if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..") ||
            text_equal(entry->d_name, "lock"))
            continue;
        r = demo_place_state(d, entry->d_name, path, err);
        if (r == 0)
            r = tree_remove(path, err);
    }
    if (dir)
        closedir(dir);
    return r < 0 ? r : demo_place_make(d, err);
}

int demo_place_remove(struct demo *d, struct err *err)
{
    int r = tree_remove(d->data, err);

    /* The lock is in it, and ours until we end. */
    if (r == 0)
        r = tree_remove(d->state, err);
    if (r < 0)
        return r;
    remove_parent(d->data);
    remove_parent(d->state);
    return 0;
}
