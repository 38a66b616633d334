/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets are references, never values: file:/p, cred:NAME (systemd), env:VAR, cmd:PROGRAM ARGS. */
#ifndef GODWIT_BASE_SECRET_H
#define GODWIT_BASE_SECRET_H

#include "base/buf.h"

/*
 * Read the secret that ref names; one trailing newline is dropped. Text without
 * ':', or that begins with '/', is taken as file:. A file that others can read is refused (-EPERM).
 * Wipe out after use (crypto_wipe). -EINVAL on an unknown form.
 */
int secret_load(const char *ref, struct buf *out, struct err *err);

#endif
