/* SPDX-License-Identifier: Apache-2.0 */
/* Who is calling, and may they: client certificates of agents, bearer tokens of operators. */
#ifndef GODWIT_PLANNER_SERVICE_API_AUTH_H
#define GODWIT_PLANNER_SERVICE_API_AUTH_H

#include "planner/service/service.h"

/*
 * Fill who for the route's scope. -EACCES (GW_API_AUTH: no or a wrong credential), -EPERM
 * (GW_API_FORBIDDEN: it does not reach so far; GW_IDENTITY_TWICE: quarantine).
 */
int api_auth(struct api_call *call, const struct api_route *route, char *out_who, size_t size,
             struct err *err);

#endif
