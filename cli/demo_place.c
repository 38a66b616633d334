/* SPDX-License-Identifier: Apache-2.0 */
/* Directories and programs of the demonstration. */
#include "cli/demo.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/tree.h"

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

static bool try_program(const char *dir, const char *name, char out[static PATH_MAX])
{
    return text_print(out, PATH_MAX, "%s/%s", dir, name) == 0 && access(out, X_OK) == 0;
}

/* A build tree has them side by side; an installation in their own directories. */
static int find_program(const char *name, const char *installed, char out[static PATH_MAX],
                        struct err *err)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    if (n > 0) {
        self[n] = '\0';
        slash = strrchr(self, '/');
        if (slash)
            *slash = '\0';
        if (try_program(self, name, out))
            return 0;
    }
    if (try_program(installed, name, out))
        return 0;
    return err_set_gw(err, GW_NOT_FOUND, -ENOENT, "%s is neither beside this program nor in %s",
                      name, installed);
}

/* Tools of file systems are often outside an ordinary user's PATH. */
static int find_tool(const char *name, char out[static PATH_MAX], struct err *err)
{
    const char *path = getenv("PATH");
    auto_vec char **dirs = NULL;
    char all[8192];
    int r = text_print(all, sizeof(all), "%s:/usr/sbin:/sbin:/usr/local/sbin", path ? path : "");

    if (r == 0)
        r = text_split(all, ":", &dirs, err);
    for (size_t i = 0; r == 0 && dirs[i]; i++) {
        if (try_program(dirs[i], name, out))
            return 0;
    }
    return err_set_gw(err, GW_NOT_FOUND, -ENOENT,
                      "%s is not installed; the demo makes its volume with it (apt install "
                      "e2fsprogs)",
                      name);
}

int demo_place_programs(struct demo *d, struct err *err)
{
    int r = find_program("godwitd", GODWIT_SBINDIR, d->godwitd, err);

    if (r == 0)
        r = find_program("godwit-agent", GODWIT_SBINDIR, d->agent, err);
    if (r == 0)
        r = find_program("godwit-demo-ledger", GODWIT_PKGLIBEXECDIR, d->ledger, err);
    if (r == 0)
        r = find_tool("mke2fs", d->mke2fs, err);
    if (r == 0)
        r = find_tool("debugfs", d->debugfs, err);
    if (r == 0)
        r = find_tool("e2fsck", d->e2fsck, err);
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
    if (r == 0)
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
