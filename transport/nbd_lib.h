/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libnbd that we call, loaded when the first NBD export is opened: the library
 * brings XML and Unicode with it. */
#ifndef GODWIT_TRANSPORT_NBD_LIB_H
#define GODWIT_TRANSPORT_NBD_LIB_H

#ifdef HAVE_LIBNBD
#include <libnbd.h>

struct err;

/* X(create) is nbd_create. */
#define NBD_LIB_FUNCTIONS(X)                                                                       \
    X(add_meta_context)                                                                            \
    X(aio_block_status)                                                                            \
    X(aio_connect_uri)                                                                             \
    X(aio_disconnect)                                                                              \
    X(aio_flush)                                                                                   \
    X(aio_get_direction)                                                                           \
    X(aio_get_fd)                                                                                  \
    X(aio_is_closed)                                                                               \
    X(aio_is_connecting)                                                                           \
    X(aio_is_dead)                                                                                 \
    X(aio_is_negotiating)                                                                          \
    X(aio_is_ready)                                                                                \
    X(aio_notify_read)                                                                             \
    X(aio_notify_write)                                                                            \
    X(aio_opt_go)                                                                                  \
    X(aio_pread)                                                                                   \
    X(aio_pwrite)                                                                                  \
    X(aio_zero)                                                                                    \
    X(can_flush)                                                                                   \
    X(can_meta_context)                                                                            \
    X(can_zero)                                                                                    \
    X(close)                                                                                       \
    X(create)                                                                                      \
    X(get_block_size)                                                                              \
    X(get_errno)                                                                                   \
    X(get_error)                                                                                   \
    X(get_export_name)                                                                             \
    X(get_size)                                                                                    \
    X(is_read_only)                                                                                \
    X(poll)                                                                                        \
    X(set_export_name)                                                                             \
    X(set_full_info)                                                                               \
    X(set_opt_mode)                                                                                \
    X(set_uri_allow_local_file)

struct nbd_lib {
#define NBD_LIB_MEMBER(name) __typeof__(nbd_##name) *name;
    NBD_LIB_FUNCTIONS(NBD_LIB_MEMBER)
#undef NBD_LIB_MEMBER
};

/* Errors of dl_open. */
int nbd_lib_open(struct nbd_lib *lib, struct err *err);

#endif
#endif
