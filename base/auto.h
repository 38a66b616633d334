/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup attributes for locals; each owning type adds its own auto_x beside its declaration. */
#ifndef GODWIT_BASE_AUTO_H
#define GODWIT_BASE_AUTO_H

#include <stdlib.h>
#include <unistd.h>

#define AUTO(fn) __attribute__((cleanup(fn)))

/* Move a pointer out of a local that would be cleaned up. */
#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __auto_type take_ = (p);                                                                   \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void auto_free_(void *p)
{
    free(*(void **)p);
}
#define auto_free AUTO(auto_free_)

static inline void auto_close_(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define auto_close AUTO(auto_close_)

#endif
