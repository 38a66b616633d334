/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for programs; nothing is run here. */
#include "cli/program.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include "base/banned.h"

enum { DIRS_MAX = 8192 };

static bool try_dir(const char *dir, const char *name, char out[static PATH_MAX])
{
    return text_print(out, PATH_MAX, "%s/%s", dir, name) == 0 && access(out, X_OK) == 0;
}

int program_find(const char *name, const char *installed, char out[static PATH_MAX],
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
        if (try_dir(self, name, out))
            return 0;
    }
    if (try_dir(installed, name, out))
        return 0;
    return err_set_gw(err, GW_NOT_FOUND, -ENOENT, "%s is neither beside this program nor in %s",
                      name, installed);
}

/* Tools of file systems are often outside an ordinary user's PATH. */
int program_find_tool(const char *name, const char *what, const char *package,
                      char out[static PATH_MAX], struct err *err)
{
    const char *path = getenv("PATH");
    auto_vec char **dirs = NULL;
    char all[DIRS_MAX];
    int r = text_print(all, sizeof(all), "%s:/usr/sbin:/sbin:/usr/local/sbin", path ? path : "");

    if (r == 0)
        r = text_split(all, ":", &dirs, err);
    for (size_t i = 0; r == 0 && dirs[i]; i++) {
        if (try_dir(dirs[i], name, out))
            return 0;
    }
    return err_set_gw(err, GW_NOT_FOUND, -ENOENT,
                      "%s is not installed; %s needs it (apt install %s)", name, what, package);
}
