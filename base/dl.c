/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen and dlsym. */
#include "base/dl.h"

#include "base/err.h"
#include "base/fail.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/banned.h"

int dl_open(const char *file, const char *package, const struct dl_function *functions, size_t n,
            void *table, struct err *err)
{
    void *handle = failpoint("dl_open") < 0 ? NULL : dlopen(file, RTLD_NOW | RTLD_NODELETE);

    if (!handle)
        return err_set(err, -EOPNOTSUPP, "%s cannot be loaded; it is in the package %s", file,
                       package);
    for (size_t i = 0; i < n; i++) {
        void *found = dlsym(handle, functions[i].name);

        if (!found)
            return err_set(err, -EOPNOTSUPP, "%s has no %s", file, functions[i].name);
        memcpy((char *)table + functions[i].at, &found, sizeof(found));
    }
    return 0;
}
