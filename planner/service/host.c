/* SPDX-License-Identifier: Apache-2.0 */
/* Finding hosts by what people and agents call them. */
#include "planner/service/host.h"

#include "planner/service/db_host.h"

#include "base/banned.h"

int host_find_name(struct service *svc, const char *name, struct host *ret, struct err *err)
{
    return db_host_find(svc->db, "name", name, ret, err);
}

int host_find(struct service *svc, const char *name_or_identity, struct host *ret, struct err *err)
{
    int r;

    r = host_find_name(svc, name_or_identity, ret, err);
    if (r == -ENOENT)
        r = db_host_find(svc->db, "identity", name_or_identity, ret, err);
    return r;
}
