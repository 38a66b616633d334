/* SPDX-License-Identifier: Apache-2.0 */
/* Making a planner from nothing: CA, keys, database, the first operator's token, client file. */
#ifndef GODWIT_PLANNER_SERVICE_INIT_H
#define GODWIT_PLANNER_SERVICE_INIT_H

#include "planner/service/service_own.h"

/*
 * Make what is missing of conf->state_dir; what is there stays as it is, so it can be run again.
 * client_file (or NULL) gets {"server", "ca_file", "ca_pin", "token_file"}.
 */
int init_run(const struct service_conf *conf, const char *client_file, struct err *err);

/* The client file alone, for a planner that listens at own->address and port. */
int init_write_client(const struct service_own *own, const char *client_file, struct err *err);

#endif
