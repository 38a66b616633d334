/* SPDX-License-Identifier: Apache-2.0 */
/* dlopen of libnbd. Its header is of build time, its file of run time: the same ABI, by its name.
 */
#include "transport/nbd_lib.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fail.h"

#ifdef HAVE_LIBNBD

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "base/banned.h"

#define NBD_LIB_FILE "libnbd.so.0"

static const struct {
    const char *name;
    size_t at;
} functions[] = {
#define NBD_LIB_ROW(name) {"nbd_" #name, offsetof(struct nbd_lib, name)},
    NBD_LIB_FUNCTIONS(NBD_LIB_ROW)
#undef NBD_LIB_ROW
};

static int find_all(struct nbd_lib *lib, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        void *found = dlsym(lib->handle, functions[i].name);

        if (!found)
            return err_set(err, -EOPNOTSUPP, NBD_LIB_FILE " has no %s", functions[i].name);
        memcpy((char *)lib + functions[i].at, &found, sizeof(found));
    }
    return 0;
}

int nbd_lib_open(struct nbd_lib *lib, struct err *err)
{
    int rc = failpoint("nbd_lib_open");

    /* Never unloaded: it keeps what its threads said in places that outlive a handle. */
    if (rc == 0)
        lib->handle = dlopen(NBD_LIB_FILE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!lib->handle)
        return err_set(err, -EOPNOTSUPP, "%s cannot be loaded; it is in the package libnbd0",
                       NBD_LIB_FILE);
    rc = find_all(lib, err);
    if (rc < 0)
        nbd_lib_close(lib);
    return rc;
}

void nbd_lib_close(struct nbd_lib *lib)
{
    if (lib->handle)
        (void)dlclose(lib->handle);
    lib->handle = NULL;
}
#endif
