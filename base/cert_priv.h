/* SPDX-License-Identifier: Apache-2.0 */
/* What cert.c (certificates) and cert_tls.c (contexts) share of OpenSSL; only theirs. */
#ifndef GODWIT_BASE_CERT_PRIV_H
#define GODWIT_BASE_CERT_PRIV_H

#include "base/cert.h"

#include <openssl/bio.h>

/* Report what OpenSSL says of its newest failure; its queue is left empty. Returns code. */
int cert_fail(struct err *err, int code, const char *what);
/* A reader of pem (lent), NULL when it is empty, too long, or there is no memory. */
BIO *cert_bio(struct slice pem);
/* Password callback that has none: an encrypted key must not make a daemon ask its terminal. */
int cert_no_password(char *out, int size, int writing, void *arg);

#endif
