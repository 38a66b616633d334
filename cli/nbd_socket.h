/* SPDX-License-Identifier: Apache-2.0 */
/* A listening socket for an NBD server that is started with it: who is told of the address can
 * connect at once, whether the server is ready yet or not. */
#ifndef GODWIT_CLI_NBD_SOCKET_H
#define GODWIT_CLI_NBD_SOCKET_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { NBD_SOCKET_URI_MAX = 512 };

/* At path, for this user alone; what a dead server left there is removed. -EADDRINUSE (GW_IN_USE)
 * somebody answers there; -EEXIST (GW_IN_USE) it is no socket. uri has NBD_SOCKET_URI_MAX. */
int nbd_socket_unix(const char *path, int *ret_fd, char *uri, struct err *err);
/* On 127.0.0.1; port 0 takes a free one. -EADDRINUSE (GW_IN_USE), -EACCES. */
int nbd_socket_tcp(uint16_t port, int *ret_fd, char *uri, struct err *err);

#endif
