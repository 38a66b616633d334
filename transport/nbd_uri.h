/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of NBD exports: URIs as https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md
 * has them, with three parameters of our own that the server is not told of:
 *
 *   bitmap=NAME  a dirty bitmap of the export that records, and that nobody clears
 *   qmp=PATH     the monitor of the QEMU that serves it: then we keep a bitmap of our own
 *   node=NAME    its block node there; the name of the export when absent
 */
#ifndef GODWIT_TRANSPORT_NBD_URI_H
#define GODWIT_TRANSPORT_NBD_URI_H

#include <stdbool.h>

struct err;

enum { NBD_URI_MAX = 1024, NBD_URI_NAME_MAX = 256 };

struct nbd_uri {
    char plain[NBD_URI_MAX]; /* without what is ours */
    char bitmap[NBD_URI_NAME_MAX];
    char qmp[NBD_URI_NAME_MAX];
    char node[NBD_URI_NAME_MAX]; /* "" when it was not given */
};

/* nbd://, nbds://, nbd+unix://, nbds+unix://, nbd+vsock://, nbds+vsock:// */
bool nbd_uri_is(const char *text);
/* -EINVAL: too long, or a parameter that cannot be. */
int nbd_uri_parse(const char *text, struct nbd_uri *ret, struct err *err);

#endif
