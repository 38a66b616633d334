/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the functions, and where their pointers go. */
#include "transport/nbd_lib.h"

#include "base/auto.h"
#include "base/dl.h"

#ifdef HAVE_LIBNBD

#include "base/banned.h"

static const struct dl_function functions[] = {
#define NBD_LIB_ROW(name) {"nbd_" #name, offsetof(struct nbd_lib, name)},
    NBD_LIB_FUNCTIONS(NBD_LIB_ROW)
#undef NBD_LIB_ROW
};

int nbd_lib_open(struct nbd_lib *lib, struct err *err)
{
    return dl_open("libnbd.so.0", "libnbd0", functions, ARRAY_LEN(functions), lib, err);
}
#endif
