/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen and dlsym. */
#include "base/dl.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/gw.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/banned.h"

int dl_open(const char *file, const char *package, const struct dl_function *functions, size_t n,
            void *table, struct err *err)
{
    void *handle = failpoint("dl_open") < 0 ? NULL : dlopen(file, RTLD_NOW | RTLD_NODELETE);

    if (!handle)
        return err_set_gw(err, GW_NOT_FOUND, -EOPNOTSUPP, "%s is not installed (apt install %s)",
                          file, package);
    for (size_t i = 0; i < n; i++) {
        void *found = dlsym(handle, functions[i].name);

        if (!found)
            return err_set_gw(err, GW_NOT_FOUND, -EOPNOTSUPP, "%s has no %s: another one is needed",
                              file, functions[i].name);
        memcpy((char *)table + functions[i].at, &found, sizeof(found));
    }
    return 0;
}
