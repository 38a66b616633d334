/* SPDX-License-Identifier: Apache-2.0 */
/* The planner's own certificate: signed by its CA, renewed by itself at start when it is old. */
#ifndef GODWIT_PLANNER_SERVICE_SERVER_CERT_H
#define GODWIT_PLANNER_SERVICE_SERVER_CERT_H

#include "planner/service/service_own.h"

/* STATE/server.pem and server.key, made anew when absent, past half their life, or for another
 * listen address. */
int server_cert_load(struct service_own *own, struct cert_server **ret, struct err *err);
/* When the certificate on disk ends. */
int server_cert_until(const struct service_own *own, uint64_t *ret_ms, struct err *err);

#endif
