/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor of a QEMU (or of qemu-storage-daemon), as far as dirty bitmaps need it: one command
 * after the other on a socket, https://www.qemu.org/docs/master/interop/qmp-spec.html. Not
 * thread-safe.
 */
#ifndef GODWIT_TRANSPORT_QMP_H
#define GODWIT_TRANSPORT_QMP_H

#include "base/auto.h"

struct err;
struct js;
struct jsw;
struct qmp;

/* A monitor serves one client: connect, ask, leave. -ETIMEDOUT after 10 s without an answer. */
int qmp_open(const char *path, struct qmp **ret, struct err *err);
void qmp_close(struct qmp *q);
static inline void qmp_closep(struct qmp **q)
{
    qmp_close(*q);
}
#define auto_qmp AUTO(qmp_closep)

/* Write the members of "arguments". NULL: there are none. */
typedef void (*qmp_arguments_fn)(void *arg, struct jsw *w);
/* *ret (or NULL) is the value of "return". -EREMOTEIO: the monitor refused, err has its words. */
int qmp_execute(struct qmp *q, const char *command, qmp_arguments_fn arguments, void *arg,
                struct js **ret, struct err *err);

#endif
